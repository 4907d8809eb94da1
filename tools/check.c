/* SPDX-License-Identifier: MIT */
/* See check.h.  A rule is a function; each finding says which one it breaks. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/check.h"
#include "runtime/side_jmp.h"

struct check {
	const struct table *t;
	const struct image *im;
	const struct symbols *symbols;
	bool strict;
	finding_fn *emit;
	void *arg;
	struct check_counts counts;
	struct finding f;		/* the one being written */
};

/* ---- findings --------------------------------------------------------------- */

static void emit(struct check *c, const char *rule, bool note, uint64_t at)
{
	c->f.rule = rule;
	c->f.note = note && !c->strict;
	c->f.at = at;
	if (c->f.note)
		c->counts.notes++;
	else
		c->counts.findings++;
	c->emit(c->arg, &c->f);
}

#define FOUND(c, rule, at, ...) \
	(say((c)->f.found, __VA_ARGS__), emit(c, rule, false, at))
#define NOTED(c, rule, at, ...) \
	(say((c)->f.found, __VA_ARGS__), emit(c, rule, true, at))
#define EXPECTED(c, ...)	say((c)->f.expected, __VA_ARGS__)

static void describe_place(const struct image *im, uint64_t addr,
			   char out[WHY_MAX])
{
	const struct section *s = image_section_at(im, addr);
	const struct segment *g = image_segment(im, addr, 1);

	if (!g)
		say(out, "%#" PRIx64 ", outside every segment", addr);
	else
		say(out, "%#" PRIx64 " in %.40s (%s%s%s)", addr,
		    s ? s->name : "a segment", g->flags & PF_R ? "r" : "-",
		    g->flags & PF_W ? "w" : "-", g->flags & PF_X ? "x" : "-");
}

static void found_place(struct check *c, const char *rule, uint64_t at,
			uint64_t place)
{
	describe_place(c->im, place, c->f.found);
	emit(c, rule, false, at);
}

static bool is_code(const struct image *im, uint64_t addr, uint64_t size)
{
	const struct segment *s = image_segment(im, addr, size);

	return s && (s->flags & (PF_R | PF_X)) == (PF_R | PF_X);
}

/* ---- the section ------------------------------------------------------------ */

static void check_section(struct check *c)
{
	const struct section *s = c->t->section;
	const struct segment *g = image_segment(c->im, s->addr, s->size);
	size_t size = sizeof(struct side_jmp_record);
	uint64_t at;

	if (s->size % size) {
		EXPECTED(c, "a whole number of records of %zu bytes", size);
		FOUND(c, "table-size", s->addr, "%" PRIu64 " bytes", s->size);
	}
	if (s->addr % _Alignof(struct side_jmp_record)) {
		EXPECTED(c, "a table aligned to %zu bytes",
			 _Alignof(struct side_jmp_record));
		FOUND(c, "table-alignment", s->addr, "%#" PRIx64, s->addr);
	}
	if (!g || g->flags & PF_W) {
		EXPECTED(c, "a table that nobody writes");
		found_place(c, "table-writable", s->addr, s->addr);
	}
	if (image_relocated(c->im, s->addr, s->size, &at)) {
		EXPECTED(c, "no dynamic relocation in the table");
		FOUND(c, "table-relocation", at, "one, in record %" PRIu64,
		      (at - s->addr) / size);
	}
}

/* ---- one record ------------------------------------------------------------- */

/* False: its fields mean nothing to us. */
static bool check_fields(struct check *c, const struct site *s)
{
	bool wide = s->insn.layout == SIDE_JMP_WIDE;
	unsigned known = SIDE_JMP_RECORD_KEY_SLOT | SIDE_JMP_RECORD_WORD64;

	if (s->version != SIDE_JMP_RECORD_VERSION) {
		EXPECTED(c, "a record of version %u", SIDE_JMP_RECORD_VERSION);
		FOUND(c, "record-version", s->record, "version %u", s->version);
		return false;
	}
	if (s->insn.layout > SIDE_JMP_WIDE) {
		EXPECTED(c, "layout 0 (inline), 1 (dense) or 2 (wide)");
		FOUND(c, "record-layout", s->record, "layout %u",
		      s->insn.layout);
		return false;
	}
	if (s->flags & ~known || (wide && s->flags & SIDE_JMP_RECORD_KEY_SLOT)) {
		EXPECTED(c, "flags among %#x%s", wide ? SIDE_JMP_RECORD_WORD64 :
			 known, wide ? " (a wide site has no slot)" : "");
		FOUND(c, "record-flags", s->record, "flags %#x", s->flags);
	}
	if (s->reserved) {
		EXPECTED(c, "0 in the reserved byte");
		FOUND(c, "record-reserved", s->record, "%#x", s->reserved);
	}
	return true;
}

static void check_key_fields(struct check *c, const struct site *s)
{
	unsigned width = s->insn.word64 ? 64 : 32;
	const struct key *k;

	if (s->key == NO_KEY)
		return;
	k = &c->t->keys[s->key];
	if (k->external)
		return;
	if (!k->readable || k->version != SIDE_JMP_KEY_VERSION ||
	    k->width != width) {
		EXPECTED(c, "a key of version %u with %u bits",
			 SIDE_JMP_KEY_VERSION, width);
		if (k->readable)
			FOUND(c, "key-fields", s->record, "version %u with %u"
			      " bits at %#" PRIx64, k->version, k->width,
			      k->addr);
		else
			found_place(c, "key-fields", s->record, k->addr);
	}
}

static void check_key(struct check *c, const struct site *s)
{
	uint64_t place = s->insn.word, align = 8, key_size = 32;
	const struct segment *g;

	if (place % align) {
		EXPECTED(c, "a key aligned to %u bytes", (unsigned)align);
		found_place(c, "key-alignment", s->record, place);
	}
	if (s->flags & SIDE_JMP_RECORD_KEY_SLOT) {
		g = image_segment(c->im, place, 8);
		if (!g || !(g->flags & PF_R)) {
			EXPECTED(c, "a slot that can be read");
			found_place(c, "key-slot", s->record, place);
			return;
		}
	} else if (!image_stays_writable(c->im, place, key_size)) {
		EXPECTED(c, "a key in data that stays writable");
		found_place(c, "key-writable", s->record, place);
	}
	check_key_fields(c, s);
}

const char *site_bytes(const struct image *im, uint64_t addr, unsigned len,
		       char out[HEX_MAX])
{
	uint64_t size = len < HEX_MAX / 3 ? len : HEX_MAX / 3;
	const uint8_t *p = image_at_most(im, addr, &size);

	strcpy(out, "no");
	for (uint64_t i = 0; p && i < size; i++)
		snprintf(out + 3 * i, 4, "%02x%s", p[i],
			 i + 1 < size ? " " : "");
	return out;
}

static void hex(const uint8_t *p, unsigned len,
		char out[HEX_MAX])
{
	*out = '\0';
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 3 * i, 4, "%02x%s", p[i],
			 i + 1 < len ? " " : "");
}

/* One of the two known forms?  Where it is, and whether it can be written. */
static void check_site(struct check *c, const struct site *s)
{
	const struct side_jmp_arch *arch = c->im->arch;
	char forms[2][HEX_MAX];
	char there[HEX_MAX];
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	unsigned len = 0;

	if (s->insn.site % arch->align) {
		EXPECTED(c, "a site aligned to %u bytes", arch->align);
		FOUND(c, "site-alignment", s->record, "%#" PRIx64,
		      s->insn.site);
	}
	for (unsigned i = 0; i < 2; i++) {
		len = arch->encode(&s->insn, i ? SIDE_JMP_IDLE :
				   SIDE_JMP_ARMED, bytes);
		hex(bytes, len, forms[i]);
	}
	if (!is_code(c->im, s->insn.site, len ? len : 1)) {
		EXPECTED(c, "a site in code");
		found_place(c, "site-bounds", s->record, s->insn.site);
	} else if (!len) {
		EXPECTED(c, "an operand in reach of the site at %#" PRIx64,
			 s->insn.site);
		found_place(c, "site-reach", s->record,
			    s->insn.layout == SIDE_JMP_WIDE ? s->insn.word :
			    s->insn.target);
	} else if (s->state == SIDE_JMP_FOREIGN) {
		EXPECTED(c, "at site %#" PRIx64 ": %s (armed) or %s (idle)",
			 s->insn.site, forms[0], forms[1]);
		FOUND(c, "site-bytes", s->record, "%s",
		      site_bytes(c->im, s->insn.site, len, there));
	}
}

static bool check_target(struct check *c, const struct site *s)
{
	if (is_code(c->im, s->insn.target, 1))
		return true;
	EXPECTED(c, "a check block in code");
	found_place(c, "target-bounds", s->record, s->insn.target);
	return false;
}

/* ---- functions --------------------------------------------------------------- */

/* Length of the name without what compilers add to the cold part of it. */
static size_t hot_length(const char *name)
{
	const char *cold = strstr(name, ".cold"), *end;

	while (cold) {
		end = cold + strlen(".cold");
		if (*end == '.')
			end += 1 + strspn(end + 1, "0123456789");
		if (!*end)
			return (size_t)(cold - name);
		cold = strstr(cold + 1, ".cold");
	}
	return strlen(name);
}

static bool same_function(const struct function *a, const struct function *b)
{
	size_t n = hot_length(a->name);

	return a == b || (n == hot_length(b->name) &&
			  !memcmp(a->name, b->name, n));
}

/* Aliases and folded functions: any name of the one with any of the other. */
static bool in_same_function(const struct symbols *symbols, uint64_t from,
			     uint64_t to)
{
	const struct function *f, *g;

	for (unsigned i = 0; (f = symbols_function(symbols, from, i)); i++)
		for (unsigned k = 0; (g = symbols_function(symbols, to, k));
		     k++)
			if (same_function(f, g))
				return true;
	return false;
}

/*
 * Where the site is reached from, and where its check block is: a dense one of
 * riscv64 names a further jump in the dense section.  False: not known (where
 * that is a jump of two instructions).
 */
static bool both_ends(const struct check *c, const struct site *s,
		      const struct section *dense, uint64_t *from, uint64_t *to)
{
	*to = s->insn.target;
	if (!table_home(c->t, s, from))
		return false;
	return s->insn.layout != SIDE_JMP_DENSE || !dense ||
	       *to - dense->addr >= dense->size || table_jump(c->t, *to, to);
}

static void check_function(struct check *c, const struct site *s,
			   const struct section *dense)
{
	const struct function *f, *other;
	uint64_t from, to;

	if (!c->symbols || !both_ends(c, s, dense, &from, &to))
		return;
	f = symbols_function(c->symbols, from, 0);
	if (!f) {
		c->counts.no_function++;
		return;
	}
	if (in_same_function(c->symbols, from, to))
		return;
	other = symbols_function(c->symbols, to, 0);
	EXPECTED(c, "a check block in %.150s or its cold part", f->name);
	FOUND(c, "target-function", s->record, "%#" PRIx64 " in %.150s", to,
	      other ? other->name : "no function");
}

/* ---- the dense section -------------------------------------------------------- */

static void check_dense_site(struct check *c, const struct site *s,
			     const struct section *dense)
{
	if (s->insn.layout != SIDE_JMP_DENSE ||
	    (dense && s->insn.site - dense->addr < dense->size))
		return;
	EXPECTED(c, "a dense site in the section side_jmp_modify_code");
	found_place(c, "dense-place", s->record, s->insn.site);
}

/* Largest pages the architecture may have. */
static uint64_t page_size(const struct image *im)
{
	return im->arch->machine == EM_AARCH64 ||
	       im->arch->machine == EM_PPC64 ? 65536 : 4096;
}

static void check_dense_section(struct check *c, const struct section *dense)
{
	if (!dense || !dense->size)
		return;
	if (dense->addr % c->im->arch->align ||
	    (dense->align && dense->addr % dense->align)) {
		EXPECTED(c, "side_jmp_modify_code aligned to %" PRIu64 " bytes",
			 dense->align > c->im->arch->align ? dense->align :
			 c->im->arch->align);
		FOUND(c, "dense-alignment", dense->addr, "%#" PRIx64,
		      dense->addr);
	} else if (dense->addr % 4096) {
		EXPECTED(c, "side_jmp_modify_code on a page of its own"
			 " (linker-scripts/side_jmp.ld; pages may have %"
			 PRIu64 " bytes)", page_size(c->im));
		NOTED(c, "dense-page", dense->addr, "%#" PRIx64, dense->addr);
	}
}

/* ---- records about one place --------------------------------------------------- */

static bool is_copy(const struct site *a, const struct site *b)
{
	return a->insn.site == b->insn.site &&
	       a->insn.target == b->insn.target &&
	       a->insn.layout == b->insn.layout && a->key == b->key &&
	       a->insn.word64 == b->insn.word64;
}

/* Exact copies are what the folding of identical functions leaves behind. */
static void check_pair(struct check *c, const struct site *a,
		       const struct site *b)
{
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	unsigned len = c->im->arch->encode(&a->insn, SIDE_JMP_ARMED, bytes);

	if (is_copy(a, b)) {
		c->counts.duplicates++;
	} else if (a->insn.site == b->insn.site) {
		EXPECTED(c, "records that agree about the site %#" PRIx64,
			 a->insn.site);
		FOUND(c, "site-contradiction", b->record, "another key, check"
		      " block or layout than in the record at %#" PRIx64,
		      a->record);
	} else if (b->insn.site - a->insn.site < len) {
		EXPECTED(c, "a site behind the one at %#" PRIx64 " of %u"
			 " bytes", a->insn.site, len);
		FOUND(c, "site-overlap", b->record, "%#" PRIx64,
		      b->insn.site);
	}
}

static void check_places(struct check *c)
{
	const struct site *const *order = c->t->by_address;

	for (size_t i = 1; i < c->t->n_by_address; i++)
		check_pair(c, order[i - 1], order[i]);
}

/* ---- events -------------------------------------------------------------------- */

static void check_events(struct check *c)
{
	const struct section *s = image_section(c->im, "side_jmp_event", NULL);

	if (*c->t->event_error) {
		EXPECTED(c, "descriptions of events, one behind the other");
		FOUND(c, "event-description", s ? s->addr : 0, "%s",
		      c->t->event_error);
	}
	for (size_t i = 0; i < c->t->n_events; i++) {
		const struct event *e = &c->t->events[i];

		if (e->key != NO_KEY)
			continue;
		EXPECTED(c, "a key for the event %.60s:%.60s", e->provider,
			 e->name);
		FOUND(c, "event-key", e->addr, "none that"
		      " side_jmp_event_data names");
	}
}

/* ---- all of it ----------------------------------------------------------------- */

struct check_counts check_table(const struct table *t,
				const struct symbols *symbols, bool strict,
				finding_fn *emit_, void *arg)
{
	struct check c = { .t = t, .im = t->image, .symbols = symbols,
			   .strict = strict, .emit = emit_, .arg = arg };
	const struct section *dense = image_section(t->image,
					"side_jmp_modify_code", NULL);

	if (t->section)
		check_section(&c);
	for (size_t i = 0; i < t->n_sites; i++) {
		const struct site *s = &t->sites[i];

		if (!check_fields(&c, s))
			continue;
		check_key(&c, s);
		check_site(&c, s);
		check_dense_site(&c, s, dense);
		if (check_target(&c, s))
			check_function(&c, s, dense);
	}
	check_dense_section(&c, dense);
	check_places(&c);
	check_events(&c);
	return c.counts;
}
