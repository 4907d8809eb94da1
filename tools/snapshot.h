/* SPDX-License-Identifier: MIT */
/*
 * A file as it was once: copied into memory, so that nobody can shorten or
 * change it while it is looked at.  Remembers the very file, by the descriptor
 * of its first opening.
 */
#ifndef TOOLS_SNAPSHOT_H
#define TOOLS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/say.h"

struct snapshot {
	int file;			/* the original */
	struct stat st;			/* of it, before it was copied */
	int fd;				/* the copy, or -1: it is no file */
	uint8_t *bytes;			/* the copy; ours to change */
	size_t size;
};

/*
 * A regular file with something in it, by its name or, with a descriptor (which
 * is taken, also on failure), by that.  0, or -1 and a sentence in `why`.
 */
int snapshot_open(struct snapshot *s, const char *path, char why[WHY_MAX]);
int snapshot_of(struct snapshot *s, int file, char why[WHY_MAX]);
void snapshot_close(struct snapshot *s);

/* Is the original still what was copied? */
bool snapshot_is_current(const struct snapshot *s);

/* A regular file's descriptor, to be read.  -1: errno, ESPIPE if it is none. */
int snapshot_open_regular(const char *path);

#endif
