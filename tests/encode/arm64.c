/* SPDX-License-Identifier: MIT */
/* arm64's encoder and decoder: every word there is, and against Capstone. */
// cflags: -O3
// ldflags: -lcapstone
#include <capstone/capstone.h>

#include "arch/arm64/arch.c"

#define PORT		side_jmp_arch_arm64
#define NAME(what)	"encode_arm64_" what
#define LENGTH		4
#include "tests/encode/encode.h"
#include "tests/encode/breakpoints.h"

static enum side_jmp_state read_as(const struct side_jmp_insn *insn,
				   const char *mnemonic, const char *operands,
				   uint64_t *address)
{
	bool wide = insn->layout == SIDE_JMP_WIDE;
	uint64_t to = strtoull(operands + (*operands == '#'), NULL, 0);

	if (!strcmp(mnemonic, "nop"))
		return wide ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
	if (strcmp(mnemonic, "b"))
		return SIDE_JMP_FOREIGN;
	if (wide)
		return to == insn->site + 16 ? SIDE_JMP_IDLE : SIDE_JMP_FOREIGN;
	*address = to;
	return SIDE_JMP_ARMED;
}

static const struct trap traps[] = {
	{ { 0x00, 0x00, 0x20, 0xd4 }, 4, 4, 4 },
	{ { 0xe0, 0xff, 0x3f, 0xd4 }, 4, 4, 4 },
};

int main(void)
{
	tap_ok(sees_traps(&PORT, traps, 2), NAME("sees_breakpoints"));
	every_word(SIDE_JMP_INLINE, 1ul << 26, 1, NAME("every_word_inline"));
	every_word(SIDE_JMP_WIDE, 1, 1, NAME("every_word_wide"));
	by_capstone(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, 28, 4, 3000000);
	return tap_done();
}
