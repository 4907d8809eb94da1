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

/*
 * A call that the compiler does not see.  First off the protected zone (ELFv2 ABI,
 * 2.2.3.4: 288 bytes) and on by a frame's header, the function or event at 32 and
 * the values from 40 on.  A leaf function's return address is in LR, which is in r0
 * meanwhile; CTR may be a loop's.  The function may have no TOC pointer of its own:
 * what is needed is found from where this stands (bcl 20,31 is no call to the
 * processor), the thunk by a word that every object has.  MMA's accumulators lie
 * over registers that the thunks move: code that may use them makes ordinary calls.
 */
#ifndef __MMA__
#define SIDE_JMP_ARCH_HAS_CALL	1
#endif
#define SIDE_JMP_ARCH_CALL(thunk, slots, f)				\
	"	.ifndef side_jmp_at_" thunk "\n"			\
	"	.pushsection .data.rel.ro.side_jmp_at_" thunk		\
			", \"awG\", @progbits, side_jmp_at_" thunk ", comdat\n" \
	"	.weak side_jmp_at_" thunk "\n"				\
	"	.hidden side_jmp_at_" thunk "\n"			\
	"	.balign 8\n"						\
	"side_jmp_at_" thunk ":\n"					\
	"	.quad " thunk "\n"					\
	"	.popsection\n"						\
	"	.endif\n"						\
	"	stdu 1, -384(1)\n"					\
	slots								\
	"	mflr 0\n"						\
	"	bcl 20, 31, 7f\n"					\
	"7:	mflr 12\n"						\
	f								\
	"	addis 12, 12, (side_jmp_at_" thunk " - 7b)@ha\n"	\
	"	addi 12, 12, (side_jmp_at_" thunk " - 7b)@l\n"		\
	"	ld 12, 0(12)\n"					\
	"	mtlr 12\n"						\
	"	blrl\n"						\
	"	mtlr 0\n"						\
	"	addi 1, 1, 384\n"
/* The stack pointer has moved; with gcc's -mregnames it has another name, and the value
   that is passed is where it is now. */
#define SIDE_JMP_ARCH_CALL_SLOT(n)					\
	"	.ifc \"%[side_jmp_" n "]\", \"1\"\n"			\
	"	addi 12, 1, 384\n"					\
	"	std 12, 32 + 8 * " n "(1)\n"				\
	"	.else\n"						\
	"	std %[side_jmp_" n "], 32 + 8 * " n "(1)\n"		\
	"	.endif\n"
#define SIDE_JMP_ARCH_CALL_SYMBOL					\
	"	addis 12, 12, (%[side_jmp_f] - 7b)@ha\n"		\
	"	addi 12, 12, (%[side_jmp_f] - 7b)@l\n"			\
	"	ld 12, 0(12)\n"					\
	"	std 12, 32(1)\n"					\
	"	mflr 12\n"
#define SIDE_JMP_ARCH_CALL_VALUE	"	std %[side_jmp_f], 32(1)\n"
#define SIDE_JMP_ARCH_CALL_CONSTRAINT	"r"
/* gcc would move an ordinary mfvsrd up, in front of the site. */
#define SIDE_JMP_ARCH_CALL_DOUBLE(bits, value)				\
	__asm__ __inline__ volatile ("mfvsrd %0, %1"			\
				     : "=r" (bits) : "d" (value))
#define SIDE_JMP_ARCH_CALL_CLOBBERS	"r0", "r12"

#endif
