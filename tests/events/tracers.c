/* SPDX-License-Identifier: MIT */
/* Callbacks: who is called, when, and what unregistering waits for. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/tap.h"

SIDE_JMP_EVENT(shop, order, "An order", (u32, n));
SIDE_JMP_EVENT(shop, refund, "A refund", (u32, n));
SIDE_JMP_EVENT(stock, order, "To a supplier", (u32, n));

static int count_of_two[2];

static void count(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	__atomic_fetch_add((int *)data, 1, __ATOMIC_RELAXED);
}

static void all(void)
{
	side_jmp_event(shop, order, 1);
	side_jmp_event(shop, refund, 2);
	side_jmp_event(stock, order, 3);
}

static int hits(const char *patterns)
{
	struct side_jmp_tracer *tracer;
	int n = 0, r;

	r = side_jmp_tracer_register(&tracer, patterns, count, &n);
	if (r)
		return r;
	all();
	side_jmp_tracer_unregister(tracer);
	all();
	return n;
}

static void patterns(void)
{
	char longest[200] = "";

	tap_equal(hits("shop:order"), 1, "tracers_one_event");
	tap_equal(hits("shop:*"), 2, "tracers_provider");
	tap_equal(hits("*:order"), 2, "tracers_name");
	tap_equal(hits("*:*"), 3, "tracers_all");
	tap_equal(hits("s?op:o*e?"), 1, "tracers_wildcards");
	tap_equal(hits("shop:order, stock:* ,"), 2, "tracers_list");
	tap_equal(hits("shop:order,shop:order,shop:*"), 2,
		  "tracers_overlapping_patterns_call_once");
	tap_equal(hits("none:such"), 0, "tracers_nothing_matches");
	tap_equal(hits(""), -EINVAL, "tracers_no_pattern");
	tap_equal(hits("shop"), -EINVAL, "tracers_pattern_without_colon");
	tap_equal(hits("shop:order,a:b:c"), -EINVAL,
		  "tracers_one_bad_pattern_refuses_all");
	tap_equal(hits("shop:or der"), -EINVAL, "tracers_bad_character");
	memset(longest, 'x', sizeof(longest) - 1);
	memcpy(longest, "p:", 2);
	tap_equal(hits(longest), -ENAMETOOLONG, "tracers_pattern_too_long");
	tap_equal(shop_side_jmp_order_side_jmp_key.word32, 0,
		  "tracers_leave_no_user_behind");
}

static void two(void)
{
	struct side_jmp_tracer *a, *b;

	side_jmp_tracer_register(&a, "shop:order", count, &count_of_two[0]);
	side_jmp_tracer_register(&b, "shop:order", count, &count_of_two[1]);
	side_jmp_event(shop, order, 1);
	tap_ok(count_of_two[0] == 1 && count_of_two[1] == 1,
	       "tracers_two_on_one_event");
	side_jmp_tracer_unregister(a);
	side_jmp_event(shop, order, 1);
	tap_ok(count_of_two[0] == 1 && count_of_two[1] == 2,
	       "tracers_the_other_stays");
	side_jmp_tracer_unregister(b);
}

/* ---- within callbacks --------------------------------------------------- */

static struct side_jmp_tracer *self, *nested;
static int self_calls, nested_calls, self_result = 1;

static void once(const struct side_jmp_event *event,
		 const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	self_calls++;
	self_result = side_jmp_tracer_unregister(self);
}

static void registers(const struct side_jmp_event *event,
		      const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	side_jmp_tracer_register(&nested, "shop:refund", count, &nested_calls);
}

static void inside(void)
{
	struct side_jmp_tracer *tracer;

	side_jmp_tracer_register(&self, "shop:order", once, NULL);
	side_jmp_event(shop, order, 1);
	side_jmp_event(shop, order, 1);
	tap_ok(self_calls == 1 && self_result == 0,
	       "tracers_callback_unregisters_itself");
	side_jmp_tracer_register(&tracer, "shop:order", registers, NULL);
	side_jmp_event(shop, order, 1);
	side_jmp_tracer_unregister(tracer);
	side_jmp_event(shop, refund, 1);
	tap_equal(nested_calls, 1, "tracers_callback_registers");
	side_jmp_tracer_unregister(nested);
}

/* ---- waiting ------------------------------------------------------------ */

static int entered, let_go, left, waited;

static void slow(const struct side_jmp_event *event,
		 const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	__atomic_store_n(&entered, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&let_go, __ATOMIC_SEQ_CST))
		usleep(100);
	__atomic_store_n(&left, 1, __ATOMIC_SEQ_CST);
}

static void *fire_order(void *arg)
{
	(void)arg;
	side_jmp_event(shop, order, 1);
	return NULL;
}

static void *unregister(void *tracer)
{
	side_jmp_tracer_unregister(tracer);
	waited = __atomic_load_n(&left, __ATOMIC_SEQ_CST);
	return NULL;
}

static void waits(void)
{
	struct side_jmp_tracer *tracer, *other;
	pthread_t in_callback, waiter;
	int n = 0;

	side_jmp_tracer_register(&tracer, "shop:order", slow, NULL);
	side_jmp_tracer_register(&other, "shop:refund", count, &n);
	pthread_create(&in_callback, NULL, fire_order, NULL);
	while (!__atomic_load_n(&entered, __ATOMIC_SEQ_CST))
		usleep(100);
	tap_equal(side_jmp_tracer_unregister(other), 0,
		  "tracers_unregister_does_not_wait_for_other_callbacks");
	pthread_create(&waiter, NULL, unregister, tracer);
	usleep(50000);
	__atomic_store_n(&let_go, 1, __ATOMIC_SEQ_CST);
	pthread_join(waiter, NULL);
	pthread_join(in_callback, NULL);
	tap_equal(waited, 1, "tracers_unregister_waits_for_its_callback");
}

/* ---- two callbacks that unregister each other --------------------------- */

static struct side_jmp_tracer *pair[2];
static int results[2], inside_both;

static void mutual(const struct side_jmp_event *event,
		   const struct side_jmp_value values[], void *data)
{
	int me = data == &results[1];

	(void)event;
	(void)values;
	__atomic_fetch_add(&inside_both, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&inside_both, __ATOMIC_SEQ_CST) < 2)
		usleep(10);
	results[me] = side_jmp_tracer_unregister(pair[!me]);
}

static void *fire_refund(void *arg)
{
	(void)arg;
	side_jmp_event(shop, refund, 1);
	return NULL;
}

static void deadlock(void)
{
	pthread_t threads[2];
	int refused;

	side_jmp_tracer_register(&pair[0], "shop:order", mutual, &results[0]);
	side_jmp_tracer_register(&pair[1], "shop:refund", mutual, &results[1]);
	pthread_create(&threads[0], NULL, fire_order, NULL);
	pthread_create(&threads[1], NULL, fire_refund, NULL);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	refused = results[0] == -EDEADLK ? 0 : 1;
	tap_ok(results[refused] == -EDEADLK && results[!refused] == 0,
	       "tracers_unregistering_each_other_is_refused_once");
	/* refused wanted to remove pair[!refused], which is still there. */
	tap_equal(side_jmp_tracer_unregister(pair[!refused]), 0,
		  "tracers_refusal_changes_nothing");
}

/* ---- signals, fork ------------------------------------------------------ */

static void handler(int signo)
{
	(void)signo;
	side_jmp_event(shop, refund, 1);
}

static void raise_in(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	raise(SIGUSR1);
}

static void signals(void)
{
	struct side_jmp_tracer *outer, *inner;
	int n = 0;

	signal(SIGUSR1, handler);
	side_jmp_tracer_register(&outer, "shop:order", raise_in, NULL);
	side_jmp_tracer_register(&inner, "shop:refund", count, &n);
	errno = 77;
	side_jmp_event(shop, order, 1);
	tap_equal(errno, 77, "tracers_keep_errno");
	tap_equal(n, 1, "tracers_event_of_a_handler_within_a_callback");
	side_jmp_tracer_unregister(outer);
	side_jmp_tracer_unregister(inner);
}

/* In the child nobody is in `slow` any more. */
static void forks(void)
{
	struct side_jmp_tracer *tracer;
	pthread_t in_callback;
	int status, n = 0;
	pid_t child;

	entered = let_go = left = 0;
	side_jmp_tracer_register(&tracer, "shop:order", slow, NULL);
	pthread_create(&in_callback, NULL, fire_order, NULL);
	while (!__atomic_load_n(&entered, __ATOMIC_SEQ_CST))
		usleep(100);
	child = fork();
	if (!child) {
		alarm(10);
		if (side_jmp_tracer_unregister(tracer))
			_exit(1);
		if (side_jmp_tracer_register(&tracer, "shop:*", count, &n))
			_exit(2);
		all();
		_exit(n == 2 ? 0 : 3);
	}
	waitpid(child, &status, 0);
	tap_equal(status, 0, "tracers_child_of_fork_unregisters_and_registers");
	__atomic_store_n(&let_go, 1, __ATOMIC_SEQ_CST);
	pthread_join(in_callback, NULL);
	tap_equal(side_jmp_tracer_unregister(tracer), 0,
		  "tracers_parent_goes_on");
}

int main(void)
{
	struct side_jmp_tracer *tracer;
	int n = 0;

	alarm(60);
	patterns();
	two();
	inside();
	waits();
	deadlock();
	signals();
	forks();
	tap_equal(side_jmp_tracer_register(NULL, "a:b", count, &n), -EINVAL,
		  "tracers_nowhere_to_put_the_handle");
	tap_equal(side_jmp_tracer_register(&tracer, "a:b", NULL, &n), -EINVAL,
		  "tracers_no_callback");
	tap_equal(side_jmp_tracer_unregister(NULL), -EINVAL,
		  "tracers_unregister_nothing");
	tap_equal(side_jmp_tracer_unregister(self), -EINVAL,
		  "tracers_unregister_twice");
	return tap_done();
}
