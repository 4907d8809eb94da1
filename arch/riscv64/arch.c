/* SPDX-License-Identifier: MIT */
/*
 * riscv64: encode and decode the two forms of a site.  See site.h.
 *
 * The unprivileged specification ("Zifencei" extension for instruction-fetch
 * fence) promises that a store is visible to instruction fetches of a hart
 * after that hart executes FENCE.I, and nothing of what the hart fetches
 * before.  That an aligned word is fetched whole is a promise of the profiles
 * (Ziccif, mandatory since RVA20) and not of the base.  So the self back end
 * stays off unless it is asked for.
 *
 * If it is: the kernel follows a write through /proc/self/mem with a FENCE.I
 * on every hart that runs the process and a pending one on the others
 * (copy_to_user_page(), flush_icache_mm(); Linux, arch/riscv/mm/cacheflush.c),
 * and membarrier's SYNC_CORE (Linux 6.10) with another.
 */
#include "arch/arch.h"

enum { ELF_RISCV = 243 };

static const uint32_t RISCV_NOP = 0x00000013, RISCV_JAL = 0x0000006f,
		      RISCV_JAL_IMM = 0xfffff000, RISCV_LW = 0x0002a283,
		      RISCV_LD = 0x0002b283, RISCV_LI = 0x00000293,
		      RISCV_LOAD_IMM = 0xfff00000, RISCV_EBREAK = 0x00100073,
		      RISCV_C_EBREAK = 0x9002;

/* One whose second half is beyond the end counts: whoever asks can't look. */
static bool riscv_breakpoint(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + 2 <= n; i += 2) {
		unsigned half = bytes[i] | (unsigned)bytes[i + 1] << 8;

		if (half == RISCV_C_EBREAK ||
		    (half == (RISCV_EBREAK & 0xffff) &&
		     (i + 4 > n ||
		      side_jmp_get_le32(bytes + i) == RISCV_EBREAK)))
			return true;
	}
	return false;
}

static unsigned riscv_patch_offset(const struct side_jmp_insn *insn)
{
	(void)insn;
	return 0;
}

/* J-type immediates: imm[20|10:1|11|19:12] in bits 31 to 12. */
static uint32_t riscv_jal(uint32_t rel)
{
	return RISCV_JAL | (rel & 1u << 20) << 11 | (rel & 0x7feu) << 20 |
	       (rel & 1u << 11) << 9 | (rel & 0xff000u);
}

static uint64_t riscv_jal_rel(uint32_t word)
{
	return side_jmp_sign_extend((word >> 31 & 1) << 20 |
				    (word & 0xff000u) | (word >> 20 & 1) << 11 |
				    (word >> 20 & 0x7feu), 21);
}

/* The load is relative to the auipc before it: the word's low 12 bits. */
static uint32_t riscv_load_imm(const struct side_jmp_insn *insn)
{
	return (uint32_t)(insn->word - (insn->site - 4)) << 20;
}

/* Does auipc with 20 bits and a signed 12-bit load reach the word? */
static bool riscv_load_reaches(const struct side_jmp_insn *insn)
{
	int64_t rel = (int64_t)(insn->word - (insn->site - 4) + 0x800);

	return rel == (int32_t)rel;
}

static unsigned riscv_encode(const struct side_jmp_insn *insn,
			     enum side_jmp_state state,
			     uint8_t bytes[SIDE_JMP_INSN_MAX])
{
	int64_t rel = (int64_t)(insn->target - insn->site);
	bool armed = state == SIDE_JMP_ARMED;
	uint32_t word = armed ? riscv_jal((uint32_t)rel) : RISCV_NOP;

	if (insn->layout > SIDE_JMP_WIDE || insn->site & 3)
		return 0;
	if (insn->layout == SIDE_JMP_WIDE) {
		if (!riscv_load_reaches(insn))
			return 0;
		word = !armed ? RISCV_LI :
		       (insn->word64 ? RISCV_LD : RISCV_LW) |
		       riscv_load_imm(insn);
	} else if (rel & 1 || rel < -(1 << 20) || rel >= 1 << 20) {
		return 0;
	}
	side_jmp_put_le32(bytes, word);
	return 4;
}

/* Armed, it names the low bits of the word: fill in one that has them. */
static enum side_jmp_state riscv_decode_wide(struct side_jmp_insn *insn,
					     uint32_t word)
{
	if (word == RISCV_LI)
		return SIDE_JMP_IDLE;
	if ((word & ~RISCV_LOAD_IMM) != (insn->word64 ? RISCV_LD : RISCV_LW))
		return SIDE_JMP_FOREIGN;
	insn->word += ((word & RISCV_LOAD_IMM) - riscv_load_imm(insn)) >> 20;
	return SIDE_JMP_ARMED;
}

static enum side_jmp_state riscv_decode(struct side_jmp_insn *insn,
					const uint8_t *bytes, unsigned len)
{
	uint32_t word = len < 4 ? 0 : side_jmp_get_le32(bytes);

	if (insn->layout > SIDE_JMP_WIDE)
		return SIDE_JMP_FOREIGN;
	if (insn->layout == SIDE_JMP_WIDE)
		return riscv_decode_wide(insn, word);
	if (word == RISCV_NOP)
		return SIDE_JMP_IDLE;
	if ((word & ~RISCV_JAL_IMM) != RISCV_JAL)
		return SIDE_JMP_FOREIGN;
	insn->target = insn->site + riscv_jal_rel(word);
	return SIDE_JMP_ARMED;
}

const struct side_jmp_arch side_jmp_arch_riscv64 = {
	.name = "riscv64",
	.machine = ELF_RISCV,
	.align = 4,
	.n_layouts = SIDE_JMP_WIDE + 1,
	.patch_len = 4,
	/* A remote SFENCE.VMA is no FENCE.I. */
	.shootdown_serializes = false,
	.self_off = "the manual promises nothing about instructions that"
		    " change while others execute them;"
		    " SIDE_JMP_BACKEND=self insists",
	.breakpoint = riscv_breakpoint,
	.patch_offset = riscv_patch_offset,
	.encode = riscv_encode,
	.decode = riscv_decode,
};
