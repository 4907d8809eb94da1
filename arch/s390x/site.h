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

/*
 * A call that the compiler does not see: room on the stack for the function or
 * event at 8 and the values from 16 on, then a branch to the thunk with the place
 * to come back to in r1, for a leaf function's return address is in r14.
 */
#define SIDE_JMP_ARCH_HAS_CALL	1
#ifdef __clang__	/* whose assembler has another name for a GOT's entry */
#define SIDE_JMP_S390X_GOT	"@GOT"
#else
#define SIDE_JMP_S390X_GOT	"@GOTENT"
#endif
#define SIDE_JMP_ARCH_CALL(thunk, slots, f)				\
	"	lay %%r15, -64(%%r15)\n"				\
	slots f								\
	"	lgrl %%r1, " thunk SIDE_JMP_S390X_GOT "\n"		\
	"	basr %%r1, %%r1\n"					\
	"	la %%r15, 64(%%r15)\n"
/* The stack pointer has moved. */
#define SIDE_JMP_ARCH_CALL_SLOT(n)					\
	"	.ifc \"%[side_jmp_" n "]\", \"%%r15\"\n"		\
	"	la %%r0, 64(%%r15)\n"					\
	"	stg %%r0, 8 + 8 * " n "(%%r15)\n"			\
	"	.else\n"						\
	"	stg %[side_jmp_" n "], 8 + 8 * " n "(%%r15)\n"		\
	"	.endif\n"
#define SIDE_JMP_ARCH_CALL_SYMBOL					\
	"	lgrl %%r0, %[side_jmp_f]\n"				\
	"	stg %%r0, 8(%%r15)\n"
#define SIDE_JMP_ARCH_CALL_VALUE	"	stg %[side_jmp_f], 8(%%r15)\n"
#define SIDE_JMP_ARCH_CALL_CONSTRAINT	"r"
#define SIDE_JMP_ARCH_CALL_CLOBBERS	"r0", "r1", "cc"

#endif
