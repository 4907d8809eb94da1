/* SPDX-License-Identifier: MIT */
/*
 * Which function an address is in, and (from debug information, by libdwfl)
 * which line of which source.
 */
#ifndef TOOLS_SYMBOLS_H
#define TOOLS_SYMBOLS_H

#include "tools/image.h"

struct function {
	uint64_t addr, size;
	const char *name;
};

struct symbols {
	struct function *functions;	/* by address, then larger ones first */
	uint64_t *ends;			/* the largest end of those up to here */
	size_t n, room;
	bool from_debug;		/* of a separate debug file */
	struct lines *lines;		/* NULL: none asked for, or none there */
	struct image debug;		/* path NULL: not open */
	char no_lines[WHY_MAX];		/* why debug information that is there
					   can't be read, or "" */
};

enum symbols_want {
	SYMBOLS_FUNCTIONS,	/* reads no debug information */
	SYMBOLS_LINES,
};

/*
 * Of the file itself, and of its separate debug file: `debug`, or if that is
 * NULL and lines are wanted the one that its build-id or debug link names, in
 * the usual places.  0, or -1 and why: `debug` can't be read, or belongs to
 * another file.
 */
int symbols_load(struct symbols *s, const struct image *im, const char *debug,
		 enum symbols_want want, char why[WHY_MAX]);
void symbols_free(struct symbols *s);

/* The nth function, from the innermost, that holds the address; or NULL. */
const struct function *symbols_function(const struct symbols *s, uint64_t addr,
					unsigned nth);
/* By its name; the nth.  NULL: no more. */
const struct function *symbols_named(const struct symbols *s, const char *name,
				     unsigned nth);
/* False: not known. */
bool symbols_line(const struct symbols *s, uint64_t addr, const char **file,
		  int *line);

#endif
