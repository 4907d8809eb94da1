/* SPDX-License-Identifier: MIT */
/*
 * The time of events (runtime/base/time.c): it goes by a counter and is the
 * kernel's; what a counter that jumps does to it, and signals, threads and
 * forks.
 */
#define SIDE_JMP_ARCH_CYCLES_H		/* a counter of ours instead */
#if defined(__x86_64__)
#include <stdbool.h>
#include <stdint.h>
#include "arch/x86_64/cycles.h"
static uint64_t jumped;			/* atomic */
static uint64_t our_cycles(void)
{
	return sj_cycles() + __atomic_load_n(&jumped, __ATOMIC_RELAXED);
}
#define sj_cycles	our_cycles
#else
#define SJ_CYCLES	0
#endif
#undef _GNU_SOURCE
#include "runtime/base/time.c"
#undef sj_cycles

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <side_jmp_event.h>

#include "tests/tap.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x80
#endif

/* So that the library has its handlers of fork(). */
SIDE_JMP_EVENT(now, one, "Never emitted", (u32, n));

enum { BOUND = 1000 };			/* ns */

static uint64_t kernels(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool by_counter(void)
{
	return __atomic_load_n(&sj_now_rate, __ATOMIC_RELAXED) > SJ_NOW_NONE;
}

/* How far from the kernel's, ns; 0: as far as can be told. */
static int64_t away(uint64_t *now)
{
	uint64_t before = kernels(), after;

	*now = sj_now();
	after = kernels();
	return *now < before ? (int64_t)(*now - before) :
	       *now > after ? (int64_t)(*now - after) : 0;
}

static int64_t most, back;		/* most: either way */
static uint64_t looks;
static uint64_t shown;			/* atomic; the time of some thread */
static int64_t between;			/* how far another thread was behind */

static void most_of(int64_t *of, int64_t x)
{
	int64_t seen = __atomic_load_n(of, __ATOMIC_RELAXED);

	while (x > seen && !__atomic_compare_exchange_n(of, &seen, x, false,
				__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void reset(void)
{
	most = between = 0;
	back = INT64_MIN;
	looks = 0;
}

static void look_for(uint64_t ns)
{
	uint64_t end = kernels() + ns, now = 0, last = 0, other;

	for (; kernels() < end; last = now) {
		int64_t a;

		other = __atomic_load_n(&shown, __ATOMIC_SEQ_CST);
		a = away(&now);
		__atomic_store_n(&shown, now, __ATOMIC_SEQ_CST);
		most_of(&most, a < 0 ? -a : a);
		most_of(&back, (int64_t)(last - now));
		most_of(&between, (int64_t)(other - now));
		__atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED);
	}
}

static bool right(const char *what)
{
	tap_note("%s: %llu times; %lld ns from the kernel's, back %lld, between"
		 " threads %lld", what, (unsigned long long)looks,
		 (long long)most, (long long)back, (long long)between);
	return most <= BOUND && back < 0 && between <= BOUND && looks > 10;
}

static void *look(void *arg)
{
	look_for(400000000);
	return arg;
}

static void threads(void)
{
	pthread_t thread[3];

	reset();
	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, look, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	tap_ok(right("3 threads"), "now_is_the_kernels_in_every_thread");
}

static sigjmp_buf env;
static volatile int signals;

static void handler(int signo)
{
	uint64_t now;
	int64_t a = away(&now);

	(void)signo;
	signals++;
	most_of(&most, a < 0 ? -a : a);
	if (signals % 4 == 0)
		siglongjmp(env, 1);
}

/* Wherever they strike; a period every time, so that it is there, too. */
static void handlers(void)
{
	struct itimerval every = { { 0, 300 }, { 0, 300 } }, never = { 0 };
	volatile uint64_t end = kernels() + 400000000, last = 0;
	uint64_t now = 0;

	reset();
	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &every, NULL);
	(void)sigsetjmp(env, 1);
	for (; last < end; last = now) {
		int64_t a;

#if SJ_CYCLES
		if (looks % 2)
			time_here.until = 0;
#endif
		a = away(&now);
		most_of(&most, a < 0 ? -a : a);
		most_of(&back, (int64_t)(last - now));
		looks++;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
	tap_ok(right("signals") && signals > 4, "now_is_right_in_handlers");
}

static void children(void)
{
	int status = 1;
	pid_t pid = fork();

	if (!pid) {
		reset();
		look_for(50000000);
		_exit(most > BOUND || back >= 0);
	}
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "now_is_right_in_a_child");
}

static void was(void)
{
	uint64_t now = sj_now(), then;

	sj_now_was(now + 900000);
	then = sj_now();
	tap_ok(then > now + 900000, "now_is_later_than_it_was");
	sj_now_was(then + 2000000);
	sj_now_was(then - 1);
	now = sj_now();
	tap_ok(now > then && now < then + 1000000, "now_was_nothing_far_away");
	while (kernels() < now)
		;
}

static void in_other_clock(uint64_t rate, const char *name)
{
	int64_t first;
	int status = 1;
	uint64_t now;
	pid_t pid;

	(void)sj_now();
	pid = fork();
	if (!pid) {
		sj_now_rate = rate;
		first = away(&now);
		_exit(first < -BOUND || first > BOUND);
	}
	waitpid(pid, &status, 0);
	tap_equal(status, 0, name);
}

/* A child in another time namespace: its clock is another one, at once. */
static void other_clock(void)
{
	static const char shift[] = "monotonic -5 0\n";
	int fd;

	if (unshare(CLONE_NEWTIME)) {
		tap_skip("now_is_right_in_a_child_with_another_clock",
			 "this needs a time namespace, and root");
		return;
	}
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (write(fd, shift, sizeof(shift) - 1) != sizeof(shift) - 1)
		exit(1);
	in_other_clock(sj_now_rate, "now_is_right_in_a_child_with_another_clock");
	in_other_clock(SJ_NOW_UNKNOWN, "now_is_right_there_before_there_is_a_rate");
	close(fd);
}

#if SJ_CYCLES
/* As after a suspend, or a migration to another host. */
static void jump_by(int64_t cycles, const char *name)
{
	uint64_t now;

	(void)sj_now();
	__atomic_store_n(&jumped, jumped + (uint64_t)cycles, __ATOMIC_RELAXED);
	reset();
	(void)away(&now);
	look_for(20000000);
	tap_ok(right(name), name);
}

/* Told by the bounds of a period: so they are what is wrong here. */
static void rate(void)
{
	uint64_t now, end = kernels() + 2000000000;

	sj_now_rate += sj_now_rate / 100;
	time_here.until = time_here.last = 0;
	while (by_counter() && kernels() < end)
		(void)sj_now();
	tap_ok(!by_counter(), "now_gives_up_a_counter_at_another_rate");
	time_here.last = 0;
	tap_equal(away(&now), 0, "now_is_the_kernels_own_then");
}
#endif

int main(void)
{
	uint64_t now, end;

	alarm(60);
	tap_equal(away(&now), 0, "now_is_the_kernels_own_before_it_begins");
	sj_now_begin();
	end = kernels() + 1000000000;
	while (sj_now_rate == SJ_NOW_UNKNOWN && kernels() < end)
		(void)sj_now();
	if (by_counter())
		tap_ok(true, "now_goes_by_a_counter");
	else
		tap_skip("now_goes_by_a_counter", "the kernel trusts none here");
	threads();
	handlers();
	children();
	was();
	other_clock();
#if SJ_CYCLES
	if (by_counter()) {
		jump_by((int64_t)1 << 40, "now_of_a_counter_that_jumps_ahead");
		jump_by(-((int64_t)1 << 41), "now_of_a_counter_that_jumps_back");
		rate();
	}
#endif
	return tap_done();
}
