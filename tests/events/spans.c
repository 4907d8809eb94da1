/* SPDX-License-Identifier: MIT */
/* Spans and counters as callbacks see them: what belongs together, what not. */
#include <side_jmp_event.h>

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "tests/tap.h"

SIDE_JMP_SPAN(spans, outer, "Outer", (u32, n));
SIDE_JMP_SPAN(spans, inner, "Inner");
SIDE_JMP_SPAN(spans, self, "Recursive", (s32, depth), (string, what));
SIDE_JMP_COUNTER(spans, level, "A level", s32);
SIDE_JMP_COUNTER(spans, load, "A load", double);

/* Volatile: see EMITTING in side_jmp_event.h. */
struct seen {
	const char *name;
	uint64_t span, second;
	double real;
};
static volatile struct seen seen[256];
static volatile unsigned n_seen;

static void see(const struct side_jmp_event *event,
		const struct side_jmp_value values[], void *data)
{
	volatile struct seen *s = &seen[n_seen++ % 256];

	(void)data;
	s->name = side_jmp_event_name(event->desc);
	s->span = values[0].u64;
	s->second = event->desc->n_fields > 1 ? values[1].u64 : 0;
	s->real = values[0].f64;
}

static struct side_jmp_tracer *tracer;
static void on(const char *patterns)
{
	n_seen = 0;
	if (side_jmp_tracer_register(&tracer, patterns, see, NULL))
		tap_ok(0, "spans_register");
}

static void off(void)
{
	if (side_jmp_tracer_unregister(tracer))
		tap_ok(0, "spans_unregister");
}

static int is(unsigned i, const char *name)
{
	return i < n_seen && !strcmp(seen[i].name, name);
}

static volatile int evaluated;
static uint32_t evaluate(void)
{
	return (uint32_t)++evaluated;
}

static int nested(int how)
{
	side_jmp_span(spans, outer, evaluate());
	for (int i = 0; i < 2; i++) {
		side_jmp_span(spans, inner);
		if (i == 0)
			continue;
		if (how == 1)
			return 1;
		if (how == 2)
			goto out;
	}
out:
	return how;
}

static void pairs(void)
{
	nested(0);
	tap_equal(evaluated, 0, "spans_idle_evaluate_nothing");
	on("spans:outer_*,spans:inner_*");
	for (int how = 0; how < 3; how++) {
		n_seen = 0;
		nested(how);
		tap_ok(n_seen == 6 && is(0, "outer_begin") && is(1, "inner_begin") &&
		       is(2, "inner_end") && is(3, "inner_begin") &&
		       is(4, "inner_end") && is(5, "outer_end"),
		       "spans_end_with_their_block_however_it_is_left");
		tap_ok(seen[0].span && seen[0].span == seen[5].span &&
		       seen[1].span && seen[1].span == seen[2].span &&
		       seen[3].span && seen[3].span == seen[4].span &&
		       seen[0].span != seen[1].span && seen[1].span != seen[3].span,
		       "spans_have_a_number_each");
		tap_ok(seen[5].second >= seen[2].second + seen[4].second &&
		       seen[2].second && seen[5].second < 10000000000,
		       "spans_have_a_duration");
	}
	tap_equal(evaluated, 3, "spans_wanted_evaluate_once");
	off();
}

/* Calls `at` when it is `depth` deep, and is that deep again on the way out. */
static void deep(int depth, int to, void (*at)(void))
{
	side_jmp_span(spans, self, depth, "deep");
	if (depth < to)
		deep(depth + 1, to, at);
	else if (at)
		at();
}

static void enable_self(void)
{
	on("spans:self_*");
}
static void off_and_on(void)
{
	off();
	enable_self();
}
static void two_within(void)
{
	on("spans:self_*");
	deep(10, 11, NULL);
}
static void only_ends(void)
{
	on("spans:self_end");
}

static void midst(void)
{
	deep(1, 3, enable_self);
	tap_ok(n_seen == 3 && is(0, "self_end") && !seen[0].span && !seen[1].span &&
	       !seen[2].span && !seen[2].second,
	       "spans_enabled_in_the_midst_of_have_ends_of_nothing");
	deep(1, 3, off_and_on);
	tap_ok(n_seen == 3 && !seen[0].span && !seen[1].span && !seen[2].span,
	       "spans_disabled_and_enabled_in_the_midst_of_do_too");
	n_seen = 0;
	deep(1, 2, NULL);
	tap_ok(n_seen == 4 && seen[0].span && seen[0].span == seen[3].span &&
	       seen[1].span == seen[2].span, "spans_after_that_are_pairs");
	off();
	deep(1, 2, two_within);
	tap_ok(n_seen == 6 && seen[0].span == seen[3].span && seen[0].span &&
	       seen[1].span == seen[2].span && !seen[4].span && !seen[5].span,
	       "spans_within_those_are_pairs");
	off();
	deep(1, 2, only_ends);
	n_seen = 0;
	deep(1, 1, NULL);
	tap_ok(n_seen == 1 && !seen[0].span, "spans_without_begins_have_ends_of_nothing");
	off();
}

/* One end is wanted all the time, the other not. */
static struct side_jmp_tracer *of_ends, *of_begins;
static void other_end(void)
{
	(void)side_jmp_tracer_register(&of_ends, "spans:inner_end", see, NULL);
}
static void one_is_wanted_later(void)
{
	(void)side_jmp_tracer_register(&of_begins, "spans:inner_begin", see, NULL);
	n_seen = 0;
	{
		side_jmp_span(spans, inner);
		other_end();
	}
	tap_ok(n_seen == 2 && seen[0].span && !seen[1].span,
	       "spans_whose_end_is_wanted_later_are_no_pairs");
	n_seen = 0;
	{ side_jmp_span(spans, inner); }
	tap_ok(n_seen == 2 && seen[0].span && seen[0].span == seen[1].span,
	       "spans_with_a_tracer_for_each_end_are_pairs");
	(void)side_jmp_tracer_unregister(of_ends);
	(void)side_jmp_tracer_unregister(of_begins);
}

/* A second tracer changes nothing for what is open. */
static void join(void)
{
	(void)side_jmp_tracer_register(&of_ends, "spans:self_*", see, NULL);
	(void)side_jmp_tracer_unregister(of_ends);
}
static void second_tracer(void)
{
	on("spans:self_*");
	deep(1, 1, join);
	tap_ok(n_seen == 2 && seen[0].span && seen[0].span == seen[1].span,
	       "spans_stay_pairs_beside_another_tracer");
	off();
}

static void many(void)
{
	unsigned known = 0, wrong = 0;

	on("spans:self_*");
	deep(1, 70, NULL);
	for (unsigned i = 0; i < 70; i++) {
		known += seen[70 + i].span != 0;
		wrong += seen[70 + i].span && seen[70 + i].span != seen[69 - i].span;
	}
	tap_ok(n_seen == 140 && known == 64 && !wrong && seen[133].span &&
	       !seen[134].span, "spans_beyond_64_open_ones_lose_the_outermost");
	off();
}

static void ids(void)
{
	on("spans:outer_*");
	side_jmp_span_begin(spans, outer, 7, 1);
	side_jmp_span_begin(spans, outer, 8, 2);
	side_jmp_span_end(spans, outer, 7);
	side_jmp_span_end(spans, outer, 8);
	tap_ok(n_seen == 4 && seen[0].span && seen[0].span == seen[2].span &&
	       seen[1].span == seen[3].span && seen[0].span != seen[1].span,
	       "spans_with_an_id_are_pairs_in_any_order");
	tap_ok((seen[0].span & 0xffffffffffff) == 7, "spans_with_an_id_show_it");
	off();
	on("spans:outer_*");
	side_jmp_span_end(spans, outer, 7);
	tap_ok(n_seen == 1 && seen[0].span && (seen[0].span & 0xffffffffffff) == 7,
	       "spans_with_an_id_used_again_have_ends");
	{
		uint64_t later = seen[0].span;

		off();
		on("spans:outer_*");
		side_jmp_span_begin(spans, outer, 7, 1);
		tap_ok(seen[0].span != later,
		       "spans_with_an_id_used_again_are_no_pairs_across_a_disable");
	}
	off();
}

static void *in_thread(void *arg)
{
	(void)arg;
	side_jmp_span(spans, inner);
	return NULL;
}

static void threads(void)
{
	pthread_t t;

	on("spans:inner_*");
	{
		side_jmp_span(spans, inner);
		if (pthread_create(&t, NULL, in_thread, NULL))
			return;
		pthread_join(t, NULL);
	}
	tap_ok(n_seen == 4 && seen[1].span && seen[1].span == seen[2].span &&
	       seen[0].span == seen[3].span && seen[0].span != seen[1].span,
	       "spans_of_threads_are_their_own");
	off();
}

/* Ends in the midst of a span: id 0 is none, so this begin has no end. */
static void *ends_within(void *arg)
{
	side_jmp_span_end(spans, inner, 0);
	side_jmp_span_begin(spans, inner, 0);
	return arg;
}

static void ended_threads(void)
{
	unsigned wrong = 0;

	on("spans:inner_*");
	for (unsigned i = 0; i < 100; i++) {
		pthread_t t;

		n_seen = 0;
		if (pthread_create(&t, NULL, ends_within, NULL))
			return;
		pthread_join(t, NULL);
		wrong += n_seen != 2 || seen[0].span || !seen[1].span;
	}
	tap_equal(wrong, 0, "spans_of_ended_threads_are_nobodys");
	off();
}

static void handler(int signal)
{
	(void)signal;
	side_jmp_span(spans, inner);
}

static void signals(void)
{
	signal(SIGUSR1, handler);
	on("spans:inner_*");
	{
		side_jmp_span(spans, inner);
		raise(SIGUSR1);
	}
	tap_ok(n_seen == 4 && seen[1].span == seen[2].span &&
	       seen[0].span == seen[3].span && seen[0].span, "spans_in_a_signal_handler");
	off();
}

static jmp_buf back;
static void leave(void)
{
	longjmp(back, 1);
}
static void jumps(void)
{
	on("spans:*");
	{
		side_jmp_span(spans, outer, 1);
		if (!setjmp(back))
			deep(1, 3, leave);
	}
	tap_ok(n_seen == 5 && is(4, "outer_end") && seen[0].span &&
	       seen[0].span == seen[4].span, "spans_around_a_longjmp_are_pairs");
	n_seen = 0;
	deep(1, 1, NULL);
	tap_ok(n_seen == 2 && seen[0].span && seen[0].span == seen[1].span,
	       "spans_after_a_longjmp_are_pairs");
	off();
}

/*
 * Threads that are in spans all the time while these are enabled and
 * disabled.  A callback knows which of a thread's spans ends; that one's begin
 * must have had the number, if there is one.
 */
enum { TOGGLE_DEEP = 3, TOGGLE_THREADS = 2, TOGGLE_ENOUGH = 200, TOGGLES = 100000 };

static __thread volatile struct {
	int deep, next, instance[TOGGLE_DEEP];
	struct {
		uint64_t span;
		int instance;
	} begun[64];
} toggled_here;
static volatile int toggled_stop;
static int toggled_pairs, toggled_wrong, toggled_alone;	/* atomic */

static void check_pair(const struct side_jmp_event *event,
		       const struct side_jmp_value values[], void *data)
{
	uint64_t span = values[0].u64;

	(void)data;
	if (event->desc->flags & SIDE_JMP_IS_SPAN_BEGIN) {
		toggled_here.begun[span % 64].span = span;
		toggled_here.begun[span % 64].instance = (int)values[1].s64;
	} else if (!span) {
		__atomic_add_fetch(&toggled_alone, 1, __ATOMIC_RELAXED);
	} else if (toggled_here.begun[span % 64].span == span) {
		__atomic_add_fetch(toggled_here.begun[span % 64].instance ==
				   toggled_here.instance[toggled_here.deep] ?
				   &toggled_pairs : &toggled_wrong, 1,
				   __ATOMIC_RELAXED);
	}
}

static void toggled_span(int deep)
{
	int instance = ++toggled_here.next;

	toggled_here.instance[deep] = instance;
	{
		side_jmp_span(spans, self, instance, "toggled");
		for (int i = 0; i < 2 && deep + 1 < TOGGLE_DEEP; i++)
			toggled_span(deep + 1);
		toggled_here.deep = deep;
	}
}

static void *toggled_thread(void *arg)
{
	(void)arg;
	while (!toggled_stop)
		toggled_span(0);
	return NULL;
}

static int toggled_enough(void)
{
	return __atomic_load_n(&toggled_pairs, __ATOMIC_RELAXED) >= TOGGLE_ENOUGH &&
	       __atomic_load_n(&toggled_alone, __ATOMIC_RELAXED) >= TOGGLE_ENOUGH;
}

static void toggled(void)
{
	const struct timespec moment = { 0, 20000 };
	pthread_t t[TOGGLE_THREADS];

	for (int i = 0; i < TOGGLE_THREADS; i++)
		if (pthread_create(&t[i], NULL, toggled_thread, NULL))
			return;
	for (int i = 0; i < TOGGLES && !toggled_enough() && !toggled_wrong; i++) {
		struct side_jmp_tracer *all;

		if (side_jmp_tracer_register(&all, "spans:self_*", check_pair, NULL) ||
		    nanosleep(&moment, NULL) || side_jmp_tracer_unregister(all) ||
		    nanosleep(&moment, NULL))
			tap_ok(0, "spans_toggled");
	}
	toggled_stop = 1;
	for (int i = 0; i < TOGGLE_THREADS; i++)
		pthread_join(t[i], NULL);
	printf("# %d pairs, %d ends of nothing\n", toggled_pairs, toggled_alone);
	tap_equal(toggled_wrong, 0, "spans_toggled_in_the_midst_are_no_wrong_pairs");
	tap_ok(toggled_enough(), "spans_toggled_are_seen");
}

static void counters(void)
{
	on("spans:*");
	side_jmp_counter(spans, level, -5);
	side_jmp_counter(spans, load, 0.5);
	tap_ok(n_seen == 2 && (int64_t)seen[0].span == -5 && seen[1].real == 0.5,
	       "counters_have_their_value");
	off();
}

static int describe(struct side_jmp_event *event, void *arg)
{
	const char *name = side_jmp_event_name(event->desc);
	unsigned is_ = event->desc->flags & 0x700;
	size_t n = strlen(name);
	unsigned wanted = n > 6 && !strcmp(name + n - 6, "_begin") ?
			  SIDE_JMP_IS_SPAN_BEGIN :
			  n > 4 && !strcmp(name + n - 4, "_end") ?
			  SIDE_JMP_IS_SPAN_END : SIDE_JMP_IS_COUNTER;

	*(int *)arg += is_ == wanted &&
		       (!event->other || event->other->other == event);
	return 0;
}

int main(void)
{
	int right = 0;

	pairs();
	midst();
	one_is_wanted_later();
	second_tracer();
	many();
	ids();
	threads();
	ended_threads();
	signals();
	jumps();
	toggled();
	counters();
	side_jmp_event_each(describe, &right);
	tap_equal(right, 8, "spans_descriptions_say_what_they_are");
	return tap_done();
}
