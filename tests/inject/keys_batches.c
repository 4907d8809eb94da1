/* SPDX-License-Identifier: MIT */
/*
 * Batches of keys of which one fails, with somebody else at work right when a
 * word has changed: a sync in the middle of a disable that fails, a key that
 * fills up in the middle of an enable.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include <side_jmp.h>

#include "runtime/base/base.h"
#include "tests/tap.h"

enum { PASSES = 10, FULL = 0x7fffffff };

SIDE_JMP_KEY(a);
SIDE_JMP_KEY(b);
SIDE_JMP_KEY(c);

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++) {
		n += side_jmp_unlikely(a);
		n += 100 * side_jmp_unlikely(c);
	}
	return n;
}

static _Thread_local bool is_main;
static bool let_sync, fill_up;
static sem_t begin, end;
static atomic_bool stop;

static void *sync_when_told(void *arg)
{
	(void)arg;
	for (sem_wait(&begin); !stop; sem_wait(&begin)) {
		side_jmp_sync(&a);
		sem_post(&end);
	}
	return NULL;
}

/* Whoever holds a lock here lets nobody sync: then on, after a while. */
static void let_the_other_sync(void)
{
	let_sync = false;
	sem_post(&begin);
	for (int i = 0; i < 100 && sem_trywait(&end); i++)
		usleep(1000);
}

bool side_jmp_inject(enum inject_step step)
{
	if (!is_main || step != INJECT_WORD_CHANGED)
		return false;
	if (let_sync)
		let_the_other_sync();
	if (fill_up)
		b.word32 = FULL;
	fill_up = false;
	return false;
}

static void test_disable(void)
{
	struct side_jmp_key *const keys[][2] = {
		{ &a, &b }, { &a, &a }, { &b, &a },
	};
	bool ok = true;

	side_jmp_enable(&a);
	for (int i = 0; i < 3; i++) {
		let_sync = true;
		ok &= side_jmp_disable_many(keys[i], 2) == -EINVAL;
		ok &= a.word32 == 1 && passes() == PASSES;
	}
	let_sync = false;
	tap_ok(ok, "keys_failed_disable_beside_a_sync");
	tap_ok(!side_jmp_disable(&a) && passes() == 0,
	       "keys_failed_disable_leaves_one_user");
}

static void test_enable(void)
{
	struct side_jmp_key *const keys[] = { &a, &b, &c };
	bool ok;

	fill_up = true;
	ok = side_jmp_enable_many(keys, 3) == -EOVERFLOW && !fill_up;
	ok &= !a.word32 && b.word32 == FULL && !c.word32;
	fill_up = false;
	tap_ok(ok, "keys_enable_that_overflows_in_the_middle");
	tap_equal(passes(), 0, "keys_enable_that_overflows_leaves_sites");
	/* Somebody else's use of the first stays. */
	b.word32 = 0;
	side_jmp_enable(&a);
	fill_up = true;
	ok = side_jmp_enable_many(keys, 3) == -EOVERFLOW && a.word32 == 1;
	tap_ok(ok && passes() == PASSES, "keys_enable_that_overflows_keeps_users");
	b.word32 = 0;
	tap_ok(!side_jmp_disable(&a) && passes() == 0,
	       "keys_enable_that_overflows_takes_no_more");
}

int main(void)
{
	pthread_t thread;

	is_main = true;
	sem_init(&begin, 0, 0);
	sem_init(&end, 0, 0);
	pthread_create(&thread, NULL, sync_when_told, NULL);
	test_disable();
	test_enable();
	stop = true;
	sem_post(&begin);
	pthread_join(thread, NULL);
	return tap_done();
}
