/* SPDX-License-Identifier: MIT */
/*
 * Spans that have begun and not ended, while a trace is read: at most so many
 * that memory has a bound.  The oldest makes room for another.
 */
#ifndef TOOLS_SPANS_H
#define TOOLS_SPANS_H

#include "tools/ctf/ctf.h"

/* One that is open: what its begin said. */
struct span {
	const char *name, *provider;	/* of its class */
	uint64_t span, begun;
	int64_t pid, tid;
	void *more;			/* the user's */
};

/* Of a span with an id, which may begin in one thread and end in another. */
static inline bool span_has_id(uint64_t span)
{
	return span >> 48 != 0;
}

struct spans;

/* unfinished: called for each that will have no end; more is its to free. */
struct spans *spans_new(void (*unfinished)(const struct span *span, void *arg),
			void *arg);
/* An event that begins one. */
void spans_begin(struct spans *spans, const struct ctf_event *begin, void *more);
/* An event that ends one: true, and which; it is taken out. */
bool spans_end(struct spans *spans, const struct ctf_event *end, struct span *span);
void spans_free(struct spans *spans);	/* those that are open are unfinished */

#endif
