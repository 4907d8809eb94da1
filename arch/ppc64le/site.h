/* SPDX-License-Identifier: MIT */
/*
 * The site of ppc64le (ELFv2).  arch.c beside it owns the same words as
 * functions and says what the manual promises about changing them.
 *
 *   inline, dense   armed  48000000 | LI    b    check
 *                   idle   60000000         nop  (ori 0,0,0)
 *   wide            armed  60000000         nop, and fall into the test
 *                   idle   48000014         b    .+20, past it
 *
 * Reach: 32 MiB.  bne alone would reach 32 KiB, so wide branches around a b.
 */
#ifndef SIDE_JMP_ARCH_PPC64LE_SITE_H
#define SIDE_JMP_ARCH_PPC64LE_SITE_H

#define SIDE_JMP_ARCH_NAME		ppc64le
#define SIDE_JMP_ARCH_HAS_SITES		1

#define SIDE_JMP_ARCH_JUMP_SITE		"	b %l[side_jmp_check]\n"
#define SIDE_JMP_ARCH_JUMP_TO(at)	"	b " at "\n"
#define SIDE_JMP_ARCH_JUMP_CLOBBERS

/* What the linkers' stubs take where a branch into another section is long. */
#define SIDE_JMP_ARCH_DENSE_CLOBBERS	"r11", "r12", "ctr"

/*
 * The compiler forms the address: an asm statement can't, for it does not
 * know whether the function it stands in has a TOC pointer (r2) of its own.
 */
#define SIDE_JMP_ARCH_WIDE_OPERANDS(name) , [side_jmp_address] "b" (&(name))
#define SIDE_JMP_ARCH_WIDE_SITE(at)					\
	at ":\n"							\
	"	nop\n"							\
	"	.if %c[side_jmp_flags] & 2\n"					\
	"	ld 0, 0(%[side_jmp_address])\n"					\
	"	cmpdi 0, 0, 0\n"					\
	"	.else\n"						\
	"	lwz 0, 0(%[side_jmp_address])\n"					\
	"	cmpwi 0, 0, 0\n"					\
	"	.endif\n"						\
	"	beq 0, . + 8\n"						\
	"	b %l[side_jmp_check]\n"
#define SIDE_JMP_ARCH_WIDE_CLOBBERS	"r0", "cr0"

#define SIDE_JMP_ARCH_KEY_CONSTRAINT	"i"

#endif
