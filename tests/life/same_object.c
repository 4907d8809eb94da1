/* SPDX-License-Identifier: MIT */
/*
 * One table that two threads take in and give up, again and again, while a third
 * flips its key: whoever comes second is refused or finds it done, and what is
 * there in the end works.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include <side_jmp.h>

#include "tests/expect.h"
#include "tests/tap.h"

enum { ROUNDS = 2000, PASSES = 10 };

SIDE_JMP_KEY(key);

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++)
		n += side_jmp_unlikely(key);
	return n;
}

static atomic_bool stop;
static atomic_uint came, went, busy, wrong;

static void count(int r, atomic_uint *done)
{
	if (r == 0)
		++*done;
	else if (r == -EBUSY)
		busy++;
	else
		wrong++;
}

static void *come_and_go(void *arg)
{
	struct side_jmp_object *o = arg;

	for (int i = 0; i < expect_rounds(ROUNDS); i++) {
		count(side_jmp_object_unregister(o), &went);
		count(side_jmp_object_register(o), &came);
	}
	return NULL;
}

/* Whatever state the sites are in, they test the word, or it is 0. */
static void *flip(void *arg)
{
	while (!stop) {
		wrong += side_jmp_enable(&key) != 0;
		(void)passes();
		wrong += side_jmp_disable(&key) || passes() != 0;
	}
	return arg;
}

int main(void)
{
	struct side_jmp_object *o = &side_jmp_this_object;
	struct side_jmp_info before = info(), after;
	pthread_t threads[3];
	void *r;

	pthread_create(&threads[2], NULL, flip, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, come_and_go, o);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], &r);
	stop = true;
	pthread_join(threads[2], &r);
	tap_note("came %u times, went %u, busy %u", came, went, busy);
	tap_ok(!wrong && came && went, "same_object_by_two_threads");
	tap_equal(side_jmp_object_register(o), 0, "same_object_is_there");
	after = info();
	tap_ok(after.objects == before.objects && after.sites == before.sites &&
	       after.keys == before.keys && after.objects_rejected == 0,
	       "same_object_is_there_once");
	tap_ok(all_sites_rest(), "same_object_is_idle");
	tap_ok(!side_jmp_enable(&key) && passes() == PASSES &&
	       !side_jmp_disable(&key) && passes() == 0 && all_sites_rest(),
	       "same_object_works");
	return tap_done();
}
