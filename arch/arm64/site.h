/* SPDX-License-Identifier: MIT */
/*
 * The site of arm64.  arch.c beside it owns the same words as functions and
 * says what the manual promises about changing them.
 *
 *   inline, dense   armed  14000000 | imm26   b    check
 *                   idle   d503201f           nop
 *   wide            armed  d503201f           nop, and fall into the test
 *                   idle   14000004           b    .+16, past it
 *
 * A direct branch needs no landing pad (BTI guards indirect ones alone).
 * Reach: 128 MiB, and 1 MiB from cbnz to the check block.
 */
#ifndef SIDE_JMP_ARCH_ARM64_SITE_H
#define SIDE_JMP_ARCH_ARM64_SITE_H

#define SIDE_JMP_ARCH_NAME		arm64
#define SIDE_JMP_ARCH_HAS_SITES		1

#define SIDE_JMP_ARCH_JUMP_SITE		"	b %l[side_jmp_check]\n"
#define SIDE_JMP_ARCH_JUMP_TO(at)	"	b " at "\n"

/*
 * IP0 and IP1: a linker's veneer may take them at any branch with a relocation
 * (AAPCS64), which is one into another section.
 */
#define SIDE_JMP_ARCH_JUMP_CLOBBERS	"x16", "x17"

/* The key is 8-aligned, so :lo12: is whole in the scaled offset of ldr. */
#define SIDE_JMP_ARCH_WIDE_SITE(at)					\
	at ":\n"							\
	"	nop\n"							\
	"	adrp x16, %[side_jmp_key]\n"					\
	"	.if %c[side_jmp_flags] & 2\n"					\
	"	ldr x16, [x16, #:lo12:%[side_jmp_key]]\n"			\
	"	.else\n"						\
	"	ldr w16, [x16, #:lo12:%[side_jmp_key]]\n"			\
	"	.endif\n"						\
	"	cbnz x16, %l[side_jmp_check]\n"
#define SIDE_JMP_ARCH_WIDE_CLOBBERS	"x16"
#define SIDE_JMP_ARCH_WIDE_IS_SHORT	1

/* gcc takes no "i" for a symbol here, and clang no "S" for what is within one. */
#ifdef __clang__
#define SIDE_JMP_ARCH_KEY_CONSTRAINT	"i"
#else
#define SIDE_JMP_ARCH_KEY_CONSTRAINT	"S"
#endif

/*
 * A call that the compiler does not see: room on the stack for the function or
 * event at 8 and the values from 16 on, then a branch to the thunk with the place
 * to come back to in x16, for a leaf function's return address is in x30.  IP0 and
 * IP1 are what the site itself takes, too.  The hint is bti j, for who comes back
 * by br.  SME's streaming mode is not for the functions that are called.
 */
#ifndef __ARM_FEATURE_SME
#define SIDE_JMP_ARCH_HAS_CALL	1
#endif
#define SIDE_JMP_ARCH_CALL(thunk, slots, f)				\
	"	sub	sp, sp, #64\n"					\
	slots f								\
	"	adrp	x17, :got:" thunk "\n"				\
	"	ldr	x17, [x17, #:got_lo12:" thunk "]\n"		\
	"	adr	x16, 7f\n"					\
	"	br	x17\n"						\
	"7:	hint	#36\n"						\
	"	add	sp, sp, #64\n"
#define SIDE_JMP_ARCH_CALL_SLOT(n)					\
	"	str	%x[side_jmp_" n "], [sp, #8 + 8 * " n "]\n"
#define SIDE_JMP_ARCH_CALL_SYMBOL					\
	"	adrp	x16, %[side_jmp_f]\n"				\
	"	ldr	x16, [x16, #:lo12:%[side_jmp_f]]\n"		\
	"	str	x16, [sp, #8]\n"
#define SIDE_JMP_ARCH_CALL_VALUE					\
	"	str	%x[side_jmp_f], [sp, #8]\n"
#define SIDE_JMP_ARCH_CALL_CONSTRAINT	"rZ"
/* gcc would move an ordinary fmov up, in front of the site. */
#define SIDE_JMP_ARCH_CALL_DOUBLE(bits, value)				\
	__asm__ __inline__ volatile ("fmov %x0, %d1"			\
				     : "=r" (bits) : "w" (value))
#define SIDE_JMP_ARCH_CALL_CLOBBERS	"x16", "x17", "cc"

#endif
