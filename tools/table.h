/* SPDX-License-Identifier: MIT */
/*
 * What a file says of side_jmp: its sites, their keys, its events.  Reads;
 * whether it all holds together is check.h's business.
 */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include "tools/image.h"

#define NO_KEY	UINT32_MAX

/* A record of the section side_jmp, its fields as addresses. */
struct site {
	uint64_t record;
	struct side_jmp_insn insn;	/* insn.word: what `key` names */
	uint32_t key;			/* of table.keys, or NO_KEY */
	uint8_t version, flags, reserved;
	uint8_t state;			/* enum side_jmp_state, as of now */
};

struct key {
	const char *name;	/* NULL: not in the file */
	uint64_t addr;
	bool external;		/* in another object; addr is 0 */
	bool readable;		/* the fields below are in the file */
	uint8_t width, version, flags;
	bool has_word;		/* in a core */
	uint64_t word;
	bool event;		/* of an event: user_events may have it */
	uint32_t sites, states[3];	/* by enum side_jmp_state */
};

struct field {
	const char *name;
	uint8_t kind, elem;
	uint32_t count;
	const char *labels;	/* `count` strings, of an enum */
	const uint8_t *values;	/* `count` of 8 bytes */
};

struct event {
	uint64_t addr;		/* of its description */
	const char *provider, *name, *doc;
	bool word64;
	uint32_t key;		/* or NO_KEY */
	struct field *fields;
	size_t n_fields;
};

struct table {
	const struct image *image;
	const struct section *section;	/* NULL: no sites */
	struct site *sites;		/* in the order of the section */
	size_t n_sites;
	const struct site **by_address;	/* those of the known version */
	size_t n_by_address;
	struct key *keys;		/* by name */
	size_t n_keys;
	struct event *events;		/* in the order of the section */
	size_t n_events;
	uint32_t states[3];
	char event_error[WHY_MAX];	/* why there are not more events, or "" */
};

/*
 * 0, or -1 and a sentence in `why`: the section is not what it has to be (then
 * nothing is to be freed).  A file without sites has an empty table.
 */
int table_load(struct table *t, const struct image *im, char why[WHY_MAX]);
void table_free(struct table *t);

/*
 * What is wrong with the description of an event at the start of `room` bytes, or
 * NULL.  e->fields is to be freed in either case; the rest is at `p`.
 */
const char *table_read_event(const struct image *im, struct event *e,
			     const uint8_t *p, uint64_t room);

/* The events in `n` bytes at `p`, their section; or event_error says why not. */
void table_read_events(struct table *t, const uint8_t *p, uint64_t addr,
		       uint64_t n);

/* The index in by_address of the first site that is not before addr. */
size_t table_from(const struct table *t, uint64_t addr);
/* The site at addr.  NULL: none. */
const struct site *table_site(const struct table *t, uint64_t addr);

/* Where the jump at addr goes.  False: it is none of one instruction. */
bool table_jump(const struct table *t, uint64_t addr, uint64_t *to);
/*
 * Where a site is reached from: itself, and of a dense one, which stands in no
 * function, where the jump behind it goes back to.  False: not known (riscv64,
 * where that is no jump of its own length).
 */
bool table_home(const struct table *t, const struct site *s, uint64_t *home);

const char *layout_name(unsigned layout);
const char *state_name(unsigned state);
const char *key_name(const struct key *key);	/* never NULL */

/* "u32", "enum", "seq of u16", ... */
enum { FIELD_TYPE_MAX = 48 };
void field_type(const struct field *field, char out[FIELD_TYPE_MAX]);
/* The value of the nth label; labels follow one another, each with its 0. */
int64_t field_value(const struct image *im, const struct field *field,
		    uint32_t nth);

#endif
