/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing what reads static archives and the objects in them, as list does.
 * Neither the archive nor a member can be read beyond its end unseen: behind
 * each is a page that nobody may touch.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/archive.h"
#include "tools/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct copy {
	uint8_t *map, *bytes;
	size_t length;			/* of map */
};

static struct copy copy_of(const uint8_t *bytes, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (size + page - 1) / page * page;
	struct copy c = { .length = room + page };

	c.map = mmap(NULL, c.length, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c.map == MAP_FAILED || mprotect(c.map + room, page, PROT_NONE))
		abort();
	c.bytes = c.map + room - size;
	if (size)
		memcpy(c.bytes, bytes, size);
	return c;
}

struct whole {
	const uint8_t *bytes;
	size_t size, at;		/* at: where the last member ended */
};

/* Each is in the archive, and behind the one before. */
static void must_be_inside(struct whole *w, const struct member *m)
{
	size_t at = (size_t)(m->bytes - w->bytes);

	if (m->bytes < w->bytes || at < w->at || at > w->size ||
	    m->size > w->size - at)
		abort();
	w->at = at + m->size;
}

static volatile size_t sum;

static void look(const struct object *o)
{
	for (size_t i = 0; i < o->table.n_keys; i++)
		if (o->table.keys[i].name)
			sum += strlen(o->table.keys[i].name);
	for (size_t i = 0; i < o->table.n_events; i++) {
		const struct event *e = &o->table.events[i];

		sum += strlen(e->provider) + strlen(e->name) + strlen(e->doc);
		for (size_t k = 0; k < e->n_fields; k++) {
			char type[FIELD_TYPE_MAX];

			field_type(&e->fields[k], type);
			sum += strlen(e->fields[k].name) + strlen(type);
		}
	}
}

static void visit(void *whole, const struct member *m)
{
	char why[WHY_MAX];
	struct object o;
	struct image im;
	struct copy c;

	if (strlen(m->name) >= PATH_MAX)
		abort();
	if (!m->bytes)
		return;			/* a file: not ours to open */
	must_be_inside(whole, m);
	c = copy_of(m->bytes, m->size);
	if (!image_object(&im, m->name, c.bytes, m->size, why)) {
		object_load(&o, &im);
		look(&o);
		object_free(&o);
		image_close(&im);
	}
	munmap(c.map, c.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct copy c = copy_of(data, size);
	struct whole whole = { c.bytes, size, 0 };
	char why[WHY_MAX] = "";

	if (archive_is(c.bytes, size) &&
	    archive_each(c.bytes, size, visit, &whole, why) &&
	    (!*why || !memchr(why, '\0', sizeof(why))))
		abort();
	munmap(c.map, c.length);
	return 0;
}
