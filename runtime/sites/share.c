/* SPDX-License-Identifier: MIT */
/*
 * Keys that several copies of the runtime have sites of: who hangs in a key's
 * list, and asking the others.  Must not know how a site is written.
 *
 * The list is changed under sj_share_lock and key->lock, and by single stores,
 * so it may be looked at in a child of fork() whoever was changing it.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "runtime/sites/sites.h"

static struct side_jmp_subscriber *share_load(
					struct side_jmp_subscriber *const *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void share_store(struct side_jmp_subscriber **p,
			struct side_jmp_subscriber *to)
{
	__atomic_store_n(p, to, __ATOMIC_SEQ_CST);
}

/*
 * Nobody's memory is looked at, for it may be gone: is the first of the list
 * one of ours, and does the key say that it has company?  Who joins sets that
 * flag before he hangs himself in, in front.
 */
bool sj_key_shared(const struct side_jmp_key *key)
{
	struct side_jmp_subscriber *head = share_load(&key->subscribers);

	return head && (!sj_keyref_owns(head) ||
			__atomic_load_n(&key->flags, __ATOMIC_SEQ_CST) &
			SIDE_JMP_KEY_SHARED);
}

/* A key's lock is only held under sj_share_lock: so fork() finds it free. */
bool sj_key_mark(struct side_jmp_key *key, uint8_t flag, bool on)
{
	sigmask_t mask = sj_block_signals();
	bool was;

	sj_lock(&sj_share_lock);
	sj_lock_word(&key->lock);
	was = key->flags & flag;
	if (was != on)
		sj_key_set_flag(key, flag, on);
	sj_unlock_word(&key->lock);
	sj_leave(&sj_share_lock, mask);
	return was != on;
}

/* ---- joining and leaving ---------------------------------------------------- */

static void share_flag(struct side_jmp_key *key, bool shared)
{
	if (shared || key->flags & SIDE_JMP_KEY_SHARED)
		sj_key_set_flag(key, SIDE_JMP_KEY_SHARED, shared);
}

static void share_join(struct keyref *ref, sj_subscriber_sync *sync)
{
	struct side_jmp_key *key = ref->key;

	sj_lock_word(&key->lock);
	if (key->subscribers)
		share_flag(key, true);
	ref->subscriber.sync = sync;
	share_store(&ref->subscriber.next, key->subscribers);
	share_store(&key->subscribers, &ref->subscriber);
	ref->subscribed = true;
	sj_unlock_word(&key->lock);
}

static void share_leave(struct keyref *ref)
{
	struct side_jmp_key *key = ref->key;
	struct side_jmp_subscriber **p = &key->subscribers;

	sj_lock_word(&key->lock);
	while (*p && *p != &ref->subscriber)
		p = &(*p)->next;
	if (*p)
		share_store(p, ref->subscriber.next);
	if (!key->subscribers || !key->subscribers->next)
		share_flag(key, false);
	ref->subscribed = false;
	sj_unlock_word(&key->lock);
}

enum { SHARE_SOME = 64 };		/* at once, of 10^5 or so */

static void share_join_some(struct object *o, uint32_t from,
			    sj_subscriber_sync *sync)
{
	sigmask_t mask = sj_enter(&sj_share_lock);

	for (uint32_t i = from; i < from + SHARE_SOME && i < o->n_groups; i++)
		if (!o->groups[i].ref->subscribed)
			share_join(o->groups[i].ref, sync);
	sj_leave(&sj_share_lock, mask);
}

void sj_groups_subscribe(struct object *o, sj_subscriber_sync *sync)
{
	for (uint32_t i = 0; i < o->n_groups; i += SHARE_SOME)
		share_join_some(o, i, sync);
}

static void unlink_group(struct group *g)
{
	struct group **p = &g->ref->groups;

	while (*p != g)
		p = &(*p)->next;
	*p = g->next;
}

/* The keyrefs that have no group any more; how many.  sj_patch_lock. */
static unsigned unlink_some(struct object *o, struct keyref *empty[SHARE_SOME])
{
	unsigned n = 0;

	for (unsigned i = 0; i < SHARE_SOME && o->n_groups; i++) {
		struct group *g = &o->groups[--o->n_groups];

		unlink_group(g);
		if (!g->ref->groups)
			empty[n++] = g->ref;
	}
	return n;
}

/*
 * All of it under sj_share_lock, so nobody else drops a keyref meanwhile.  An
 * object that comes puts a group into the keyref first (sj_patch_lock), and
 * subscribes it afterwards (sj_share_lock): either its group is seen here, or
 * it sees that we left.
 */
void sj_groups_drop(struct object *o)
{
	struct keyref *empty[SHARE_SOME];
	sigmask_t mask = sj_block_signals();
	unsigned n;

	sj_lock(&sj_share_lock);
	sj_lock(&sj_patch_lock);
	n = unlink_some(o, empty);
	sj_unlock(&sj_patch_lock);
	for (unsigned i = 0; i < n; i++)
		if (empty[i]->subscribed)
			share_leave(empty[i]);
	side_jmp_inject(INJECT_UNSUBSCRIBED);
	sj_lock(&sj_patch_lock);
	for (unsigned i = 0; i < n; i++)
		if (!empty[i]->groups)
			sj_keyref_drop(empty[i]);
	sj_unlock(&sj_patch_lock);
	sj_leave(&sj_share_lock, mask);
}

/* ---- asking the others ------------------------------------------------------ */

/*
 * The others one after the other, in the order of their functions' addresses:
 * of those that are left, the first.  So it does not matter who joins or leaves
 * between two calls.
 */
static sj_subscriber_sync *share_next(const struct side_jmp_key *key,
				      uintptr_t after)
{
	sj_subscriber_sync *next = NULL;

	for (struct side_jmp_subscriber *s = key->subscribers; s; s = s->next)
		if (!sj_keyref_owns(s) &&
		    (uintptr_t)s->sync > after &&
		    (!next || (uintptr_t)s->sync < (uintptr_t)next))
			next = s->sync;
	return next;
}

/*
 * One call of one other copy; *after says which have been asked.  Returns
 * whether there is more to do.
 */
static bool share_ask(struct side_jmp_key *key, unsigned flags,
		      uintptr_t *after, int *error)
{
	sj_subscriber_sync *next;
	int r = 0;

	sj_lock_word(&key->lock);
	next = share_next(key, *after);
	if (next)
		r = next(key, flags);
	sj_unlock_word(&key->lock);
	if (r < 0 && !*error)
		*error = r;
	if (next && r != SJ_SYNC_AGAIN)
		*after = (uintptr_t)next;
	return next;
}

enum { SHARE_PAUSE_NS = 20000 };

int sj_key_sync_others(struct side_jmp_key *key, unsigned flags)
{
	int saved = errno, error = 0;
	uintptr_t after = 0, was;
	bool more = true;

	while (more) {
		sigmask_t mask = sj_block_signals();

		was = after;
		sj_lock(&sj_share_lock);
		more = share_ask(key, flags, &after, &error);
		sj_leave(&sj_share_lock, mask);
		if (more && was == after)
			sj_pause(SHARE_PAUSE_NS);
	}
	errno = saved;
	return error;
}

/* ---- freezing the others ------------------------------------------------------ */

enum { SHARE_KEYS = 16 };

/* Shared keys of a bucket, from the skip-th on; how many.  -1: no such bucket. */
static int share_keys_of(size_t bucket, size_t skip,
			 struct side_jmp_key *keys[SHARE_KEYS])
{
	struct keyref *ref;
	int n = -1;

	sj_lock(&sj_patch_lock);
	if (sj_keyref_bucket(bucket, &ref))
		n = 0;
	for (; ref && n < SHARE_KEYS; ref = ref->hash_next) {
		if (!sj_key_shared(ref->key))
			continue;
		if (skip)
			skip--;
		else
			keys[n++] = ref->key;
	}
	sj_unlock(&sj_patch_lock);
	return n;
}

static bool share_has(const struct side_jmp_key *key)
{
	bool has;

	sj_lock(&sj_patch_lock);
	has = sj_keyref_find(key);
	sj_unlock(&sj_patch_lock);
	return has;
}

/*
 * A key may go while we let the lock go; under it, it stays as long as we have
 * sites of it.
 */
static int share_freeze(struct side_jmp_key *key)
{
	uintptr_t after = 0, was;
	bool more = true;
	int error = 0;

	while (more) {
		sigmask_t mask = sj_block_signals();

		was = after;
		sj_lock(&sj_share_lock);
		more = share_has(key) &&
		       share_ask(key, SIDE_JMP_SYNC_FREEZE, &after, &error);
		sj_leave(&sj_share_lock, mask);
		if (more && was == after)
			sj_pause(SHARE_PAUSE_NS);
	}
	return error;
}

int sj_freeze_others(void)
{
	struct side_jmp_key *keys[SHARE_KEYS];
	int error = 0, n;

	for (size_t bucket = 0, skip = 0; ; ) {
		sigmask_t mask = sj_block_signals();

		n = share_keys_of(bucket, skip, keys);
		sj_restore_signals(mask);
		if (n < 0)
			return error;
		for (int i = 0; i < n; i++) {
			int r = share_freeze(keys[i]);

			if (r && !error)
				error = r;
		}
		skip += (size_t)n;
		if (n < SHARE_KEYS) {
			bucket++;
			skip = 0;
		}
	}
}
