/* SPDX-License-Identifier: MIT */
/*
 * The built-in tracer's text on its way to a reader: whole lines, coloured,
 * and counted by event.  Knows the form of a line (runtime/events/trace_text.c), not
 * where lines come from or go to.
 */
#ifndef SIDE_JMP_TOOLS_LINES_H
#define SIDE_JMP_TOOLS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that wait: what is between `start` and `end` of `data`. */
struct buffer {
	char *data;
	size_t start, end, size;
};

struct event_count {
	char *name;			/* provider:name */
	uint64_t count;
};

struct lines {
	struct buffer in, out;
	size_t out_max;			/* bytes in `out`, about; then lines are
					   counted and not shown */
	uint64_t unshown;		/* and not yet said */
	bool counts_only;		/* nothing goes to `out` */
	bool colour;
	void *counts;			/* of tsearch(3) */
	size_t n_counts;
	uint64_t total;			/* events */
	uint64_t lost;			/* events that the tracer says it lost */
	struct event_count *last;	/* most lines are like the one before */
};

/* Room for n bytes at the end.  NULL: no memory. */
char *buffer_room(struct buffer *b, size_t n);

static inline size_t buffer_length(const struct buffer *b)
{
	return b->end - b->start;
}

/*
 * Take the whole lines out of `in`, and with `last` what follows them as well.
 * 0 or -ENOMEM.
 */
int lines_take(struct lines *l, bool last);

/* The counts, largest first; to be freed.  NULL: no memory. */
struct event_count **lines_sorted(struct lines *l);

#endif
