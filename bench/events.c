/* SPDX-License-Identifier: MIT */
/*
 * What an event costs: disabled, with an empty callback, with two integers and
 * a string into the built-in tracer's buffer; beside it LTTng-UST (where it is
 * built in, and bench/events.sh has a session running), round by round; into
 * new memory and into a ring's, by one thread and by two at once.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <side_jmp_event.h>

#ifdef HAVE_LTTNG
#define LTTNG_UST_TRACEPOINT_DEFINE
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#include "bench/events_lttng.h"
#else
#define lttng_ust_tracepoint(...)	((void)0)
#endif

#include "bench/bench.h"
#include "bench/machine.h"

SIDE_JMP_EVENT(bench, off, "Never enabled", (u32, a), (u64, b), (string, s));
SIDE_JMP_EVENT(bench, empty, "Has an empty callback", (u32, a), (u64, b),
	       (string, s));
SIDE_JMP_EVENT(bench, buffer, "Goes to the built-in tracer", (u32, a), (u64, b),
	       (string, s));

enum { SITES = 16 };

#define FOUR(...)	__VA_ARGS__ __VA_ARGS__ __VA_ARGS__ __VA_ARGS__
#define SIXTEEN(...)	FOUR(FOUR(__VA_ARGS__))

static const char *string = "a string";

/* ---- disabled: SITES sites, each after two cycles of a chain -------------- */

#define DISABLED(name, event) \
	__attribute__((noinline, aligned(64))) \
	static uint64_t name(uint64_t x, uint64_t n) \
	{ \
		for (uint64_t i = 0; i < n; i++) { \
			SIXTEEN(MACHINE_CHAIN(x); event;) \
		} \
		return x; \
	}

DISABLED(no_event, (void)0)
DISABLED(disabled, side_jmp_event(bench, off, (uint32_t)i, x, string))
DISABLED(lttng_disabled, lttng_ust_tracepoint(side_jmp_bench, off, (uint32_t)i,
					       x, string))

/* ---- enabled -------------------------------------------------------------- */

#define ENABLED(name, event) \
	__attribute__((noinline)) \
	static uint64_t name(uint64_t x, uint64_t n) \
	{ \
		for (uint64_t i = 0; i < n; i++) { \
			MACHINE_CHAIN(x); \
			event; \
		} \
		return x; \
	}

ENABLED(with_callback, side_jmp_event(bench, empty, (uint32_t)i, x, string))
ENABLED(with_buffer, side_jmp_event(bench, buffer, (uint32_t)i, x, string))
ENABLED(with_lttng, lttng_ust_tracepoint(side_jmp_bench, on, (uint32_t)i, x,
					  string))

static void empty(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
}

/* ---- rounds --------------------------------------------------------------- */

static struct {
	struct bench_series none, off, lttng_off, callback, text;
	struct bench_series buffer[2], ring[2], lttng[2];	/* threads, less 1 */
} series;

static void sample(struct bench_series *s, uint64_t (*run)(uint64_t, uint64_t),
		   uint64_t n, unsigned per)
{
	uint64_t start, took;

	(void)run(1, n / 100 + 1);
	start = bench_now();
	(void)run(1, n);
	took = bench_now() - start;
	bench_add(s, (double)took / (double)n / per);
}

/* Two threads at once: what an event costs each of them. */
struct half {
	pthread_barrier_t *ready;
	uint64_t (*run)(uint64_t, uint64_t);
	uint64_t n, took;
};

static void *one_half(void *arg)
{
	struct half *half = arg;
	uint64_t start;

	(void)half->run(1, half->n / 100 + 1);
	pthread_barrier_wait(half->ready);
	start = bench_now();
	(void)half->run(1, half->n);
	half->took = bench_now() - start;
	return NULL;
}

static void sample_two(struct bench_series *s,
		       uint64_t (*run)(uint64_t, uint64_t), uint64_t n)
{
	pthread_barrier_t ready;
	struct half half[2] = { { &ready, run, n, 0 }, { &ready, run, n, 0 } };
	pthread_t other;

	if (pthread_barrier_init(&ready, NULL, 2) ||
	    pthread_create(&other, NULL, one_half, &half[1]))
		bench_die("no second thread");
	one_half(&half[0]);
	pthread_join(other, NULL);
	pthread_barrier_destroy(&ready);
	bench_add(s, (double)(half[0].took + half[1].took) / 2 / (double)n);
}

static void sample_threads(struct bench_series s[2],
			   uint64_t (*run)(uint64_t, uint64_t), uint64_t n)
{
	sample(&s[0], run, n, 1);
	sample_two(&s[1], run, n);
}

static void start(const char *output)
{
	int r = side_jmp_trace_start("bench:buffer", output);

	if (r)
		bench_die("%s: %s", output, strerror(-r));
}

static void stop(const char *output)
{
	struct side_jmp_event_info info;

	side_jmp_event_get_info(&info, sizeof(info));
	side_jmp_trace_stop();
	if (info.lost)
		bench_die("%s: %llu events lost", output,
			  (unsigned long long)info.lost);
}

static void option(const char *name, const char *value)
{
	if (side_jmp_trace_option(name, value))
		bench_die("%s=%s is refused", name, value);
}

/* As much as LTTng-UST's session has, and all of it was written to before. */
static void sample_ring(const char *directory, uint64_t n)
{
	option("mode", "overwrite");
	option("size", "8M");
	start(directory);
	(void)with_buffer(1, 4 * n);
	sample_threads(series.ring, with_buffer, n);
	stop(directory);
	option("mode", "");
	option("size", "");
}

static void one_round(const char *directory, const char *file, uint64_t n,
		      bool lttng)
{
	sample(&series.none, no_event, 4 * n, SITES);
	sample(&series.off, disabled, 4 * n, SITES);
	if (lttng)
		sample(&series.lttng_off, lttng_disabled, 4 * n, SITES);
	sample(&series.callback, with_callback, n, 1);
	start(directory);
	sample_threads(series.buffer, with_buffer, n);
	stop(directory);
	sample_ring(directory, n);
	if (lttng)
		sample_threads(series.lttng, with_lttng, n);
	start(file);
	sample(&series.text, with_buffer, n / 10, 1);
	stop(file);
}

static void rows(bool lttng)
{
	static const char *const by[] = { "", " by two threads" };

	bench_row(&series.none, "ns/site", "event: no event");
	bench_row(&series.off, "ns/site", "event: disabled");
	bench_ratio(&series.off, &series.none, "event: disabled / no event");
	bench_row(&series.callback, "ns", "event: empty callback");
	bench_row(&series.text, "ns", "event: built-in text to a file");
	for (unsigned i = 0; i < 2; i++) {
		bench_row(&series.buffer[i], "ns",
			  "event: CTF into new pages%s", by[i]);
		bench_row(&series.ring[i], "ns",
			  "event: CTF into a ring%s", by[i]);
	}
	if (!lttng)
		return;
	bench_row(&series.lttng_off, "ns/site", "event: LTTng-UST disabled");
	bench_ratio(&series.lttng_off, &series.none,
		    "event: LTTng-UST disabled / no event");
	for (unsigned i = 0; i < 2; i++) {
		bench_row(&series.lttng[i], "ns", "event: LTTng-UST ring buffer%s",
			  by[i]);
		bench_ratio(&series.buffer[i], &series.lttng[i],
			    "event: CTF into new pages / LTTng-UST%s", by[i]);
		bench_ratio(&series.ring[i], &series.lttng[i],
			    "event: CTF into a ring / LTTng-UST%s", by[i]);
	}
}

/* events CSV DIRECTORY/ FILE [lttng] */
int main(int argc, char **argv)
{
	uint64_t n = bench_quick() ? 1000 : 100000;
	struct side_jmp_tracer *tracer;
	bool lttng = argc > 4;

	if (argc < 4)
		bench_die("events CSV DIRECTORY/ FILE [lttng]");
	bench_open(argc, argv);
	if (side_jmp_tracer_register(&tracer, "bench:empty", empty, NULL))
		bench_die("the callback could not be registered");
	for (unsigned i = 0; i < bench_rounds(101); i++)
		one_round(argv[2], argv[3], n, lttng);
	rows(lttng);
	return 0;
}
