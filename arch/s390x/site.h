/* SPDX-License-Identifier: MIT */
/*
 * The site of s390x (z10 and later).  arch.c beside it owns the same bytes as
 * functions and says what the manual promises about changing them.
 *
 *   inline, dense   armed  c0 f4 ri2    brcl 15,check   (jg)
 *                   idle   c0 04 ri2    brcl 0,check    (jgnop)
 *   wide, 32 bits   armed  c6 0f ri2    clrl %r0,key    0 < word: cc 1
 *                   idle   c6 02 ri2    pfdrl 0,key     a no-op; cc stays 0
 *   wide, 64 bits   armed  c6 0a ri2    clgrl %r0,key
 *                   idle   c6 02 ri2    pfdrl 0,key
 *
 * One byte differs, the operand stays as it is.  Encodings: z/Architecture
 * Principles of Operation (SA22-7832), chapter 7; PREFETCH DATA with code 0
 * performs no operation.  Storage operands are fetched in order (chapter 5),
 * so the load is an acquire.  Reach: 4 GiB.
 */
#ifndef SIDE_JMP_ARCH_S390X_SITE_H
#define SIDE_JMP_ARCH_S390X_SITE_H

#define SIDE_JMP_ARCH_NAME		s390x
#define SIDE_JMP_ARCH_HAS_SITES		1

#define SIDE_JMP_ARCH_JUMP_SITE		"	jg %l[side_jmp_check]\n"
#define SIDE_JMP_ARCH_JUMP_TO(at)	"	jg " at "\n"
#define SIDE_JMP_ARCH_JUMP_CLOBBERS

/* xr, xgr: r0 is 0, and so is the condition code. */
#define SIDE_JMP_ARCH_WIDE_SITE(at)					\
	"	.if %c[flags] & 2\n"					\
	"	xgr %%r0, %%r0\n"					\
	at ":\n"							\
	"	clgrl %%r0, %[key]\n"					\
	"	.else\n"						\
	"	xr %%r0, %%r0\n"					\
	at ":\n"							\
	"	clrl %%r0, %[key]\n"					\
	"	.endif\n"						\
	"	jgl %l[side_jmp_on]\n"
#define SIDE_JMP_ARCH_WIDE_CLOBBERS	"r0", "cc"

#define SIDE_JMP_ARCH_KEY_CONSTRAINT	"i"

#endif
