/* SPDX-License-Identifier: MIT */
/*
 * The built-in tracer's text on its way to a reader: whole lines, coloured,
 * and counted by event.  Knows the form of a line (runtime/events/trace_text.c), not
 * where lines come from or go to.
 *
 * Whoever writes them may be anybody: what is shown is made fit for a terminal,
 * and what is kept of it has limits.
 */
#ifndef SIDE_JMP_TOOLS_LINES_H
#define SIDE_JMP_TOOLS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINE_SHOWN = 64 << 10,		/* bytes of a line; the rest is cut off */
	EVENT_NAME_MAX = 255,		/* bytes; a longer name is no event's */
	EVENTS_MAX = 1 << 16,		/* different ones; then "(others)" */
};

/*
 * More is not believed: nobody lost as many, and not every reader of JSON has
 * larger numbers.
 */
#define LOST_MAX	(UINT64_C(1) << 53)

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
	uint64_t cut;			/* lines that were cut off, not yet said */
	bool skipping;			/* up to the end of such a line */
	bool counts_only;		/* nothing goes to `out` */
	bool colour;
	void *counts;			/* of tsearch(3) */
	size_t n_counts;
	uint64_t total;			/* events */
	uint64_t lost;			/* events that the tracer says it lost, */
	uint64_t left_out;		/* and that filters have left out */
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
