/* SPDX-License-Identifier: MIT */
/*
 * The process's state: which objects and keys there are, and how they survive
 * fork().  Knows nothing of instructions.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "runtime/sites/sites.h"

struct state sj_state = { .pages_budget = SIDE_JMP_DIRTY_PAGES_DEFAULT };
uint32_t sj_object_lock, sj_patch_lock;

/* Acquire pairs with the release in side_jmp_freeze(). */
bool sj_state_frozen(void)
{
	return __atomic_load_n(&sj_state.frozen, __ATOMIC_ACQUIRE);
}

/* Acquire pairs with the release in object_add(). */
bool sj_state_stuck(void)
{
	return __atomic_load_n(&sj_state.stuck, __ATOMIC_ACQUIRE);
}

/* ---- keys: a chained hash table ---------------------------------------- */

static struct keyref *free_refs;	/* sj_patch_lock */

static struct keyref *alloc_ref(void)
{
	enum { CHUNK = 64 * 1024 };
	struct keyref *ref = free_refs;

	if (!ref) {
		struct keyref *chunk = sj_map_pages(CHUNK);

		if (!chunk)
			return NULL;
		for (size_t i = CHUNK / sizeof(*chunk); i-- > 0; ) {
			chunk[i].hash_next = free_refs;
			free_refs = &chunk[i];
		}
		ref = free_refs;
	}
	free_refs = ref->hash_next;
	return ref;
}

static size_t hash(const struct side_jmp_key *key, size_t n_buckets)
{
	/* Fibonacci hashing; n_buckets is a power of two. */
	uint64_t h = (uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 32) & (n_buckets - 1);
}

static bool grow_buckets(void)
{
	size_t n = sj_state.n_buckets ? 4 * sj_state.n_buckets : 512;
	struct keyref **buckets = sj_map_pages(n * sizeof(*buckets));

	if (!buckets)
		return false;
	for (size_t i = 0; i < sj_state.n_buckets; i++) {
		struct keyref *ref = sj_state.buckets[i], *next;

		for (; ref; ref = next) {
			struct keyref **head = &buckets[hash(ref->key, n)];

			next = ref->hash_next;
			ref->hash_next = *head;
			*head = ref;
		}
	}
	if (sj_state.buckets)
		munmap(sj_state.buckets, sj_state.n_buckets * sizeof(*buckets));
	sj_state.buckets = buckets;
	sj_state.n_buckets = n;
	return true;
}

struct keyref *sj_find_ref(const struct side_jmp_key *key)
{
	struct keyref *ref;

	if (!sj_state.n_buckets)
		return NULL;
	for (ref = sj_state.buckets[hash(key, sj_state.n_buckets)]; ref;
	     ref = ref->hash_next)
		if (ref->key == key)
			return ref;
	return NULL;
}

struct keyref *sj_get_ref(struct side_jmp_key *key)
{
	struct keyref *ref = sj_find_ref(key), **head;

	if (ref)
		return ref;
	if (sj_state.n_refs >= sj_state.n_buckets && !grow_buckets() &&
	    !sj_state.n_buckets)
		return NULL;
	ref = alloc_ref();
	if (!ref)
		return NULL;
	head = &sj_state.buckets[hash(key, sj_state.n_buckets)];
	*ref = (struct keyref){
		.subscriber = { .sync = sj_key_subscriber_sync },
		.key = key,
		.hash_next = *head,
	};
	*head = ref;
	sj_state.n_refs++;
	return ref;
}

void sj_drop_ref(struct keyref *ref)
{
	struct keyref **p = &sj_state.buckets[hash(ref->key, sj_state.n_buckets)];

	while (*p != ref)
		p = &(*p)->hash_next;
	*p = ref->hash_next;
	sj_state.n_refs--;
	ref->hash_next = free_refs;
	free_refs = ref;
}

/* ---- fork --------------------------------------------------------------- */

static void state_fork_prepare(void)
{
	sj_lock(&sj_patch_lock);
}

static void state_fork_parent(void)
{
	sj_unlock(&sj_patch_lock);
}

/*
 * One thread is left, and whoever held the other locks does not exist here.
 * What they guard is changed by single stores, each of which leaves it whole.
 */
static void state_fork_child(void)
{
	for (size_t i = 0; i < sj_state.n_buckets; i++)
		for (struct keyref *ref = sj_state.buckets[i]; ref;
		     ref = ref->hash_next)
			if (ref->key->lock)	/* else leave the page shared */
				__atomic_store_n(&ref->key->lock, 0,
						 __ATOMIC_RELAXED);
	__atomic_store_n(&sj_object_lock, 0, __ATOMIC_RELAXED);
}

int sj_state_install_atfork(void)
{
	static const struct sj_fork_hooks hooks = {
		state_fork_prepare, state_fork_parent, state_fork_child,
	};

	return sj_fork_add(SJ_FORK_SITES, &hooks);
}
