/* SPDX-License-Identifier: MIT */
/*
 * Which keys have sites in this copy of the runtime: a table of keyrefs, and
 * the memory they live in.  Knows nothing of words and sites.  sj_patch_lock.
 *
 * Linear hashing (Litwin, VLDB 1980): the table grows by one bucket an
 * insertion, and never moves, so that no insertion takes longer than another,
 * however many keys there are.  Buckets live in segments, each as large as all
 * before it together.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "runtime/sites/sites.h"

enum { SEGMENT0 = 512, SEGMENTS = 40, CHUNK0 = 4096, CHUNKS = 40 };

static struct {
	struct keyref **segments[SEGMENTS];
	size_t n_buckets, n_refs;
	struct keyref *free;		/* by hash_next */
	struct keyref *fresh, *fresh_end;	/* of the last chunk */
	/* Chunk i has CHUNK0 << i bytes; written once, read without the lock. */
	char *chunks[CHUNKS];
	unsigned n_chunks;		/* atomic */
} keyrefs;

/* ---- memory ------------------------------------------------------------- */

static bool keyref_new_chunk(void)
{
	unsigned n = keyrefs.n_chunks;
	size_t size = (size_t)CHUNK0 << n;
	char *chunk = n < CHUNKS ? sj_map_pages(size) : NULL;

	if (!chunk)
		return false;
	keyrefs.chunks[n] = chunk;
	keyrefs.fresh = (struct keyref *)(void *)chunk;
	keyrefs.fresh_end = keyrefs.fresh + size / sizeof(struct keyref);
	/* Pairs with the acquire in sj_keyref_owns(). */
	__atomic_store_n(&keyrefs.n_chunks, n + 1, __ATOMIC_RELEASE);
	return true;
}

static struct keyref *keyref_alloc(void)
{
	struct keyref *ref = keyrefs.free;

	if (ref) {
		keyrefs.free = ref->hash_next;
		return ref;
	}
	if (keyrefs.fresh == keyrefs.fresh_end && !keyref_new_chunk())
		return NULL;
	return keyrefs.fresh++;
}

bool sj_keyref_owns(const struct side_jmp_subscriber *s)
{
	unsigned n = __atomic_load_n(&keyrefs.n_chunks, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < n; i++)
		if ((uintptr_t)s - (uintptr_t)keyrefs.chunks[i] <
		    (uintptr_t)CHUNK0 << i)
			return true;
	return false;
}

/* ---- buckets ------------------------------------------------------------ */

static unsigned log2_of(size_t n)
{
	return 63 - (unsigned)__builtin_clzll(n);
}

static struct keyref **bucket_at(size_t i)
{
	unsigned s;

	if (i < SEGMENT0)
		return &keyrefs.segments[0][i];
	s = log2_of(i / SEGMENT0);
	return &keyrefs.segments[s + 1][i - ((size_t)SEGMENT0 << s)];
}

static size_t keyref_hash(const struct side_jmp_key *key)
{
	/* Fibonacci hashing */
	uint64_t h = (uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 24);
}

/* Those below the split have one more bit. */
static struct keyref **bucket_of(const struct side_jmp_key *key)
{
	size_t h = keyref_hash(key);
	size_t mask = ((size_t)2 << log2_of(keyrefs.n_buckets)) - 1;

	if ((h & mask) >= keyrefs.n_buckets)
		mask >>= 1;
	return bucket_at(h & mask);
}

static bool segment_for(size_t bucket)
{
	unsigned s = bucket < SEGMENT0 ? 0 : log2_of(bucket / SEGMENT0) + 1;
	size_t n = s ? (size_t)SEGMENT0 << (s - 1) : SEGMENT0;

	if (!keyrefs.segments[s])
		keyrefs.segments[s] = sj_map_pages(n *
						   sizeof(struct keyref *));
	return keyrefs.segments[s];
}

/* One more bucket: it takes half of what is in the one that it splits. */
static void split_bucket(void)
{
	size_t n = keyrefs.n_buckets;
	struct keyref **from, *ref, *next;

	if (!segment_for(n))
		return;			/* longer chains, that is all */
	from = bucket_at(n - ((size_t)1 << log2_of(n)));
	ref = *from;
	*from = NULL;
	keyrefs.n_buckets = n + 1;
	for (; ref; ref = next) {
		struct keyref **head = bucket_of(ref->key);

		next = ref->hash_next;
		ref->hash_next = *head;
		*head = ref;
	}
}

/* ---- keys --------------------------------------------------------------- */

struct keyref *sj_keyref_find(const struct side_jmp_key *key)
{
	struct keyref *ref;

	if (!keyrefs.n_buckets)
		return NULL;
	for (ref = *bucket_of(key); ref; ref = ref->hash_next)
		if (ref->key == key)
			return ref;
	return NULL;
}

struct keyref *sj_keyref_get(struct side_jmp_key *key)
{
	struct keyref *ref = sj_keyref_find(key), **head;

	if (ref)
		return ref;
	if (!keyrefs.n_buckets) {
		if (!segment_for(0))
			return NULL;
		keyrefs.n_buckets = SEGMENT0;
	} else if (keyrefs.n_refs >= keyrefs.n_buckets) {
		split_bucket();
	}
	ref = keyref_alloc();
	if (!ref)
		return NULL;
	head = bucket_of(key);
	*ref = (struct keyref){
		.key = key,
		.hash_next = *head,
	};
	*head = ref;
	keyrefs.n_refs++;
	return ref;
}

/* The last one takes the memory with it: a copy of the runtime may unload. */
static void keyref_release_all(void)
{
	unsigned n = keyrefs.n_chunks;

	for (unsigned s = 0; s < SEGMENTS; s++)
		if (keyrefs.segments[s])
			munmap(keyrefs.segments[s], sizeof(struct keyref *) *
			       (s ? (size_t)SEGMENT0 << (s - 1) : SEGMENT0));
	__atomic_store_n(&keyrefs.n_chunks, 0, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < n; i++)
		munmap(keyrefs.chunks[i], (size_t)CHUNK0 << i);
	memset(&keyrefs, 0, sizeof(keyrefs));
}

void sj_keyref_drop(struct keyref *ref)
{
	struct keyref **p = bucket_of(ref->key);

	while (*p != ref)
		p = &(*p)->hash_next;
	*p = ref->hash_next;
	if (--keyrefs.n_refs == 0) {
		keyref_release_all();
		return;
	}
	ref->hash_next = keyrefs.free;
	keyrefs.free = ref;
}

bool sj_keyref_bucket(size_t i, struct keyref **chain)
{
	*chain = i < keyrefs.n_buckets ? *bucket_at(i) : NULL;
	return i < keyrefs.n_buckets;
}

uint64_t sj_keyref_count(void)
{
	return keyrefs.n_refs;
}
