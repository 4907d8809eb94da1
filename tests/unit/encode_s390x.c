/* SPDX-License-Identifier: MIT */
/* s390x's encoder and decoder: every opcode there is, and against Capstone. */
// ldflags: -lcapstone
#include <capstone/capstone.h>

#include "arch/s390x/arch.c"

#define PORT		side_jmp_arch_s390x
#define NAME(what)	"encode_s390x_" what
#define LENGTH		6
#include "tests/encode.h"

/* "%r0, 0x1234", "0, 0x1234" or "0x1234": the last one, if the first fits. */
static bool operand(const char *operands, const char *first, uint64_t *address)
{
	size_t n = strlen(first);

	if (strncmp(operands, first, n))
		return false;
	*address = strtoull(operands + n, NULL, 0);
	return true;
}

static enum side_jmp_state read_as(const struct side_jmp_insn *insn,
				   const char *mnemonic, const char *operands,
				   uint64_t *address)
{
	bool wide = insn->layout == SIDE_JMP_WIDE;

	if (!wide && !strcmp(mnemonic, "jg") && operand(operands, "", address))
		return SIDE_JMP_ARMED;
	if (!wide && !strcmp(mnemonic, "brcl") &&
	    operand(operands, "0, ", address))
		return SIDE_JMP_IDLE;
	if (wide && !strcmp(mnemonic, insn->word64 ? "clgrl" : "clrl") &&
	    operand(operands, "%r0, ", address))
		return SIDE_JMP_ARMED;
	if (wide && !strcmp(mnemonic, "pfdrl") &&
	    operand(operands, "0, ", address))
		return SIDE_JMP_IDLE;
	return SIDE_JMP_FOREIGN;
}

/* Accepted are two of all first halfwords, with any operand. */
static void every_opcode(uint8_t layout, bool word64, const char *name)
{
	unsigned long n[3] = { 0 };
	bool same = true;

	for (uint32_t op = 0; op < 65536; op++) {
		for (int i = 0; i < 64; i++) {
			uint8_t b[SIDE_JMP_INSN_MAX], back[SIDE_JMP_INSN_MAX];
			struct side_jmp_insn insn = { .site = 1ul << 40,
				.layout = layout, .word64 = word64 };
			uint64_t operands = rnd();
			enum side_jmp_state state;

			memcpy(b + 2, &operands, 4);
			b[0] = (uint8_t)(op >> 8);
			b[1] = (uint8_t)op;
			state = decode(&insn, b, 6);
			n[state]++;
			if (state != SIDE_JMP_FOREIGN)
				same &= encode(&insn, state, back) == 6 &&
					!memcmp(b, back, 6);
		}
	}
	tap_ok(same && n[SIDE_JMP_ARMED] == 64 && n[SIDE_JMP_IDLE] == 64, name);
}

int main(void)
{
	every_opcode(SIDE_JMP_INLINE, false, NAME("every_opcode_inline"));
	every_opcode(SIDE_JMP_WIDE, false, NAME("every_opcode_wide"));
	every_opcode(SIDE_JMP_WIDE, true, NAME("every_opcode_wide_64"));
	by_capstone(CS_ARCH_SYSZ, CS_MODE_BIG_ENDIAN, 33, 2, 3000000);
	return tap_done();
}
