/* SPDX-License-Identifier: MIT */
/* s390x's encoder and decoder: every opcode there is, and against Capstone. */
// ldflags: -lcapstone
#include <capstone/capstone.h>

#include "arch/s390x/arch.c"

#define PORT		side_jmp_arch_s390x
#define NAME(what)	"encode_s390x_" what
#define LENGTH		6
#include "tests/encode/encode.h"
#include "tests/encode/breakpoints.h"

/* "0, 0x1234" or "0x1234": the last one, if the first fits. */
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
	bool wide = insn->layout == SIDE_JMP_WIDE, jumps;
	uint64_t to = 0;

	jumps = !strcmp(mnemonic, "jg") && operand(operands, "", &to);
	if (!jumps && (strcmp(mnemonic, "brcl") ||
		       !operand(operands, "0, ", &to)))
		return SIDE_JMP_FOREIGN;
	if (wide && to != insn->site + 22)
		return SIDE_JMP_FOREIGN;
	if (!wide)
		*address = to;
	return jumps != wide ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
}

/*
 * Accepted are two of all first halfwords, with any operand; wide with one: a
 * quarter of the samples has it.
 */
static void every_opcode(uint8_t layout, const char *name)
{
	unsigned long expected = layout == SIDE_JMP_WIDE ? 16 : 64;
	unsigned long n[3] = { 0 };
	bool same = true;

	for (uint32_t op = 0; op < 65536; op++) {
		for (int i = 0; i < 64; i++) {
			uint8_t b[SIDE_JMP_INSN_MAX], back[SIDE_JMP_INSN_MAX];
			struct side_jmp_insn insn = { .site = 1ul << 40,
				.layout = layout, .target = 1ul << 40 };
			static const uint8_t past[4] = { 0, 0, 0, 11 };
			uint64_t operands = rnd();
			enum side_jmp_state state;

			memcpy(b + 2, &operands, 4);
			if (layout == SIDE_JMP_WIDE && i < 16)
				memcpy(b + 2, past, 4);
			b[0] = (uint8_t)(op >> 8);
			b[1] = (uint8_t)op;
			state = PORT.decode(&insn, b, 6);
			n[state]++;
			if (state != SIDE_JMP_FOREIGN)
				same &= PORT.encode(&insn, state, back) == 6 &&
					!memcmp(b, back, 6);
		}
	}
	tap_ok(same && n[SIDE_JMP_ARMED] == expected &&
	       n[SIDE_JMP_IDLE] == expected, name);
}

static const struct trap traps[] = {
	{ { 0x00, 0x01 }, 2, 2, 2 },
	{ { 0x00, 0x02 }, 2, 2, 2 },
};

int main(void)
{
	tap_ok(sees_traps(&PORT, traps, 2), NAME("sees_breakpoints"));
	every_opcode(SIDE_JMP_INLINE, NAME("every_opcode_inline"));
	every_opcode(SIDE_JMP_WIDE, NAME("every_opcode_wide"));
	by_capstone(CS_ARCH_SYSZ, CS_MODE_BIG_ENDIAN, 33, 2, 3000000);
	return tap_done();
}
