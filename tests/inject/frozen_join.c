/* SPDX-License-Identifier: MIT */
/*
 * A copy of the runtime joins a key of a frozen process, while that enables a
 * batch of keys: it reads the word, and makes its sites idle if that is 0.  So
 * either it is asked, or it sees that the key is wanted.  The other copy is
 * played by a thread.
 */
#include <pthread.h>

#include <side_jmp.h>

#include "runtime/sites/sites.h"
#include "tests/child.h"

SIDE_JMP_KEY(first);
SIDE_JMP_KEY(joined);

__attribute__((noinline)) static int passes(void)
{
	return side_jmp_unlikely(first) + 2 * side_jmp_unlikely(joined);
}

/* ---- the other copy: one site ------------------------------------------- */

static int site_armed, asked;

static int on_sync(struct side_jmp_key *key, unsigned flags)
{
	(void)flags;
	asked++;
	site_armed = key->word32 != 0;
	return 0;
}

static struct side_jmp_subscriber subscriber = { .sync = on_sync };

/* As share.c does: first into the list, then what the word says. */
static void *join(void *arg)
{
	struct side_jmp_key *key = arg;

	sj_lock_word(&key->lock);
	sj_key_set_flag(key, SIDE_JMP_KEY_SHARED, true);
	subscriber.next = key->subscribers;
	__atomic_store_n(&key->subscribers, &subscriber, __ATOMIC_SEQ_CST);
	sj_unlock_word(&key->lock);
	site_armed = __atomic_load_n(&key->word32, __ATOMIC_SEQ_CST) != 0;
	return NULL;
}

/* ---- when it joins ------------------------------------------------------ */

/* 0: before; n: when n words have changed. */
static int join_after, changed;

static void join_now(void)
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, join, &joined), "thread");
	pthread_join(thread, NULL);
}

bool side_jmp_inject(enum inject_step step)
{
	if (step == INJECT_WORD_CHANGED && sj_frozen() &&
	    ++changed == join_after)
		join_now();
	return false;
}

static void enable(void)
{
	struct side_jmp_key *const both[] = { &first, &joined };

	must(!passes() && !side_jmp_freeze(), "freeze");
	if (!join_after)
		join_now();
	must(!side_jmp_enable_many(both, 2) && passes() == 3, "enable");
	must(join_after <= changed && subscriber.sync == on_sync &&
	     joined.subscribers == &subscriber, "it has joined");
	must(site_armed, "its site is armed");
	asked = 0;
	must(!side_jmp_disable_many(both, 2) && !passes(), "disable");
	must(asked == 1 && !site_armed, "it is asked from then on");
}

int main(void)
{
	static const char *const names[] = {
		"frozen_join_before", "frozen_join_between_two_words",
		"frozen_join_after_the_words",
	};

	for (join_after = 0; join_after < 3; join_after++)
		tap_equal(in_child(enable), 0, names[join_after]);
	return tap_done();
}
