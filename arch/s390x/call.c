/* SPDX-License-Identifier: MIT */
/*
 * Calls that the compiler does not see, s390x: the other side of
 * SIDE_JMP_ARCH_CALL in site.h, which says what stands on the stack.
 *
 * side_jmp_call_<n>() calls the function with the n values as its arguments and
 * returns with every register as it was, condition code apart: general ones, access
 * registers, those of floating point, vectors where the processor has them, for the
 * code around may have been compiled for more than this file.  Not saved: what
 * the ABI has every function keep (the rounding mode); FPC's flags.
 */
#include "arch/arch.h"	/* which declares something, if not this port */
#include "arch/thunk.h"

#if defined(__s390x__) && SIDE_JMP_ARCH_HAS_CALL

/* Which registers there are, or 0 before somebody has looked; any thread writes
   what any other would. */
#define SJ_CALL_FLOATS	"1"
#define SJ_CALL_VECTORS	"2"

#define SJ_CALL_EACH_FLOAT(what) \
	"	.set	SJ_at, 240\n" \
	"	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n" \
	"	" what "	%f\\r, SJ_at(%r15)\n" \
	"	.set	SJ_at, SJ_at + 8\n" \
	"	.endr\n"

__asm__(
"	.pushsection .text, \"ax\", @progbits\n"
"	.machine push\n"
"	.machine z13\n"
"	.local	sj_call_class\n"
"	.comm	sj_call_class, 4, 4\n"

/*
 * r1: the function; r2 to r6, r0: its arguments.  The frame: a register save area,
 * the sixth argument (160), a2 to a15 (176), vectors (240).
 */
"	.globl	sj_call_saving_vectors\n"
"	.hidden	sj_call_saving_vectors\n"
"	.type	sj_call_saving_vectors, @function\n"
"	.p2align 3\n"
"sj_call_saving_vectors:\n"
"	.cfi_startproc\n"
"	stmg	%r11, %r15, 88(%r15)\n"
"	.set	SJ_at, 88 - 160\n"
"	.irp	r, %r11, %r12, %r13, %r14, %r15\n"
"	.cfi_offset \\r, SJ_at\n"
"	.set	SJ_at, SJ_at + 8\n"
"	.endr\n"
"	lgr	%r11, %r15\n"
"	lay	%r15, -240 - 32 * 16(%r15)\n"
"	.cfi_def_cfa_offset 160 + 240 + 32 * 16\n"
"	stg	%r11, 0(%r15)\n"
"	stg	%r0, 160(%r15)\n"
"	stam	%a2, %a15, 176(%r15)\n"
"sj_call_by_class:\n"
"	lrl	%r14, sj_call_class\n"
"	chi	%r14, " SJ_CALL_FLOATS "\n"
"	jl	sj_call_look\n"
"	jh	sj_call_vectors\n"
	SJ_CALL_EACH_FLOAT("std")
"	basr	%r14, %r1\n"
	SJ_CALL_EACH_FLOAT("ld")
"sj_call_end:\n"
"	lam	%a2, %a15, 176(%r15)\n"
"	.cfi_remember_state\n"
"	lmg	%r11, %r15, 240 + 32 * 16 + 88(%r15)\n"
"	.irp	r, %r11, %r12, %r13, %r14, %r15\n"
"	.cfi_restore \\r\n"
"	.endr\n"
"	.cfi_def_cfa_offset 160\n"
"	br	%r14\n"
"	.cfi_restore_state\n"

"sj_call_vectors:\n"
"	vstm	%v0, %v15, 240(%r15)\n"
"	vstm	%v16, %v31, 240 + 16 * 16(%r15)\n"
"	basr	%r14, %r1\n"
"	vlm	%v0, %v15, 240(%r15)\n"
"	vlm	%v16, %v31, 240 + 16 * 16(%r15)\n"
"	j	sj_call_end\n"

/* AT_HWCAP (16), HWCAP_S390_VXRS (1 << 11).  getauxval() walks a list in general
   registers; it is called by the GOT and not by way of the dynamic loader. */
"sj_call_look:\n"
"	stmg	%r1, %r6, 240(%r15)\n"
"	lghi	%r2, 16\n"
"	lgrl	%r1, getauxval" SIDE_JMP_S390X_GOT "\n"
"	basr	%r14, %r1\n"
"	risbg	%r2, %r2, 63, 128 + 63, 64 - 11\n"
"	ahi	%r2, 1\n"
"	strl	%r2, sj_call_class\n"
"	lmg	%r1, %r6, 240(%r15)\n"
"	j	sj_call_by_class\n"
"	.cfi_endproc\n"
"	.size	sj_call_saving_vectors, . - sj_call_saving_vectors\n"
"	.machine pop\n"
"	.popsection\n");

/* Arguments: five in registers, the sixth on the stack.  Those that nobody gave are
   whatever is there. */
SJ_THUNKS(
"	sj_thunk side_jmp_call_\n"
"	lg	%r1, SJ_FRAME + 8(%r11)\n"
"	lmg	%r2, %r6, SJ_FRAME + 16(%r11)\n"
"	lg	%r0, SJ_FRAME + 56(%r11)\n"
"	brasl	%r14, sj_call_saving_vectors\n"
"	sj_thunk_end side_jmp_call_\n")

#endif
