/* SPDX-License-Identifier: MIT */
/*
 * ppc64le: encode and decode the two forms of a site.  See site.h.
 *
 * Power ISA, Book II, "Concurrent Modification and Execution of Instructions"
 * (1.8.1 in version 2.03): the only case with defined results is that of an
 * aligned word whose every value is of the "patch class", b (I-form) and the
 * preferred no-op (ori 0,0,0), stored atomically.  Then each execution is that
 * of one of those values.  Hence b and nop, and no other word, in all layouts:
 * a wide site jumps over its load, and does not turn the load into something
 * else.
 *
 * The new word is seen after dcbst, sync, icbi, isync on the modifying side,
 * which the kernel does for a write through /proc/self/mem
 * (copy_to_user_page(), flush_icache_user_page(); Linux,
 * arch/powerpc/mm/cacheflush.c), and a context synchronizing instruction on
 * the executing one (Book II, "Instruction Storage"): the rfid that ends
 * membarrier's IPI.
 */
#include "arch/arch.h"

enum { ELF_PPC64 = 21 };

static const uint32_t PPC_NOP = 0x60000000, PPC_B = 0x48000000,
		      PPC_LI = 0x03fffffc, PPC_B_OVER = 0x48000014,
		      PPC_TRAP = 0x7fe00008;

static bool ppc_breakpoint(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + 4 <= n; i += 4)
		if (side_jmp_get_le32(bytes + i) == PPC_TRAP)
			return true;
	return false;
}

static unsigned ppc_patch_offset(const struct side_jmp_insn *insn)
{
	(void)insn;
	return 0;
}

static unsigned ppc_encode(const struct side_jmp_insn *insn,
			   enum side_jmp_state state,
			   uint8_t bytes[SIDE_JMP_INSN_MAX])
{
	int64_t rel = (int64_t)(insn->target - insn->site);
	bool armed = state == SIDE_JMP_ARMED;
	uint32_t b = PPC_B | ((uint32_t)rel & PPC_LI);

	if (insn->layout > SIDE_JMP_WIDE || insn->site & 3 || rel & 3 ||
	    rel < -(1 << 25) || rel >= 1 << 25)
		return 0;
	if (insn->layout == SIDE_JMP_WIDE)
		side_jmp_put_le32(bytes, armed ? PPC_NOP : PPC_B_OVER);
	else
		side_jmp_put_le32(bytes, armed ? b : PPC_NOP);
	return 4;
}

static enum side_jmp_state ppc_decode(struct side_jmp_insn *insn,
				      const uint8_t *bytes, unsigned len)
{
	bool wide = insn->layout == SIDE_JMP_WIDE;
	uint32_t word = len < 4 ? 0 : side_jmp_get_le32(bytes);

	if (insn->layout > SIDE_JMP_WIDE)
		return SIDE_JMP_FOREIGN;
	if (word == PPC_NOP)
		return wide ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
	if (wide)
		return word == PPC_B_OVER ? SIDE_JMP_IDLE : SIDE_JMP_FOREIGN;
	if ((word & ~PPC_LI) != PPC_B)
		return SIDE_JMP_FOREIGN;
	insn->target = insn->site + side_jmp_sign_extend(word & PPC_LI, 26);
	return SIDE_JMP_ARMED;
}

const struct side_jmp_arch side_jmp_arch_ppc64le = {
	.name = "ppc64le",
	.machine = ELF_PPC64,
	.align = 4,
	.n_layouts = SIDE_JMP_WIDE + 1,
	.patch_len = 4,
	/* tlbie is broadcast: dropping a page interrupts nobody. */
	.shootdown_serializes = false,
	.breakpoint = ppc_breakpoint,
	.patch_offset = ppc_patch_offset,
	.encode = ppc_encode,
	.decode = ppc_decode,
};
