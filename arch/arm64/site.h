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

/* gcc takes no "i" for a symbol here. */
#define SIDE_JMP_ARCH_KEY_CONSTRAINT	"S"

#endif
