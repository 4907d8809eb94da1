/* SPDX-License-Identifier: MIT */
/*
 * A static archive (ar(5)) and its members, by GNU's names or BSD's, thin or
 * not.  Nothing in it is believed.  Knows nothing of what its members are.
 */
#ifndef TOOLS_ARCHIVE_H
#define TOOLS_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/say.h"

struct member {
	char *name;		/* without its end in the archive */
	const uint8_t *bytes;	/* NULL: of a thin archive, the file `name` */
	size_t size;
};

bool archive_is(const uint8_t *bytes, size_t size);

/*
 * Calls `visit` for each member but tables of symbols and names, in their
 * order.  0, or -1 and a sentence in `why`, when all before it were visited.
 */
int archive_each(const uint8_t *bytes, size_t size,
		 void (*visit)(void *arg, const struct member *m), void *arg,
		 char why[WHY_MAX]);

#endif
