/* SPDX-License-Identifier: MIT */
/*
 * The thunks of calls that the compiler does not see, x86-64: how one begins and
 * ends.
 *
 * What unwinders see.  The caller's function has one frame description for all
 * of its cold block and does not know that the stack has moved by the red zone
 * (128 bytes; System V ABI, 3.2.2), an address and n values.  So the description
 * here says that the caller's stack pointer is above all of these: at the return
 * address, which is in the caller, that is what the caller's description counts
 * from.  It takes no instructions and is right for
 * functions with and without a frame pointer.  The return address lies just
 * below the saved rbp, so chains of frame pointers hold, too.  Only within the
 * few instructions around the call in the caller, where nobody else runs but a
 * profiler or a debugger that steps, a description by rsp is off by the 128 and
 * the values.
 */
#ifndef SIDE_JMP_ARCH_X86_64_THUNK_H
#define SIDE_JMP_ARCH_X86_64_THUNK_H

#include "arch/general.h"

/*
 * rsp: return address, function or event, a_1 ... a_n, red zone.  All thunks
 * begin and end alike: general registers are kept, and rbp holds the place.  The
 * first bytes are endbr64.
 */
#define SJ_THUNKS(...) __asm__( \
"	.pushsection .text, \"ax\", @progbits\n" \
"	.macro	sj_thunk name, n\n" \
"	.set	SJ_above, 8 + 8 + 8 * \\n + 128\n" \
"	.globl	\\name\n" \
SJ_THUNK_SEEN("\\name") \
"	.type	\\name, @function\n" \
"	.p2align 4\n" \
"\\name:\n" \
"	.cfi_startproc\n" \
"	.cfi_def_cfa rsp, SJ_above\n" \
"	.cfi_offset rip, -SJ_above\n" \
"	.byte	0xf3, 0x0f, 0x1e, 0xfa\n" \
"	push	%rbp\n" \
"	.cfi_adjust_cfa_offset 8\n" \
"	.cfi_offset rbp, -SJ_above - 8\n" \
"	mov	%rsp, %rbp\n" \
"	.cfi_def_cfa_register rbp\n" \
"	.set	SJ_at, 16\n" \
"	.irp	r, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11\n" \
"	push	%\\r\n" \
"	.cfi_offset \\r, -SJ_above - SJ_at\n" \
"	.set	SJ_at, SJ_at + 8\n" \
"	.endr\n" \
"	.endm\n" \
"	.macro	sj_thunk_end name, n\n" \
"	.irp	r, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax\n" \
"	pop	%\\r\n" \
"	.cfi_restore \\r\n" \
"	.endr\n" \
"	pop	%rbp\n" \
"	.cfi_restore rbp\n" \
"	.cfi_def_cfa rsp, SJ_above\n" \
"	ret	$8 + 8 * \\n\n" \
"	.cfi_endproc\n" \
"	.size	\\name, . - \\name\n" \
"	.endm\n" \
__VA_ARGS__ \
"	.purgem	sj_thunk\n" \
"	.purgem	sj_thunk_end\n" \
"	.popsection\n");

/* side_jmp_event_<n>(): `function`(event, a). */
#if SJ_GENERAL
#define SJ_THUNK_CALLS	1
#define SJ_THUNK_CALL(function) \
"	and	$-16, %rsp\n" \
"	call	" function "\n" \
"	lea	-72(%rbp), %rsp\n"
#else
#define SJ_THUNK_CALLS	2
#define SJ_THUNK_CALL(function) \
"	lea	" function "(%rip), %r11\n" \
"	call	sj_call_saving_vectors\n"
#endif
#define SJ_EVENT_THUNKS(function) SJ_THUNKS( \
"	.hidden	" function "\n" \
"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n" \
"	sj_thunk side_jmp_event_\\n, \\n\n" \
"	mov	16(%rbp), %rdi\n" \
"	lea	24(%rbp), %rsi\n" \
SJ_THUNK_CALL(function) \
"	sj_thunk_end side_jmp_event_\\n, \\n\n" \
"	.endr\n")

#endif
