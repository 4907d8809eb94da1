/* SPDX-License-Identifier: MIT */
/* See object.h. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "tools/object.h"
#include "runtime/sites/table.h"

enum { RECORD_SIZE = sizeof(struct side_jmp_record),
       RECORD_KEY = offsetof(struct side_jmp_record, key) };

#ifndef R_RISCV_SUB32
#define R_RISCV_SUB32	39
#endif

/* The bytes of a section.  NULL: not in the file. */
static const uint8_t *bytes_of(const struct image *im, const struct section *s)
{
	return s->type != SHT_NOBITS && s->offset <= im->size &&
	       s->size <= im->size - s->offset ? im->bytes + s->offset : NULL;
}

/* ---- keys ------------------------------------------------------------------ */

/* As the macros make it: of an event PROVIDER_side_jmp_NAME_side_jmp_key. */
static char *key_of_symbol(const char *symbol, bool *event)
{
	static const char slot[] = "_side_jmp_slot", key[] = "_side_jmp_key",
			  between[] = "_side_jmp_";
	char *name = tool_strdup(symbol), *end = strrchr(name, '\0'), *middle;
	size_t n = (size_t)(end - name);

	if (n > strlen(slot) && !strcmp(end - strlen(slot), slot)) {
		end[-(ptrdiff_t)strlen(slot)] = '\0';
		n -= strlen(slot);
		end = name + n;
	}
	if (n <= strlen(key) || strcmp(end - strlen(key), key))
		return name;
	end[-(ptrdiff_t)strlen(key)] = '\0';
	middle = strstr(name, between);
	*event = middle;
	if (middle) {
		*middle = ':';
		memmove(middle + 1, middle + strlen(between),
			strlen(middle + strlen(between)) + 1);
	}
	return name;
}

/* A data object's symbol. */
struct place {
	unsigned section;
	uint64_t at;
	const char *name;
};

struct symbols_of {
	const struct section *section;	/* NULL: there are none */
	Elf_Data *data;
	GElf_Shdr h;
	struct place *places;		/* by section and address */
	size_t n;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void read_symbols(struct symbols_of *s, const struct image *im)
{
	size_t room = 0;
	GElf_Sym sym;

	for (size_t i = 0; i < im->n_sections && !s->section; i++)
		if (im->sections[i].type == SHT_SYMTAB)
			s->section = &im->sections[i];
	s->data = s->section && gelf_getshdr(s->section->scn, &s->h) ?
		  elf_getdata(s->section->scn, NULL) : NULL;
	for (int i = 1; s->data && gelf_getsym(s->data, i, &sym); i++) {
		if (GELF_ST_TYPE(sym.st_info) != STT_OBJECT)
			continue;
		s->places = tool_grow(s->places, &room, s->n + 1,
				      sizeof(*s->places));
		s->places[s->n++] = (struct place){
			sym.st_shndx, sym.st_value,
			elf_strptr(im->elf, s->h.sh_link, sym.st_name),
		};
	}
	if (s->n)
		qsort(s->places, s->n, sizeof(*s->places), by_place);
}

/* What stands in a section at that place.  NULL: nothing that has a name. */
static const char *symbol_at(const struct symbols_of *s, unsigned section,
			     uint64_t at)
{
	const struct place key = { section, at, NULL }, *found = NULL;

	if (s->n)
		found = bsearch(&key, s->places, s->n, sizeof(key), by_place);
	return found ? found->name : NULL;
}

/* What a relocation of a record's key refers to. */
static void read_key(struct object *o, const struct symbols_of *s,
		     size_t *room, const GElf_Rela *r)
{
	struct table *t = &o->table;
	size_t index = GELF_R_SYM(r->r_info);
	struct key key = { .sites = 1 };
	const char *name;
	GElf_Sym sym;

	if (index > INT32_MAX || !gelf_getsym(s->data, (int)index, &sym))
		return;
	name = GELF_ST_TYPE(sym.st_info) == STT_SECTION ?
	       symbol_at(s, sym.st_shndx, (uint64_t)r->r_addend) :
	       elf_strptr(t->image->elf, s->h.sh_link, sym.st_name);
	key.name = key_of_symbol(name && *name ? name : "?", &key.event);
	key.external = sym.st_shndx == SHN_UNDEF;
	t->keys = tool_grow(t->keys, room, t->n_keys + 1, sizeof(*t->keys));
	t->keys[t->n_keys++] = key;
}

/* Of one section of records: one key for each. */
static void read_keys(struct object *o, const struct symbols_of *s,
		      size_t *room, const struct section *relocations)
{
	const struct image *im = o->table.image;
	Elf_Data *data = elf_getdata(relocations->scn, NULL);
	GElf_Shdr h;
	GElf_Rela r;

	if (!data || !s->data || !gelf_getshdr(relocations->scn, &h) ||
	    elf_getscn(im->elf, h.sh_link) != s->section->scn)
		return;
	for (int i = 0; gelf_getrela(data, i, &r); i++)
		/* There key - record is two: the second takes away. */
		if (r.r_offset % RECORD_SIZE == RECORD_KEY &&
		    (im->arch->machine != EM_RISCV ||
		     GELF_R_TYPE(r.r_info) != R_RISCV_SUB32))
			read_key(o, s, room, &r);
}

static int by_name(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Each name once. */
static void merge_keys(struct table *t)
{
	size_t n = 0;

	if (t->n_keys)
		qsort(t->keys, t->n_keys, sizeof(*t->keys), by_name);
	for (size_t i = 0; i < t->n_keys; i++) {
		if (n && !strcmp(t->keys[n - 1].name, t->keys[i].name)) {
			t->keys[n - 1].sites++;
			free((char *)(uintptr_t)t->keys[i].name);
		} else {
			t->keys[n++] = t->keys[i];
		}
	}
	t->n_keys = n;
}

/* Are these relocations of a section of that name? */
static bool are_of(const struct image *im, const struct section *s,
		   const char *name)
{
	GElf_Shdr h;

	return s->type == SHT_RELA && gelf_getshdr(s->scn, &h) && h.sh_info &&
	       h.sh_info <= im->n_sections &&
	       !strcmp(im->sections[h.sh_info - 1].name, name);
}

/* ---- all ------------------------------------------------------------------- */

void object_load(struct object *o, const struct image *im)
{
	struct table *t = &o->table;
	struct symbols_of symbols = { .section = NULL };
	size_t room = 0;

	*o = (struct object){ .table = { .image = im } };
	read_symbols(&symbols, im);
	for (size_t i = 0; i < im->n_sections; i++) {
		const struct section *s = &im->sections[i];
		const uint8_t *p = bytes_of(im, s);

		if (p && !strcmp(s->name, "side_jmp"))
			o->n_sites += s->size / RECORD_SIZE;
		else if (p && !strcmp(s->name, "side_jmp_event"))
			table_read_events(t, p, s->addr, s->size);
		else if (p && are_of(im, s, "side_jmp"))
			read_keys(o, &symbols, &room, s);
	}
	merge_keys(t);
	free(symbols.places);
}

void object_free(struct object *o)
{
	for (size_t i = 0; i < o->table.n_keys; i++)
		free((char *)(uintptr_t)o->table.keys[i].name);
	table_free(&o->table);
}
