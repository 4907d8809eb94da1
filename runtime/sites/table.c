/* SPDX-License-Identifier: MIT */
/* See table.h.  A rule is judged in one place; words for it are in another. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/sites/sites.h"
#include "runtime/sites/table.h"

#define TABLE_BIT(rule)	(UINT32_C(1) << SJ_##rule)

_Static_assert(SJ_N_RULES <= 32, "a bit a rule");
_Static_assert(!SIDE_JMP_ARCH_HAS_SITES ||
	       (sizeof(struct side_jmp_key) == SJ_KEY_SIZE &&
		_Alignof(struct side_jmp_key) == SJ_KEY_ALIGN &&
		sizeof(struct side_jmp_key *) == SJ_SLOT_SIZE),
	       "a key as it is in memory");

const char *sj_rule_name(enum sj_rule rule)
{
	static const char *const names[] = {
		"accepted",
#define TABLE_NAME(id, name)	name,
		SJ_RULES(TABLE_NAME)
#undef TABLE_NAME
	};

	return rule < SJ_N_RULES ? names[rule] : "unknown";
}

int sj_rule_error(enum sj_rule rule)
{
	return rule == SJ_ACCEPTED ? 0 :
	       rule == SJ_SITE_BYTES ? -EILSEQ : -EINVAL;
}

/* ---- the view --------------------------------------------------------- */

static const struct sj_segment *table_segment(const struct sj_view *v,
					      uint64_t at)
{
	for (size_t i = 0; i < v->n_segments; i++)
		if (at >= v->segments[i].start && at < v->segments[i].end)
			return &v->segments[i];
	return NULL;
}

bool sj_view_holds(const struct sj_view *v, uint64_t at, uint64_t len,
		   uint32_t flags)
{
	const struct sj_segment *s = table_segment(v, at);

	return s && len <= s->end - at && (s->flags & flags) == flags;
}

/* Data that stays writable: the loader takes the right away from RELRO. */
static bool table_may_write(const struct sj_view *v, uint64_t at, uint64_t len)
{
	return sj_view_holds(v, at, len, PF_R | PF_W) &&
	       (at >= v->relro.end || at + len <= v->relro.start);
}

static const uint8_t *table_bytes(const struct sj_view *v, uint64_t at,
				  uint64_t *len)
{
	return v->file ? v->file->bytes(v, at, len) :
	       (const uint8_t *)(uintptr_t)at;
}

/* ---- one record ------------------------------------------------------- */

/* Of these two nothing is known that the rest could mean. */
#define TABLE_UNKNOWN	(TABLE_BIT(RECORD_VERSION) | TABLE_BIT(RECORD_LAYOUT))

static uint32_t table_judge_fields(const struct sj_view *v,
				   const struct sj_site *s)
{
	unsigned known = SIDE_JMP_RECORD_KEY_SLOT | SIDE_JMP_RECORD_WORD64;
	uint32_t broken = 0;

	if (s->version != SIDE_JMP_RECORD_VERSION)
		return TABLE_BIT(RECORD_VERSION);
	if (s->insn.layout >= v->arch->n_layouts)
		return TABLE_BIT(RECORD_LAYOUT);
	if (s->insn.layout == SIDE_JMP_WIDE)
		known = SIDE_JMP_RECORD_WORD64;	/* it has no slot */
	if (s->flags & ~known)
		broken |= TABLE_BIT(RECORD_FLAGS);
	if (s->reserved)
		broken |= TABLE_BIT(RECORD_RESERVED);
	return broken;
}

static void table_see_key(const struct sj_site *s, struct sj_seen_key *k)
{
	uintptr_t place = (uintptr_t)s->insn.word;
	const struct side_jmp_key *key = (const void *)place;

	if (s->flags & SIDE_JMP_RECORD_KEY_SLOT)
		key = *(const struct side_jmp_key *const *)place;
	*k = (struct sj_seen_key){ .addr = (uintptr_t)key };
	if (!key || k->addr % SJ_KEY_ALIGN)
		return;
	k->readable = true;
	k->version = key->version;
	k->width = key->width;
}

static uint32_t table_judge_key_place(const struct sj_view *v,
				const struct sj_site *s)
{
	uint64_t place = s->insn.word;

	if (place % SJ_KEY_ALIGN)
		return TABLE_BIT(KEY_ALIGNMENT);
	if (s->flags & SIDE_JMP_RECORD_KEY_SLOT)
		return sj_view_holds(v, place, SJ_SLOT_SIZE, PF_R) ? 0 :
		       TABLE_BIT(KEY_SLOT);
	return table_may_write(v, place, SJ_KEY_SIZE) ? 0 :
	       TABLE_BIT(KEY_WRITABLE);
}

static uint32_t table_judge_key(const struct sj_view *v,
				const struct sj_site *s)
{
	unsigned width = s->insn.word64 ? 64 : 32;
	uint32_t broken = table_judge_key_place(v, s);
	struct sj_seen_key k;

	if (broken)
		return broken;
	if (v->file)
		v->file->key(v, s, &k);
	else
		table_see_key(s, &k);
	if (k.elsewhere)
		return 0;
	if (!k.addr || k.addr % SJ_KEY_ALIGN)
		return TABLE_BIT(KEY_ADDRESS);
	return k.readable && k.version == SIDE_JMP_KEY_VERSION &&
	       k.width == width ? 0 : TABLE_BIT(KEY_FIELDS);
}

/*
 * Where it is, whether it reaches its operand, and whether one of its two
 * forms stands there.  In memory that may also be a debugger's breakpoint.
 */
static uint32_t table_judge_site(const struct sj_view *v,
				 const struct sj_site *s)
{
	uint8_t form[SIDE_JMP_INSN_MAX];
	uint64_t len = SIDE_JMP_INSN_MAX;
	const uint8_t *bytes;
	unsigned need;

	if (s->insn.site % v->arch->align)
		return TABLE_BIT(SITE_ALIGNMENT);
	need = v->arch->encode(&s->insn, SIDE_JMP_ARMED, form);
	if (!sj_view_holds(v, s->insn.site, need ? need : 1, PF_R | PF_X))
		return TABLE_BIT(SITE_BOUNDS);
	if (!need)
		return TABLE_BIT(SITE_REACH);
	bytes = table_bytes(v, s->insn.site, &len);
	if (bytes && sj_bytes_state(v->arch, &s->insn, bytes, (unsigned)len) !=
		     SIDE_JMP_FOREIGN)
		return 0;
	if (!v->file && side_jmp_arch_broken(v->arch, &s->insn, bytes))
		return 0;
	return TABLE_BIT(SITE_BYTES);
}

uint32_t sj_judge_site(const struct sj_view *v, const struct sj_site *s)
{
	uint32_t broken = table_judge_fields(v, s);

	if (broken & TABLE_UNKNOWN || (broken && !v->file))
		return broken;
	if (!sj_view_holds(v, s->insn.target, 1, PF_R | PF_X))
		broken |= TABLE_BIT(TARGET_BOUNDS);
	if (broken && !v->file)
		return broken;
	broken |= table_judge_key(v, s);
	if (broken && !v->file)
		return broken;
	return broken | table_judge_site(v, s);
}

/* ---- two records ------------------------------------------------------ */

enum sj_rule sj_judge_pair(const struct side_jmp_arch *arch,
			   const struct sj_site *a, const struct sj_site *b,
			   bool *copy)
{
	uint8_t form[SIDE_JMP_INSN_MAX];
	unsigned len;

	*copy = a->insn.site == b->insn.site &&
		a->insn.target == b->insn.target &&
		a->insn.layout == b->insn.layout && a->key == b->key &&
		a->insn.word64 == b->insn.word64;
	if (*copy)
		return SJ_ACCEPTED;
	if (a->insn.site == b->insn.site)
		return SJ_SITE_CONTRADICTION;
	len = arch->encode(&a->insn, SIDE_JMP_ARMED, form);
	return b->insn.site - a->insn.site < len ? SJ_SITE_OVERLAP :
	       SJ_ACCEPTED;
}

/* ---- verdicts --------------------------------------------------------- */

static int table_say(struct sj_verdict *v, const struct sj_image *im, int error,
	       const char *why, va_list args)
{
	int n = snprintf(v->text, sizeof(v->text), "%s: ", im->name);

	if (n > 0 && (size_t)n < sizeof(v->text))
		vsnprintf(v->text + n, sizeof(v->text) - (size_t)n, why, args);
	v->error = error;
	return error;
}

int sj_verdict_say(struct sj_verdict *v, const struct sj_image *im, int error,
		   const char *why, ...)
{
	va_list args;

	va_start(args, why);
	error = table_say(v, im, error, why, args);
	va_end(args);
	return error;
}

__attribute__((format(printf, 4, 5)))
static int table_reject(struct sj_verdict *v, const struct sj_image *im,
			enum sj_rule rule, const char *why, ...)
{
	va_list args;
	int error;

	v->rule = rule;
	va_start(args, why);
	error = table_say(v, im, sj_rule_error(rule), why, args);
	va_end(args);
	return error;
}

/* ---- the table as a whole --------------------------------------------- */

static struct sj_view table_view(const struct sj_image *im)
{
	return (struct sj_view){
		.arch = side_jmp_arch_host(), .segments = im->segments,
		.n_segments = im->n_segments, .relro = im->relro,
	};
}

static int table_check_object(const struct sj_image *im,
			      const struct side_jmp_object *abi,
			      struct sj_verdict *v)
{
	if (abi->version != SIDE_JMP_OBJECT_VERSION ||
	    abi->record_size != sizeof(struct side_jmp_record))
		return table_reject(v, im, SJ_OBJECT_VERSION, "object of"
				    " version %u with records of %u bytes, this"
				    " library knows %u and %zu",
				    (unsigned)abi->version,
				    (unsigned)abi->record_size,
				    SIDE_JMP_OBJECT_VERSION,
				    sizeof(struct side_jmp_record));
	if (abi->start != abi->stop && !im->found)
		return table_reject(v, im, SJ_OBJECT_PLACE, "table %p belongs"
				    " to no loaded object",
				    (const void *)abi->start);
	return 0;
}

static int table_check_bounds(const struct sj_view *view,
			      const struct sj_image *im,
			      const struct side_jmp_object *abi,
			      struct sj_verdict *v)
{
	uintptr_t start = (uintptr_t)abi->start, stop = (uintptr_t)abi->stop;
	size_t bytes = stop - start;

	if (stop < start || !sj_view_holds(view, start, bytes, PF_R))
		return table_reject(v, im, SJ_TABLE_BOUNDS, "table %p to %p is"
				    " not inside the object",
				    (const void *)abi->start,
				    (const void *)abi->stop);
	if (start % _Alignof(struct side_jmp_record))
		return table_reject(v, im, SJ_TABLE_ALIGNMENT, "table at %p is"
				    " not aligned to %zu bytes",
				    (const void *)abi->start,
				    _Alignof(struct side_jmp_record));
	if (bytes % sizeof(struct side_jmp_record))
		return table_reject(v, im, SJ_TABLE_SIZE, "table of %zu bytes"
				    " is not a whole number of records of %u",
				    bytes, (unsigned)abi->record_size);
	if (bytes / sizeof(struct side_jmp_record) > UINT32_MAX / 2)
		return table_reject(v, im, SJ_TABLE_LARGE, "table of %zu bytes"
				    " is too large", bytes);
	return 0;
}

/* ---- its records ------------------------------------------------------ */

static void table_site(const struct side_jmp_record *r, struct sj_site *s)
{
	sj_record_insn(r, &s->insn);
	s->key = 0;
	s->version = r->version;
	s->flags = r->flags;
	s->reserved = r->reserved;
}

static int table_say_key(const struct sj_image *im, uint32_t i,
		   const struct sj_site *s, enum sj_rule rule,
		   struct sj_verdict *v)
{
	bool slot = s->flags & SIDE_JMP_RECORD_KEY_SLOT;
	struct sj_seen_key k;

	if (rule != SJ_KEY_ADDRESS && rule != SJ_KEY_FIELDS)
		return table_reject(v, im, rule, "record %u: its key%s at %#lx"
				    " is not %s data of the object", i,
				    slot ? "'s slot" : "",
				    (unsigned long)s->insn.word,
				    slot ? "readable" : "writable");
	table_see_key(s, &k);
	if (rule == SJ_KEY_ADDRESS)
		return table_reject(v, im, rule, "record %u: its slot holds no"
				    " key (%p)", i, (void *)(uintptr_t)k.addr);
	return table_reject(v, im, rule, "record %u: key at %p has version %u"
			    " and %u bits, expected %u and %u", i,
			    (void *)(uintptr_t)k.addr, k.version, k.width,
			    SIDE_JMP_KEY_VERSION, s->insn.word64 ? 64 : 32);
}

static int table_say_rule(const struct sj_image *im, uint32_t i,
		    const struct sj_site *s, enum sj_rule rule,
		    struct sj_verdict *v)
{
	switch (rule) {
	case SJ_RECORD_VERSION:
		return table_reject(v, im, rule, "record %u has version %u,"
				    " this library knows %u", i, s->version,
				    SIDE_JMP_RECORD_VERSION);
	case SJ_RECORD_LAYOUT:
	case SJ_RECORD_FLAGS:
	case SJ_RECORD_RESERVED:
		return table_reject(v, im, rule, "record %u: unknown layout %u"
				    " or flags %#x", i, s->insn.layout,
				    s->flags);
	case SJ_TARGET_BOUNDS:
		return table_reject(v, im, rule, "record %u: check block %#lx"
				    " is not code of the object", i,
				    (unsigned long)s->insn.target);
	case SJ_SITE_BYTES:
		return table_reject(v, im, rule, "record %u: at site %#lx"
				    " stands neither its armed nor its idle"
				    " instruction", i,
				    (unsigned long)s->insn.site);
	case SJ_SITE_ALIGNMENT:
	case SJ_SITE_BOUNDS:
	case SJ_SITE_REACH:
		return table_reject(v, im, rule, "record %u: site %#lx is not"
				    " code of the object, or can't reach its"
				    " operand", i, (unsigned long)s->insn.site);
	default:
		return table_say_key(im, i, s, rule, v);
	}
}

/* What the last record that was judged in full had. */
struct table_accepted {
	const struct sj_segment *code;
	uint64_t key;
	uint8_t flags;
};

static bool table_inside(const struct sj_segment *s, uint64_t addr)
{
	return addr >= s->start && addr < s->end &&
	       s->end - addr >= SIDE_JMP_INSN_MAX;
}

/*
 * The same key, and code in the same segment, as nearly always: then nothing
 * is left to be judged but the bytes at the site, and if they are its armed
 * instruction its operand is in reach.  (An idle one may name none.)
 */
static bool table_like_the_last(const struct sj_site *s,
				const struct table_accepted *last)
{
	return last->code && s->insn.word == last->key &&
	       s->flags == last->flags &&
	       s->insn.layout < side_jmp_arch_host()->n_layouts &&
	       s->version == SIDE_JMP_RECORD_VERSION && !s->reserved &&
	       table_inside(last->code, s->insn.site) &&
	       table_inside(last->code, s->insn.target) &&
	       s->insn.site % side_jmp_arch_host()->align == 0 &&
	       (s->insn.layout != SIDE_JMP_WIDE ||
		!(s->flags & SIDE_JMP_RECORD_KEY_SLOT));
}

static int table_check_record(const struct sj_view *view,
			      const struct sj_image *im,
			      const struct side_jmp_record *records, uint32_t i,
			      struct table_accepted *last, struct sj_verdict *v)
{
	enum side_jmp_state state;
	struct sj_site s;
	uint32_t broken;

	table_site(&records[i], &s);
	if (table_like_the_last(&s, last) &&
	    sj_insn_state(&s.insn) == SIDE_JMP_ARMED)
		return 0;
	broken = sj_judge_site(view, &s);
	if (broken)
		return table_say_rule(im, i, &s,
				      (enum sj_rule)__builtin_ctz(broken), v);
	state = sj_insn_state(&s.insn);
	v->all_armed &= state == SIDE_JMP_ARMED;
	*last = (struct table_accepted){
		table_segment(view, s.insn.site), s.insn.word, s.flags,
	};
	return 0;
}

int sj_table_check(const struct sj_image *im,
		   const struct side_jmp_object *abi, struct sj_verdict *v)
{
	struct sj_view view = table_view(im);
	struct table_accepted last = { 0 };
	int error;
	uint32_t n;

	*v = (struct sj_verdict){ .all_armed = true };
	error = table_check_object(im, abi, v);
	if (error || abi->start == abi->stop)
		return error;
	error = table_check_bounds(&view, im, abi, v);
	if (error)
		return error;
	n = (uint32_t)(abi->stop - abi->start);
	for (uint32_t i = 0; !error && i < n; i++)
		error = table_check_record(&view, im, abi->start, i, &last, v);
	return error;
}

/* ---- the order of places ---------------------------------------------- */

static bool table_number(const struct side_jmp_record *records, uint32_t n,
			 uint32_t *order)
{
	bool sorted = true;

	for (uint32_t i = 0; i < n; i++) {
		order[i] = i;
		sorted &= !i || sj_record_site(&records[i - 1]) <=
				sj_record_site(&records[i]);
	}
	return sorted;
}

/*
 * Radix sort over what can differ: sites are within 4 GiB of the table.
 * Linkers mostly leave it sorted.
 */
void sj_table_sort(const struct side_jmp_record *records, uint32_t n,
		   uint32_t *order, uint32_t *scratch)
{
	uint64_t base = (uintptr_t)records - (UINT64_C(1) << 31);
	bool sorted = table_number(records, n, order);

	for (unsigned shift = 0; !sorted && shift < 40; shift += 8) {
		uint32_t count[257] = { 0 }, *swap;

		for (uint32_t i = 0; i < n; i++)
			count[1 + ((sj_record_site(&records[i]) - base) >>
				   shift & 255)]++;
		for (unsigned i = 1; i < 257; i++)
			count[i] += count[i - 1];
		for (uint32_t i = 0; i < n; i++) {
			uint64_t s = sj_record_site(&records[order[i]]) - base;

			scratch[count[s >> shift & 255]++] = order[i];
		}
		swap = order;
		order = scratch;
		scratch = swap;
	}
	/* Five passes: an odd number, the result is in what was scratch. */
	if (!sorted)
		memcpy(scratch, order, n * sizeof(*order));
}

static void table_site_and_key(const struct side_jmp_record *r,
			       struct sj_site *s)
{
	table_site(r, s);
	s->key = (uintptr_t)sj_record_key(r);
}

int64_t sj_table_collapse(const struct sj_image *im,
			  const struct side_jmp_record *records, uint32_t n,
			  uint32_t *order, struct sj_verdict *v)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	uint64_t last = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t site = sj_record_site(&records[order[i]]);

		if (kept && site - last < SIDE_JMP_INSN_MAX) {
			enum sj_rule rule;
			struct sj_site a, b;
			bool copy;

			table_site_and_key(&records[order[kept - 1]], &a);
			table_site_and_key(&records[order[i]], &b);
			rule = sj_judge_pair(arch, &a, &b, &copy);
			if (copy)
				continue;
			if (rule)
				return table_reject(v, im, rule, "records %u"
					" and %u contradict each other about"
					" site %#lx", order[kept - 1], order[i],
					(unsigned long)site);
		}
		last = site;
		order[kept++] = order[i];
	}
	return kept;
}
