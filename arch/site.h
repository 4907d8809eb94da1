/* SPDX-License-Identifier: MIT */
/*
 * The contract of a port's site.h: assembler text for the template in
 * side_jmp.h.  This file picks the port that the code being compiled gets,
 * refuses one that lacks something, and derives what most ports share.
 *
 * In the text `%l[side_jmp_check]` and `%l[side_jmp_on]` are the blocks that
 * test the word and that found it not 0, `%[side_jmp_key]` is the key's address
 * as the assembler's symbol, `%c[side_jmp_flags]` the record's flags (2: a 64-bit
 * word) and `%=` a number that no other site has.
 *
 * The other half of a port, its arch.c, has its contract in arch.h.
 */
#ifndef SIDE_JMP_ARCH_SITE_H
#define SIDE_JMP_ARCH_SITE_H

/* SIDE_JMP_GENERIC: no sites, plain tests, also where there is a port. */
#if defined(SIDE_JMP_GENERIC)
#include "generic/site.h"
#elif defined(__x86_64__) && !defined(__ILP32__) && \
	!defined(__code_model_large__)	/* a key may be out of reach */
#include "x86_64/site.h"
#elif defined(__aarch64__) && !defined(__ILP32__)
#include "arm64/site.h"
#elif defined(__s390x__) && __ARCH__ >= 8	/* z10 */
#include "s390x/site.h"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__) && _CALL_ELF == 2
#include "ppc64le/site.h"
#elif defined(__riscv) && __riscv_xlen == 64 && !defined(__ILP32__)
#include "riscv64/site.h"
#else
#include "generic/site.h"
#endif

/* The folder, and the end of the name of its side_jmp_arch_*. */
#ifndef SIDE_JMP_ARCH_NAME
#error "port: SIDE_JMP_ARCH_NAME"
#endif

#ifndef SIDE_JMP_ARCH_HAS_SITES
#error "port: SIDE_JMP_ARCH_HAS_SITES, 1 or (generic) 0"
#endif

#if SIDE_JMP_ARCH_HAS_SITES

/* The patchable instruction, armed: a jump to the check block. */
#ifndef SIDE_JMP_ARCH_JUMP_SITE
#error "port: SIDE_JMP_ARCH_JUMP_SITE"
#endif

/* What the site destroys, armed or idle: "cc", what a veneer takes, nothing. */
#ifndef SIDE_JMP_ARCH_JUMP_CLOBBERS
#error "port: SIDE_JMP_ARCH_JUMP_CLOBBERS"
#endif

/* A jump to the label `at` in another section of the same object. */
#ifndef SIDE_JMP_ARCH_JUMP_TO
#error "port: SIDE_JMP_ARCH_JUMP_TO(at)"
#endif

/*
 * The layout nop, its number and its site: for a port whose site is not a true
 * no-op when it is idle, and that has one.  On the others (arm64's, ppc64le's
 * and riscv64's nop, s390x's brcl that never branches) inline is that already,
 * and a program that asks for nop gets inline.
 */
#ifndef SIDE_JMP_ARCH_NOP_SITE
#define SIDE_JMP_ARCH_NOP_LAYOUT	"0"
#define SIDE_JMP_ARCH_NOP_SITE		SIDE_JMP_ARCH_JUMP_SITE
#define SIDE_JMP_ARCH_NOP_CLOBBERS	SIDE_JMP_ARCH_JUMP_CLOBBERS
#endif

/*
 * Load, test and branch in line, with the patchable instruction (armed) at
 * the label `at`.  A port whose load is no acquire branches to the check
 * block, which loads again.
 */
#ifndef SIDE_JMP_ARCH_WIDE_SITE
#error "port: SIDE_JMP_ARCH_WIDE_SITE(at)"
#endif
#ifndef SIDE_JMP_ARCH_WIDE_CLOBBERS
#error "port: SIDE_JMP_ARCH_WIDE_CLOBBERS"
#endif

/*
 * What the check block of an event does, if the port has better than what a
 * compiler makes of it, which needs a register: go to side_jmp_on if the word
 * is not 0; TEST and TEST_CLOBBERS.
 */

/* How an asm statement takes the address of a symbol, and how it prints. */
#ifndef SIDE_JMP_ARCH_KEY_CONSTRAINT
#error "port: SIDE_JMP_ARCH_KEY_CONSTRAINT"
#endif
#ifndef SIDE_JMP_ARCH_KEY_OPERAND
#define SIDE_JMP_ARCH_KEY_OPERAND	"%[side_jmp_key]"
#endif

/* What brings a site to its alignment, where instructions have less. */
#ifndef SIDE_JMP_ARCH_ALIGN
#define SIDE_JMP_ARCH_ALIGN		""
#endif

/* More operands of a wide site, after a comma. */
#ifndef SIDE_JMP_ARCH_WIDE_OPERANDS
#define SIDE_JMP_ARCH_WIDE_OPERANDS(name)
#endif

/*
 * The dense site goes back to the label `back` when idle; its record names
 * DENSE_CHECK as the check block.
 */
#ifndef SIDE_JMP_ARCH_DENSE_SITE
#define SIDE_JMP_ARCH_DENSE_SITE(back) \
	SIDE_JMP_ARCH_JUMP_SITE SIDE_JMP_ARCH_JUMP_TO(back)
#define SIDE_JMP_ARCH_DENSE_CHECK	"%l[side_jmp_check]"
#endif

/*
 * The dense section may be anywhere: what a linker's veneer on the way there
 * and back takes, the compiler has to know of.
 */
#ifndef SIDE_JMP_ARCH_DENSE_CLOBBERS
#define SIDE_JMP_ARCH_DENSE_CLOBBERS	SIDE_JMP_ARCH_JUMP_CLOBBERS
#endif

/*
 * 1 where a site does not reach a check block in another section, as gcc's
 * cold blocks are; of inline and nop, and of wide.
 */
#ifndef SIDE_JMP_ARCH_JUMP_IS_SHORT
#define SIDE_JMP_ARCH_JUMP_IS_SHORT	0
#endif
#ifndef SIDE_JMP_ARCH_WIDE_IS_SHORT
#define SIDE_JMP_ARCH_WIDE_IS_SHORT	0
#endif

#endif /* SIDE_JMP_ARCH_HAS_SITES */

/*
 * Calls that the compiler does not see (side_jmp/call.h): text that calls a thunk
 * with n values (0 to 6, unsigned, 64 bits), which gives every register back but
 * the clobbers.  side_jmp_call_<n>(), of the port's call.c, calls a function with
 * them as its arguments; side_jmp_event_<n>(), of its thunk.h, calls
 * sj_event_fire() with an event and an array of them, and leaves it to that to
 * keep vectors (general.h).  A port without (0) makes ordinary calls.
 *
 *	CALL(thunk, slots, f)	all of it; thunk is a string
 *	CALL_SLOT(n)		its part for the operand [side_jmp_<n>], a string;
 *				the last operand's is the first
 *	CALL_SYMBOL		that for the event, whose address is in memory at
 *				[side_jmp_f], in this object
 *	CALL_VALUE		the same for the function, [side_jmp_f] is a
 *				register that has its address
 *	CALL_CONSTRAINT		of values; no memory that is found by the stack
 *				pointer, which moves
 *	CALL_CLOBBERS
 *	CALL_DOUBLE(bits, value)	a statement: the bits of a double; may be
 *				left out
 *	CALL_WORD(value)	an integer or pointer as a function's argument of 64
 *				bits; may be left out where the ABI extends each by
 *				its type, or not at all
 */
#ifndef SIDE_JMP_ARCH_CALL_WORD
#define SIDE_JMP_ARCH_CALL_WORD(value)	((uint64_t)(value))
#endif
#ifndef SIDE_JMP_ARCH_HAS_CALL
#define SIDE_JMP_ARCH_HAS_CALL	0
#elif !defined(SIDE_JMP_ARCH_CALL) || !defined(SIDE_JMP_ARCH_CALL_SLOT) || \
	!defined(SIDE_JMP_ARCH_CALL_SYMBOL) || \
	!defined(SIDE_JMP_ARCH_CALL_VALUE) || \
	!defined(SIDE_JMP_ARCH_CALL_CONSTRAINT) || \
	!defined(SIDE_JMP_ARCH_CALL_CLOBBERS)
#error "port: SIDE_JMP_ARCH_CALL and its parts"
#endif

#endif
