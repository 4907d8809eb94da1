/* SPDX-License-Identifier: MIT */
/*
 * The site of x86-64, as assembler text for the template in side_jmp.h.
 *
 * Owns the bytes that the compiler emits; arch.c beside it owns the same
 * bytes as pure functions.  Must not know of records, keys or the runtime.
 *
 *   inline, dense   armed  e9 rel32          jmp  check
 *                   idle   a9 imm32          test $imm32,%eax
 *   wide, 32 bits   armed  3b 05 disp32      cmp  key(%rip),%eax
 *                   idle   3e 05 imm32       ds add $imm32,%eax
 *   wide, 64 bits   armed  48 3b 05 disp32   cmp  key(%rip),%rax
 *                   idle   48 3e 05 imm32    ds add $imm32,%eax
 *   nop             armed  0f 1f 00          nopl (%rax)
 *                          e9 rel32          jmp  check
 *                   idle   0f 1f 84 e9 rel32 nopl rel32(%rcx,%rbp,8)
 *
 * One byte differs, the operand stays as it is, so there is never a torn
 * instruction to fetch.  Encodings: Intel SDM vol. 2, JMP, TEST, CMP, ADD, NOP;
 * a REX prefix that does not immediately precede the opcode is ignored (vol. 2,
 * 2.2.1), 3e is a legacy prefix without effect on a register operand.
 *
 * Nop: arch.c says why two instructions may become one.
 *
 * Wide: eax is zero before the site.  0 - word borrows (carry) if and only if
 * the word is not 0; 0 + imm32 never carries.
 */
#ifndef SIDE_JMP_ARCH_X86_64_SITE_H
#define SIDE_JMP_ARCH_X86_64_SITE_H

#define SIDE_JMP_ARCH_NAME	x86_64
#define SIDE_JMP_ARCH_HAS_SITES 1

#define SIDE_JMP_ARCH_JUMP_SITE						\
	"	.byte 0xe9\n"						\
	"	.long %l[side_jmp_check] - . - 4\n"

/* A jump where the bytes stand that execution reaches through `at`. */
#define SIDE_JMP_ARCH_JUMP_TO(at)	"	jmp " at "\n"

/* Reads no register and writes none, nor flags. */
#define SIDE_JMP_ARCH_NOP_LAYOUT	"3"
#define SIDE_JMP_ARCH_NOP_CLOBBERS
#define SIDE_JMP_ARCH_NOP_SITE						\
	"	.byte 0x0f, 0x1f, 0x00, 0xe9\n"				\
	"	.long %l[side_jmp_check] - . - 4\n"

/* In bytes, xor %eax,%eax too: also for -masm=intel. */
#define SIDE_JMP_ARCH_WIDE_SITE(at)					\
	"	.byte 0x31, 0xc0\n"					\
	at ":\n"							\
	"	.if %c[side_jmp_flags] & 2\n"					\
	"	.byte 0x48\n"						\
	"	.endif\n"						\
	"	.byte 0x3b, 0x05\n"					\
	"	.long %c[side_jmp_key] - . - 4\n"				\
	"	jc %l[side_jmp_on]\n"

#define SIDE_JMP_ARCH_WIDE_CLOBBERS	"rax", "cc"
#define SIDE_JMP_ARCH_JUMP_CLOBBERS	"cc"
#define SIDE_JMP_ARCH_KEY_CONSTRAINT	"i"
#define SIDE_JMP_ARCH_KEY_OPERAND	"%c[side_jmp_key]"

/* cmpl $0 or cmpq $0, and jne. */
#define SIDE_JMP_ARCH_TEST						\
	"	.if %c[side_jmp_flags] & 2\n"				\
	"	.byte 0x48\n"						\
	"	.endif\n"						\
	"	.byte 0x83, 0x3d\n"					\
	"	.long %c[side_jmp_key] - . - 5\n"			\
	"	.byte 0\n"						\
	"	jne %l[side_jmp_on]\n"
#define SIDE_JMP_ARCH_TEST_CLOBBERS	"cc"

/*
 * A call that the compiler does not see: off the red zone (System V ABI, 3.2.2;
 * add $-128,%rsp), the values, last first, and the function or event onto the
 * stack, which the thunk takes off again, and back.  Addresses by the GOT: the
 * lazy binding of a PLT would use registers.  In bytes where AT&T's and Intel's
 * syntax differ.
 */
#define SIDE_JMP_ARCH_HAS_CALL	1
#define SIDE_JMP_ARCH_CALL(thunk, slots, f)				\
	"	.byte 0x48, 0x83, 0xc4, 0x80\n"				\
	slots f								\
	"	.byte 0xff, 0x15\n"					\
	"	.long " thunk "@GOTPCREL - 4\n"				\
	"	.byte 0x48, 0x83, 0xec, 0x80\n"
#define SIDE_JMP_ARCH_CALL_SLOT(n)	"	push %q[side_jmp_" n "]\n"
#define SIDE_JMP_ARCH_CALL_SYMBOL					\
	"	.byte 0xff, 0x35\n"					\
	"	.long %c[side_jmp_f] - . - 4\n"
#define SIDE_JMP_ARCH_CALL_VALUE	"	push %q[side_jmp_f]\n"
/* An index register: not rsp, which the pushes move. */
#define SIDE_JMP_ARCH_CALL_CONSTRAINT	"le"
#define SIDE_JMP_ARCH_CALL_DOUBLE(bits, value)				\
	__asm__ __inline__ volatile ("{movq %1, %0|movq %0, %1}"	\
				     : "=r" (bits) : "x" (value))
/* The x87 stack, which the thunk leaves alone; gcc without one knows no st. */
#ifdef _SOFT_FLOAT
#define SIDE_JMP_ARCH_CALL_CLOBBERS	"cc"
#else
#define SIDE_JMP_ARCH_CALL_CLOBBERS					\
	"cc", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", \
	"st(7)"
#endif

#endif
