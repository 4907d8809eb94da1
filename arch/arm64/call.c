/* SPDX-License-Identifier: MIT */
/*
 * Calls that the compiler does not see, arm64: the other side of
 * SIDE_JMP_ARCH_CALL in site.h, which says what stands on the stack.
 *
 * side_jmp_call_<n>() calls the function with the n values as its arguments and
 * returns with every register as it was, flags apart: general ones and vectors,
 * SVE's in all the width that the processor has, with predicates and FFR, for the
 * code around may have been compiled for more than this file.  Not saved: what
 * the ABI has every function keep (FPCR); FPSR's flags, which add up; SME's state.
 */
#include "arch/arch.h"	/* which declares something, if not this port */
#include "arch/thunk.h"

#if defined(__aarch64__) && SIDE_JMP_ARCH_HAS_CALL

/* Which vectors there are, or 0 before somebody has looked; any thread writes
   what any other would. */
#define SJ_CALL_NEON	"1"
#define SJ_CALL_SVE	"2"

#define SJ_CALL_0_TO_15	"0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"
#define SJ_CALL_TO_31	SJ_CALL_0_TO_15 ", 16, 17, 18, 19, 20, 21, 22, 23, " \
			"24, 25, 26, 27, 28, 29, 30, 31"

#define SJ_CALL_TWO(what, a, b) \
	"	" what "	q" #a ", q" #b ", [sp, #16 * " #a "]\n"
#define SJ_CALL_NEONS(what) \
	SJ_CALL_TWO(what, 0, 1) SJ_CALL_TWO(what, 2, 3) SJ_CALL_TWO(what, 4, 5) \
	SJ_CALL_TWO(what, 6, 7) SJ_CALL_TWO(what, 8, 9) SJ_CALL_TWO(what, 10, 11) \
	SJ_CALL_TWO(what, 12, 13) SJ_CALL_TWO(what, 14, 15) SJ_CALL_TWO(what, 16, 17) \
	SJ_CALL_TWO(what, 18, 19) SJ_CALL_TWO(what, 20, 21) SJ_CALL_TWO(what, 22, 23) \
	SJ_CALL_TWO(what, 24, 25) SJ_CALL_TWO(what, 26, 27) SJ_CALL_TWO(what, 28, 29) \
	SJ_CALL_TWO(what, 30, 31)

/* The room: 32 vectors, two vectors' length of predicates, FFR in one more. */
#define SJ_CALL_SVES(what) \
	"	.irp	r, " SJ_CALL_TO_31 "\n" \
	"	" what "	z\\r, [sp, #\\r, mul vl]\n" \
	"	.endr\n"
#define SJ_CALL_PREDICATES(what) \
	"	.irp	r, " SJ_CALL_0_TO_15 "\n" \
	"	" what "	p\\r, [x10, #\\r, mul vl]\n" \
	"	.endr\n"

__asm__(
"	.pushsection .text, \"ax\", %progbits\n"
"	.arch_extension sve\n"
"	.local	sj_call_class\n"
"	.comm	sj_call_class, 4, 4\n"

/* x9: the function; x0, x1...: its arguments. */
"	.globl	sj_call_saving_vectors\n"
"	.hidden	sj_call_saving_vectors\n"
"	.type	sj_call_saving_vectors, %function\n"
"	.p2align 4\n"
"sj_call_saving_vectors:\n"
"	.cfi_startproc\n"
"	stp	x29, x30, [sp, #-16]!\n"
"	.cfi_def_cfa_offset 16\n"
"	.cfi_offset x29, -16\n"
"	.cfi_offset x30, -8\n"
"	mov	x29, sp\n"
"	.cfi_def_cfa_register x29\n"
"sj_call_by_class:\n"
"	adrp	x10, sj_call_class\n"
"	ldr	w11, [x10, #:lo12:sj_call_class]\n"
"	cmp	w11, #" SJ_CALL_NEON "\n"
"	b.lo	sj_call_look\n"
"	b.hi	sj_call_sve\n"
"	sub	sp, sp, #16 * 32\n"
	SJ_CALL_NEONS("stp")
"	blr	x9\n"
	SJ_CALL_NEONS("ldp")
"sj_call_end:\n"
"	mov	sp, x29\n"
"	.cfi_remember_state\n"
"	.cfi_def_cfa_register sp\n"
"	ldp	x29, x30, [sp], #16\n"
"	.cfi_restore x29\n"
"	.cfi_restore x30\n"
"	.cfi_def_cfa_offset 0\n"
"	ret\n"
"	.cfi_restore_state\n"

"sj_call_sve:\n"
"	addvl	sp, sp, #-32\n"
	SJ_CALL_SVES("str")
"	addvl	sp, sp, #-3\n"
"	addvl	x10, sp, #1\n"
	SJ_CALL_PREDICATES("str")
"	rdffr	p0.b\n"
"	str	p0, [sp]\n"
"	blr	x9\n"
"	ldr	p0, [sp]\n"
"	wrffr	p0.b\n"
"	addvl	x10, sp, #1\n"
	SJ_CALL_PREDICATES("ldr")
"	addvl	sp, sp, #3\n"
	SJ_CALL_SVES("ldr")
"	b	sj_call_end\n"

/*
 * AT_HWCAP (16), HWCAP_SVE (1 << 22): Linux, Documentation/arch/arm64/
 * elf_hwcaps.rst.  A system call would do, too, but may lose what SVE's registers
 * have beyond 128 bits.  getauxval() walks a list in general registers; it is
 * called by the GOT and not by way of the dynamic loader.
 */
"sj_call_look:\n"
"	sub	sp, sp, #64\n"
"	stp	x0, x1, [sp]\n"
"	stp	x2, x3, [sp, #16]\n"
"	stp	x4, x5, [sp, #32]\n"
"	str	x9, [sp, #48]\n"
"	mov	x0, #16\n"
"	adrp	x10, :got:getauxval\n"
"	ldr	x10, [x10, #:got_lo12:getauxval]\n"
"	blr	x10\n"
"	ubfx	x11, x0, #22, #1\n"
"	add	w11, w11, #1\n"
"	adrp	x10, sj_call_class\n"
"	str	w11, [x10, #:lo12:sj_call_class]\n"
"	ldp	x0, x1, [sp]\n"
"	ldp	x2, x3, [sp, #16]\n"
"	ldp	x4, x5, [sp, #32]\n"
"	ldr	x9, [sp, #48]\n"
"	add	sp, sp, #64\n"
"	b	sj_call_by_class\n"
"	.cfi_endproc\n"
"	.size	sj_call_saving_vectors, . - sj_call_saving_vectors\n"
"	.arch_extension nosve\n"
"	.popsection\n");

/* Arguments: AAPCS64, 6.8.2.  Those that nobody gave are whatever is there. */
SJ_THUNKS(
"	sj_thunk side_jmp_call_\n"
"	ldr	x9, [x29, #SJ_FRAME + 8]\n"
"	ldp	x0, x1, [x29, #SJ_FRAME + 16]\n"
"	ldp	x2, x3, [x29, #SJ_FRAME + 32]\n"
"	ldp	x4, x5, [x29, #SJ_FRAME + 48]\n"
"	bl	sj_call_saving_vectors\n"
"	sj_thunk_end side_jmp_call_\n")

#endif
