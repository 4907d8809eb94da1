/* SPDX-License-Identifier: MIT */
/* No port: nothing can be encoded, and no bytes are a site. */
#include "arch/arch.h"

static bool generic_breakpoint(const uint8_t *bytes, size_t n)
{
	(void)bytes;
	(void)n;
	return false;
}

static unsigned generic_patch_offset(const struct side_jmp_insn *insn)
{
	(void)insn;
	return 0;
}

static unsigned generic_encode(const struct side_jmp_insn *insn,
			       enum side_jmp_state state,
			       uint8_t bytes[SIDE_JMP_INSN_MAX])
{
	(void)insn;
	(void)state;
	(void)bytes;
	return 0;
}

static enum side_jmp_state generic_decode(struct side_jmp_insn *insn,
					  const uint8_t *bytes, unsigned len)
{
	(void)insn;
	(void)bytes;
	(void)len;
	return SIDE_JMP_FOREIGN;
}

const struct side_jmp_arch side_jmp_arch_generic = {
	.name = "generic",
	.machine = 0,
	.align = 1,
	.breakpoint = generic_breakpoint,
	.patch_offset = generic_patch_offset,
	.encode = generic_encode,
	.decode = generic_decode,
};
