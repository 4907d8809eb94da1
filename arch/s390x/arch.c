/* SPDX-License-Identifier: MIT */
/*
 * s390x: encode and decode the two forms of a site.  See site.h.
 *
 * z/Architecture Principles of Operation (SA22-7832), chapter 5, instruction
 * fetching: an instruction may be fetched piecemeal, more than once and ahead
 * of time, and what was prefetched need not be discarded before the CPU
 * serializes.  But a byte is fetched whole.  So where one byte differs, every
 * fetch sees one of the two instructions, and after a serialization the new
 * one.  (Linux patches its own jump labels so, the mask of a brcl, and then
 * has every CPU serialize.)
 *
 * Instruction and storage-operand references meet in the same storage: no
 * cache maintenance.  The LPSWE that ends membarrier's IPI serializes.
 */
#include "arch/arch.h"

enum {
	JUMP = 0xc0, JUMP_ALWAYS = 0xf4, JUMP_NEVER = 0x04,
	WIDE = 0xc6, CLRL = 0x0f, CLGRL = 0x0a, PFDRL = 0x02,
	ELF_S390 = 22,
};

/* The first two bytes of an instruction; the other four are its operand. */
static bool opcode(const struct side_jmp_insn *insn, enum side_jmp_state state,
		   uint8_t op[2])
{
	bool wide = insn->layout == SIDE_JMP_WIDE;

	op[0] = wide ? WIDE : JUMP;
	if (state == SIDE_JMP_IDLE)
		op[1] = wide ? PFDRL : JUMP_NEVER;
	else if (wide)
		op[1] = insn->word64 ? CLGRL : CLRL;
	else
		op[1] = JUMP_ALWAYS;
	return insn->layout <= SIDE_JMP_WIDE;
}

/* 0001: debuggers; 0002: the kernel's uprobes. */
static bool breakpoint(const uint8_t *bytes)
{
	return bytes[0] == 0 && (bytes[1] == 1 || bytes[1] == 2);
}

static unsigned patch_offset(const struct side_jmp_insn *insn)
{
	(void)insn;
	return 1;
}

static unsigned encode(const struct side_jmp_insn *insn,
		       enum side_jmp_state state,
		       uint8_t bytes[SIDE_JMP_INSN_MAX])
{
	uint64_t to = insn->layout == SIDE_JMP_WIDE ? insn->word : insn->target;
	int64_t rel = (int64_t)(to - insn->site);
	int64_t half = rel / 2;

	if (!opcode(insn, state, bytes) || insn->site & 1 || rel & 1 ||
	    half != (int32_t)half)
		return 0;
	for (int i = 0; i < 4; i++)
		bytes[2 + i] = (uint8_t)((uint64_t)half >> (24 - 8 * i));
	return 6;
}

static enum side_jmp_state decode(struct side_jmp_insn *insn,
				  const uint8_t *bytes, unsigned len)
{
	uint8_t armed[2], idle[2];
	uint32_t ri2 = 0;
	uint64_t to;

	if (len < 6 || !opcode(insn, SIDE_JMP_ARMED, armed) ||
	    !opcode(insn, SIDE_JMP_IDLE, idle) || bytes[0] != armed[0] ||
	    (bytes[1] != armed[1] && bytes[1] != idle[1]))
		return SIDE_JMP_FOREIGN;
	for (int i = 0; i < 4; i++)
		ri2 = ri2 << 8 | bytes[2 + i];
	to = insn->site + side_jmp_sign_extend(ri2, 32) * 2;
	if (insn->layout == SIDE_JMP_WIDE)
		insn->word = to;
	else
		insn->target = to;
	return bytes[1] == armed[1] ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
}

const struct side_jmp_arch side_jmp_arch_s390x = {
	.name = "s390x",
	.machine = ELF_S390,
	.align = 2,
	.patch_len = 1,
	/* IPTE and IDTE reach other CPUs' TLBs without an interruption. */
	.shootdown_serializes = false,
	.breakpoint = breakpoint,
	.patch_offset = patch_offset,
	.encode = encode,
	.decode = decode,
};
