/* SPDX-License-Identifier: MIT */
/*
 * fork() while another thread stops the trace, at each moment that it lets one in.
 * The child has a trace that is half stopped: its own stop ends the rest, and then
 * nothing is enabled, nobody writes to the output that is closed, and it may start
 * one of its own.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <side_jmp_event.h>

#include "runtime/base/base.h"
#include "tests/child.h"

/* So many that stopping them is several slices. */
#define EVENT(n) SIDE_JMP_EVENT(stopping, e##n, "One of many", (u32, n));
#define TEN(n)	EVENT(n##0) EVENT(n##1) EVENT(n##2) EVENT(n##3) EVENT(n##4) \
		EVENT(n##5) EVENT(n##6) EVENT(n##7) EVENT(n##8) EVENT(n##9)
TEN(1) TEN(2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9)

enum { EVENTS = 90 };

static struct {
	int status;			/* of the child */
} *seen;
static unsigned step, fork_at;
static atomic_bool stops;		/* whoever takes a step is stopping */
static char output[] = "/tmp/stopping_fork.XXXXXX";

#define EMIT(n) side_jmp_event(stopping, e##n, n); \
		on += side_jmp_event_enabled(stopping, e##n);
#define EMIT_TEN(n) EMIT(n##0) EMIT(n##1) EMIT(n##2) EMIT(n##3) EMIT(n##4) \
		    EMIT(n##5) EMIT(n##6) EMIT(n##7) EMIT(n##8) EMIT(n##9)

/* How many of them are enabled. */
static int emit(void)
{
	int on = 0;

	EMIT_TEN(1) EMIT_TEN(2) EMIT_TEN(3) EMIT_TEN(4) EMIT_TEN(5)
	EMIT_TEN(6) EMIT_TEN(7) EMIT_TEN(8) EMIT_TEN(9)
	return on;
}

static int lines(void)
{
	char text[4096];
	int fd = open(output, O_RDONLY | O_CLOEXEC), n = 0;
	ssize_t size;

	while (fd >= 0 && (size = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < size; i++)
			n += text[i] == '\n';
	close(fd);
	return n;
}

static void forked(void)
{
	int before;

	stops = false;
	emit();
	must(!side_jmp_trace_stop(), "the child stops");
	before = lines();
	must(!emit(), "nothing is enabled");
	must(lines() == before, "nothing is written");
	must(!side_jmp_trace_start("stopping:*", output), "the child starts");
	must(emit() == EVENTS && lines() == before + EVENTS, "each once");
	must(!side_jmp_trace_stop() && !emit(), "and stops");
}

static void *fork_now(void *arg)
{
	(void)arg;
	seen->status = in_child(forked);
	return NULL;
}

bool side_jmp_inject(enum inject_step s)
{
	pthread_t thread;

	if ((s != INJECT_EVENT_BETWEEN_SLICES && s != INJECT_EVENT_WAIT) ||
	    !stops || ++step != fork_at)
		return false;
	if (pthread_create(&thread, NULL, fork_now, NULL) ||
	    pthread_join(thread, NULL))
		abort();
	return false;
}

static bool stop(void)
{
	bool done;

	must(!side_jmp_trace_start("stopping:*", output), "start");
	stops = true;
	done = !side_jmp_trace_stop();
	stops = false;
	return done && !emit();
}

int main(void)
{
	unsigned bad = 0;

	alarm(300);
	seen = shared_memory(sizeof(*seen));
	close(mkstemp(output));
	for (fork_at = 1; ; fork_at++) {
		step = 0;
		seen->status = 0;
		if (!stop() || seen->status) {
			tap_note("step %u: %d", fork_at, seen->status);
			bad++;
		}
		if (step < fork_at)
			break;
	}
	unlink(output);
	tap_note("%u steps", fork_at - 1);
	tap_ok(fork_at > 3 && !bad, "stopping_fork_then_stops");
	return tap_done();
}
