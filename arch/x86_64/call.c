/* SPDX-License-Identifier: MIT */
/*
 * Calls that the compiler does not see, x86-64: the other side of
 * SIDE_JMP_ARCH_CALL in site.h, which says what stands on the stack.
 *
 * side_jmp_call_<n>() calls the function with the n values as its arguments and
 * returns with every register as it was, flags apart: general ones, APX's too,
 * vectors and masks in all the width that the processor has, for the code around
 * may have been compiled for more than this file.  Not saved: the x87 stack, which the
 * caller has declared to be destroyed; what the ABI has every function keep
 * (MXCSR's and x87's control bits); AMX tiles.
 */
#include "arch/arch.h"	/* which declares something, if not this port */
#include "arch/general.h"
#include "arch/thunk.h"

#if defined(__x86_64__) && SIDE_JMP_ARCH_HAS_CALL

/* Which vectors there are, with SJ_CALL_APX or without, or 0 before somebody has
   looked; any thread writes what any other would. */
#define SJ_CALL_SSE		"1"
#define SJ_CALL_AVX		"2"
#define SJ_CALL_AVX512		"3"
#define SJ_CALL_AVX512_16	"4"	/* masks of 16 bits (no AVX512BW) */
#define SJ_CALL_APX		"8"	/* a bit: r16 to r31 */
#define SJ_CALL_WITHOUT_APX	"7"

/*
 * push or pop of r16 + r, in bytes, for older assemblers: REX2 (Intel APX
 * specification, 3.1.1.1), whose payload has the register's bits 3 and 4 in 0 and 4.
 */
#define SJ_CALL_BEYOND(opcode, registers) \
	"	.irp	r, " registers "\n" \
	"	.byte	0xd5, 0x10 + \\r / 8, " opcode " + \\r % 8\n" \
	"	.endr\n"

#define SJ_CALL_0_TO_15	"0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15"
#define SJ_CALL_15_TO_0	"15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0"
#define SJ_CALL_TO_31	SJ_CALL_0_TO_15 ", 16, 17, 18, 19, 20, 21, 22, 23, " \
			"24, 25, 26, 27, 28, 29, 30, 31"

/* Registers before and after a call of what is in r11. */
#define SJ_CALL_BETWEEN(class_, room, move, unit, registers, more, less) \
	"sj_call_" class_ ":\n" \
	"	sub	$" room ", %rsp\n" \
	"	and	$-64, %rsp\n" \
	"	.irp	r, " registers "\n" \
	"	" move "	%" unit "mm\\r, SJ_" unit " * \\r(%rsp)\n" \
	"	.endr\n" \
	more \
	"	xor	%eax, %eax\n"	/* no vectors: of a function with `...` */ \
	"	call	*%r11\n" \
	"	.irp	r, " registers "\n" \
	"	" move "	SJ_" unit " * \\r(%rsp), %" unit "mm\\r\n" \
	"	.endr\n" \
	less \
	"	leave\n" \
	"	.cfi_remember_state\n" \
	"	.cfi_def_cfa rsp, 8\n" \
	"	ret\n" \
	"	.cfi_restore_state\n"

#define SJ_CALL_MASKS(move, from, to) \
	"	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7\n" \
	"	" move "	" from ", " to "\n" \
	"	.endr\n"
#define SJ_CALL_MASK_ROOM	"64 * 32 + 8 * \\r(%rsp)"
#define SJ_CALL_WITH_MASKS(class_, move) \
	SJ_CALL_BETWEEN(class_, "64 * 33", "vmovups", "z", SJ_CALL_TO_31, \
		SJ_CALL_MASKS(move, "%k\\r", SJ_CALL_MASK_ROOM) \
		"	vzeroupper\n", \
		SJ_CALL_MASKS(move, SJ_CALL_MASK_ROOM, "%k\\r"))

__asm__(
"	.pushsection .text, \"ax\", @progbits\n"
"	.set	SJ_x, 16\n"
"	.set	SJ_y, 32\n"
"	.set	SJ_z, 64\n"
"	.local	sj_call_class\n"
"	.comm	sj_call_class, 4, 4\n"

/* r11: the function; rdi, rsi...: its arguments. */
"	.globl	sj_call_saving_vectors\n"
"	.hidden	sj_call_saving_vectors\n"
"	.type	sj_call_saving_vectors, @function\n"
"	.p2align 4\n"
"sj_call_saving_vectors:\n"
"	.cfi_startproc\n"
"	mov	sj_call_class(%rip), %r10d\n"
"	test	$" SJ_CALL_APX ", %r10d\n"
"	jne	sj_call_apx\n"
"sj_call_by_class:\n"
"	push	%rbp\n"
"	.cfi_def_cfa_offset 16\n"
"	.cfi_offset rbp, -16\n"
"	mov	%rsp, %rbp\n"
"	.cfi_def_cfa_register rbp\n"
"	cmp	$" SJ_CALL_AVX ", %r10d\n"
"	je	sj_call_avx\n"
"	jb	sj_call_sse_or_look\n"
"	cmp	$" SJ_CALL_AVX512 ", %r10d\n"
"	je	sj_call_avx512\n"
"	jmp	sj_call_avx512_16\n"
SJ_CALL_BETWEEN("avx", "32 * 16", "vmovups", "y", SJ_CALL_0_TO_15,
		"	vzeroupper\n", "")
SJ_CALL_WITH_MASKS("avx512", "kmovq")
SJ_CALL_WITH_MASKS("avx512_16", "kmovw")
"sj_call_sse_or_look:\n"
"	cmp	$" SJ_CALL_SSE ", %r10d\n"
"	jne	sj_call_look\n"
SJ_CALL_BETWEEN("sse", "16 * 16", "movaps", "x", SJ_CALL_0_TO_15, "", "")

/* What others may have in these, a function destroys as it does r10. */
"sj_call_apx:\n"
"	.cfi_remember_state\n"
"	.cfi_def_cfa rsp, 8\n"
"	.cfi_restore rbp\n"
"	push	%rbp\n"
"	.cfi_def_cfa_offset 16\n"
"	.cfi_offset rbp, -16\n"
"	mov	%rsp, %rbp\n"
"	.cfi_def_cfa_register rbp\n"
SJ_CALL_BEYOND("0x50", SJ_CALL_0_TO_15)
"	and	$" SJ_CALL_WITHOUT_APX ", %r10d\n"
"	call	sj_call_by_class\n"
SJ_CALL_BEYOND("0x58", SJ_CALL_15_TO_0)
"	pop	%rbp\n"
"	.cfi_def_cfa rsp, 8\n"
"	.cfi_restore rbp\n"
"	ret\n"
"	.cfi_restore_state\n"

/*
 * Intel SDM vol. 1, 14.3 and 15.2: CPUID.1:ECX[27] OSXSAVE, [28] AVX; XCR0[2:1]
 * both: the system keeps ymm; XCR0[7:5], too: masks and zmm; CPUID.7.0:EBX[30]
 * AVX512BW: masks have 64 bits.  APX: CPUID.7.0:EAX, the last of its leaves;
 * CPUID.7.1:EDX[21]; XCR0[19]: the system keeps r16 to r31.
 */
"sj_call_look:\n"
"	push	%r11\n"
"	push	%rbx\n"
"	.cfi_offset rbx, -32\n"
"	push	%rcx\n"
"	push	%rdx\n"
"	mov	$" SJ_CALL_SSE ", %r10d\n"
"	mov	$1, %eax\n"
"	cpuid\n"
"	and	$0x18000000, %ecx\n"
"	cmp	$0x18000000, %ecx\n"
"	jne	2f\n"
"	xor	%ecx, %ecx\n"
"	xgetbv\n"
"	mov	%eax, %r11d\n"
"	and	$6, %eax\n"
"	cmp	$6, %eax\n"
"	jne	2f\n"
"	mov	$" SJ_CALL_AVX ", %r10d\n"
"	mov	%r11d, %eax\n"
"	and	$0xe0, %eax\n"
"	cmp	$0xe0, %eax\n"
"	jne	1f\n"
"	mov	$7, %eax\n"
"	xor	%ecx, %ecx\n"
"	cpuid\n"
"	mov	$" SJ_CALL_AVX512 ", %r10d\n"
"	bt	$30, %ebx\n"
"	jc	1f\n"
"	mov	$" SJ_CALL_AVX512_16 ", %r10d\n"
"1:	bt	$19, %r11d\n"
"	jnc	2f\n"
"	mov	$7, %eax\n"
"	xor	%ecx, %ecx\n"
"	cpuid\n"
"	test	%eax, %eax\n"
"	je	2f\n"
"	mov	$7, %eax\n"
"	mov	$1, %ecx\n"
"	cpuid\n"
"	bt	$21, %edx\n"
"	jnc	2f\n"
"	or	$" SJ_CALL_APX ", %r10d\n"
"2:	mov	%r10d, sj_call_class(%rip)\n"
"	pop	%rdx\n"
"	pop	%rcx\n"
"	pop	%rbx\n"
"	.cfi_restore rbx\n"
"	pop	%r11\n"
"	pop	%rbp\n"
"	.cfi_def_cfa rsp, 8\n"
"	.cfi_restore rbp\n"
"	jmp	sj_call_saving_vectors\n"
"	.cfi_endproc\n"
"	.size	sj_call_saving_vectors, . - sj_call_saving_vectors\n"

"	.popsection\n");

/* The C library's functions and other people's, out of general.h's. */
#if SJ_GENERAL
__asm__(
"	.pushsection .text, \"ax\", @progbits\n"
"	.globl	sj_keep_vectors\n"
"	.hidden	sj_keep_vectors\n"
"	.type	sj_keep_vectors, @function\n"
"	.p2align 4\n"
"sj_keep_vectors:\n"
"	.cfi_startproc\n"
"	mov	%rdi, %r11\n"
"	mov	%rsi, %rdi\n"
"	jmp	sj_call_saving_vectors\n"
"	.cfi_endproc\n"
"	.size	sj_keep_vectors, . - sj_keep_vectors\n"
"	.popsection\n");
#endif

SJ_THUNKS(
/* The arguments are of the System V ABI (3.2.3). */
"	.macro	sj_call n\n"
"	sj_thunk side_jmp_call_\\n, \\n\n"
"	mov	16(%rbp), %r11\n"
"	.set	SJ_at, 24\n"
"	.irp	r, rdi, rsi, rdx, rcx, r8, r9\n"
"	.if	SJ_at < 24 + 8 * \\n\n"
"	mov	SJ_at(%rbp), %\\r\n"
"	.set	SJ_at, SJ_at + 8\n"
"	.endif\n"
"	.endr\n"
"	call	sj_call_saving_vectors\n"
"	sj_thunk_end side_jmp_call_\\n, \\n\n"
"	.endm\n"

"	.irp	n, 0, 1, 2, 3, 4, 5, 6\n"
"	sj_call	\\n\n"
"	.endr\n"
"	.purgem	sj_call\n")

#endif
