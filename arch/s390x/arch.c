/* SPDX-License-Identifier: MIT */
/*
 * s390x: encode and decode the two forms of a site.  See site.h.
 *
 * z/Architecture Principles of Operation (SA22-7832), chapter 5, instruction
 * fetching (and System/370's before it): an instruction may be fetched ahead of
 * time; a CPU may recognize what another one changes in some bit positions of
 * an instruction and not in others; a serializing operation discards whatever
 * was prefetched.  Hence nothing but the mask of a brcl changes, in all
 * layouts: with any mixture of the old bits and the new it goes to its one
 * target or falls through, and both are right while a change is under way.  So
 * a wide site jumps over its load, and does not turn the load into something
 * else.  (Linux patches its own jump labels so: the mask of a brcl, after which
 * every CPU serializes; arch/s390/kernel/jump_label.c.)
 *
 * Instruction and storage-operand references meet in the same storage: no
 * cache maintenance.  The LPSWE that ends membarrier's IPI serializes.
 */
#include "arch/arch.h"

enum {
	S390_BRCL = 0xc0, S390_ALWAYS = 0xf4, S390_NEVER = 0x04,
	S390_PAST_THE_TEST = 22,
	ELF_S390 = 22,
};

/* The byte of the mask: idle is not to jump, wide to jump over the test. */
static uint8_t s390_mask(const struct side_jmp_insn *insn,
			 enum side_jmp_state state)
{
	bool wide = insn->layout == SIDE_JMP_WIDE;

	return (state == SIDE_JMP_ARMED) != wide ? S390_ALWAYS : S390_NEVER;
}

/* 0001: debuggers; 0002: the kernel's uprobes. */
static bool s390_breakpoint(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + 2 <= n; i += 2)
		if (bytes[i] == 0 && (bytes[i + 1] == 1 || bytes[i + 1] == 2))
			return true;
	return false;
}

static unsigned s390_patch_offset(const struct side_jmp_insn *insn)
{
	(void)insn;
	return 1;
}

static unsigned s390_encode(const struct side_jmp_insn *insn,
			    enum side_jmp_state state,
			    uint8_t bytes[SIDE_JMP_INSN_MAX])
{
	int64_t rel = insn->layout == SIDE_JMP_WIDE ? S390_PAST_THE_TEST :
		      (int64_t)(insn->target - insn->site);
	int64_t half = rel / 2;

	if (insn->layout > SIDE_JMP_WIDE || insn->site & 1 || rel & 1 ||
	    half != (int32_t)half)
		return 0;
	bytes[0] = S390_BRCL;
	bytes[1] = s390_mask(insn, state);
	for (int i = 0; i < 4; i++)
		bytes[2 + i] = (uint8_t)((uint64_t)half >> (24 - 8 * i));
	return 6;
}

static enum side_jmp_state s390_decode(struct side_jmp_insn *insn,
				       const uint8_t *bytes, unsigned len)
{
	uint32_t ri2 = 0;

	if (len < 6 || insn->layout > SIDE_JMP_WIDE || bytes[0] != S390_BRCL ||
	    (bytes[1] != S390_ALWAYS && bytes[1] != S390_NEVER))
		return SIDE_JMP_FOREIGN;
	for (int i = 0; i < 4; i++)
		ri2 = ri2 << 8 | bytes[2 + i];
	if (insn->layout != SIDE_JMP_WIDE)
		insn->target = insn->site + side_jmp_sign_extend(ri2, 32) * 2;
	else if (ri2 != S390_PAST_THE_TEST / 2)
		return SIDE_JMP_FOREIGN;
	return bytes[1] == s390_mask(insn, SIDE_JMP_ARMED) ? SIDE_JMP_ARMED :
							SIDE_JMP_IDLE;
}

const struct side_jmp_arch side_jmp_arch_s390x = {
	.name = "s390x",
	.machine = ELF_S390,
	.align = 2,
	.n_layouts = SIDE_JMP_WIDE + 1,
	.patch_len = 1,
	/* IPTE and IDTE reach other CPUs' TLBs without an interruption. */
	.shootdown_serializes = false,
	.breakpoint = s390_breakpoint,
	.patch_offset = s390_patch_offset,
	.encode = s390_encode,
	.decode = s390_decode,
};
