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
 *
 * One byte differs, the operand stays as it is, so there is never a torn
 * instruction to fetch.  Encodings: Intel SDM vol. 2, JMP, TEST, CMP, ADD; a
 * REX prefix that does not immediately precede the opcode is ignored (vol. 2,
 * 2.2.1), 3e is a legacy prefix without effect on a register operand.
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

/* In bytes, xor %eax,%eax too: also for -masm=intel. */
#define SIDE_JMP_ARCH_WIDE_SITE(at)					\
	"	.byte 0x31, 0xc0\n"					\
	at ":\n"							\
	"	.if %c[flags] & 2\n"					\
	"	.byte 0x48\n"						\
	"	.endif\n"						\
	"	.byte 0x3b, 0x05\n"					\
	"	.long %c[key] - . - 4\n"				\
	"	jc %l[side_jmp_on]\n"

#define SIDE_JMP_ARCH_WIDE_CLOBBERS	"rax", "cc"
#define SIDE_JMP_ARCH_JUMP_CLOBBERS	"cc"
#define SIDE_JMP_ARCH_KEY_CONSTRAINT	"i"
#define SIDE_JMP_ARCH_KEY_OPERAND	"%c[key]"

#endif
