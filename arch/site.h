/* SPDX-License-Identifier: MIT */
/*
 * The contract of a port's site.h: assembler text for the template in
 * side_jmp.h.  This file picks the port that the code being compiled gets,
 * refuses one that lacks something, and derives what most ports share.
 *
 * In the text `%l[side_jmp_check]` and `%l[side_jmp_on]` are the blocks that
 * test the word and that found it not 0, `%[key]` is the key's address as the
 * assembler's symbol, `%c[flags]` the record's flags (2: a 64-bit word) and
 * `%=` a number that no other site has.
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

/* How an asm statement takes the address of a symbol, and how it prints. */
#ifndef SIDE_JMP_ARCH_KEY_CONSTRAINT
#error "port: SIDE_JMP_ARCH_KEY_CONSTRAINT"
#endif
#ifndef SIDE_JMP_ARCH_KEY_OPERAND
#define SIDE_JMP_ARCH_KEY_OPERAND	"%[key]"
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
 * cold blocks are; of inline and of wide.
 */
#ifndef SIDE_JMP_ARCH_JUMP_IS_SHORT
#define SIDE_JMP_ARCH_JUMP_IS_SHORT	0
#endif
#ifndef SIDE_JMP_ARCH_WIDE_IS_SHORT
#define SIDE_JMP_ARCH_WIDE_IS_SHORT	0
#endif

#endif /* SIDE_JMP_ARCH_HAS_SITES */

#endif
