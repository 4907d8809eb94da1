/* SPDX-License-Identifier: MIT */
/*
 * Keys: the word, and making sites agree with it.  Must not know how a site is
 * written.  The argument for the order of things is in sites.h.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "runtime/sites/sites.h"

/* ---- the word ----------------------------------------------------------- */

#define COUNT32		(UINT32_MAX >> 1)	/* below the kernel's bit */
#define COUNT64		(UINT64_MAX >> 1)

static uint64_t word_load(const struct side_jmp_key *key)
{
	return key->width == 64 ?
		__atomic_load_n(&key->word64, __ATOMIC_SEQ_CST) :
		__atomic_load_n(&key->word32, __ATOMIC_SEQ_CST);
}

/* On failure *seen is what the word is. */
static bool word_replace(struct side_jmp_key *key, uint64_t *seen, uint64_t to)
{
	uint32_t seen32 = (uint32_t)*seen;
	bool done;

	if (key->width == 64)
		return __atomic_compare_exchange_n(&key->word64, seen, to,
				false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	done = __atomic_compare_exchange_n(&key->word32, &seen32, (uint32_t)to,
				false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	*seen = seen32;
	return done;
}

static int word_add(struct side_jmp_key *key, int by)
{
	uint64_t word = word_load(key);
	uint64_t count = key->width == 64 ? COUNT64 : COUNT32;

	do {
		if (by > 0 && (word & count) == count)
			return -EOVERFLOW;
		if (by < 0 && (word & count) == 0)
			return -EINVAL;
	} while (!word_replace(key, &word, word + (uint64_t)(int64_t)by));
	side_jmp_inject(INJECT_WORD_CHANGED);
	return 0;
}

enum side_jmp_state sj_key_wanted(const struct side_jmp_key *key,
				  bool kernel_patches)
{
	return word_load(key) ||
	       (!kernel_patches &&
		__atomic_load_n(&key->flags, __ATOMIC_SEQ_CST)) ?
	       SIDE_JMP_ARMED : SIDE_JMP_IDLE;
}

static bool key_valid(const struct side_jmp_key *key)
{
	return key && key->version == SIDE_JMP_KEY_VERSION &&
	       (key->width == 32 || key->width == 64);
}

/* ---- subscribers: other copies of the runtime --------------------------- */

static struct side_jmp_subscriber *next_subscriber(
					struct side_jmp_subscriber *const *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void set_next(struct side_jmp_subscriber **p,
		     struct side_jmp_subscriber *to)
{
	__atomic_store_n(p, to, __ATOMIC_SEQ_CST);
}

void sj_key_subscribe(struct keyref *ref)
{
	struct side_jmp_key *key = ref->key;

	sj_lock_word(&key->lock);
	set_next(&ref->subscriber.next, key->subscribers);
	set_next(&key->subscribers, &ref->subscriber);
	ref->linked = true;
	sj_unlock_word(&key->lock);
}

void sj_key_unsubscribe(struct keyref *ref)
{
	struct side_jmp_key *key = ref->key;
	struct side_jmp_subscriber **p = &key->subscribers;

	sj_lock_word(&key->lock);
	while (*p && *p != &ref->subscriber)
		p = &(*p)->next;
	if (*p)
		set_next(p, ref->subscriber.next);
	ref->linked = false;
	sj_unlock_word(&key->lock);
}

/*
 * Is anybody but us subscribed?  Without the lock: subscribers are never
 * unmapped, and if the head is the same after the look as before, it was the
 * head in between.  A copy that joins after this look sees the word that we
 * changed before it.
 */
static bool has_others(const struct side_jmp_key *key)
{
	struct side_jmp_subscriber *head, *again;
	bool others;

	do {
		head = next_subscriber(&key->subscribers);
		others = head && (head->sync != sj_key_subscriber_sync ||
				  next_subscriber(&head->next));
		again = next_subscriber(&key->subscribers);
	} while (head != again);
	return others;
}

static int sync_others(struct side_jmp_key *key, unsigned flags)
{
	struct side_jmp_subscriber *s;
	int error = 0;

	sj_lock_word(&key->lock);
	for (s = key->subscribers; s; s = s->next) {
		int r = s->sync == sj_key_subscriber_sync ? 0 :
			s->sync(key, flags);

		if (r && !error)
			error = r;
	}
	sj_unlock_word(&key->lock);
	return error;
}

/* ---- sync --------------------------------------------------------------- */

static void sync_key(struct batch *b, struct side_jmp_key *key)
{
	struct keyref *ref = sj_find_ref(key);

	side_jmp_inject(INJECT_SYNC_KEY);
	if (ref)
		sj_batch_key(b, ref);
}

/* Our own sites of n keys: one batch. */
static int sync_own(struct side_jmp_key *const keys[], size_t n)
{
	struct batch b;
	int r;

	if (side_jmp_inject(INJECT_LOCKED))
		return 0;
	sj_lock(&sj_patch_lock);
	sj_batch_begin(&b, false);
	for (size_t i = 0; i < n; i++)
		sync_key(&b, keys[i]);
	r = sj_batch_end(&b);
	sj_unlock(&sj_patch_lock);
	return r;
}

/*
 * A frozen process makes no system call here, unless another copy of the
 * runtime has to be asked, or there are sites that freezing could not arm.
 */
static int sync_keys(struct side_jmp_key *const keys[], size_t n)
{
	int saved = errno, error = 0;
	bool others = false;
	sigmask_t mask;

	for (size_t i = 0; i < n && !others; i++)
		others = has_others(keys[i]);
	if (sj_state_frozen() && !sj_state_stuck() && !others)
		return 0;
	mask = sj_block_signals();
	error = sync_own(keys, n);
	for (size_t i = 0; i < n && others; i++) {
		int r = has_others(keys[i]) ? sync_others(keys[i], 0) : 0;

		if (r && !error)
			error = r;
	}
	sj_restore_signals(mask);
	errno = saved;
	return error;
}

/* ---- public ------------------------------------------------------------- */

/* Add `by` to the words of all n keys or of none. */
static int add_many(struct side_jmp_key *const keys[], size_t n, int by)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && !r; i++)
		if (!key_valid(keys[i]))
			return -EINVAL;
	for (i = 0; i < n; i++) {
		r = word_add(keys[i], by);
		if (r)
			break;
	}
	while (r && i-- > 0)
		(void)word_add(keys[i], -by);
	return r;
}

int side_jmp_enable_many(struct side_jmp_key *const keys[], size_t n)
{
	int r = add_many(keys, n, 1);

	if (r)
		return r;
	r = sync_keys(keys, n);
	if (r) {
		(void)add_many(keys, n, -1);
		(void)sync_keys(keys, n);
	}
	return r;
}

int side_jmp_disable_many(struct side_jmp_key *const keys[], size_t n)
{
	int r = add_many(keys, n, -1);

	if (!r)
		(void)sync_keys(keys, n);
	return r;
}

int side_jmp_enable(struct side_jmp_key *key)
{
	return side_jmp_enable_many(&key, 1);
}

int side_jmp_disable(struct side_jmp_key *key)
{
	return side_jmp_disable_many(&key, 1);
}

int side_jmp_sync(struct side_jmp_key *key)
{
	return key_valid(key) ? sync_keys(&key, 1) : -EINVAL;
}

/* ---- freeze -------------------------------------------------------------- */

static int arm_everything(void)
{
	static const enum side_jmp_state armed = SIDE_JMP_ARMED;
	struct batch b;

	sj_batch_begin(&b, false);
	for (struct object *o = sj_state.objects; o; o = o->next)
		sj_batch_object(&b, o, &armed);
	return sj_batch_end(&b);
}

static int freeze_own(void)
{
	int r = 0;

	sj_lock(&sj_patch_lock);
	if (!sj_state_frozen())
		r = arm_everything();
	if (!r)
		/* Pairs with the acquire in sj_state_frozen(). */
		__atomic_store_n(&sj_state.frozen, true, __ATOMIC_RELEASE);
	sj_unlock(&sj_patch_lock);
	return r;
}

int sj_key_subscriber_sync(struct side_jmp_key *key, unsigned flags)
{
	return flags & SIDE_JMP_SYNC_FREEZE ? freeze_own() : sync_own(&key, 1);
}

/* sj_object_lock held: the hash table does not change. */
static int freeze_others(void)
{
	int error = 0;

	for (size_t i = 0; i < sj_state.n_buckets; i++)
		for (struct keyref *ref = sj_state.buckets[i]; ref;
		     ref = ref->hash_next) {
			int r = has_others(ref->key) ?
				sync_others(ref->key, SIDE_JMP_SYNC_FREEZE) : 0;

			if (r && !error)
				error = r;
		}
	return error;
}

int side_jmp_freeze(void)
{
	int saved = errno, r;
	sigmask_t mask = sj_block_signals();

	sj_lock(&sj_object_lock);
	r = freeze_own();
	if (!r)
		r = freeze_others();
	sj_unlock(&sj_object_lock);
	sj_restore_signals(mask);
	errno = saved;
	return r;
}
