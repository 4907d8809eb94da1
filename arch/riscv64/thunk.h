/* SPDX-License-Identifier: MIT */
/*
 * The thunks of calls that the compiler does not see, riscv64: how one begins and
 * ends.
 *
 * A leaf function's return address may be in ra all along, so nothing here is
 * called by it: a site jumps with the place to come back to in t0.  The thunk's
 * frame description says so (its return column is t0), and its frame record has
 * that place above the caller's s0, so chains of frame pointers hold, too.  The
 * caller's function has one description for all of its cold block and does not
 * know that the stack has moved by SJ_ROOM bytes; the thunk's says where it was.
 * Only within the few instructions around the jump in the caller, where nobody
 * else runs but a profiler or a debugger that steps, a description by sp is off by
 * these.
 */
#ifndef SIDE_JMP_ARCH_RISCV64_THUNK_H
#define SIDE_JMP_ARCH_RISCV64_THUNK_H

/*
 * sp: nothing, function or event, a_1 ... a_6, as many as there are; so one thunk
 * does for every n.  All begin and end alike: general registers are kept, and s0
 * holds where the stack pointer was, SJ_FRAME bytes above the frame's end.
 */
#define SJ_THUNKS(...) __asm__( \
"	.pushsection .text, \"ax\", %progbits\n" \
"	.set	SJ_ROOM, 64\n" \
"	.set	SJ_FRAME, 128\n" \
"	.macro	sj_all what\n" \
"	.set	SJ_at, 0\n" \
"	.irp	r, ra, t1, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7\n" \
"	\\what\\()_one \\r\n" \
"	.set	SJ_at, SJ_at + 8\n" \
"	.endr\n" \
"	.endm\n" \
"	.macro	sj_save_one r\n" \
"	sd	\\r, SJ_at(sp)\n" \
"	.cfi_offset \\r, SJ_at - SJ_ROOM - SJ_FRAME\n" \
"	.endm\n" \
"	.macro	sj_load_one r\n" \
"	ld	\\r, SJ_at(sp)\n" \
"	.cfi_restore \\r\n" \
"	.endm\n" \
"	.macro	sj_thunk_label name, n\n" \
"	.globl	\\name\\n\n" \
SJ_THUNK_SEEN("\\name\\n") \
"	.type	\\name\\n, %function\n" \
"\\name\\n:\n" \
"	.endm\n" \
"	.macro	sj_thunk name\n" \
"	.p2align 2\n" \
"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n" \
"	sj_thunk_label \\name, \\n\n" \
"	.endr\n" \
"	.cfi_startproc\n" \
"	.cfi_return_column t0\n" \
"	.cfi_def_cfa sp, SJ_ROOM\n" \
"	addi	sp, sp, -SJ_FRAME\n" \
"	.cfi_def_cfa_offset SJ_ROOM + SJ_FRAME\n" \
"	sd	t0, SJ_FRAME - 8(sp)\n" \
"	.cfi_offset t0, -SJ_ROOM - 8\n" \
"	sd	s0, SJ_FRAME - 16(sp)\n" \
"	.cfi_offset s0, -SJ_ROOM - 16\n" \
"	sj_all	sj_save\n" \
"	addi	s0, sp, SJ_FRAME\n" \
"	.cfi_def_cfa s0, SJ_ROOM\n" \
"	.endm\n" \
"	.macro	sj_thunk_end name\n" \
"	addi	sp, s0, -SJ_FRAME\n" \
"	.cfi_def_cfa sp, SJ_ROOM + SJ_FRAME\n" \
"	sj_all	sj_load\n" \
"	ld	s0, SJ_FRAME - 16(sp)\n" \
"	.cfi_restore s0\n" \
"	ld	t0, SJ_FRAME - 8(sp)\n" \
"	.cfi_restore t0\n" \
"	addi	sp, sp, SJ_FRAME\n" \
"	.cfi_def_cfa_offset SJ_ROOM\n" \
"	jr	t0\n" \
"	.cfi_endproc\n" \
"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n" \
"	.size	\\name\\n, . - \\name\\n\n" \
"	.endr\n" \
"	.endm\n" \
__VA_ARGS__ \
"	.purgem	sj_all\n" \
"	.purgem	sj_save_one\n" \
"	.purgem	sj_load_one\n" \
"	.purgem	sj_thunk_label\n" \
"	.purgem	sj_thunk\n" \
"	.purgem	sj_thunk_end\n" \
"	.popsection\n");

/* side_jmp_event_<n>(): `function`(event, a). */
#define SJ_EVENT_THUNKS(function) SJ_THUNKS( \
"	.hidden	" function "\n" \
"	sj_thunk side_jmp_event_\n" \
"	ld	a0, 8(s0)\n" \
"	addi	a1, s0, 16\n" \
"	lla	t3, " function "\n" \
"	call	sj_call_saving_vectors\n" \
"	sj_thunk_end side_jmp_event_\n")

/* Of the child, in the thread that forked. */
#define SJ_CALL_AFTER_FORK()	sj_call_after_fork()
void sj_call_after_fork(void) __attribute__((visibility("hidden")));

#endif
