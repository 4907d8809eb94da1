/* SPDX-License-Identifier: MIT */
/* See table.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/say.h"
#include "tools/table.h"
#include "runtime/sites/table.h"
#include "runtime/side_jmp_event.h"

/*
 * The sizes and offsets of the frozen structures, as every architecture with a
 * port (64 bits) has them.
 */
enum {
	RECORD_SIZE = sizeof(struct side_jmp_record),
	KEY_SIZE = 32, KEY_VERSION = 12, KEY_WIDTH = 14, KEY_FLAGS = 15,
	KEY_NAME = 24,
	EVENT_SIZE = 80, EVENT_KEY = 8, EVENT_DESC = 16,
	DESC_SIZE = sizeof(struct side_jmp_event_desc),
	FIELD_SIZE = sizeof(struct side_jmp_field),
};

_Static_assert(sizeof(void *) != 8 ||
	       (sizeof(struct side_jmp_key) == KEY_SIZE &&
		offsetof(struct side_jmp_key, version) == KEY_VERSION &&
		offsetof(struct side_jmp_key, width) == KEY_WIDTH &&
		offsetof(struct side_jmp_key, flags) == KEY_FLAGS &&
		offsetof(struct side_jmp_key, name) == KEY_NAME),
	       "a key as it is in memory");
_Static_assert(sizeof(void *) != 8 ||
	       (sizeof(struct side_jmp_event) == EVENT_SIZE &&
		offsetof(struct side_jmp_event, key) == EVENT_KEY &&
		offsetof(struct side_jmp_event, desc) == EVENT_DESC),
	       "an event as it is in memory");

/* ---- sections --------------------------------------------------------------- */

/* A section that is loaded, by its address.  NULL, *why "": there is none. */
static const uint8_t *find(const struct image *im, const char *name,
			   const struct section **out, char why[WHY_MAX])
{
	const struct section *s;
	const uint8_t *p;
	uint64_t offset;
	bool again;

	*why = '\0';
	*out = s = image_section(im, name, &again);
	if (!s || !s->size)
		return NULL;
	if (again)
		say(why, "two sections are called %s", name);
	else if (s->type == SHT_NOBITS)
		say(why, "its section %s holds no bytes%s", name,
		    im->debug_only ? ": a separate debug file; name the file"
		    " it was taken from, and this one with --debug" : "");
	else if (!image_offset(im, s->addr, s->size, &offset))
		say(why, "section %s: %#llx bytes at %#llx, which no segment"
		    " loads from the file", name, (unsigned long long)s->size,
		    (unsigned long long)s->addr);
	else if (offset != s->offset)
		say(why, "section %s contradicts its segment: offset %#llx,"
		    " loaded from %#llx", name, (unsigned long long)s->offset,
		    (unsigned long long)offset);
	if (*why)
		return NULL;
	p = image_at(im, s->addr, s->size);
	if (!p)	/* a core that holds a part of it */
		p = im->bytes + offset;
	return p;
}

/* ---- sites -------------------------------------------------------------------- */

static uint64_t target(const struct image *im, const uint8_t *p, uint64_t at)
{
	return at + (uint64_t)(int64_t)(int32_t)image_get32(im, p);
}

static enum side_jmp_state state_of(const struct image *im,
				    const struct side_jmp_insn *insn)
{
	uint64_t len = SIDE_JMP_INSN_MAX;
	const uint8_t *p = image_at_most(im, insn->site, &len);

	return p ? sj_bytes_state(im->arch, insn, p, (unsigned)len) :
	       SIDE_JMP_FOREIGN;
}

static void read_site(struct table *t, struct site *s, const uint8_t *p)
{
	const struct image *im = t->image;

	s->insn.site = target(im, p, s->record);
	s->insn.target = target(im, p + 4, s->record + 4);
	s->insn.word = target(im, p + 8, s->record + 8);
	s->version = p[12];
	s->insn.layout = p[13];
	s->flags = p[14];
	s->reserved = p[15];
	s->insn.word64 = s->flags & SIDE_JMP_RECORD_WORD64;
	s->key = NO_KEY;
	s->state = SIDE_JMP_FOREIGN;
	if (s->version == SIDE_JMP_RECORD_VERSION)
		s->state = (uint8_t)state_of(im, &s->insn);
	t->states[s->state]++;
}

static int read_sites(struct table *t, char why[WHY_MAX])
{
	const uint8_t *p = find(t->image, "side_jmp", &t->section, why);

	if (!p)
		return *why ? -1 : 0;
	if (t->section->size / RECORD_SIZE > UINT32_MAX / 2)
		return say(why, "section side_jmp is too large: %#llx bytes",
			   (unsigned long long)t->section->size);
	t->n_sites = t->section->size / RECORD_SIZE;
	t->sites = tool_alloc(t->n_sites, sizeof(*t->sites));
	for (size_t i = 0; i < t->n_sites; i++) {
		t->sites[i].record = t->section->addr + i * RECORD_SIZE;
		read_site(t, &t->sites[i], p + i * RECORD_SIZE);
	}
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct site *const *x = a, *const *y = b;

	if ((*x)->insn.site != (*y)->insn.site)
		return (*x)->insn.site < (*y)->insn.site ? -1 : 1;
	return (*x)->record < (*y)->record ? -1 : (*x)->record > (*y)->record;
}

static void sort_sites(struct table *t)
{
	t->by_address = tool_alloc(t->n_sites, sizeof(*t->by_address));
	for (size_t i = 0; i < t->n_sites; i++)
		if (t->sites[i].version == SIDE_JMP_RECORD_VERSION)
			t->by_address[t->n_by_address++] = &t->sites[i];
	if (t->n_by_address)
		qsort(t->by_address, t->n_by_address, sizeof(*t->by_address),
		      by_address);
}

size_t table_from(const struct table *t, uint64_t addr)
{
	size_t lo = 0, hi = t->n_by_address;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->by_address[mid]->insn.site < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct site *table_site(const struct table *t, uint64_t addr)
{
	size_t i = table_from(t, addr);

	return i < t->n_by_address && t->by_address[i]->insn.site == addr ?
	       t->by_address[i] : NULL;
}

bool table_jump(const struct table *t, uint64_t addr, uint64_t *to)
{
	struct side_jmp_insn jump = { .site = addr,
				      .layout = SIDE_JMP_INLINE };
	uint64_t len = SIDE_JMP_INSN_MAX;
	const uint8_t *p = image_at_most(t->image, addr, &len);

	if (!p || t->image->arch->decode(&jump, p, (unsigned)len) !=
	    SIDE_JMP_ARMED)
		return false;
	*to = jump.target;
	return true;
}

bool table_home(const struct table *t, const struct site *s, uint64_t *home)
{
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	unsigned len;

	*home = s->insn.site;
	if (s->insn.layout != SIDE_JMP_DENSE)
		return true;
	len = t->image->arch->encode(&s->insn, SIDE_JMP_ARMED, bytes);
	return len && table_jump(t, s->insn.site + len, home);
}

/* ---- events ------------------------------------------------------------------- */

/* The string at *p, which moves on; NULL: it does not end before `end`. */
static const char *take_string(const uint8_t **p, const uint8_t *end)
{
	const char *s = (const char *)*p;
	const uint8_t *nul = memchr(*p, 0, (size_t)(end - *p));

	if (!nul)
		return NULL;
	*p = nul + 1;
	return s;
}

static const char *read_field(const struct image *im, struct field *f,
			      const uint8_t *p, const uint8_t **text,
			      const uint8_t *end, const uint8_t **values,
			      uint32_t *values_left)
{
	f->kind = p[0];
	f->elem = p[1];
	f->count = image_get32(im, p + 4);
	f->name = take_string(text, end);
	if (!f->name)
		return "a field's name does not end";
	if (f->kind != SIDE_JMP_ENUM)
		return NULL;
	if (f->count > *values_left)
		return "more labels than values";
	f->labels = (const char *)*text;
	f->values = *values;
	*values += 8 * (size_t)f->count;
	*values_left -= f->count;
	for (uint32_t i = 0; i < f->count; i++)
		if (!take_string(text, end))
			return "a label does not end";
	return NULL;
}

/* Of `size` bytes, which are there. */
static const char *read_event(const struct image *im, struct event *e,
			      const uint8_t *p, uint32_t size)
{
	uint32_t n_values = image_get32(im, p + 8);
	uint64_t fields = DESC_SIZE, values, text = image_get16(im, p + 14);
	const uint8_t *at = p + text, *end = p + size, *value;
	const char *wrong = NULL;

	e->n_fields = image_get16(im, p + 6);
	e->word64 = image_get16(im, p + 12) & SIDE_JMP_RECORD_WORD64;
	values = fields + FIELD_SIZE * ((uint64_t)e->n_fields + 1);
	if (text > size || values > text ||
	    8 * ((uint64_t)n_values + 1) > text - values)
		return "its fields and values do not fit";
	e->provider = take_string(&at, end);
	e->name = e->provider ? take_string(&at, end) : NULL;
	e->doc = e->name ? take_string(&at, end) : NULL;
	if (!e->doc)
		return "its name or docstring does not end";
	value = p + values;
	e->fields = tool_alloc(e->n_fields, sizeof(*e->fields));
	for (size_t i = 0; i < e->n_fields && !wrong; i++)
		wrong = read_field(im, &e->fields[i],
				   p + fields + i * FIELD_SIZE, &at, end,
				   &value, &n_values);
	return wrong;
}

const char *table_read_event(const struct image *im, struct event *e,
			     const uint8_t *p, uint64_t room)
{
	uint32_t size = room < DESC_SIZE ? 0 : image_get32(im, p);

	if (room >= DESC_SIZE &&
	    image_get16(im, p + 4) != SIDE_JMP_DESC_VERSION)
		return "of an unknown version";
	if (size < DESC_SIZE || size % 8 || size > room)
		return "of an impossible size";
	return read_event(im, e, p, size);
}

void table_read_events(struct table *t, const uint8_t *p, uint64_t addr,
		       uint64_t n)
{
	size_t room = t->n_events;
	uint32_t size;

	for (uint64_t at = 0; at < n; at += size) {
		struct event e = { .addr = addr + at, .key = NO_KEY };
		const char *wrong;

		if (n - at < DESC_SIZE) {
			say(t->event_error, "%#llx bytes are left of section"
			    " side_jmp_event behind its last event",
			    (unsigned long long)(n - at));
			break;
		}
		size = image_get32(t->image, p + at);
		wrong = table_read_event(t->image, &e, p + at, n - at);
		if (wrong) {
			free(e.fields);
			say(t->event_error, "the event described at %#llx is"
			    " malformed: %s", (unsigned long long)e.addr,
			    wrong);
			break;
		}
		t->events = tool_grow(t->events, &room, t->n_events + 1,
				      sizeof(*t->events));
		t->events[t->n_events++] = e;
	}
}

static void read_events(struct table *t)
{
	const struct section *s;
	const uint8_t *p = find(t->image, "side_jmp_event", &s, t->event_error);

	if (p)
		table_read_events(t, p, s->addr, s->size);
}

/* ---- keys --------------------------------------------------------------------- */

/* Who names a key: a site, or (from n_sites on) an event. */
struct ref {
	const char *symbol;	/* in another object, under this name */
	uint64_t addr;
	uint32_t *key;		/* to be filled in */
	bool event;
};

struct refs {
	struct ref *array;
	size_t n, room;
};

static int by_key(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	if (!x->symbol != !y->symbol)
		return x->symbol ? 1 : -1;
	if (x->symbol && strcmp(x->symbol, y->symbol))
		return strcmp(x->symbol, y->symbol);
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void add_ref(struct refs *refs, struct ref r)
{
	refs->array = tool_grow(refs->array, &refs->room, refs->n + 1,
				sizeof(*refs->array));
	refs->array[refs->n++] = r;
}

static void refer_sites(struct table *t, struct refs *refs)
{
	for (size_t i = 0; i < t->n_sites; i++) {
		struct site *s = &t->sites[i];
		struct ref r = { .addr = s->insn.word, .key = &s->key };

		if (s->version != SIDE_JMP_RECORD_VERSION)
			continue;
		if (s->flags & SIDE_JMP_RECORD_KEY_SLOT &&
		    !image_pointer(t->image, s->insn.word, &r.addr, &r.symbol))
			continue;
		add_ref(refs, r);
	}
}

static struct event *event_at(struct table *t, uint64_t addr)
{
	size_t lo = 0, hi = t->n_events;

	while (lo < hi) {	/* they are in the order of addresses */
		size_t mid = lo + (hi - lo) / 2;

		if (t->events[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n_events && t->events[lo].addr == addr ?
	       &t->events[lo] : NULL;
}

/* The array of struct side_jmp_event, which ties descriptions to keys. */
static void refer_events(struct table *t, struct refs *refs)
{
	char why[WHY_MAX];
	const struct section *s;
	uint64_t desc;

	if (!find(t->image, "side_jmp_event_data", &s, why))
		return;
	for (uint64_t at = 0; at + EVENT_SIZE <= s->size; at += EVENT_SIZE) {
		struct ref r = { .event = true };
		const char *symbol;
		struct event *e;

		if (!image_pointer(t->image, s->addr + at + EVENT_KEY, &r.addr,
				   &r.symbol) ||
		    !image_pointer(t->image, s->addr + at + EVENT_DESC, &desc,
				   &symbol))
			continue;
		e = event_at(t, desc);
		if (!e)
			continue;
		r.key = &e->key;
		add_ref(refs, r);
	}
}

static void read_key(const struct image *im, struct key *k, const struct ref *r)
{
	const char *symbol = r->symbol;
	const uint8_t *p;
	uint64_t name;

	if (!symbol && !image_dumped(im, r->addr, KEY_SIZE))
		symbol = image_copied(im, r->addr);
	*k = (struct key){ .addr = symbol ? 0 : r->addr, .name = symbol,
			   .external = symbol };
	p = symbol ? NULL : image_at(im, r->addr, KEY_SIZE);
	if (!p)
		return;
	k->readable = true;
	k->version = (uint8_t)image_get16(im, p + KEY_VERSION);
	if (image_get16(im, p + KEY_VERSION) != k->version)
		k->version = UINT8_MAX;
	k->width = p[KEY_WIDTH];
	k->flags = p[KEY_FLAGS];
	if (image_pointer(im, r->addr + KEY_NAME, &name, &symbol) && !symbol)
		k->name = image_string(im, name);
	k->has_word = image_dumped(im, r->addr, KEY_SIZE);
	k->word = k->width == 64 ? image_get64(im, p) : image_get32(im, p);
}

static void read_keys(struct table *t)
{
	struct refs refs = { 0 };
	size_t room = 0;

	refer_sites(t, &refs);
	refer_events(t, &refs);
	if (refs.n)
		qsort(refs.array, refs.n, sizeof(*refs.array), by_key);
	for (size_t i = 0; i < refs.n; i++) {
		const struct ref *r = &refs.array[i];

		if (!i || by_key(r, r - 1)) {
			t->keys = tool_grow(t->keys, &room, t->n_keys + 1,
					    sizeof(*t->keys));
			read_key(t->image, &t->keys[t->n_keys++], r);
		}
		*r->key = (uint32_t)(t->n_keys - 1);
		t->keys[t->n_keys - 1].event |= r->event;
	}
	free(refs.array);
	for (size_t i = 0; i < t->n_sites; i++) {
		const struct site *s = &t->sites[i];

		if (s->key == NO_KEY)
			continue;
		t->keys[s->key].sites++;
		t->keys[s->key].states[s->state]++;
	}
}

/* ---- all of it ---------------------------------------------------------------- */

int table_load(struct table *t, const struct image *im, char why[WHY_MAX])
{
	*t = (struct table){ .image = im };
	if (!im->n_sections)
		return say(why, "it has no section headers, which name the"
			   " table of sites");
	if (read_sites(t, why)) {
		table_free(t);
		return -1;
	}
	sort_sites(t);
	read_events(t);
	read_keys(t);
	return 0;
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n_events; i++)
		free(t->events[i].fields);
	free(t->events);
	free(t->keys);
	free(t->by_address);
	free(t->sites);
	*t = (struct table){ 0 };
}

/* ---- words for it ------------------------------------------------------------- */

const char *layout_name(unsigned layout)
{
	static const char *const names[] = { "inline", "dense", "wide", "nop" };

	return layout < sizeof(names) / sizeof(*names) ? names[layout] : "unknown";
}

const char *state_name(unsigned state)
{
	static const char *const names[] = { "armed", "idle", "foreign" };

	return names[state];
}

const char *key_name(const struct key *key)
{
	return key->name && *key->name ? key->name : "(unnamed)";
}

static const char *elem_name(unsigned elem)
{
	static const char *const names[] = {
		"?", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64",
		"float", "double", "byte",
	};

	return elem < sizeof(names) / sizeof(*names) ? names[elem] : "?";
}

void field_type(const struct field *f, char out[FIELD_TYPE_MAX])
{
	const char *elem = elem_name(f->elem);

	switch (f->kind) {
	case SIDE_JMP_INT:
	case SIDE_JMP_FLOAT:
		snprintf(out, FIELD_TYPE_MAX, "%s", elem);
		break;
	case SIDE_JMP_POINTER:
		snprintf(out, FIELD_TYPE_MAX, "pointer");
		break;
	case SIDE_JMP_ENUM:
		snprintf(out, FIELD_TYPE_MAX, "enum");
		break;
	case SIDE_JMP_STRING:
		snprintf(out, FIELD_TYPE_MAX, "string");
		break;
	case SIDE_JMP_CHARS:
		snprintf(out, FIELD_TYPE_MAX, "chars[%u]", f->count);
		break;
	case SIDE_JMP_ARRAY:
		snprintf(out, FIELD_TYPE_MAX, "%s[%u]", elem, f->count);
		break;
	case SIDE_JMP_SEQ:
		snprintf(out, FIELD_TYPE_MAX, "%s[]", elem);
		break;
	default:
		snprintf(out, FIELD_TYPE_MAX, "unknown (kind %u)", f->kind);
	}
}

int64_t field_value(const struct image *im, const struct field *field,
		    uint32_t nth)
{
	return (int64_t)image_get64(im, field->values + 8 * (size_t)nth);
}
