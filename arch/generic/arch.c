/* SPDX-License-Identifier: MIT */
/* No port: nothing can be encoded, and no bytes are a site. */
#include "arch/arch.h"

static bool breakpoint(const uint8_t *bytes)
{
	(void)bytes;
	return false;
}

static unsigned patch_offset(const struct side_jmp_insn *insn)
{
	(void)insn;
	return 0;
}

static unsigned encode(const struct side_jmp_insn *insn,
		       enum side_jmp_state state,
		       uint8_t bytes[SIDE_JMP_INSN_MAX])
{
	(void)insn;
	(void)state;
	(void)bytes;
	return 0;
}

static enum side_jmp_state decode(struct side_jmp_insn *insn,
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
	.breakpoint = breakpoint,
	.patch_offset = patch_offset,
	.encode = encode,
	.decode = decode,
};
