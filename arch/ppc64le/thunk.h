/* SPDX-License-Identifier: MIT */
/*
 * The thunks of calls that the compiler does not see, ppc64le: how one begins and
 * ends.
 *
 * A leaf function's return address may be in LR all along, so a site comes with that
 * in r0, the place to come back to in LR, and the thunk's own address in r12.  The
 * thunk's frame description says so (its return column is r0, which it changes for
 * LR and back).  Back chains hold: the site has a frame of its own, whose word for LR
 * has that place.  The caller's function has one description for all of its cold
 * block and does not know that the stack has moved by SJ_ROOM bytes and LR to r0; the
 * thunk's says where they were.  Only within the few instructions around the branch
 * in the caller, where nobody else runs but a profiler or a debugger that steps, it
 * is off by these.
 */
#ifndef SIDE_JMP_ARCH_PPC64LE_THUNK_H
#define SIDE_JMP_ARCH_PPC64LE_THUNK_H

/*
 * r1: a frame's header, function or event, a_1 ... a_6, as many as there are; so one
 * thunk does for every n.  All begin and end alike and keep what a function may
 * destroy, vectors apart: r2, which is the caller's TOC pointer or whatever else it
 * has there, r3 to r12, LR, CR, XER, CTR.  DWARF's number of LR is 65.
 */
#define SJ_THUNKS(...) __asm__( \
"	.pushsection .text, \"ax\", @progbits\n" \
"	.set	SJ_ROOM, 384\n" \
"	.set	SJ_FRAME, 160\n" \
"	.macro	sj_thunk_label name, n\n" \
"	.globl	\\name\\n\n" \
SJ_THUNK_SEEN("\\name\\n") \
"	.type	\\name\\n, @function\n" \
"\\name\\n:\n" \
"	.endm\n" \
"	.macro	sj_all what\n" \
"	.set	SJ_at, 32\n" \
"	.irp	r, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12\n" \
"	\\what	\\r, SJ_at(1)\n" \
"	.set	SJ_at, SJ_at + 8\n" \
"	.endr\n" \
"	.endm\n" \
"	.macro	sj_thunk name\n" \
"	.p2align 4\n" \
"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n" \
"	sj_thunk_label \\name, \\n\n" \
"	.endr\n" \
"8:\n" \
"	.cfi_startproc\n" \
"	.cfi_return_column 0\n" \
"	.cfi_def_cfa 1, SJ_ROOM\n" \
"	.cfi_register 0, 65\n" \
"	.cfi_register 65, 0\n" \
"	stdu	1, -SJ_FRAME(1)\n" \
"	.cfi_def_cfa_offset SJ_ROOM + SJ_FRAME\n" \
"	sj_all	std\n" \
"	std	0, 120(1)\n" \
"	mflr	0\n" \
"	std	0, SJ_FRAME + 16(1)\n" \
"	.cfi_offset 0, 16 - SJ_ROOM\n" \
"	.cfi_offset 65, 120 - SJ_ROOM - SJ_FRAME\n" \
"	.set	SJ_at, 32\n" \
"	.irp	r, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12\n" \
"	.cfi_offset \\r, SJ_at - SJ_ROOM - SJ_FRAME\n" \
"	.set	SJ_at, SJ_at + 8\n" \
"	.endr\n" \
"	mfcr	3\n" \
"	std	3, 128(1)\n" \
"	mfxer	3\n" \
"	std	3, 136(1)\n" \
"	mfctr	3\n" \
"	std	3, 144(1)\n" \
"	.endm\n" \
"	.macro	sj_thunk_end name\n" \
"	ld	3, 128(1)\n" \
"	mtcr	3\n" \
"	ld	3, 136(1)\n" \
"	mtxer	3\n" \
"	ld	3, 144(1)\n" \
"	mtctr	3\n" \
"	ld	0, SJ_FRAME + 16(1)\n" \
"	mtlr	0\n" \
"	ld	0, 120(1)\n" \
"	.cfi_register 0, 65\n" \
"	.cfi_register 65, 0\n" \
"	sj_all	ld\n" \
"	.irp	r, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12\n" \
"	.cfi_restore \\r\n" \
"	.endr\n" \
"	addi	1, 1, SJ_FRAME\n" \
"	.cfi_def_cfa_offset SJ_ROOM\n" \
"	blr\n" \
"	.cfi_endproc\n" \
"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n" \
"	.size	\\name\\n, . - \\name\\n\n" \
"	.endr\n" \
"	.endm\n" \
__VA_ARGS__ \
"	.purgem	sj_thunk_label\n" \
"	.purgem	sj_all\n" \
"	.purgem	sj_thunk\n" \
"	.purgem	sj_thunk_end\n" \
"	.popsection\n");

/* side_jmp_event_<n>(): `function`(event, a). */
#define SJ_EVENT_THUNKS(function) SJ_THUNKS( \
"	.hidden	" function "\n" \
"	sj_thunk side_jmp_event_\n" \
"	ld	3, SJ_FRAME + 32(1)\n" \
"	addi	4, 1, SJ_FRAME + 40\n" \
"	addis	12, 12, (" function " - 8b)@ha\n" \
"	addi	12, 12, (" function " - 8b)@l\n" \
"	bl	sj_call_saving_vectors\n" \
"	sj_thunk_end side_jmp_event_\n")

#endif
