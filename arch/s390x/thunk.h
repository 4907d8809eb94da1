/* SPDX-License-Identifier: MIT */
/*
 * The thunks of calls that the compiler does not see, s390x: how one begins and
 * ends.
 *
 * A leaf function's return address may be in r14 all along, so a site comes with
 * the place to come back to in r1.  The thunk's frame description says so (its
 * return column is r1).  The caller's function has one description for all of its
 * cold block and does not know that the stack has moved by SJ_ROOM bytes; the
 * thunk's says where it was.  Only within the few instructions around the branch
 * in the caller, where nobody else runs but a profiler or a debugger that steps,
 * a description by r15 is off by these.
 */
#ifndef SIDE_JMP_ARCH_S390X_THUNK_H
#define SIDE_JMP_ARCH_S390X_THUNK_H

/*
 * r15: nothing, function or event, a_1 ... a_6, as many as there are; so one thunk
 * does for every n.  All begin and end alike: general registers are kept, and r11
 * holds the frame, SJ_FRAME bytes below that: a register save area and back chain
 * for who is called, r1, r2 to r6, r11, r14.  A CFA is 160 above its stack pointer,
 * which the escape says (DW_CFA_val_offset, r15, 20 * -8).
 */
#define SJ_THUNKS(...) __asm__( \
"	.pushsection .text, \"ax\", @progbits\n" \
"	.set	SJ_ROOM, 64\n" \
"	.set	SJ_FRAME, 224\n" \
"	.set	SJ_CFA, SJ_FRAME + SJ_ROOM + 160\n" \
"	.macro	sj_thunk_label name, n\n" \
"	.globl	\\name\\n\n" \
SJ_THUNK_SEEN("\\name\\n") \
"	.type	\\name\\n, @function\n" \
"\\name\\n:\n" \
"	.endm\n" \
"	.macro	sj_thunk name\n" \
"	.p2align 3\n" \
"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n" \
"	sj_thunk_label \\name, \\n\n" \
"	.endr\n" \
"	.cfi_startproc\n" \
"	.cfi_return_column %r1\n" \
"	.cfi_def_cfa %r15, SJ_ROOM + 160\n" \
"	.cfi_escape 0x14, 15, 20\n" \
"	lay	%r15, -SJ_FRAME(%r15)\n" \
"	.cfi_def_cfa_offset SJ_CFA\n" \
"	stmg	%r1, %r6, 160(%r15)\n" \
"	stg	%r11, 208(%r15)\n" \
"	stg	%r14, 216(%r15)\n" \
"	.set	SJ_at, 160\n" \
"	.irp	r, %r1, %r2, %r3, %r4, %r5, %r6, %r11, %r14\n" \
"	.cfi_offset \\r, SJ_at - SJ_CFA\n" \
"	.set	SJ_at, SJ_at + 8\n" \
"	.endr\n" \
"	la	%r1, SJ_FRAME + SJ_ROOM(%r15)\n" \
"	stg	%r1, 0(%r15)\n" \
"	lgr	%r11, %r15\n" \
"	.cfi_def_cfa_register %r11\n" \
"	.endm\n" \
"	.macro	sj_thunk_end name\n" \
"	lgr	%r15, %r11\n" \
"	.cfi_def_cfa_register %r15\n" \
"	lg	%r14, 216(%r15)\n" \
"	lg	%r11, 208(%r15)\n" \
"	lmg	%r1, %r6, 160(%r15)\n" \
"	.irp	r, %r1, %r2, %r3, %r4, %r5, %r6, %r11, %r14\n" \
"	.cfi_restore \\r\n" \
"	.endr\n" \
"	la	%r15, SJ_FRAME(%r15)\n" \
"	.cfi_def_cfa_offset SJ_ROOM + 160\n" \
"	br	%r1\n" \
"	.cfi_endproc\n" \
"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n" \
"	.size	\\name\\n, . - \\name\\n\n" \
"	.endr\n" \
"	.endm\n" \
__VA_ARGS__ \
"	.purgem	sj_thunk_label\n" \
"	.purgem	sj_thunk\n" \
"	.purgem	sj_thunk_end\n" \
"	.popsection\n");

/* side_jmp_event_<n>(): `function`(event, a). */
#define SJ_EVENT_THUNKS(function) SJ_THUNKS( \
"	.hidden	" function "\n" \
"	sj_thunk side_jmp_event_\n" \
"	lg	%r2, SJ_FRAME + 8(%r11)\n" \
"	la	%r3, SJ_FRAME + 16(%r11)\n" \
"	larl	%r1, " function "\n" \
"	brasl	%r14, sj_call_saving_vectors\n" \
"	sj_thunk_end side_jmp_event_\n")

#endif
