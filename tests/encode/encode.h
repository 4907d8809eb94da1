/* SPDX-License-Identifier: MIT */
/*
 * A port's encoder and decoder against a disassembler, for ports that are not
 * the machine's own.  The test includes the port's arch.c, defines PORT, NAME
 * and LENGTH (of an instruction), and says in read_as() what the disassembler's
 * text means.  It gets samples in all layouts: random bytes, encodings of
 * random operands, and both with one bit flipped.
 */
#ifndef TESTS_ENCODE_H
#define TESTS_ENCODE_H

#include <inttypes.h>
#include <string.h>

#include "tests/tap.h"

struct sample {
	struct side_jmp_insn insn, seen;
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	enum side_jmp_state state;
};

/* The state, and the address of its operand or 0 where it names none. */
static enum side_jmp_state read_as(const struct side_jmp_insn *insn,
				   const char *mnemonic, const char *operands,
				   uint64_t *address);

static uint64_t rnd_state = 88172645463325252u;

static uint64_t rnd(void)	/* xorshift64 */
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

/* A distance of at most `bits` bits, most often the extremes and near. */
static uint64_t distance(unsigned bits, unsigned align)
{
	uint64_t limit = UINT64_C(1) << (bits - 1), d = rnd() % limit;

	switch (rnd() % 8) {
	case 0: d = limit - 1; break;
	case 1: d = limit; break;		/* fits only backwards */
	case 2: d %= 256; break;
	default: break;
	}
	d = rnd() & 1 ? -d : d;
	return d / align * align;
}

/* Do the decoder and the disassembler agree about one sample? */
static bool agrees(const struct sample *s, const char *mnemonic,
		   const char *operands)
{
	bool wide = s->insn.layout == SIDE_JMP_WIDE;
	uint64_t address = 0;
	enum side_jmp_state state = read_as(&s->insn, mnemonic, operands,
					    &address);
	uint64_t seen = wide ? s->seen.word : s->seen.target;
	static int reported;

	if (state == s->state && (!address || state == SIDE_JMP_FOREIGN ||
				  address == seen))
		return true;
	if (reported++ < 5)
		tap_note("layout %d%s at %#" PRIx64 ": %02x%02x%02x%02x%02x%02x"
			 " is '%s %s' (%d, %#" PRIx64 "), decoded as %d, %#"
			 PRIx64, s->insn.layout, s->insn.word64 ? " of 64" : "",
			 s->insn.site, s->bytes[0], s->bytes[1], s->bytes[2],
			 s->bytes[3], s->bytes[4], s->bytes[5], mnemonic,
			 operands, state, address, s->state, seen);
	return false;
}

static unsigned long n_encoded, n_states[3];
static bool roundtrips = true;

/* Fills in the sample whose site is `site`. */
static void make_sample(struct sample *s, uint64_t site, unsigned bits,
			unsigned align)
{
	const struct side_jmp_arch *arch = &PORT;
	unsigned len = 0;

	memset(s, 0, sizeof(*s));
	s->insn = (struct side_jmp_insn){ .site = site,
		.layout = (uint8_t)(rnd() % 3), .word64 = rnd() & 1,
		.target = site + distance(bits, align),
		.word = site + distance(30, 8) };
	if (rnd() % 4)
		len = arch->encode(&s->insn, rnd() & 1 ? SIDE_JMP_ARMED :
				   SIDE_JMP_IDLE, s->bytes);
	if (len) {
		s->seen = s->insn;
		s->state = arch->decode(&s->seen, s->bytes, len);
		roundtrips &= s->state != SIDE_JMP_FOREIGN &&
			      s->seen.target == s->insn.target &&
			      s->seen.word == s->insn.word &&
			      arch->decode(&s->seen, s->bytes, len - 1) ==
			      SIDE_JMP_FOREIGN;
		n_encoded++;
	}
	for (unsigned i = 0; i < 8 && !len; i++)
		s->bytes[i] = (uint8_t)rnd();
	if (rnd() & 1)
		s->bytes[rnd() % LENGTH] ^= (uint8_t)(1u << rnd() % 8);
	s->seen = s->insn;
	s->state = arch->decode(&s->seen, s->bytes, LENGTH);
	n_states[s->state]++;
}

/* Those behind the last: x86-64's nop, and what nobody has. */
static bool unknown_layouts_are_refused(void)
{
	const struct side_jmp_arch *arch = &PORT;

	for (unsigned layout = arch->n_layouts; layout < 256; layout++) {
		struct side_jmp_insn insn = { .layout = (uint8_t)layout };
		uint8_t b[SIDE_JMP_INSN_MAX] = { 0 };

		if (arch->encode(&insn, SIDE_JMP_ARMED, b))
			return false;
	}
	return arch->n_layouts == SIDE_JMP_WIDE + 1;
}

static void report(bool agree, unsigned long n, const char *by)
{
	tap_note("%lu samples, %lu of them encoded; by %s: %lu armed, %lu idle,"
		 " %lu foreign", n, n_encoded, by, n_states[SIDE_JMP_ARMED],
		 n_states[SIDE_JMP_IDLE], n_states[SIDE_JMP_FOREIGN]);
	tap_ok(agree, NAME("agrees_with_disassembler"));
	tap_ok(roundtrips, NAME("decodes_what_it_encodes"));
	tap_ok(unknown_layouts_are_refused(), NAME("refuses_unknown_layouts"));
	tap_ok(n_encoded > n / 4 && n_states[SIDE_JMP_ARMED] > n / 16 &&
	       n_states[SIDE_JMP_IDLE] > n / 32 &&
	       n_states[SIDE_JMP_FOREIGN] > n / 16,
	       NAME("samples_are_of_every_kind"));
}

/*
 * Are the 256 words from `w` on all foreign?  Most are, and nothing here keeps a
 * compiler from asking of several at once.
 */
static bool all_foreign(const struct side_jmp_insn *plain, uint32_t w)
{
	unsigned known = 0;

	for (uint32_t i = 0; i < 256; i++) {
		struct side_jmp_insn insn = { .site = plain->site,
			.target = plain->target, .word = plain->word,
			.layout = plain->layout };
		uint8_t bytes[4];

		side_jmp_put_le32(bytes, w + i);
		known += PORT.decode(&insn, bytes, 4) != SIDE_JMP_FOREIGN;
	}
	return !known;
}

/*
 * All words there are: accepted are the two known forms and no other, as many
 * as there are operands, and each encodes back to itself.
 */
__attribute__((unused))
static void every_word(uint8_t layout, unsigned long armed, unsigned long idle,
		       const char *name)
{
	const struct side_jmp_insn plain = { .site = UINT64_C(1) << 40,
		.target = UINT64_C(1) << 40, .word = UINT64_C(1) << 40,
		.layout = layout };
	struct side_jmp_insn insn = plain;
	unsigned long n[2] = { 0 };
	bool same = true;
	uint32_t w = 0;

	do {
		uint8_t bytes[SIDE_JMP_INSN_MAX];
		enum side_jmp_state state;

		if (w % 256 == 0 && all_foreign(&plain, w)) {
			w += 255;
			continue;
		}
		side_jmp_put_le32(bytes, w);
		state = PORT.decode(&insn, bytes, 4);
		if (state == SIDE_JMP_FOREIGN)
			continue;
		n[state]++;
		same &= PORT.encode(&insn, state, bytes) == 4 &&
			side_jmp_get_le32(bytes) == w;
		insn = plain;
	} while (++w);
	tap_note("%s: %lu armed, %lu idle", name, n[0], n[1]);
	tap_ok(same && n[SIDE_JMP_ARMED] == armed && n[SIDE_JMP_IDLE] == idle,
	       name);
}

#ifdef CS_API_MAJOR
static void by_capstone(cs_arch arch, cs_mode mode, unsigned bits,
			unsigned align, unsigned long n)
{
	bool agree = true;
	cs_insn *text;
	csh handle;

	if (!tap_ok(cs_open(arch, mode, &handle) == CS_ERR_OK,
		    NAME("capstone_knows_it")))
		return;
	text = cs_malloc(handle);
	for (unsigned long i = 0; i < n; i++) {
		struct sample s;
		const uint8_t *code = s.bytes;
		uint64_t at = (UINT64_C(1) << 36) + i * 8;
		size_t size = LENGTH;

		make_sample(&s, at, bits, align);
		if (cs_disasm_iter(handle, &code, &size, &at, text))
			agree &= agrees(&s, text->mnemonic, text->op_str);
		else
			agree &= agrees(&s, "(none)", "");
	}
	cs_free(text, 1);
	cs_close(&handle);
	report(agree, n, "Capstone");
}
#endif

#endif
