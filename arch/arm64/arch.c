/* SPDX-License-Identifier: MIT */
/*
 * arm64: encode and decode the two forms of a site.  See site.h.
 *
 * Arm ARM (DDI 0487), B2.2.5, concurrent modification and execution of
 * instructions: where the instruction before and after is one of B, BL, BRK,
 * HVC, ISB, NOP, SMC, SVC, another PE executes the one that it fetched or the
 * new one; any other pair may do whatever instructions of the same exception
 * level can.  Hence b and nop, and no other word, in all layouts: a wide site
 * jumps over its load, and does not turn the load into a move.
 *
 * The new word is seen after the modifying side cleaned and invalidated to
 * the point of unification and the executing PE synchronized its context (the
 * same section).  For a write through /proc/self/mem the kernel does the former:
 * copy_to_user_page(), sync_icache_aliases() for executable mappings (Linux,
 * arch/arm64/mm/flush.c).  The exception return that ends membarrier's IPI is
 * the latter (a context synchronization event).
 */
#include "arch/arch.h"

enum { ELF_AARCH64 = 183 };

static const uint32_t ARM64_NOP = 0xd503201f, ARM64_B = 0x14000000,
		      ARM64_IMM26 = 0x03ffffff, ARM64_B_OVER = 0x14000004,
		      ARM64_BRK = 0xd4200000;

static bool arm64_breakpoint(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + 4 <= n; i += 4)
		if ((side_jmp_get_le32(bytes + i) & ~(0xffffu << 5)) ==
		    ARM64_BRK)
			return true;
	return false;
}

static unsigned arm64_patch_offset(const struct side_jmp_insn *insn)
{
	(void)insn;
	return 0;
}

static unsigned arm64_encode(const struct side_jmp_insn *insn,
			     enum side_jmp_state state,
			     uint8_t bytes[SIDE_JMP_INSN_MAX])
{
	int64_t rel = (int64_t)(insn->target - insn->site);
	bool armed = state == SIDE_JMP_ARMED;
	uint32_t b = ARM64_B | ((uint32_t)(rel >> 2) & ARM64_IMM26);

	if (insn->layout > SIDE_JMP_WIDE || insn->site & 3 || rel & 3 ||
	    rel < -(1 << 27) || rel >= 1 << 27)
		return 0;
	if (insn->layout == SIDE_JMP_WIDE)
		side_jmp_put_le32(bytes, armed ? ARM64_NOP : ARM64_B_OVER);
	else
		side_jmp_put_le32(bytes, armed ? b : ARM64_NOP);
	return 4;
}

static enum side_jmp_state arm64_decode(struct side_jmp_insn *insn,
					const uint8_t *bytes, unsigned len)
{
	bool wide = insn->layout == SIDE_JMP_WIDE;
	uint32_t word = len < 4 ? 0 : side_jmp_get_le32(bytes);

	if (insn->layout > SIDE_JMP_WIDE)
		return SIDE_JMP_FOREIGN;
	if (word == ARM64_NOP)
		return wide ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
	if (wide)
		return word == ARM64_B_OVER ? SIDE_JMP_IDLE : SIDE_JMP_FOREIGN;
	if ((word & ~ARM64_IMM26) != ARM64_B)
		return SIDE_JMP_FOREIGN;
	insn->target = insn->site +
		       side_jmp_sign_extend(word & ARM64_IMM26, 26) * 4;
	return SIDE_JMP_ARMED;
}

const struct side_jmp_arch side_jmp_arch_arm64 = {
	.name = "arm64",
	.machine = ELF_AARCH64,
	.align = 4,
	.n_layouts = SIDE_JMP_WIDE + 1,
	.patch_len = 4,
	/* TLBI is broadcast: dropping a page interrupts nobody. */
	.shootdown_serializes = false,
	.breakpoint = arm64_breakpoint,
	.patch_offset = arm64_patch_offset,
	.encode = arm64_encode,
	.decode = arm64_decode,
};
