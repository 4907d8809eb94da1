/* SPDX-License-Identifier: MIT */
/*
 * x86-64's encoder and decoder: what is encoded is what Capstone reads, every
 * other opcode byte is refused, and one byte differs between the states.  The
 * forms of wide and nop are also run: Capstone only says what they are.
 */
// ldflags: -lcapstone
#include <capstone/capstone.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/x86_64/arch.c"
#include "tests/encode/breakpoints.h"
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

static unsigned length(const struct side_jmp_insn *insn)
{
	static const unsigned lengths[] = { 5, 5, 6, 8 };

	return lengths[insn->layout] +
	       (insn->layout == SIDE_JMP_WIDE && insn->word64);
}

/* Mostly anywhere within reach, sometimes at its ends and near by. */
static uint64_t within_reach(const struct side_jmp_insn *insn)
{
	static const int32_t special[] = {
		INT32_MAX, INT32_MIN, INT32_MAX - 1, INT32_MIN + 1,
		0, 1, -1, -5, -6, -7, -8, 127, 128, -128, -129,
	};
	uint64_t r = rnd();
	int32_t rel = r % 8 ? (int32_t)(r >> 32) : special[(r >> 32) % 15];

	return insn->site + length(insn) + (uint64_t)(int64_t)rel;
}

static unsigned long forward, backward;

static struct side_jmp_insn sample(void)
{
	struct side_jmp_insn insn = {
		.site = UINT64_C(0x10000000000) + (rnd() >> 30),
		.layout = (uint8_t)(rnd() % 4), .word64 = rnd() & 1,
	};

	insn.target = within_reach(&insn);
	insn.word = within_reach(&insn);
	if (insn.target > insn.site)
		forward++;
	else
		backward++;
	return insn;
}

/* ---- what Capstone says --------------------------------------------------- */

static bool reads(uint64_t at, const uint8_t *bytes, unsigned len)
{
	const uint8_t *code = bytes;
	size_t size = len;

	return cs_disasm_iter(handle, &code, &size, &at, text) &&
	       text->size == len;
}

static bool jumps(const struct side_jmp_insn *insn)
{
	const cs_x86 *x = &text->detail->x86;

	return text->id == X86_INS_JMP && x->opcode[0] == 0xe9 &&
	       (uint64_t)x->operands[0].imm == insn->target;
}

static bool is_jump(const struct side_jmp_insn *insn, bool armed)
{
	const cs_x86 *x = &text->detail->x86;
	int64_t rel = (int64_t)(insn->target - (insn->site + 5));

	if (armed)
		return jumps(insn);
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

/* A no-op of a register's address, or of the jump's bytes. */
static bool is_no_op(x86_reg base, x86_reg index, int64_t disp)
{
	const cs_x86 *x = &text->detail->x86;

	return text->id == X86_INS_NOP && x->op_count == 1 &&
	       x->operands[0].type == X86_OP_MEM &&
	       x->operands[0].mem.base == base &&
	       x->operands[0].mem.index == index &&
	       x->operands[0].mem.disp == disp;
}

/* From byte 3 on it is a jump, whatever the state: who is there, goes there. */
static bool is_nop(const struct side_jmp_insn *insn, bool armed,
		   const uint8_t *bytes)
{
	int64_t rel = (int64_t)(insn->target - (insn->site + 8));

	return (armed ? reads(insn->site, bytes, 3) &&
			is_no_op(X86_REG_RAX, X86_REG_INVALID, 0) :
			reads(insn->site, bytes, 8) &&
			is_no_op(X86_REG_RCX, X86_REG_RBP, rel)) &&
	       reads(insn->site + 3, bytes + 3, 5) && jumps(insn);
}

static bool is_right(const struct side_jmp_insn *insn, bool armed,
		     const uint8_t *bytes, unsigned len)
{
	if (insn->layout == SIDE_JMP_NOP)
		return is_nop(insn, armed, bytes);
	return reads(insn->site, bytes, len) &&
	       (insn->layout == SIDE_JMP_WIDE ? is_wide(insn, armed) :
						is_jump(insn, armed));
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
	unsigned len = x86_encode(insn, state, bytes);

	if (len != length(insn) || !is_right(insn, armed, bytes, len))
		return false;
	if (x86_decode(&seen, bytes, len) != state ||
	    (wide ? seen.word != insn->word : seen.target != insn->target))
		return false;
	for (unsigned n = 0; n < len; n++)
		if (x86_decode(&seen, bytes, n) != SIDE_JMP_FOREIGN)
			return false;
	return true;
}

static bool one_byte_differs(const struct side_jmp_insn *insn)
{
	uint8_t a[SIDE_JMP_INSN_MAX] = { 0 }, b[SIDE_JMP_INSN_MAX] = { 0 };
	unsigned off = x86_patch_offset(insn);

	x86_encode(insn, SIDE_JMP_ARMED, a);
	x86_encode(insn, SIDE_JMP_IDLE, b);
	if (a[off] == b[off])
		return false;
	a[off] = b[off];
	return !memcmp(a, b, sizeof(a));
}

/*
 * All values of each byte that is not operand: only two make a site, whichever
 * of the two states the others come from.
 */
static bool others_are_refused(struct side_jmp_insn insn,
			       enum side_jmp_state state)
{
	uint8_t b[SIDE_JMP_INSN_MAX];
	unsigned len = x86_encode(&insn, state, b), accepted = 0, states = 0;

	for (unsigned i = 0; i + 4 < len; i++) {
		uint8_t kept = b[i];

		for (unsigned v = 0; v < 256; v++) {
			enum side_jmp_state seen;

			b[i] = (uint8_t)v;
			seen = x86_decode(&insn, b, len);
			accepted += seen != SIDE_JMP_FOREIGN;
			states += seen != SIDE_JMP_FOREIGN && seen != state;
		}
		b[i] = kept;
	}
	/* Each opcode byte as it is, and the toggled one once more. */
	return accepted == len - 4 + 1 && states == 1;
}

/* The last operand that fits at either end, and the first that does not. */
static bool ends_at(struct side_jmp_insn insn, enum side_jmp_state state)
{
	uint8_t b[SIDE_JMP_INSN_MAX];
	unsigned len = length(&insn);
	uint64_t *to = insn.layout == SIDE_JMP_WIDE ? &insn.word : &insn.target;
	uint64_t end = insn.site + len, far = UINT64_C(1) << 31;
	struct { uint64_t to; unsigned len; } edges[] = {
		{ end + far - 1, len }, { end + far, 0 }, { end + far + 1, 0 },
		{ end - far, len }, { end - far - 1, 0 },
		{ end + 2 * far, 0 }, { end - 2 * far, 0 },
		{ end + 2 * far + 16, 0 }, { end + (UINT64_C(1) << 63), 0 },
	};

	for (unsigned i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		*to = edges[i].to;
		if (x86_encode(&insn, state, b) != edges[i].len)
			return false;
	}
	return true;
}

static bool reach_is_refused(void)
{
	for (unsigned i = 0; i < 4 * 2 * 2; i++) {
		struct side_jmp_insn insn = { .site = UINT64_C(1) << 40,
			.target = UINT64_C(1) << 40, .word = UINT64_C(1) << 40,
			.layout = (uint8_t)(i / 4), .word64 = i & 1 };

		if (!ends_at(insn, i & 2 ? SIDE_JMP_IDLE : SIDE_JMP_ARMED))
			return false;
	}
	return true;
}

static bool unknown_layouts_are_refused(void)
{
	for (unsigned layout = 4; layout < 256; layout++) {
		struct side_jmp_insn insn = { .layout = (uint8_t)layout };
		uint8_t b[SIDE_JMP_INSN_MAX] = { OP_JMP };

		if (x86_encode(&insn, SIDE_JMP_ARMED, b) ||
		    x86_decode(&insn, b, sizeof(b)) != SIDE_JMP_FOREIGN)
			return false;
	}
	return true;
}

/* Where the site begins and, of nop, where the jump does; nowhere else. */
static bool breaks_at(unsigned layout, enum side_jmp_state state, bool second)
{
	struct side_jmp_insn insn = { .layout = (uint8_t)layout };
	bool there = !second || layout == SIDE_JMP_NOP;
	uint8_t b[SIDE_JMP_INSN_MAX];
	unsigned len = x86_encode(&insn, state, b);

	if (!len || side_jmp_arch_broken(&side_jmp_arch_x86_64, &insn, b))
		return false;
	b[second ? 3 : 0] = 0xcc;
	return side_jmp_arch_broken(&side_jmp_arch_x86_64, &insn, b) == there &&
	       (!there || x86_decode(&insn, b, len) == SIDE_JMP_FOREIGN);
}

/* A breakpoint is int3, and int3 is no state. */
static bool breakpoint_is_foreign(void)
{
	static const struct trap int3 = { { 0xcc }, 1, 1, 1 };

	if (!sees_traps(&side_jmp_arch_x86_64, &int3, 1))
		return false;
	for (unsigned v = 0; v < 256; v++) {
		uint8_t b[SIDE_JMP_INSN_MAX] = { (uint8_t)v };

		if (x86_breakpoint(b, 1) != (v == 0xcc))
			return false;
	}
	for (unsigned i = 0; i < 4 * 2 * 2; i++)
		if (!breaks_at(i / 4, i & 1 ? SIDE_JMP_IDLE : SIDE_JMP_ARMED,
			       i & 2))
			return false;
	return true;
}

/* ---- the processor ------------------------------------------------------------ */

struct result {
	uint64_t rax;
	uint64_t carry;
};

/*
 * Runs a wide site, encoded, behind the xor that stands before it: what it
 * leaves in rax and carry.  The word is `word`, or `rel` from the site's end.
 */
static struct result run_wide(bool word64, enum side_jmp_state state,
			      uint64_t word, int32_t rel)
{
	static const uint8_t before[] = { 0x31, 0xd2, 0x31, 0xc0 };
	static const uint8_t after[] = { 0x0f, 0x92, 0xc2, 0xc3 };
	struct side_jmp_insn insn = { .layout = SIDE_JMP_WIDE,
				      .word64 = word64 };
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p = page;
	struct result (*function)(void), r = { 0, 2 };
	unsigned len;

	if (page == MAP_FAILED)
		return r;
	memcpy(page + 2048, &word, sizeof(word));
	memcpy(p, before, sizeof(before));
	p += sizeof(before);
	insn.site = (uintptr_t)p;
	insn.word = state == SIDE_JMP_ARMED ? (uintptr_t)page + 2048 :
		insn.site + length(&insn) + (uint64_t)(int64_t)rel;
	len = x86_encode(&insn, state, p);
	memcpy(p + len, after, sizeof(after));
	memcpy(&function, &page, sizeof(page));
	if (len && !mprotect(page, 4096, PROT_READ | PROT_EXEC))
		r = function();
	munmap(page, 4096);
	return r;
}

static bool armed_carries_for_a_word(bool word64)
{
	static const uint64_t words[] = {
		0, 1, 2, 0x80000000, 0xffffffff, UINT64_C(1) << 32,
		UINT64_C(1) << 63, UINT64_MAX,
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
		bool on = word64 ? words[i] != 0 : (uint32_t)words[i] != 0;
		struct result r = run_wide(word64, SIDE_JMP_ARMED, words[i], 0);

		if (r.rax != 0 || r.carry != on)
			return false;
	}
	return true;
}

/* 32 bits whatever the prefixes: rax is the operand, its upper half is 0. */
static bool idle_never_carries(bool word64)
{
	static const int32_t rels[] = { 0, 1, -1, INT32_MAX, INT32_MIN };

	for (unsigned i = 0; i < 1000; i++) {
		int32_t rel = i < 5 ? rels[i] : (int32_t)(rnd() >> 32);
		struct result r = run_wide(word64, SIDE_JMP_IDLE, UINT64_MAX,
					   rel);

		if (r.rax != (uint32_t)rel || r.carry != 0)
			return false;
	}
	return true;
}

/*
 * Runs a site of nop, encoded, from one of its bytes on; rax, rcx and rbp are an
 * address of no page, and carry is set.  Falls through: 0 if the registers are
 * kept, and carry.  The check block: 2.
 */
static struct result run_nop(enum side_jmp_state state, uint8_t from)
{
	static const uint8_t before[] = {
		0x55, 0x48, 0xb9, 0xef, 0xbe, 0xad, 0xde, 0, 0, 0, 0x80,
		0x48, 0x89, 0xcd, 0x48, 0x89, 0xc8, 0xf9, 0xeb,
	}, after[] = {
		0x0f, 0x92, 0xc2, 0x0f, 0xb6, 0xd2, 0x48, 0x31, 0xc8,
		0x48, 0x31, 0xe9, 0x48, 0x09, 0xc8, 0x5d, 0xc3,
	}, check[] = { 0xb8, 2, 0, 0, 0, 0x5d, 0xc3 };
	struct side_jmp_insn insn = { .layout = SIDE_JMP_NOP };
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p = page;
	struct result (*function)(void), r = { 1, 2 };

	if (page == MAP_FAILED)
		return r;
	memcpy(p, before, sizeof(before));
	p += sizeof(before);
	*p++ = from;
	insn.site = (uintptr_t)p;
	insn.target = (uintptr_t)page + 2048;
	p += x86_encode(&insn, state, p);
	memcpy(p, after, sizeof(after));
	memcpy(page + 2048, check, sizeof(check));
	memcpy(&function, &page, sizeof(page));
	if (!mprotect(page, 4096, PROT_READ | PROT_EXEC))
		r = function();
	munmap(page, 4096);
	return r;
}

static bool nop_goes_on(void)
{
	struct result idle = run_nop(SIDE_JMP_IDLE, 0);

	return idle.rax == 0 && idle.carry == 1;
}

static bool nop_jumps(enum side_jmp_state state, uint8_t from)
{
	return run_nop(state, from).rax == 2;
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
			refused &= others_are_refused(insn, SIDE_JMP_ARMED) &&
				   others_are_refused(insn, SIDE_JMP_IDLE);
	}
	tap_note("%lu targets ahead, %lu behind", forward, backward);
	tap_ok(forward > SAMPLES / 3 && backward > SAMPLES / 3,
	       "encode_x86_64_samples_are_of_both_directions");
	tap_ok(armed_right, "encode_x86_64_armed_is_what_capstone_reads");
	tap_ok(idle_right, "encode_x86_64_idle_is_what_capstone_reads");
	tap_ok(one, "encode_x86_64_one_byte_differs");
	tap_ok(refused, "encode_x86_64_refuses_every_other_opcode_byte");
	tap_ok(reach_is_refused(), "encode_x86_64_refuses_what_is_out_of_reach");
	tap_ok(unknown_layouts_are_refused(),
	       "encode_x86_64_refuses_unknown_layouts");
	tap_ok(breakpoint_is_foreign(), "encode_x86_64_breakpoint_is_foreign");
	tap_ok(armed_carries_for_a_word(false) &&
	       armed_carries_for_a_word(true),
	       "encode_x86_64_wide_armed_carries_for_a_word");
	tap_ok(idle_never_carries(false) && idle_never_carries(true),
	       "encode_x86_64_wide_idle_never_carries");
	tap_ok(nop_goes_on(), "encode_x86_64_nop_idle_does_nothing");
	tap_ok(nop_jumps(SIDE_JMP_ARMED, 0), "encode_x86_64_nop_armed_jumps");
	tap_ok(nop_jumps(SIDE_JMP_ARMED, 3) && nop_jumps(SIDE_JMP_IDLE, 3),
	       "encode_x86_64_nop_jumps_from_its_middle_in_both_states");
	cs_free(text, 1);
	cs_close(&handle);
	return tap_done();
}
