/* SPDX-License-Identifier: MIT */
/*
 * What stands behind a pattern: which of its events are wanted.
 *
 *	if EXPRESSION  every N  limit N/s
 *
 * each of which may be missing.  See FILTERS in side_jmp_event.h.  Compiled for
 * one event, into a flat program that only goes forward; owns no memory, and
 * must not know who wants the event.
 */
#ifndef SIDE_JMP_EVENT_FILTER_H
#define SIDE_JMP_EVENT_FILTER_H

#include "side_jmp_event.h"

enum {
	SJ_FILTER_TEXT = 640,		/* bytes of an item, with the final 0 */
	SJ_FILTER_TESTS = 32,		/* comparisons */
	SJ_FILTER_DEPTH = 32,		/* open parentheses and operators */
	SJ_FILTER_WHY = 240,		/* bytes of a sentence */
};

/* One comparison, of a field with what was written. */
struct sj_filter_test {
	uint8_t op, kind;		/* filter.c's */
	uint8_t field;
	uint8_t on[2];			/* the next, where false and where true */
	uint16_t length;		/* of a text */
	uint64_t value;			/* or where the text begins */
};

/* Followed by its comparisons, and they by their texts. */
struct sj_filter {
	struct sj_filter *next;		/* these three are its owner's; NULL */
	void *owner;
	uint64_t *left_out;		/* atomic; what `every` and `limit` leave
					   out is added; NULL: to none */
	uint64_t seen;			/* atomic; of every */
	uint64_t window;		/* atomic; of limit: which, and how many */
	uint64_t period;		/* of limit, ns */
	uint32_t every, limit;		/* 0: it has none */
	uint32_t n_tests, n_text;
};

/* On its way to be one. */
struct sj_filter_build {
	struct sj_filter head;
	struct sj_filter_test test[SJ_FILTER_TESTS];
	char text[SJ_FILTER_TEXT];
};

/*
 * Of `item`, a pattern with what stands behind it, from byte `at` on.  desc NULL:
 * is it well formed?  0, or -EINVAL or -E2BIG and what is wrong with it: "is no
 * filter: ..." or "can't be applied: ...".  From any thread, signal handlers too.
 */
int sj_filter_compile(struct sj_filter_build *build, const char *item,
		      unsigned at, const struct side_jmp_event_desc *desc,
		      char why[SJ_FILTER_WHY]);

/* Bytes of a filter, and it itself, in so many that 8 divides the address of. */
size_t sj_filter_size(const struct sj_filter *filter);
void sj_filter_store(const struct sj_filter_build *build, struct sj_filter *to);

/*
 * Is this event one of those?  values: NULL, those of `bits`.  Of any thread,
 * without a lock; in general registers.
 */
bool sj_filter_passes(struct sj_filter *filter,
		      const struct side_jmp_event_desc *desc,
		      const uint64_t *bits, const struct side_jmp_value *values);

/*
 * Is all of the data like the pattern: * for any bytes, ? for one, [a-z] and [!a-z],
 * and \ before one that has no meaning?  Sets are closed.  In general registers.
 */
bool sj_filter_like(const char *pattern, size_t length, const void *data,
		    size_t n);

/* How many `every` and `limit` have left out, of all filters so far. */
uint64_t sj_filter_left_out(void);

#endif
