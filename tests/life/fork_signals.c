/* SPDX-License-Identifier: MIT */
/*
 * A signal that strikes in the middle of fork(), while our fork handlers hold the
 * locks, and whose handler flips keys: before the fork, after it in the parent,
 * and in the child, also beside a thread that flips the same keys.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include <side_jmp.h>

#include "tests/child.h"
#include "tests/expect.h"

enum { FORKS = 60, PASSES = 20, LIMIT = 60 };

SIDE_JMP_KEY(key);
SIDE_JMP_KEY64(key64);

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++) {
		n += side_jmp_unlikely(key);
		n += side_jmp_unlikely(key64);
	}
	return n;
}

static bool flip(void)
{
	struct side_jmp_key *both[] = { &key, &key64 };
	bool ok = !side_jmp_enable(&key) && !side_jmp_enable(&key64) &&
		  passes() == 2 * PASSES;

	ok &= !side_jmp_disable(&key64) && !side_jmp_disable(&key);
	ok &= !side_jmp_enable_many(both, 2) && passes() == 2 * PASSES;
	return !side_jmp_disable_many(both, 2) && ok;
}

static volatile int struck, bad;
static volatile bool strikes;

static void flip_in_handler(int signal_)
{
	(void)signal_;
	bad += !flip();
	struck++;
}

/* Registered before ours: runs while they have the locks. */
static void strike(void)
{
	if (strikes)
		raise(SIGUSR1);
}

static void register_early(void)
{
	pthread_atfork(strike, strike, strike);
}

__attribute__((used, section(".preinit_array")))
static void (*const at_preinit)(void) = register_early;

/* Parent and child are struck twice each: before the fork, and after it. */
static bool fork_once(void)
{
	pid_t pid;

	struck = 0;
	strikes = true;
	pid = fork();
	strikes = false;
	if (pid == 0)
		_exit(bad || struck != 2 || !flip());
	return reap_or_kill(pid) == 0 && struck == 2;
}

static int fork_often(int n)
{
	int failed = 0;

	for (int i = 0; i < n && !failed; i++)
		failed += !fork_once();
	return failed;
}

static atomic_bool stop;
static atomic_ulong flips, bad_flips;

static void *flip_always(void *arg)
{
	for (; !stop; flips++)
		bad_flips += !flip();
	return arg;
}

/* A thread, for who hangs in a handler of ours has every signal blocked. */
static void *end_a_hang(void *arg)
{
	sleep(LIMIT);
	_exit(9);
	return arg;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, end_a_hang, NULL);
	signal(SIGUSR1, flip_in_handler);
	tap_equal(fork_often(2), 0, "fork_signals_handlers_flip");
	pthread_create(&thread, NULL, flip_always, NULL);
	tap_equal(fork_often(expect_rounds(FORKS)), 0,
		  "fork_signals_handlers_flip_beside_a_thread");
	stop = true;
	pthread_join(thread, NULL);
	tap_note("%lu flips beside %d forks", flips, expect_rounds(FORKS));
	tap_ok(flips > 0 && !bad && !bad_flips, "fork_signals_disturb_nobody");
	tap_ok(!key.word32 && !key64.word64 && !passes() && all_sites_rest(),
	       "fork_signals_leave_keys_as_they_were");
	return tap_done();
}
