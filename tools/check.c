/* SPDX-License-Identifier: MIT */
/* See check.h.  A rule is a function; each finding says which one it breaks. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/check.h"
#include "runtime/side_jmp.h"
#include "runtime/sites/table.h"

struct check {
	const struct table *t;
	const struct image *im;
	const struct symbols *symbols;
	struct sj_view view;		/* of the image */
	bool *told;			/* a key: one finding is enough */
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

/* ---- the section ------------------------------------------------------------ */

static void check_section(struct check *c)
{
	const struct section *s = c->t->section;
	const struct segment *g = image_segment(c->im, s->addr, s->size);
	size_t size = sizeof(struct side_jmp_record);
	uint64_t at;

	if (s->size % size) {
		EXPECTED(c, "a whole number of records of %zu bytes", size);
		FOUND(c, sj_rule_name(SJ_TABLE_SIZE), s->addr, "%" PRIu64
		      " bytes", s->size);
	}
	if (s->addr % _Alignof(struct side_jmp_record)) {
		EXPECTED(c, "a table aligned to %zu bytes",
			 _Alignof(struct side_jmp_record));
		FOUND(c, sj_rule_name(SJ_TABLE_ALIGNMENT), s->addr, "%#" PRIx64,
		      s->addr);
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

/* What the judge sees of a record. */
static struct sj_site judged(const struct site *s)
{
	return (struct sj_site){
		.insn = s->insn, .key = s->key, .version = s->version,
		.flags = s->flags, .reserved = s->reserved,
	};
}

static const uint8_t *view_bytes(const struct sj_view *view, uint64_t at,
				 uint64_t *len)
{
	const struct table *t = view->arg;

	return image_at_most(t->image, at, len);
}

static void view_key(const struct sj_view *view, const struct sj_site *s,
		     struct sj_seen_key *k)
{
	const struct table *t = view->arg;
	const struct key *key;

	*k = (struct sj_seen_key){ 0 };
	if (s->key == NO_KEY)	/* nothing fills the slot */
		return;
	key = &t->keys[s->key];
	*k = (struct sj_seen_key){
		.elsewhere = key->external, .readable = key->readable,
		.addr = key->addr, .version = key->version,
		.width = key->width,
	};
}

static struct sj_view view_of(const struct table *t)
{
	static const struct sj_view_file file = { view_bytes, view_key };
	const struct image *im = t->image;
	struct sj_segment *g = tool_alloc(im->n_segments, sizeof(*g));

	for (size_t i = 0; i < im->n_segments; i++)
		g[i] = (struct sj_segment){
			im->segments[i].addr,
			im->segments[i].addr + im->segments[i].mem_size,
			im->segments[i].flags,
		};
	return (struct sj_view){
		.arch = im->arch, .segments = g, .n_segments = im->n_segments,
		.relro = { im->relro.addr, im->relro.addr + im->relro.mem_size,
			   PF_R },
		.file = &file, .arg = t,
	};
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

/* The bytes of one of the two forms.  Returns their number. */
static unsigned form(const struct check *c, const struct site *s,
		     enum side_jmp_state state, char out[HEX_MAX])
{
	uint8_t p[SIDE_JMP_INSN_MAX];
	unsigned len = c->im->arch->encode(&s->insn, state, p);

	*out = '\0';
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 3 * i, 4, "%02x%s", p[i],
			 i + 1 < len ? " " : "");
	return len;
}

static void say_fields(struct check *c, const struct site *s,
		       enum sj_rule rule)
{
	bool wide = s->insn.layout == SIDE_JMP_WIDE;
	unsigned known = SIDE_JMP_RECORD_KEY_SLOT | SIDE_JMP_RECORD_WORD64;
	const char *name = sj_rule_name(rule);

	if (rule == SJ_RECORD_VERSION) {
		EXPECTED(c, "a record of version %u", SIDE_JMP_RECORD_VERSION);
		FOUND(c, name, s->record, "version %u", s->version);
	} else if (rule == SJ_RECORD_LAYOUT) {
		EXPECTED(c, c->im->arch->n_layouts > SIDE_JMP_NOP ?
			 "layout 0 (inline), 1 (dense), 2 (wide) or 3 (nop)" :
			 "layout 0 (inline), 1 (dense) or 2 (wide)");
		FOUND(c, name, s->record, "layout %u", s->insn.layout);
	} else if (rule == SJ_RECORD_FLAGS) {
		EXPECTED(c, "flags among %#x%s", wide ? SIDE_JMP_RECORD_WORD64 :
			 known, wide ? " (a wide site has no slot)" : "");
		FOUND(c, name, s->record, "flags %#x", s->flags);
	} else {
		EXPECTED(c, "0 in the reserved byte");
		FOUND(c, name, s->record, "%#x", s->reserved);
	}
}

static void say_key_fields(struct check *c, const struct site *s)
{
	const struct key *k = &c->t->keys[s->key];
	const char *name = sj_rule_name(SJ_KEY_FIELDS);

	EXPECTED(c, "a key of version %u with %u bits", SIDE_JMP_KEY_VERSION,
		 s->insn.word64 ? 64 : 32);
	if (k->readable)
		FOUND(c, name, s->record, "version %u with %u bits at %#"
		      PRIx64, k->version, k->width, k->addr);
	else
		found_place(c, name, s->record, k->addr);
}

static void say_key(struct check *c, const struct site *s, enum sj_rule rule)
{
	const char *name = sj_rule_name(rule);

	if (rule == SJ_KEY_FIELDS) {
		say_key_fields(c, s);
	} else if (rule == SJ_KEY_ADDRESS) {
		EXPECTED(c, "a slot that holds the address of a key");
		FOUND(c, name, s->record, "%#" PRIx64 " in the slot at %#"
		      PRIx64, s->key == NO_KEY ? 0 : c->t->keys[s->key].addr,
		      s->insn.word);
	} else {
		if (rule == SJ_KEY_ALIGNMENT)
			EXPECTED(c, "a key aligned to %u bytes", SJ_KEY_ALIGN);
		else if (rule == SJ_KEY_SLOT)
			EXPECTED(c, "a slot that can be read");
		else
			EXPECTED(c, "a key in data that stays writable");
		found_place(c, name, s->record, s->insn.word);
	}
}

static void say_site(struct check *c, const struct site *s, enum sj_rule rule)
{
	const char *name = sj_rule_name(rule);
	char armed[HEX_MAX], idle[HEX_MAX], there[HEX_MAX];

	if (rule == SJ_SITE_ALIGNMENT) {
		EXPECTED(c, "a site aligned to %u bytes", c->im->arch->align);
		FOUND(c, name, s->record, "%#" PRIx64, s->insn.site);
	} else if (rule == SJ_SITE_BOUNDS) {
		EXPECTED(c, "a site in code");
		found_place(c, name, s->record, s->insn.site);
	} else if (rule == SJ_SITE_REACH) {
		EXPECTED(c, "an operand in reach of the site at %#" PRIx64,
			 s->insn.site);
		found_place(c, name, s->record,
			    s->insn.layout == SIDE_JMP_WIDE ? s->insn.word :
			    s->insn.target);
	} else {
		unsigned len = form(c, s, SIDE_JMP_ARMED, armed);

		form(c, s, SIDE_JMP_IDLE, idle);
		EXPECTED(c, "at site %#" PRIx64 ": %s (armed) or %s (idle)",
			 s->insn.site, armed, idle);
		FOUND(c, name, s->record, "%s",
		      site_bytes(c->im, s->insn.site, len, there));
	}
}

static void say_rule(struct check *c, const struct site *s, enum sj_rule rule)
{
	if (rule < SJ_TARGET_BOUNDS) {
		say_fields(c, s, rule);
	} else if (rule == SJ_TARGET_BOUNDS) {
		EXPECTED(c, "a check block in code");
		found_place(c, sj_rule_name(rule), s->record, s->insn.target);
	} else if (rule < SJ_SITE_ALIGNMENT) {
		say_key(c, s, rule);
	} else {
		say_site(c, s, rule);
	}
}

/*
 * A key that the library exports, and of which its own sites nevertheless have
 * the library's own: with a copy of it in the executable, or another library's
 * before it, there are two.
 */
static void check_binding(struct check *c, const struct site *s)
{
	const struct key *k;
	const char *name;

	if (!(s->flags & SIDE_JMP_RECORD_KEY_SLOT) || s->key == NO_KEY ||
	    c->told[s->key])
		return;
	k = &c->t->keys[s->key];
	if (k->external || !image_is_library(c->im) ||
	    image_bound_by_name(c->im, s->insn.word))
		return;
	name = image_exported(c->im, k->addr);
	if (!name)
		return;
	c->told[s->key] = true;
	EXPECTED(c, "the exported key %.100s to be looked up by its name"
		 " when the library is loaded", name);
	FOUND(c, "key-binding", s->record, "it bound to this library's own,"
	      " as by -Bsymbolic or protected visibility: beside a copy in the"
	      " executable there would be two");
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

/* Exact copies are what the folding of identical functions leaves behind. */
static void check_pair(struct check *c, const struct site *a,
		       const struct site *b)
{
	struct sj_site x = judged(a), y = judged(b);
	char armed[HEX_MAX];
	enum sj_rule rule;
	bool copy;

	rule = sj_judge_pair(c->im->arch, &x, &y, &copy);
	c->counts.duplicates += copy;
	if (rule == SJ_SITE_CONTRADICTION) {
		EXPECTED(c, "records that agree about the site %#" PRIx64,
			 a->insn.site);
		FOUND(c, sj_rule_name(rule), b->record, "another key, check"
		      " block or layout than in the record at %#" PRIx64,
		      a->record);
	} else if (rule == SJ_SITE_OVERLAP) {
		EXPECTED(c, "a site behind the one at %#" PRIx64 " of %u"
			 " bytes", a->insn.site,
			 form(c, a, SIDE_JMP_ARMED, armed));
		FOUND(c, sj_rule_name(rule), b->record, "%#" PRIx64,
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

static void check_site(struct check *c, const struct site *s,
		       const struct section *dense)
{
	struct sj_site site = judged(s);
	uint32_t broken = sj_judge_site(&c->view, &site);

	for (unsigned rule = 0; rule < SJ_N_RULES; rule++)
		if (broken >> rule & 1)
			say_rule(c, s, (enum sj_rule)rule);
	if (broken >> SJ_RECORD_VERSION & 1 || broken >> SJ_RECORD_LAYOUT & 1)
		return;
	check_binding(c, s);
	check_dense_site(c, s, dense);
	if (!(broken >> SJ_TARGET_BOUNDS & 1))
		check_function(c, s, dense);
}

struct check_counts check_table(const struct table *t,
				const struct symbols *symbols, bool strict,
				finding_fn *emit_, void *arg)
{
	struct check c = { .t = t, .im = t->image, .symbols = symbols,
			   .strict = strict, .emit = emit_, .arg = arg,
			   .view = view_of(t),
			   .told = tool_alloc(t->n_keys, sizeof(bool)) };
	const struct section *dense = image_section(t->image,
					"side_jmp_modify_code", NULL);

	if (t->section)
		check_section(&c);
	for (size_t i = 0; i < t->n_sites; i++)
		check_site(&c, &t->sites[i], dense);
	check_dense_section(&c, dense);
	check_places(&c);
	check_events(&c);
	free((void *)(uintptr_t)c.view.segments);
	free(c.told);
	return c.counts;
}
