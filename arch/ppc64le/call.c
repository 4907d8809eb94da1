/* SPDX-License-Identifier: MIT */
/*
 * Calls that the compiler does not see, ppc64le: the other side of
 * SIDE_JMP_ARCH_CALL in site.h, which says what stands on the stack.
 *
 * side_jmp_call_<n>() calls the function with the n values as its arguments and
 * returns with every register as it was: general ones, LR, CR, XER, CTR, and the
 * vector-scalar ones, VSX being in every processor of this ABI (ELFv2, 1.2.1: ISA
 * 2.07).  Not saved: what the ABI has every function keep (v20 to v31, the control
 * bits of FPSCR and VSCR); their flags, which add up.
 */
#include "arch/arch.h"	/* which declares something, if not this port */
#include "arch/thunk.h"

#if defined(__powerpc64__) && SIDE_JMP_ARCH_HAS_CALL

/* vs0 to vs31, half of each a double, and v0 to v19; at r9. */
#define SJ_CALL_VECTORS(what) \
	"	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, " \
			"17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, " \
			"32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, " \
			"47, 48, 49, 50, 51\n" \
	"	" what "	\\r, 0, 9\n" \
	"	addi	9, 9, 16\n" \
	"	.endr\n"

__asm__(
"	.pushsection .text, \"ax\", @progbits\n"

/*
 * r12: the function; r3 to r8: its arguments.  The frame: a header, room for eight
 * parameters (32), which whoever is called without a prototype may use, vectors (96).
 */
"	.globl	sj_call_saving_vectors\n"
"	.hidden	sj_call_saving_vectors\n"
"	.type	sj_call_saving_vectors, @function\n"
"	.p2align 4\n"
"sj_call_saving_vectors:\n"
"	.cfi_startproc\n"
"	mflr	0\n"
"	std	0, 16(1)\n"
"	.cfi_offset 65, 16\n"
"	stdu	1, -96 - 52 * 16(1)\n"
"	.cfi_def_cfa_offset 96 + 52 * 16\n"
"	addi	9, 1, 96\n"
	SJ_CALL_VECTORS("stxvd2x")
"	mtctr	12\n"
"	bctrl\n"
"	addi	9, 1, 96\n"
	SJ_CALL_VECTORS("lxvd2x")
"	addi	1, 1, 96 + 52 * 16\n"
"	.cfi_def_cfa_offset 0\n"
"	ld	0, 16(1)\n"
"	mtlr	0\n"
"	.cfi_restore 65\n"
"	blr\n"
"	.cfi_endproc\n"
"	.size	sj_call_saving_vectors, . - sj_call_saving_vectors\n"
"	.popsection\n");

/* Arguments: ELFv2 ABI, 2.2.3.  Those that nobody gave are whatever is there. */
SJ_THUNKS(
"	sj_thunk side_jmp_call_\n"
"	ld	12, SJ_FRAME + 32(1)\n"
"	.set	SJ_at, SJ_FRAME + 40\n"
"	.irp	r, 3, 4, 5, 6, 7, 8\n"
"	ld	\\r, SJ_at(1)\n"
"	.set	SJ_at, SJ_at + 8\n"
"	.endr\n"
"	bl	sj_call_saving_vectors\n"
"	sj_thunk_end side_jmp_call_\n")

#endif
