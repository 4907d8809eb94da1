/* SPDX-License-Identifier: MIT */
/* See archive.h. */
#define _GNU_SOURCE
#include <ar.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/archive.h"
#include "tools/memory.h"

#define THIN	"!<thin>\n"

struct archive {
	const uint8_t *bytes;
	size_t size, at;
	bool thin;
	const char *names;		/* long ones, of GNU's */
	size_t names_size;
};

bool archive_is(const uint8_t *bytes, size_t size)
{
	return size >= SARMAG && (!memcmp(bytes, ARMAG, SARMAG) ||
				  !memcmp(bytes, THIN, SARMAG));
}

/* A number of n characters, spaces behind it.  False: it is none. */
static bool decimal(const char *p, size_t n, size_t *value)
{
	size_t i = 0;

	for (*value = 0; i < n && p[i] >= '0' && p[i] <= '9'; i++)
		*value = 10 * *value + (size_t)(p[i] - '0');
	for (size_t k = i; k < n; k++)
		if (p[k] != ' ')
			return false;
	return i > 0;
}

static bool is_named(const struct ar_hdr *h, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = n; i < sizeof(h->ar_name); i++)
		if (h->ar_name[i] != ' ')
			return false;
	return !memcmp(h->ar_name, name, n);
}

/* n characters, up to `end` if it comes before; NULL: too many. */
static char *copy_name(const char *p, size_t n, const char *end)
{
	const size_t most = n < PATH_MAX ? n : PATH_MAX;
	const char *e = memmem(p, most, end, strlen(end));
	size_t length = e ? (size_t)(e - p) : strnlen(p, most);
	char *name;

	if (length == PATH_MAX)
		return NULL;
	name = tool_alloc(length + 1, 1);
	memcpy(name, p, length);
	return name;
}

/* NULL: it is not there.  BSD's stands before the member's bytes. */
static char *name_of(const struct archive *a, const struct ar_hdr *h,
		     struct member *m)
{
	const size_t rest = sizeof(h->ar_name) - 1;
	size_t n;

	if (h->ar_name[0] == '/' && decimal(h->ar_name + 1, rest, &n))
		return n < a->names_size ?
		       copy_name(a->names + n, a->names_size - n, "/\n") : NULL;
	if (!memcmp(h->ar_name, "#1/", 3) &&
	    decimal(h->ar_name + 3, rest - 2, &n)) {
		if (!m->bytes || n > m->size)
			return NULL;
		m->bytes += n;
		m->size -= n;
		return copy_name((const char *)m->bytes - n, n, "/\n");
	}
	n = sizeof(h->ar_name);
	while (n && h->ar_name[n - 1] == ' ')
		n--;
	return copy_name(h->ar_name, n, "/");
}

/* A table of the archive's own: of symbols, or of names, which are noted. */
static bool is_table(struct archive *a, const struct ar_hdr *h,
		     const uint8_t *bytes, size_t size)
{
	if (is_named(h, "//")) {
		a->names = (const char *)bytes;
		a->names_size = size;
		return true;
	}
	return is_named(h, "/") || is_named(h, "/SYM64/");
}

static int next(struct archive *a, struct member *m, char why[WHY_MAX])
{
	struct ar_hdr h;
	size_t at = a->at, left = a->size - at, size;
	bool table;

	*m = (struct member){ .name = NULL };
	if (left < sizeof(h))
		return say(why, "truncated: %zu bytes at %#zx are no header of"
			   " a member", left, at);
	memcpy(&h, a->bytes + at, sizeof(h));
	if (memcmp(h.ar_fmag, ARFMAG, sizeof(h.ar_fmag)) ||
	    !decimal(h.ar_size, sizeof(h.ar_size), &size))
		return say(why, "what stands at %#zx is no header of a member",
			   at);
	left -= sizeof(h);
	a->at += sizeof(h);
	/* In a thin one the tables alone are there. */
	table = h.ar_name[0] == '/' &&
		(h.ar_name[1] < '0' || h.ar_name[1] > '9');
	m->size = size;
	if (a->thin && !table)
		size = 0;
	else if (size <= left)
		m->bytes = a->bytes + a->at;
	else
		return say(why, "truncated: the member at %#zx needs %zu bytes,"
			   " the archive has %zu", at, size, left);
	a->at += size;
	if (size % 2 && a->at < a->size)
		a->at++;
	if (is_table(a, &h, m->bytes, m->size))
		return 0;
	m->name = name_of(a, &h, m);
	return m->name ? 0 : say(why, "the name of the member at %#zx is not"
				 " there", at);
}

int archive_each(const uint8_t *bytes, size_t size,
		 void (*visit)(void *arg, const struct member *m), void *arg,
		 char why[WHY_MAX])
{
	struct archive a = {
		.bytes = bytes, .size = size, .at = SARMAG,
		.thin = !memcmp(bytes, THIN, SARMAG),
	};

	while (a.at < a.size) {
		struct member m;

		if (next(&a, &m, why))
			return -1;
		/* BSD's table of symbols is called so. */
		if (m.name && strncmp(m.name, "__.SYMDEF", 9))
			visit(arg, &m);
		free(m.name);
	}
	return 0;
}
