/* SPDX-License-Identifier: MIT */
/*
 * Counted changes of several keys are all or nothing: a word that was not to
 * be changed is afterwards, bit for bit, what it was, and in between nobody
 * finds a site off that he has a right to find on.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <side_jmp.h>

#include "tests/tap.h"

enum { PASSES = 50, NAMED = 2000, TRIES = 4000, HOLDERS = 4, ROUNDS = 1500 };

SIDE_JMP_KEY(a);
SIDE_JMP_KEY(b);
SIDE_JMP_KEY(c);
SIDE_JMP_KEY64(wide_a);
SIDE_JMP_KEY64(wide_b);
SIDE_JMP_KEY(none);			/* never has a user */

#define COUNT_PASSES(key) \
	__attribute__((noinline)) static int key##_passes(void) \
	{ \
		int n = 0; \
		for (int i = 0; i < PASSES; i++) \
			n += side_jmp_unlikely(key); \
		return n; \
	}
COUNT_PASSES(a)
COUNT_PASSES(b)
COUNT_PASSES(c)
COUNT_PASSES(wide_a)
COUNT_PASSES(wide_b)
COUNT_PASSES(none)

static uint64_t word(const struct side_jmp_key *key)
{
	return key->width == 64 ? key->word64 : key->word32;
}

static void set_word(struct side_jmp_key *key, uint64_t to)
{
	if (key->width == 64)
		key->word64 = to;
	else
		key->word32 = (uint32_t)to;
}

/* The kernel's bit, which is nobody's count. */
static uint64_t top(const struct side_jmp_key *key)
{
	return UINT64_C(1) << (key->width - 1);
}

/* ---- alone -------------------------------------------------------------- */

enum { LONG = 500, MOST = LONG + 3 };

struct batch {
	struct side_jmp_key *keys[MOST];
	size_t n;
};

/* The words are what they were; so says `change`, with this error. */
static bool fails(int (*change)(struct side_jmp_key *const keys[], size_t n),
		  const struct batch *batch, int error)
{
	uint64_t before[MOST];
	bool same = true;
	int r;

	for (size_t i = 0; i < batch->n; i++)
		before[i] = word(batch->keys[i]);
	r = change(batch->keys, batch->n);
	for (size_t i = 0; i < batch->n; i++)
		same &= word(batch->keys[i]) == before[i];
	if (!same || r != error)
		tap_note("returned %d, words %s", r, same ? "kept" : "changed");
	return same && r == error;
}

/* One of them has fewer users than are to be taken away. */
static bool disable_fails(struct side_jmp_key *x, struct side_jmp_key *y)
{
	const struct batch batches[] = {
		{ { x, y }, 2 }, { { y, x }, 2 }, { { x, x }, 2 },
		{ { x, x, y }, 3 }, { { x, y, x }, 3 }, { { y, y }, 2 },
	};
	bool ok = !side_jmp_enable(x);

	for (size_t i = 0; i < sizeof(batches) / sizeof(*batches); i++)
		ok &= fails(side_jmp_disable_many, &batches[i], -EINVAL);
	ok &= word(x) == 1 && !side_jmp_disable(x) && word(x) == 0;
	return ok && side_jmp_disable(x) == -EINVAL;
}

/* The kernel wants it, too: no user of ours for that. */
static bool disable_fails_beside_the_kernel(struct side_jmp_key *x)
{
	const struct batch both = { { x, x }, 2 }, one = { { x }, 1 };
	bool ok = true;

	set_word(x, top(x));
	ok &= fails(side_jmp_disable_many, &one, -EINVAL);
	ok &= !side_jmp_enable(x) && word(x) == top(x) + 1;
	ok &= fails(side_jmp_disable_many, &both, -EINVAL);
	ok &= !side_jmp_disable(x) && word(x) == top(x);
	set_word(x, 0);
	return ok && !side_jmp_sync(x);
}

static bool enable_fails(struct side_jmp_key *x, struct side_jmp_key *full,
			 struct side_jmp_key *y)
{
	const struct batch batches[] = {
		{ { x, full, y }, 3 }, { { full, x, y }, 3 },
		{ { x, y, full }, 3 },
	};
	bool ok = true;

	set_word(full, top(full) - 1);
	for (size_t i = 0; i < sizeof(batches) / sizeof(*batches); i++)
		ok &= fails(side_jmp_enable_many, &batches[i], -EOVERFLOW);
	set_word(full, 0);
	return ok && !side_jmp_sync(full);
}

static bool all_off(void)
{
	return !a_passes() && !b_passes() && !c_passes() && !wide_a_passes() &&
	       !wide_b_passes() && !none_passes();
}

static void test_alone(void)
{
	tap_ok(disable_fails(&a, &b), "keys_disable_many_keeps_words");
	tap_ok(disable_fails(&wide_a, &wide_b), "keys_disable_many_64");
	tap_ok(disable_fails(&a, &wide_b) && disable_fails(&wide_a, &b),
	       "keys_disable_many_of_both_widths");
	tap_ok(disable_fails_beside_the_kernel(&a) &&
	       disable_fails_beside_the_kernel(&wide_a),
	       "keys_disable_many_leaves_the_kernels_bit");
	tap_ok(all_off(), "keys_disable_many_leaves_sites");
	tap_ok(enable_fails(&a, &b, &c) && enable_fails(&wide_a, &wide_b, &a) &&
	       enable_fails(&wide_a, &b, &c) && enable_fails(&a, &wide_b, &b),
	       "keys_enable_many_keeps_words");
	tap_ok(all_off(), "keys_enable_many_leaves_sites");
}

static bool named_often(struct side_jmp_key *key, int (*passes)(void))
{
	static struct side_jmp_key *often[NAMED + 1];
	bool ok;

	for (int i = 0; i <= NAMED; i++)
		often[i] = key;
	ok = !side_jmp_enable_many(often, NAMED) && word(key) == NAMED;
	ok &= side_jmp_disable_many(often, NAMED + 1) == -EINVAL &&
	      word(key) == NAMED && passes() == PASSES;
	ok &= !side_jmp_disable_many(often, NAMED - 1) && word(key) == 1 &&
	      passes() == PASSES;
	return ok && !side_jmp_disable_many(often, 1) && word(key) == 0 &&
	       passes() == 0;
}

/* ---- beside others ------------------------------------------------------ */

static atomic_bool stop;
static atomic_ulong looks, seen_off;

static void *sync_always(void *arg)
{
	struct side_jmp_key *const *keys = arg;

	while (!stop)
		for (int i = 0; i < 2; i++)
			side_jmp_sync(keys[i]);
	return NULL;
}

static void *watch_always(void *arg)
{
	(void)arg;
	while (!stop) {
		seen_off += a_passes() != PASSES;
		seen_off += wide_a_passes() != PASSES;
		looks++;
	}
	return NULL;
}

static struct batch long_batch(struct side_jmp_key *first,
			       struct side_jmp_key *last)
{
	struct batch batch = { .n = 0 };

	batch.keys[batch.n++] = first;
	while (batch.n <= LONG)
		batch.keys[batch.n++] = &b;
	batch.keys[batch.n++] = last;
	return batch;
}

static bool fail_often(const struct batch batches[4])
{
	bool kept = true;

	for (int i = 0; i < TRIES || looks < 100; i++) {
		kept &= fails(side_jmp_disable_many, &batches[i % 4], -EINVAL);
		seen_off += a_passes() != PASSES;
		seen_off += wide_a_passes() != PASSES;
	}
	return kept;
}

/*
 * Long ones, of which the last key fails: there is time to see what became of
 * the first.  All but `none` are ours, and stay on all the time.
 */
static void test_watched(void)
{
	struct side_jmp_key *ours[] = { &a, &wide_a };
	const struct batch batches[4] = {
		long_batch(&a, &none), long_batch(&wide_a, &none),
		long_batch(&a, &a), long_batch(&wide_a, &wide_a),
	};
	const struct batch held = long_batch(&b, &b);
	pthread_t threads[2];
	bool kept = !side_jmp_enable_many(ours, 2) &&
		    !side_jmp_enable_many(held.keys, held.n);

	stop = false;
	pthread_create(&threads[0], NULL, sync_always, ours);
	pthread_create(&threads[1], NULL, watch_always, NULL);
	kept &= fail_often(batches);
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	tap_note("%d failed batches, %lu looks of another thread", TRIES,
		 looks);
	tap_ok(kept, "keys_failed_batches_keep_words_beside_syncs");
	tap_equal((long long)seen_off, 0,
		  "keys_failed_batches_are_never_seen");
	tap_ok(a_passes() == PASSES && wide_a_passes() == PASSES &&
	       !side_jmp_disable_many(ours, 2) &&
	       !side_jmp_disable_many(held.keys, held.n) && all_off(),
	       "keys_failed_batches_end_as_they_began");
}

static atomic_ulong below, refused, accepted;

/* Three of four keys; what it holds is on, whoever else takes his away. */
static void *hold(void *arg)
{
	static struct side_jmp_key *const keys[] = { &a, &b, &wide_a, &wide_b };
	static int (*const passes[])(void) = {
		a_passes, b_passes, wide_a_passes, wide_b_passes,
	};
	unsigned which = (unsigned)(uintptr_t)arg;
	struct side_jmp_key *mine[4];

	for (unsigned i = 0; i < 3; i++)
		mine[i] = keys[(which + i) % 4];
	mine[3] = &none;
	for (int i = 0; i < ROUNDS; i++) {
		refused += side_jmp_enable_many(mine, 3) != 0;
		accepted += side_jmp_disable_many(mine, 4) != -EINVAL;
		for (unsigned k = 0; k < 3; k++) {
			below += !word(mine[k]);
			below += passes[(which + k) % 4]() != PASSES;
		}
		refused += side_jmp_disable_many(mine, 3) != 0;
	}
	return NULL;
}

static void test_overlapping(void)
{
	pthread_t threads[HOLDERS];

	for (uintptr_t i = 0; i < HOLDERS; i++)
		pthread_create(&threads[i], NULL, hold, (void *)i);
	for (int i = 0; i < HOLDERS; i++)
		pthread_join(threads[i], NULL);
	tap_equal((long long)below, 0, "keys_overlapping_are_never_below");
	tap_equal((long long)refused, 0, "keys_overlapping_are_all_had");
	tap_equal((long long)accepted, 0, "keys_overlapping_fail_with_another");
	tap_ok(!word(&a) && !word(&b) && !word(&wide_a) && !word(&wide_b) &&
	       !word(&none), "keys_overlapping_leave_no_claim");
	tap_ok(!side_jmp_sync(&a) && !side_jmp_sync(&b) &&
	       !side_jmp_sync(&wide_a) && !side_jmp_sync(&wide_b) && all_off(),
	       "keys_overlapping_end_off");
}

int main(void)
{
	test_alone();
	tap_ok(named_often(&a, a_passes), "keys_named_2000_times");
	tap_ok(named_often(&wide_a, wide_a_passes), "keys_named_2000_times_64");
	test_watched();
	test_overlapping();
	return tap_done();
}
