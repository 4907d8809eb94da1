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
#include "tests/inject/many.h"

static struct {
	int status;			/* of the child */
} *seen;
static unsigned step, fork_at;
static atomic_bool stops;		/* whoever takes a step is stopping */
static char output[] = "/tmp/stopping_fork.XXXXXX";

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
	many_emit();
	must(!side_jmp_trace_stop(), "the child stops");
	before = lines();
	must(!many_emit(), "nothing is enabled");
	must(lines() == before, "nothing is written");
	must(!side_jmp_trace_start("many:*", output), "the child starts");
	must(many_emit() == MANY && lines() == before + MANY, "each once");
	must(!side_jmp_trace_stop() && !many_emit(), "and stops");
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

	must(!side_jmp_trace_start("many:*", output), "start");
	stops = true;
	done = !side_jmp_trace_stop();
	stops = false;
	return done && !many_emit();
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
