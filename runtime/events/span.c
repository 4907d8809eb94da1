/* SPDX-License-Identifier: MIT */
/*
 * Which end of a span belongs to which begin.  Owns the eras of events and
 * each thread's open spans; must not know who wants them.
 *
 * A span's sites remember nothing, for that would cost them something while
 * they are idle.  So a thread keeps the spans that it has begun and not ended,
 * the last 64 of them, and an end takes the innermost of its name.  That is
 * the right one if each begin and each end since then has come by here, and an
 * era says so:
 *
 *	an event is unwanted            era as it was
 *	it is about to be enabled       era odd      (E1; then word and sites)
 *	all of its sites are armed      era even     (E2)
 *
 *  1. A begin is kept only with an even era of both events, and taken only if
 *     both are still the same.  Between the two neither event was unwanted, for
 *     whoever wants an event that nobody does does E1 before the word says so
 *     (seq_cst; pairs with the test of the word that led here and the fence in
 *     sj_span()), and the era never comes back.
 *  2. So all ends that this thread has reached since have come by here: their
 *     sites were armed, and the word was not 0.
 *  3. Blocks nest: what began after our begin has ended before our end.  What
 *     was kept and is still open began before ours did, and stands below it: the
 *     innermost is ours, unless ours was not kept.
 *  4. If ours was not kept, it began before E2, and what has been kept since has
 *     ended, see 2 and 3: there is none.  Or 64 others were open within it: it
 *     has made room for them, being the outermost, and so have all around it.
 *
 * A signal handler that strikes here finds what is whole: an entry whose event
 * is NULL is none, all above the top are so, and a handler's own are gone
 * before it returns.
 *
 * What the kernel enables has the era that the event has: see ue_arm() for why
 * the sites are armed.  All of it in general registers.
 */
#define _GNU_SOURCE
#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/events/events.h"

enum { SPAN_OPEN = 64 };

struct span_open {
	const struct side_jmp_event *begin;	/* NULL: none */
	uint64_t span, begun;
	uint32_t eras[2];			/* of begin and end */
};

/* Of one thread, and its signal handlers. */
struct sj_spans {
	struct span_open open[SPAN_OPEN];	/* the one at n - 1 is on top */
	uint32_t n;				/* wraps */
	uint32_t thread, last;			/* of the spans' numbers */
};

_Static_assert(sizeof(struct sj_spans) <= SJ_SPANS_SIZE, "see events.h");

static uint32_t span_threads;			/* atomic */

/* ---- eras --------------------------------------------------------------- */

static uint32_t span_era(const struct side_jmp_event *event)
{
	return __atomic_load_n(&event->era, __ATOMIC_RELAXED);
}

/* E1, E2.  Only the lock's owner writes. */
void sj_span_era_ends(struct side_jmp_event *event)
{
	if (event->other && !side_jmp_enabled(event->key))
		__atomic_store_n(&event->era, span_era(event) | 1,
				 __ATOMIC_SEQ_CST);
}

void sj_span_era_begins(struct side_jmp_event *event)
{
	if (span_era(event) & 1)
		__atomic_store_n(&event->era, span_era(event) + 1,
				 __ATOMIC_SEQ_CST);
}

/* ---- numbers ------------------------------------------------------------ */

#define SPAN_ID		(UINT64_MAX >> 16)

/*
 * No other of this process has it: which of the threads' 2^24 numbers each,
 * and that number.  An id has more above.  A handler that strikes takes a
 * later one.
 */
static uint64_t span_number(struct sj_spans *spans)
{
	uint32_t last = ++spans->last & 0xffffff;

	if (!last || !spans->thread)
		spans->thread = __atomic_add_fetch(&span_threads, 1,
						   __ATOMIC_RELAXED);
	return ((uint64_t)spans->thread << 24 | last) & SPAN_ID;
}

/* Of an id, and of the eras in which it was said. */
static uint64_t span_of_id(const struct side_jmp_event *event, uint64_t id)
{
	uint32_t a = span_era(event), b = span_era(event->other);

	if ((a | b) & 1)
		return 0;
	return (uint64_t)(1 + (a / 2 + b / 2) % 0xffff) << 48 | (id & SPAN_ID);
}

/* ---- open spans --------------------------------------------------------- */

static struct span_open *span_at(struct sj_spans *spans, uint32_t i)
{
	return &spans->open[i % SPAN_OPEN];
}

static uint64_t span_keep(struct sj_spans *spans,
			  const struct side_jmp_event *begin)
{
	uint32_t a = span_era(begin), b = span_era(begin->other), n;
	uint64_t span = span_number(spans);
	struct span_open *open;

	if ((a | b) & 1)
		return 0;
	n = spans->n;
	open = span_at(spans, n);
	__atomic_store_n(&open->begin, NULL, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&spans->n, n + 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	open->span = span;
	open->begun = sj_now();
	open->eras[0] = a;
	open->eras[1] = b;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&open->begin, begin, __ATOMIC_RELAXED);
	return span;
}

/* Those from `i` on are over. */
static void span_drop(struct sj_spans *spans, uint32_t i)
{
	uint32_t n = spans->n;

	for (uint32_t j = n; j-- != i; )
		__atomic_store_n(&span_at(spans, j)->begin, NULL,
				 __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&spans->n, i, __ATOMIC_RELAXED);
}

static void span_take(struct sj_spans *spans, const struct side_jmp_event *end,
		      struct side_jmp_value *span,
		      struct side_jmp_value *duration)
{
	uint32_t a = span_era(end->other), b = span_era(end);
	uint32_t top = spans->n;

	for (uint32_t i = top; i-- != top - SPAN_OPEN; ) {
		const struct span_open *open = span_at(spans, i);

		if (open->begin != end->other)
			continue;
		if (open->eras[0] == a && open->eras[1] == b) {
			span->u64 = open->span;
			duration->u64 = sj_now() - open->begun;
		}
		span_drop(spans, i);
		return;
	}
}

void sj_span(const struct side_jmp_event *event, struct side_jmp_value *values,
	     struct sj_spans *spans)
{
	/* The site's own test of the word is no acquire. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (values[0].u64)
		values[0].u64 = span_of_id(event, values[0].u64);
	else if (!spans)
		return;
	else if (event->desc->flags & SIDE_JMP_IS_SPAN_BEGIN)
		values[0].u64 = span_keep(spans, event);
	else
		span_take(spans, event, &values[0], &values[1]);
}

SJ_GENERAL_END
