/* SPDX-License-Identifier: MIT */
/*
 * The site of s390x (z10 and later).  arch.c beside it owns the same bytes as
 * functions and says what the manual promises about changing them.
 *
 *   inline, dense   armed  c0 f4 ri2    brcl 15,check   (jg)
 *                   idle   c0 04 ri2    brcl 0,check    (jgnop)
 *   wide            armed  c0 04 ri2    brcl 0,.+22     and fall into the test
 *                   idle   c0 f4 ri2    brcl 15,.+22    past it
 *
 * The mask differs, the operand stays as it is.  Encodings: z/Architecture
 * Principles of Operation (SA22-7832), chapter 7.  Storage operands are
 * fetched in order (chapter 5), so the load is an acquire.  Reach: 4 GiB.
 */
#ifndef SIDE_JMP_ARCH_S390X_SITE_H
#define SIDE_JMP_ARCH_S390X_SITE_H

#define SIDE_JMP_ARCH_NAME		s390x
#define SIDE_JMP_ARCH_HAS_SITES		1

#define SIDE_JMP_ARCH_JUMP_SITE		"	jg %l[side_jmp_check]\n"
#define SIDE_JMP_ARCH_JUMP_TO(at)	"	jg " at "\n"
#define SIDE_JMP_ARCH_JUMP_CLOBBERS

/* cc 1, low: 0 is less than the word. */
#define SIDE_JMP_ARCH_WIDE_SITE(at)					\
	at ":\n"							\
	"	brcl 0, . + 22\n"					\
	"	lghi %%r0, 0\n"						\
	"	.if %c[side_jmp_flags] & 2\n"					\
	"	clgrl %%r0, %[side_jmp_key]\n"					\
	"	.else\n"						\
	"	clrl %%r0, %[side_jmp_key]\n"					\
	"	.endif\n"						\
	"	jgl %l[side_jmp_on]\n"
#define SIDE_JMP_ARCH_WIDE_CLOBBERS	"r0", "cc"

#define SIDE_JMP_ARCH_KEY_CONSTRAINT	"i"

#endif
