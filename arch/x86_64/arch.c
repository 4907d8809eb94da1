/* SPDX-License-Identifier: MIT */
/*
 * x86-64: encode and decode the two forms of a site.  See site.h for the
 * bytes.
 *
 * What the manuals say of storing one of these bytes while another core
 * executes there: AMD's allows it (APM vol. 2, 7.6.1, cross-modifying code:
 * a store to an instruction that is contained in one aligned quadword is seen
 * old or new).  Intel's asks for a serializing instruction on the executing
 * core before it runs the modified code (SDM vol. 3, 8.1.3) and promises
 * nothing for code that is modified without; the README says what we make of
 * that.
 */
#include <string.h>

#include "arch/arch.h"

enum {
	OP_JMP = 0xe9, OP_TEST = 0xa9,
	OP_CMP = 0x3b, PREFIX_DS = 0x3e, MODRM_EAX_RIP = 0x05, OP_ADD = 0x05,
	REX_W = 0x48, OP_INT3 = 0xcc,
	ELF_X86_64 = 62,
};

_Static_assert(MODRM_EAX_RIP == OP_ADD,
	       "cmp's ModRM byte has to be add's opcode for one byte to toggle");

static bool x86_rel32(uint64_t from, uint64_t to, uint8_t out[4])
{
	int64_t rel = (int64_t)(to - from);

	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)((uint64_t)rel >> (8 * i));
	return rel == (int32_t)rel;
}

static int32_t x86_get32(const uint8_t *p)
{
	return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 |
			 (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

static bool x86_is_wide64(const struct side_jmp_insn *insn)
{
	return insn->layout == SIDE_JMP_WIDE && insn->word64;
}

static bool x86_breakpoint(const uint8_t *bytes, size_t n)
{
	return n && memchr(bytes, OP_INT3, n);
}

static unsigned x86_patch_offset(const struct side_jmp_insn *insn)
{
	return x86_is_wide64(insn) ? 1 : 0;
}

static unsigned x86_encode(const struct side_jmp_insn *insn,
			   enum side_jmp_state state,
			   uint8_t bytes[SIDE_JMP_INSN_MAX])
{
	bool armed = state == SIDE_JMP_ARMED;
	unsigned n = 0;
	uint64_t to;

	switch (insn->layout) {
	case SIDE_JMP_INLINE:
	case SIDE_JMP_DENSE:
		bytes[n++] = armed ? OP_JMP : OP_TEST;
		to = insn->target;
		break;
	case SIDE_JMP_WIDE:
		if (insn->word64)
			bytes[n++] = REX_W;
		bytes[n++] = armed ? OP_CMP : PREFIX_DS;
		bytes[n++] = MODRM_EAX_RIP;
		to = insn->word;
		break;
	default:
		return 0;
	}
	return x86_rel32(insn->site + n + 4, to, bytes + n) ? n + 4 : 0;
}

static enum side_jmp_state x86_decode_jump(struct side_jmp_insn *insn,
					   const uint8_t *bytes, unsigned len)
{
	if (len < 5 || (bytes[0] != OP_JMP && bytes[0] != OP_TEST))
		return SIDE_JMP_FOREIGN;
	insn->target = insn->site + 5 + (uint64_t)(int64_t)x86_get32(bytes + 1);
	return bytes[0] == OP_JMP ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
}

static enum side_jmp_state x86_decode_wide(struct side_jmp_insn *insn,
					   const uint8_t *bytes, unsigned len)
{
	unsigned n = insn->word64 ? 1 : 0;

	if (len < n + 6 || (n && bytes[0] != REX_W) ||
	    (bytes[n] != OP_CMP && bytes[n] != PREFIX_DS) ||
	    bytes[n + 1] != MODRM_EAX_RIP)
		return SIDE_JMP_FOREIGN;
	insn->word = insn->site + n + 6 +
		     (uint64_t)(int64_t)x86_get32(bytes + n + 2);
	return bytes[n] == OP_CMP ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
}

static enum side_jmp_state x86_decode(struct side_jmp_insn *insn,
				      const uint8_t *bytes, unsigned len)
{
	switch (insn->layout) {
	case SIDE_JMP_INLINE:
	case SIDE_JMP_DENSE:
		return x86_decode_jump(insn, bytes, len);
	case SIDE_JMP_WIDE:
		return x86_decode_wide(insn, bytes, len);
	default:
		return SIDE_JMP_FOREIGN;
	}
}

const struct side_jmp_arch side_jmp_arch_x86_64 = {
	.name = "x86-64",
	.machine = ELF_X86_64,
	.align = 1,
	.patch_len = 1,
	/* The IPI ends in IRET, which serializes (SDM vol. 3, 8.3). */
	.shootdown_serializes = true,
	.breakpoint = x86_breakpoint,
	.patch_offset = x86_patch_offset,
	.encode = x86_encode,
	.decode = x86_decode,
};
