/* SPDX-License-Identifier: MIT */
/*
 * The end of a trace, which waits for calls that run, and a signal handler that
 * forks: it struck such a call, and the fork has nothing to wait for; or it
 * struck the end itself, which then goes on in both processes.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include <side_jmp_event.h>

#include "runtime/base/base.h"
#include "tests/child.h"

SIDE_JMP_EVENT(forked, here, "Emitted by who is struck", (u32, n));

static enum inject_step strike_at = (enum inject_step)-1;
static _Thread_local bool may_be_struck;
static sem_t stop_now, is_waiting;
static atomic_bool tells;
static pid_t child = -1;

bool side_jmp_inject(enum inject_step step)
{
	if (may_be_struck && step == strike_at) {
		may_be_struck = false;
		raise(SIGUSR1);
	} else if (step == INJECT_EVENT_WAIT && tells) {
		tells = false;
		sem_post(&is_waiting);
	}
	return false;
}

static void fork_in_handler(int signal_)
{
	(void)signal_;
	if (strike_at == INJECT_EVENT_ENTERED) {
		tells = true;
		sem_post(&stop_now);
		sem_wait(&is_waiting);
	}
	child = fork();
	if (child == 0)
		alarm(60);
}

static void *stop_when_told(void *arg)
{
	sem_wait(&stop_now);
	*(int *)arg = side_jmp_trace_stop();
	return NULL;
}

static void start(enum inject_step step)
{
	must(!side_jmp_trace_start("forked:*", "/dev/null"), "start");
	must(side_jmp_event_enabled(forked, here), "it is on");
	strike_at = step;
	may_be_struck = true;
}

/* Both processes come here, each with a trace that has ended. */
static void expect_stopped(void)
{
	must(!side_jmp_event_enabled(forked, here), "it is off");
	must(side_jmp_trace_stop() == -EINVAL, "there is none to stop");
	must(!side_jmp_trace_start("forked:*", "/dev/null"), "start again");
	side_jmp_event(forked, here, 2);
	must(!side_jmp_trace_stop(), "stop again");
	if (child == 0)
		_exit(0);
	must(child > 0 && reap_or_kill(child) == 0, "the child's ends, too");
}

/* In the child nobody stops it any more. */
static void within_a_call(void)
{
	pthread_t thread;
	int r = 1;

	must(!pthread_create(&thread, NULL, stop_when_told, &r), "thread");
	start(INJECT_EVENT_ENTERED);
	side_jmp_event(forked, here, 1);
	if (child)
		pthread_join(thread, NULL);
	else
		r = side_jmp_trace_stop();
	must(r == 0, "it is stopped");
	expect_stopped();
}

static void within_the_end(void)
{
	start(INJECT_EVENT_WAIT);
	must(!side_jmp_trace_stop() && child >= 0, "it is stopped");
	expect_stopped();
}

int main(void)
{
	sem_init(&stop_now, 0, 0);
	sem_init(&is_waiting, 0, 0);
	signal(SIGUSR1, fork_in_handler);
	tap_equal(in_child(within_a_call), 0, "trace_fork_in_a_call_that_runs");
	tap_equal(in_child(within_the_end), 0, "trace_fork_in_its_end");
	return tap_done();
}
