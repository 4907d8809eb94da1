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
#include <stddef.h>
#include <stdint.h>

#include "arch/site.h"

enum side_jmp_layout {
	SIDE_JMP_INLINE = 0,
	SIDE_JMP_DENSE = 1,
	SIDE_JMP_WIDE = 2,
	SIDE_JMP_NOP = 3,	/* x86-64; elsewhere inline is that already */
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
	uint8_t n_layouts;	/* it has those below this number */
	uint8_t patch_len;	/* bytes that differ between the two states */

	/*
	 * Does stopping the other cores for a TLB flush also make them fetch
	 * instructions anew?  Then dropping a page needs no core
	 * synchronization of its own.
	 */
	bool shootdown_serializes;

	/*
	 * Why a process does not patch itself here unless it is told to: the
	 * manual does not promise that a site's store is seen whole.  NULL
	 * where it does.
	 */
	const char *self_off;

	/*
	 * Does a breakpoint begin among these n bytes, at a place where an
	 * instruction may?  Instructions begin at the first.  Called for all
	 * that lies between sites, so it has to be fast.
	 */
	bool (*breakpoint)(const uint8_t *bytes, size_t n);

	/*
	 * Where else in a site of several instructions one begins, counted
	 * from the site: a breakpoint may stand there, too.  0: nowhere, as
	 * in a port that has no such function.
	 */
	unsigned (*second)(const struct side_jmp_insn *insn);

	/* Where they differ, counted from the site. */
	unsigned (*patch_offset)(const struct side_jmp_insn *insn);

	/*
	 * The bytes of `state` (armed or idle): one instruction, or two of
	 * which the second is there in both.  Returns their number, or 0
	 * if the operands can't be encoded: out of reach, misaligned, unknown
	 * layout.
	 */
	unsigned (*encode)(const struct side_jmp_insn *insn,
			   enum side_jmp_state state,
			   uint8_t bytes[SIDE_JMP_INSN_MAX]);

	/*
	 * Which state do these bytes stand for?  Reads site, layout and word64
	 * of *insn; fills in target (jump layouts) or word (wide) where the
	 * bytes name it.  Looks at no more bytes than the site has, and if
	 * that is more than `len`, it is FOREIGN.
	 */
	enum side_jmp_state (*decode)(struct side_jmp_insn *insn,
				      const uint8_t *bytes, unsigned len);
};

/* Every port, for whoever looks at all of them. */
#define SIDE_JMP_ARCHS(port) \
	port(x86_64) port(arm64) port(s390x) port(ppc64le) port(riscv64)

#define SIDE_JMP_ARCH_DECLARE_(name) \
	extern const struct side_jmp_arch side_jmp_arch_##name \
		__attribute__((visibility("hidden")));
SIDE_JMP_ARCHS(SIDE_JMP_ARCH_DECLARE_)
SIDE_JMP_ARCH_DECLARE_(generic)

#define SIDE_JMP_ARCH_PASTE_(name)	side_jmp_arch_##name
#define SIDE_JMP_ARCH_OF_(name)		SIDE_JMP_ARCH_PASTE_(name)

/* The port that this is compiled for; where none is, `machine` is 0. */
static inline const struct side_jmp_arch *side_jmp_arch_host(void)
{
	return &SIDE_JMP_ARCH_OF_(SIDE_JMP_ARCH_NAME);
}

/* A debugger's, anywhere in the site that these bytes are. */
static inline bool side_jmp_arch_broken(const struct side_jmp_arch *arch,
					const struct side_jmp_insn *insn,
					const uint8_t *bytes)
{
	unsigned second = arch->second ? arch->second(insn) : 0;

	return arch->breakpoint(bytes, arch->align) ||
	       (second && arch->breakpoint(bytes + second, arch->align));
}

/* ---- what several ports need --------------------------------------------- */

static inline uint32_t side_jmp_get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline void side_jmp_put_le32(uint8_t *p, uint32_t word)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(word >> (8 * i));
}

/* The low `bits` of a field as a signed number, to be added to an address. */
static inline uint64_t side_jmp_sign_extend(uint32_t field, unsigned bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);

	return (field ^ sign) - sign;
}

#endif
