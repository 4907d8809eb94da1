/* SPDX-License-Identifier: MIT */
/*
 * fork() at the moments when a call of a callback begins or ends, and within
 * it: in the child the call goes on, another thread that unregisters waits for
 * the callback if it is running and for nothing else, and parent and child both
 * count right afterwards.
 */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "runtime/base/base.h"
#include "tests/tap.h"

SIDE_JMP_EVENT(forks, here, "Emitted by the thread that forks", (u32, n));

enum { WITHIN = -2, NOWHERE = -1 };

static struct side_jmp_tracer *tracer;
static int fork_at = NOWHERE;
static pid_t child = -1;
static bool begun, ended, waited, asked;

static void fork_here(void)
{
	fork_at = NOWHERE;
	child = fork();
	if (!child)
		alarm(5);
}

bool side_jmp_inject(enum inject_step step)
{
	if ((int)step == fork_at)
		fork_here();
	return false;
}

static void *unregister(void *arg)
{
	(void)arg;
	__atomic_store_n(&begun, true, __ATOMIC_SEQ_CST);
	if (side_jmp_tracer_unregister(tracer))
		_exit(3);
	waited = __atomic_load_n(&ended, __ATOMIC_SEQ_CST);
	return NULL;
}

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	pthread_t *thread = data;

	(void)event;
	(void)values;
	if (fork_at == WITHIN)
		fork_here();
	if (child)
		return;
	asked = !pthread_create(thread, NULL, unregister, NULL);
	while (asked && !__atomic_load_n(&begun, __ATOMIC_SEQ_CST))
		usleep(100);
	usleep(50000);
	__atomic_store_n(&ended, true, __ATOMIC_SEQ_CST);
}

/* 0: all right. */
static int of_child(pthread_t thread)
{
	int n = 0;

	if (asked) {
		pthread_join(thread, NULL);
		if (!waited)
			return 1;
	} else if (side_jmp_tracer_unregister(tracer)) {
		return 2;
	}
	/* The slot is used again, and its counts with it. */
	asked = false;
	child = 1;
	if (side_jmp_tracer_register(&tracer, "forks:*", callback, &n))
		return 4;
	side_jmp_event(forks, here, 2);
	return side_jmp_tracer_unregister(tracer) ? 5 : 0;
}

static void forked(int at, const char *name)
{
	pthread_t thread;
	int status = -1;

	child = -1;
	begun = ended = waited = asked = false;
	side_jmp_tracer_register(&tracer, "forks:*", callback, &thread);
	fork_at = at;
	side_jmp_event(forks, here, 1);
	if (!child)
		_exit(of_child(thread));
	waitpid(child, &status, 0);
	tap_note("%s: child %#x", name, (unsigned)status);
	tap_ok(child > 0 && !status && !side_jmp_tracer_unregister(tracer),
	       name);
}

int main(void)
{
	alarm(60);
	forked(INJECT_EVENT_ENTERING, "forks_before_a_call_is_counted");
	forked(INJECT_EVENT_ENTERED, "forks_after_a_call_is_counted");
	forked(WITHIN, "forks_within_a_callback");
	forked(INJECT_EVENT_LEAVING, "forks_before_a_call_is_counted_off");
	forked(INJECT_EVENT_LEFT, "forks_after_a_call_is_counted_off");
	return tap_done();
}
