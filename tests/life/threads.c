/* SPDX-License-Identifier: MIT */
/*
 * Threads that end in the middle of a flip, and signal handlers that flip
 * what the interrupted thread is flipping: nobody is left waiting, and counts
 * and sites agree.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <side_jmp.h>

#include "tests/expect.h"
#include "tests/tap.h"

enum { ROUNDS = 60, PASSES = 1000 };

SIDE_JMP_KEY(key);
SIDE_JMP_KEY64(key64);

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++)
		n += side_jmp_unlikely(key);
	return n;
}

__attribute__((noinline)) static int passes64(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++)
		n += side_jmp_unlikely(key64);
	return n;
}

/*
 * Everything works again once the users that died have been counted off.  One
 * that died between the word and the sites of a disable has left them armed,
 * which is right, and for the next sync to mend.
 */
static bool keys_work(void)
{
	struct side_jmp_key *both[] = { &key, &key64 };
	bool ok = passes() == 0 && passes64() == 0;

	ok &= !side_jmp_sync(&key) && !side_jmp_sync(&key64);
	ok &= all_sites_rest();
	ok &= !side_jmp_enable_many(both, 2);
	ok &= passes() == PASSES && passes64() == PASSES;
	ok &= !side_jmp_disable_many(both, 2);
	return ok && passes() == 0 && passes64() == 0 && all_sites_rest();
}

/* ---- cancellation and pthread_exit -------------------------------------- */

static _Atomic uint32_t done_flips;
static atomic_int running;

static void flip_once(void)
{
	side_jmp_enable(&key);
	side_jmp_enable(&key64);
	side_jmp_disable(&key64);
	side_jmp_disable(&key);
	done_flips++;
}

/* None of our functions is a cancellation point: it gets to the end. */
static void *flip_cancelled(void *arg)
{
	pthread_cancel(pthread_self());
	for (int i = 0; i < 100; i++) {
		flip_once();
		info();
		side_jmp_sync(&key);
		side_jmp_set_dirty_pages(SIDE_JMP_DIRTY_PAGES_DEFAULT);
		side_jmp_object_register(&side_jmp_this_object);
	}
	*(bool *)arg = true;
	pthread_testcancel();
	*(bool *)arg = false;
	return NULL;
}

static void test_no_cancellation_point(void)
{
	pthread_t thread;
	bool reached = false;
	void *result;

	pthread_create(&thread, NULL, flip_cancelled, &reached);
	pthread_join(thread, &result);
	tap_ok(result == PTHREAD_CANCELED && reached,
	       "life_cancel_finds_no_cancellation_point");
	tap_ok(keys_work(), "life_cancel_leaves_keys_right");
}

static void *flip_deferred(void *arg)
{
	running++;
	while (!arg) {
		flip_once();
		pthread_testcancel();
	}
	return NULL;
}

static void *flip_asynchronous(void *arg)
{
	(void)arg;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	return flip_deferred(NULL);
}

static void end_by_exit(int signal_)
{
	(void)signal_;
	pthread_exit(PTHREAD_CANCELED);
}

/* A pair of threads, so that one of them mostly waits for a lock. */
static bool one_round(void *(*run)(void *), int signal_)
{
	pthread_t threads[2];
	uint32_t from;
	bool ok = true;

	running = 0;
	for (int i = 0; i < 2; i++)
		ok &= !pthread_create(&threads[i], NULL, run, NULL);
	while (running < 2)
		sched_yield();
	from = done_flips;
	while (done_flips < from + 3)
		;
	for (int i = 0; i < 2; i++) {
		void *result;

		if (signal_)
			pthread_kill(threads[i], signal_);
		else
			pthread_cancel(threads[i]);
		pthread_join(threads[i], &result);
		ok &= result == PTHREAD_CANCELED;
	}
	return ok;
}

/* Count off the users that ended before they had disabled. */
static unsigned drain(void)
{
	unsigned n = 0;

	while (!side_jmp_disable(&key))
		n++;
	while (!side_jmp_disable(&key64))
		n++;
	return n;
}

static void test_ends(void *(*run)(void *), int signal_, unsigned most_left,
		      const char *name)
{
	unsigned left = 0, worst = 0;
	bool ok = true;

	for (int i = 0; i < ROUNDS && ok; i++) {
		unsigned n;

		ok = one_round(run, signal_);
		/* While a count is left the key is enabled, and says so. */
		if (side_jmp_enabled(&key)) {
			ok &= !side_jmp_sync(&key) && passes() == PASSES;
			left++;
		}
		n = drain();
		worst = n > worst ? n : worst;
		ok &= keys_work();
	}
	tap_note("%s: %u rounds left a user behind, at most %u", name, left,
		 worst);
	/* Each of two threads has at most one user of each of two keys. */
	tap_ok(ok && worst <= most_left, name);
}

/*
 * A thread that ends in a signal handler is unwound through the frame of the
 * signal.  Those that qemu-user makes on s390x and ppc64le are not always fit
 * for that, with this library or without: threads hang or crash.
 */
static bool unwinds_signals(void)
{
#if defined(__s390x__) || defined(__powerpc64__)
	return expect_patching();
#else
	return true;
#endif
}

static void test_ends_anywhere(void)
{
	if (!unwinds_signals()) {
		tap_skip("life_cancel_asynchronous", "qemu-user's signal"
			 " frames; the guest runs it");
		tap_skip("life_pthread_exit_in_a_flip", "qemu-user's signal"
			 " frames; the guest runs it");
		return;
	}
	test_ends(flip_asynchronous, 0, 4, "life_cancel_asynchronous");
	test_ends(flip_deferred, SIGUSR1, 4, "life_pthread_exit_in_a_flip");
}

/* ---- handlers ------------------------------------------------------------ */

static atomic_ulong handled, bad_handled, bad_errno;

static void flip_in_handler(int signal_)
{
	int saved = errno;
	bool ok;

	(void)signal_;
	errno = 12345;
	ok = !side_jmp_enable(&key) && passes() == PASSES;
	ok &= !side_jmp_enable(&key64) && passes64() == PASSES;
	ok &= info().sites >= 2;
	ok &= !side_jmp_disable(&key64) && !side_jmp_disable(&key);
	bad_handled += !ok;
	bad_errno += errno != 12345;
	handled++;
	errno = saved;
}

static void set_timer(int which, long usec)
{
	struct itimerval t = { { 0, usec }, { 0, usec } };

	setitimer(which, &t, NULL);
}

static bool flip_and_look(void)
{
	bool ok = !side_jmp_enable(&key) && passes() == PASSES;

	ok &= !side_jmp_enable(&key64) && passes64() == PASSES;
	return !side_jmp_disable(&key64) && !side_jmp_disable(&key) && ok;
}

static void *flip_beside_handlers(void *stop)
{
	unsigned long bad = 0;

	while (!*(_Atomic bool *)stop)
		bad += !flip_and_look();
	return (void *)bad;
}

static void test_handlers(void)
{
	struct sigaction action = { .sa_handler = flip_in_handler };
	unsigned long bad = 0, flips = 0;
	_Atomic bool stop = false;
	pthread_t thread;
	void *result;

	sigaction(SIGALRM, &action, NULL);
	pthread_create(&thread, NULL, flip_beside_handlers, &stop);
	set_timer(ITIMER_REAL, 300);
	while (handled < 3000) {
		bad += !flip_and_look();
		flips++;
	}
	set_timer(ITIMER_REAL, 0);
	stop = true;
	pthread_join(thread, &result);
	signal(SIGALRM, SIG_DFL);
	tap_note("%lu flips interrupted by %lu handlers", flips, handled);
	tap_ok(bad == 0 && !result, "life_signal_interrupted_flips_are_right");
	tap_equal((long long)bad_handled, 0,
		  "life_signal_handlers_flips_are_right");
	tap_equal((long long)bad_errno, 0, "life_signal_handlers_keep_errno");
	tap_equal(drain(), 0, "life_signal_counts_agree");
	tap_ok(all_sites_rest() && keys_work(), "life_signal_leaves_keys_right");
}

/* What a caller had masked stays masked, and errno is what it was. */
static void test_mask(void)
{
	sigset_t some, before, after;

	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigaddset(&some, SIGTRAP);
	pthread_sigmask(SIG_BLOCK, &some, &before);
	flip_once();
	pthread_sigmask(SIG_SETMASK, &before, &after);
	tap_ok(sigismember(&after, SIGUSR1) && sigismember(&after, SIGTRAP) &&
	       !sigismember(&after, SIGUSR2), "life_signal_mask_is_kept");
	errno = 4321;
	flip_once();
	side_jmp_disable(&key);
	tap_equal(errno, 4321, "life_errno_is_kept");
}

int main(void)
{
	struct sigaction action = { .sa_handler = end_by_exit };

	sigaction(SIGUSR1, &action, NULL);
	test_mask();
	test_no_cancellation_point();
	test_ends(flip_deferred, 0, 0, "life_cancel_deferred");
	test_ends_anywhere();
	test_handlers();
	return tap_done();
}
