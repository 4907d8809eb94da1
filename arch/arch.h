/* SPDX-License-Identifier: MIT */
/*
 * The contract of a port: pure functions over bytes, behind one descriptor.
 *
 * Shared by the runtime, the tools and the tests; nothing here touches memory
 * other than its arguments, and all of it works for any architecture on any
 * host.
 */
#ifndef SIDE_JMP_ARCH_ARCH_H
#define SIDE_JMP_ARCH_ARCH_H

#include <stdbool.h>
#include <stdint.h>

enum side_jmp_layout {
	SIDE_JMP_INLINE = 0,
	SIDE_JMP_DENSE = 1,
	SIDE_JMP_WIDE = 2,
};

/*
 * A site is in one of two states; anything else belongs to somebody else (a
 * debugger's breakpoint, another patcher, a table that lies).
 */
enum side_jmp_state {
	SIDE_JMP_ARMED,		/* goes through the test: always right */
	SIDE_JMP_IDLE,		/* a no-op: right while the word is 0 */
	SIDE_JMP_FOREIGN,
};

/* No port's site is longer. */
#define SIDE_JMP_INSN_MAX	8

/* What an instruction at a site is made of.  Addresses are run-time ones. */
struct side_jmp_insn {
	uint64_t site;
	uint64_t target;	/* the check block */
	uint64_t word;		/* the key's word; only wide encodes it */
	uint8_t layout;		/* enum side_jmp_layout */
	bool word64;		/* the word has 64 bits; only wide encodes it */
};

struct side_jmp_arch {
	const char *name;
	uint16_t machine;	/* e_machine of the ELF file */
	uint8_t align;		/* of a site, bytes */
	uint8_t patch_len;	/* bytes that differ between the two states */

	/*
	 * Does stopping the other cores for a TLB flush also make them fetch
	 * instructions anew?  Then dropping a page needs no core
	 * synchronization of its own.
	 */
	bool shootdown_serializes;

	/* Is the instruction at `bytes` a breakpoint? */
	bool (*breakpoint)(const uint8_t *bytes);

	/* Where they differ, counted from the site. */
	unsigned (*patch_offset)(const struct side_jmp_insn *insn);

	/*
	 * The bytes of `state` (armed or idle).  Returns their number, or 0
	 * if the operands can't be encoded: out of reach, misaligned, unknown
	 * layout.
	 */
	unsigned (*encode)(const struct side_jmp_insn *insn,
			   enum side_jmp_state state,
			   uint8_t bytes[SIDE_JMP_INSN_MAX]);

	/*
	 * Which state do these bytes stand for?  Reads site, layout and word64
	 * of *insn; fills in target (jump layouts) or word (wide) where the
	 * bytes name it.  Looks at no more bytes than the instruction has, and
	 * if that is more than `len`, it is FOREIGN.
	 */
	enum side_jmp_state (*decode)(struct side_jmp_insn *insn,
				      const uint8_t *bytes, unsigned len);
};

extern const struct side_jmp_arch side_jmp_arch_x86_64
	__attribute__((visibility("hidden")));

/* The port of the machine that this is compiled for; NULL where none is. */
static inline const struct side_jmp_arch *side_jmp_arch_host(void)
{
#if defined(__x86_64__) && !defined(__ILP32__)
	return &side_jmp_arch_x86_64;
#else
	return 0;
#endif
}

#endif
