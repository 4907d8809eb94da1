/* SPDX-License-Identifier: MIT */
/*
 * x86-64's encoder and decoder: what is encoded is what Capstone reads, every
 * other opcode byte is refused, and one byte differs between the states.
 */
// ldflags: -lcapstone
#include <capstone/capstone.h>
#include <string.h>

#include "arch/x86_64/arch.c"
#include "tests/tap.h"

enum { SAMPLES = 2000000 };

static csh handle;
static cs_insn *text;

static uint64_t rnd(void)	/* xorshift64 */
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

/* Mostly anywhere within reach, sometimes at its ends. */
static uint64_t near(uint64_t site)
{
	static const int64_t ends[] = {
		INT32_MAX - 8, INT32_MIN + 16, 0, 5, -5, 127, -128,
	};

	return rnd() % 8 ? site + (uint64_t)(int64_t)(int32_t)(rnd() >> 33) :
			   site + (uint64_t)ends[rnd() % 7];
}

static struct side_jmp_insn sample(void)
{
	struct side_jmp_insn insn = {
		.site = UINT64_C(0x10000000000) + (rnd() >> 30),
		.layout = (uint8_t)(rnd() % 3), .word64 = rnd() & 1,
	};

	insn.target = near(insn.site);
	insn.word = near(insn.site);
	return insn;
}

/* ---- what Capstone says --------------------------------------------------- */

static bool reads(const struct side_jmp_insn *insn, const uint8_t *bytes,
		  unsigned len)
{
	const uint8_t *code = bytes;
	uint64_t at = insn->site;
	size_t size = len;

	return cs_disasm_iter(handle, &code, &size, &at, text) &&
	       text->size == len;
}

static bool is_jump(const struct side_jmp_insn *insn, bool armed)
{
	const cs_x86 *x = &text->detail->x86;
	int64_t rel = (int64_t)(insn->target - (insn->site + 5));

	if (armed)
		return text->id == X86_INS_JMP && x->opcode[0] == 0xe9 &&
		       (uint64_t)x->operands[0].imm == insn->target;
	return text->id == X86_INS_TEST && x->op_count == 2 &&
	       x->operands[0].reg == X86_REG_EAX &&
	       (int32_t)x->operands[1].imm == (int32_t)rel;
}

static bool is_wide(const struct side_jmp_insn *insn, bool armed)
{
	const cs_x86 *x = &text->detail->x86;
	int64_t rel = (int64_t)(insn->word - (insn->site + text->size));

	if (armed)
		return text->id == X86_INS_CMP && x->op_count == 2 &&
		       x->operands[0].reg == (insn->word64 ? X86_REG_RAX :
							     X86_REG_EAX) &&
		       x->operands[1].mem.base == X86_REG_RIP &&
		       x->operands[1].mem.disp == rel;
	/* The REX prefix is not next to the opcode: 32 bits, flags alike. */
	return text->id == X86_INS_ADD && x->op_count == 2 &&
	       x->operands[0].reg == X86_REG_EAX &&
	       (int32_t)x->operands[1].imm == (int32_t)rel;
}

/* ---- properties ------------------------------------------------------------- */

/* One sample in one state: Capstone, and back again. */
static bool state_is_right(const struct side_jmp_insn *insn,
			   enum side_jmp_state state, uint8_t *bytes)
{
	struct side_jmp_insn seen = { .site = insn->site,
		.layout = insn->layout, .word64 = insn->word64 };
	bool wide = insn->layout == SIDE_JMP_WIDE;
	bool armed = state == SIDE_JMP_ARMED;
	unsigned len = encode(insn, state, bytes);

	if (len != (wide ? insn->word64 ? 7u : 6u : 5u) ||
	    !reads(insn, bytes, len) ||
	    !(wide ? is_wide(insn, armed) : is_jump(insn, armed)))
		return false;
	if (decode(&seen, bytes, len) != state ||
	    (wide ? seen.word != insn->word : seen.target != insn->target))
		return false;
	for (unsigned n = 0; n < len; n++)
		if (decode(&seen, bytes, n) != SIDE_JMP_FOREIGN)
			return false;
	return true;
}

static bool one_byte_differs(const struct side_jmp_insn *insn)
{
	uint8_t a[SIDE_JMP_INSN_MAX] = { 0 }, b[SIDE_JMP_INSN_MAX] = { 0 };
	unsigned off = patch_offset(insn);

	encode(insn, SIDE_JMP_ARMED, a);
	encode(insn, SIDE_JMP_IDLE, b);
	if (a[off] == b[off])
		return false;
	a[off] = b[off];
	return !memcmp(a, b, sizeof(a));
}

/* All values of each byte that is not operand: only two make a site. */
static bool others_are_refused(struct side_jmp_insn insn)
{
	uint8_t b[SIDE_JMP_INSN_MAX];
	unsigned len = encode(&insn, SIDE_JMP_ARMED, b), accepted = 0;

	for (unsigned i = 0; i + 4 < len; i++) {
		uint8_t kept = b[i];

		for (unsigned v = 0; v < 256; v++) {
			b[i] = (uint8_t)v;
			accepted += decode(&insn, b, len) != SIDE_JMP_FOREIGN;
		}
		b[i] = kept;
	}
	/* Each opcode byte as it is, and the toggled one once more. */
	return accepted == len - 4 + 1;
}

static bool reach_is_refused(void)
{
	struct side_jmp_insn insn = { .site = UINT64_C(1) << 40 };
	uint8_t b[SIDE_JMP_INSN_MAX];
	uint64_t end = insn.site + 5;

	insn.target = end + INT32_MAX;
	if (encode(&insn, SIDE_JMP_ARMED, b) != 5)
		return false;
	insn.target++;
	if (encode(&insn, SIDE_JMP_ARMED, b) != 0)
		return false;
	insn.target = end - (UINT64_C(1) << 31);
	if (encode(&insn, SIDE_JMP_IDLE, b) != 5)
		return false;
	insn.target--;
	if (encode(&insn, SIDE_JMP_IDLE, b) != 0)
		return false;
	insn.layout = 3;
	insn.target = end;
	return encode(&insn, SIDE_JMP_ARMED, b) == 0 &&
	       decode(&insn, b, 5) == SIDE_JMP_FOREIGN;
}

/* ---- the processor ------------------------------------------------------------ */

static uint64_t run_wide64(uint64_t word, bool idle)
{
	unsigned char carry;

	if (idle)
		__asm__ volatile ("xorl %%eax, %%eax\n"
			".byte 0x48, 0x3e, 0x05, 0xff, 0xff, 0xff, 0xff\n"
			"setc %0" : "=r" (carry) : : "rax", "cc");
	else
		__asm__ volatile ("xorl %%eax, %%eax\n"
			"cmp %1, %%rax\n"
			"setc %0" : "=r" (carry) : "m" (word) : "rax", "cc");
	return carry;
}

int main(void)
{
	uint8_t armed[SIDE_JMP_INSN_MAX], idle[SIDE_JMP_INSN_MAX];
	bool armed_right = true, idle_right = true, one = true, refused = true;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return 1;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	text = cs_malloc(handle);
	for (int i = 0; i < SAMPLES; i++) {
		struct side_jmp_insn insn = sample();

		armed_right &= state_is_right(&insn, SIDE_JMP_ARMED, armed);
		idle_right &= state_is_right(&insn, SIDE_JMP_IDLE, idle);
		one &= one_byte_differs(&insn);
		if (i < 2000)
			refused &= others_are_refused(insn);
	}
	tap_ok(armed_right, "encode_x86_64_armed_is_what_capstone_reads");
	tap_ok(idle_right, "encode_x86_64_idle_is_what_capstone_reads");
	tap_ok(one, "encode_x86_64_one_byte_differs");
	tap_ok(refused, "encode_x86_64_refuses_every_other_opcode_byte");
	tap_ok(reach_is_refused(), "encode_x86_64_refuses_what_is_out_of_reach");
	tap_ok(!run_wide64(0, false) && run_wide64(1, false) &&
	       run_wide64(UINT64_C(1) << 63, false) && !run_wide64(1, true),
	       "encode_x86_64_wide_carries_only_for_a_word");
	cs_free(text, 1);
	cs_close(&handle);
	return tap_done();
}
