/* SPDX-License-Identifier: MIT */
/*
 * Calls that do not come back: a signal handler that struck one leaves by
 * siglongjmp(), or its thread ends.  Nobody waits for them; and everybody for
 * those that still run.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/tap.h"

SIDE_JMP_EVENT(jump, out, "Its callback does not come back", (u32, n));
SIDE_JMP_EVENT(jump, other, "Another one", (u32, n));

static __thread sigjmp_buf env;
static bool begun, let_go, over;	/* atomic */

static void set(bool *flag, bool to)
{
	__atomic_store_n(flag, to, __ATOMIC_SEQ_CST);
}

static void wait_for(bool *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_SEQ_CST))
		usleep(100);
}

static void leave(int signo)
{
	(void)signo;
	siglongjmp(env, 1);
}

static void end_thread(int signo)
{
	(void)signo;
	pthread_exit(NULL);
}

static void strike(const struct side_jmp_event *event,
		   const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	raise(SIGUSR1);
}

static void nothing(const struct side_jmp_event *event,
		    const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	for (volatile int i = 0; i < 50; i++)
		;
}

/* So that a signal strikes what is around it. */
static void empty(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
}

/* Is there when it returns, and not before. */
static void slow(const struct side_jmp_event *event,
		 const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	set(&begun, true);
	wait_for(&let_go);
	set(&over, true);
}

static void jumps(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	if (!sigsetjmp(env, 1))
		side_jmp_event(jump, other, 1);
	signal(SIGUSR1, SIG_IGN);
	side_jmp_event(jump, other, 2);	/* drops the one, and not ours */
	slow(event, values, data);
}

static void reset(void (*handler)(int))
{
	signal(SIGUSR1, handler);
	set(&begun, false);
	set(&let_go, false);
	set(&over, false);
}

static struct side_jmp_tracer *trace(const char *pattern,
				     side_jmp_callback *callback)
{
	struct side_jmp_tracer *tracer = NULL;

	if (side_jmp_tracer_register(&tracer, pattern, callback, NULL))
		exit(1);
	return tracer;
}

/* Deep below, where nothing of it is left. */
static __attribute__((noinline)) void emit_deep(void)
{
	volatile char space[4096];

	memset((char *)space, 0x41, sizeof(space));
	if (!sigsetjmp(env, 1))
		side_jmp_event(jump, out, 1);
	memset((char *)space, 0x42, sizeof(space));
}

static void own_thread(void)
{
	struct side_jmp_tracer *tracer = trace("jump:out", strike);
	int status = 1;
	pid_t pid;

	reset(leave);
	for (int i = 0; i < 100; i++)
		emit_deep();
	pid = fork();
	if (!pid) {
		alarm(30);
		_exit(side_jmp_tracer_unregister(tracer) != 0);
	}
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "longjmp_then_fork_then_unregister");
	tap_equal(side_jmp_tracer_unregister(tracer), 0,
		  "longjmp_then_unregister");
}

/* Wherever a signal strikes. */
static void anywhere(void)
{
	struct itimerval every = { { 0, 500 }, { 0, 500 } }, never = { 0 };
	struct side_jmp_tracer *volatile tracer = NULL;
	volatile int n = 0, wrong = 0;

	reset(leave);
	signal(SIGALRM, leave);
	if (sigsetjmp(env, 1)) {
		setitimer(ITIMER_REAL, &never, NULL);
		if (++n % 4 == 0)
			wrong += side_jmp_tracer_unregister(tracer) != 0;
	}
	if (n < 500) {
		if (n % 4 == 0)
			tracer = trace("jump:*", empty);
		setitimer(ITIMER_REAL, &every, NULL);
		for (uint32_t i = 0;; i++)
			side_jmp_event(jump, out, i);
	}
	signal(SIGALRM, SIG_DFL);
	tap_equal(wrong, 0, "longjmp_from_anywhere_then_unregister");
}

static void *emit(void *arg)
{
	side_jmp_event(jump, out, 1);
	return arg;
}

static void *jump_and_go_on(void *arg)
{
	emit_deep();
	set(&begun, true);
	while (!__atomic_load_n(&let_go, __ATOMIC_SEQ_CST))
		side_jmp_event(jump, other, 1);
	return arg;
}

static void another_thread(void)
{
	struct side_jmp_tracer *other = trace("jump:other", nothing);
	struct side_jmp_tracer *tracer = trace("jump:out", strike);
	pthread_t thread;

	reset(leave);
	pthread_create(&thread, NULL, jump_and_go_on, NULL);
	wait_for(&begun);
	tap_equal(side_jmp_tracer_unregister(tracer), 0,
		  "longjmp_of_a_thread_that_goes_on");
	set(&let_go, true);
	pthread_join(thread, NULL);
	side_jmp_tracer_unregister(other);
}

static void ended_thread(void)
{
	struct side_jmp_tracer *tracer = trace("jump:out", strike);
	pthread_t thread;

	reset(end_thread);
	pthread_create(&thread, NULL, emit, NULL);
	pthread_join(thread, NULL);
	tap_equal(side_jmp_tracer_unregister(tracer), 0,
		  "longjmp_no_thread_is_left_to_wait_for");
}

static void *unregister(void *tracer)
{
	return side_jmp_tracer_unregister(tracer) ||
	       !__atomic_load_n(&over, __ATOMIC_SEQ_CST) ? tracer : NULL;
}

/* Whoever unregisters comes back when `slow` is over. */
static void waits(struct side_jmp_tracer *tracer, const char *name)
{
	pthread_t thread;
	void *early;

	wait_for(&begun);
	pthread_create(&thread, NULL, unregister, tracer);
	for (int i = 0; i < 100000 && side_jmp_event_enabled(jump, out); i++)
		usleep(100);
	usleep(200000);
	set(&let_go, true);
	pthread_join(thread, &early);
	tap_ok(!early, name);
}

/* To within a callback, which is what is left to wait for. */
static void within(void)
{
	struct side_jmp_tracer *inner = trace("jump:other", strike);
	struct side_jmp_tracer *outer = trace("jump:out", jumps);
	pthread_t thread;

	reset(leave);
	pthread_create(&thread, NULL, emit, NULL);
	waits(outer, "longjmp_into_a_callback_that_goes_on");
	pthread_join(thread, NULL);
	tap_equal(side_jmp_tracer_unregister(inner), 0,
		  "longjmp_out_of_the_inner_of_two");
}

static void emit_other(int signo)
{
	(void)signo;
	side_jmp_event(jump, other, 1);
}

static void strike_and_go_on(const struct side_jmp_event *event,
			     const struct side_jmp_value values[], void *data)
{
	raise(SIGUSR1);
	slow(event, values, data);
}

enum { STACK = 1 << 20 };
static char *stacks;

static void *emit_with_another_stack(void *arg)
{
	stack_t above = { .ss_sp = stacks + STACK, .ss_size = STACK };

	if (sigaltstack(&above, NULL))
		return stacks;
	side_jmp_event(jump, out, 1);
	return arg;
}

/* A handler's stack may lie above: what it struck has not been left. */
static void other_stack(void)
{
	struct sigaction action = { .sa_handler = emit_other,
				    .sa_flags = SA_ONSTACK };
	struct side_jmp_tracer *inner = trace("jump:other", nothing);
	struct side_jmp_tracer *outer = trace("jump:out", strike_and_go_on);
	pthread_attr_t attr;
	pthread_t thread;

	reset(leave);
	stacks = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGUSR1, &action, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stacks, STACK);
	pthread_create(&thread, &attr, emit_with_another_stack, NULL);
	waits(outer, "longjmp_is_not_what_a_handler_on_its_own_stack_sees");
	pthread_join(thread, NULL);
	side_jmp_tracer_unregister(inner);
}

/* One that runs and runs: an end, and another try. */
static void endless(void)
{
	struct side_jmp_tracer *tracer = trace("jump:out", slow);
	pthread_t thread;

	reset(leave);
	pthread_create(&thread, NULL, emit, NULL);
	wait_for(&begun);
	tap_equal(side_jmp_tracer_unregister(tracer), -ETIMEDOUT,
		  "longjmp_unregister_does_not_wait_for_ever");
	set(&let_go, true);
	pthread_join(thread, NULL);
	tap_equal(side_jmp_tracer_unregister(tracer), 0,
		  "longjmp_unregister_may_be_tried_again");
}

/* A thread of its own each time: what they leave is used again. */
static void many_threads(void)
{
	struct side_jmp_tracer *tracer = trace("jump:out", strike);
	pthread_t thread;

	reset(end_thread);
	for (int i = 0; i < 500; i++) {
		pthread_create(&thread, NULL, emit, NULL);
		pthread_join(thread, NULL);
	}
	tap_equal(side_jmp_tracer_unregister(tracer), 0,
		  "longjmp_of_many_threads");
}

int main(void)
{
	own_thread();
	anywhere();
	another_thread();
	ended_thread();
	within();
	other_stack();
	many_threads();
	endless();
	return tap_done();
}
