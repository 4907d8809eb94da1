/* SPDX-License-Identifier: MIT */
/*
 * The thunks of calls that the compiler does not see, arm64: how one begins and
 * ends.
 *
 * A leaf function's return address may be in x30 all along, so nothing here is
 * called by it: a site branches, with the place to come back to in x16.  The
 * thunk's frame description says so (its return column is x16), and the frame
 * record that it makes has that place beside the caller's x29, so chains of frame
 * pointers hold, too.  The caller's function has one description for all of its
 * cold block and does not know that the stack has moved by SJ_ROOM bytes; the
 * thunk's says where it was.  Only within the few instructions around the branch
 * in the caller, where nobody else runs but a profiler or a debugger that steps,
 * a description by sp is off by these.
 */
#ifndef SIDE_JMP_ARCH_ARM64_THUNK_H
#define SIDE_JMP_ARCH_ARM64_THUNK_H

/*
 * sp: nothing, function or event, a_1 ... a_6, as many as there are; so one thunk
 * does for every n.  All begin and end alike: general registers are kept, and x29
 * holds the frame, SJ_FRAME bytes below that.  x18 may be the platform's; what is
 * given back is what was there, in any case.  The hint is bti c.
 */
#define SJ_THUNKS(...) __asm__( \
"	.pushsection .text, \"ax\", %progbits\n" \
"	.set	SJ_ROOM, 64\n" \
"	.set	SJ_FRAME, 176\n" \
"	.macro	sj_pairs what\n" \
"	\\what	x0, x1, [sp, #16]\n" \
"	\\what	x2, x3, [sp, #32]\n" \
"	\\what	x4, x5, [sp, #48]\n" \
"	\\what	x6, x7, [sp, #64]\n" \
"	\\what	x8, x9, [sp, #80]\n" \
"	\\what	x10, x11, [sp, #96]\n" \
"	\\what	x12, x13, [sp, #112]\n" \
"	\\what	x14, x15, [sp, #128]\n" \
"	\\what	x17, x18, [sp, #144]\n" \
"	.endm\n" \
"	.macro	sj_thunk_label name, n\n" \
"	.globl	\\name\\n\n" \
SJ_THUNK_SEEN("\\name\\n") \
"	.type	\\name\\n, %function\n" \
"\\name\\n:\n" \
"	.endm\n" \
"	.macro	sj_thunk name\n" \
"	.p2align 4\n" \
"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n" \
"	sj_thunk_label \\name, \\n\n" \
"	.endr\n" \
"	.cfi_startproc\n" \
"	.cfi_return_column x16\n" \
"	.cfi_def_cfa sp, SJ_ROOM\n" \
"	hint	#34\n" \
"	stp	x29, x16, [sp, #-SJ_FRAME]!\n" \
"	.cfi_def_cfa_offset SJ_ROOM + SJ_FRAME\n" \
"	.cfi_offset x29, -SJ_ROOM - SJ_FRAME\n" \
"	.cfi_offset x16, -SJ_ROOM - SJ_FRAME + 8\n" \
"	sj_pairs stp\n" \
"	str	x30, [sp, #160]\n" \
"	mov	x29, sp\n" \
"	.cfi_def_cfa_register x29\n" \
"	.set	SJ_at, 16\n" \
"	.irp	r, x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, " \
		"x14, x15, x17, x18, x30\n" \
"	.cfi_offset \\r, SJ_at - SJ_ROOM - SJ_FRAME\n" \
"	.set	SJ_at, SJ_at + 8\n" \
"	.endr\n" \
"	.endm\n" \
"	.macro	sj_thunk_end name\n" \
"	mov	sp, x29\n" \
"	.cfi_def_cfa_register sp\n" \
"	ldr	x30, [sp, #160]\n" \
"	sj_pairs ldp\n" \
"	.irp	r, x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, " \
		"x14, x15, x17, x18, x30\n" \
"	.cfi_restore \\r\n" \
"	.endr\n" \
"	ldp	x29, x16, [sp], #SJ_FRAME\n" \
"	.cfi_def_cfa_offset SJ_ROOM\n" \
"	.cfi_restore x29\n" \
"	.cfi_restore x16\n" \
"	br	x16\n" \
"	.cfi_endproc\n" \
"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n" \
"	.size	\\name\\n, . - \\name\\n\n" \
"	.endr\n" \
"	.endm\n" \
__VA_ARGS__ \
"	.purgem	sj_pairs\n" \
"	.purgem	sj_thunk_label\n" \
"	.purgem	sj_thunk\n" \
"	.purgem	sj_thunk_end\n" \
"	.popsection\n");

/* side_jmp_event_<n>(): `function`(event, a). */
#define SJ_THUNK_CALLS	2
#define SJ_EVENT_THUNKS(function) SJ_THUNKS( \
"	.hidden	" function "\n" \
"	sj_thunk side_jmp_event_\n" \
"	ldr	x0, [x29, #SJ_FRAME + 8]\n" \
"	add	x1, x29, #SJ_FRAME + 16\n" \
"	adrp	x9, " function "\n" \
"	add	x9, x9, :lo12:" function "\n" \
"	bl	sj_call_saving_vectors\n" \
"	sj_thunk_end side_jmp_event_\n")

#endif
