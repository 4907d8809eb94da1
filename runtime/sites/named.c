/* SPDX-License-Identifier: MIT */
/*
 * Keys that somebody outside of the program asks for by their names: what there
 * is, and a user of theirs who is this process's live control.
 *
 * That user is one, however often he is asked: SIDE_JMP_KEY_CONTROLLED says that
 * he has the key, also to the other copies of the runtime, and goes with it when
 * its library does.  So he never gives back what is somebody else's.
 *
 * Who asks has no library's word that it stays.  So keys are looked up and
 * changed under sj_named_lock, and no object goes before it has had that lock
 * once, after it was hidden: keys of objects that are not live are nobody's.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "runtime/sites/sites.h"

enum { NAMED_BATCH = 64 };

static uint32_t named_lock SJ_WRITTEN_BY_FORK;

/* ---- objects that go ------------------------------------------------------ */

bool sj_named_wait(void)
{
	sigmask_t mask = sj_block_signals();
	bool had = sj_lock_soon(&named_lock);

	if (had)
		sj_unlock(&named_lock);
	sj_restore_signals(mask);
	return had;
}

/* Whoever had it is not here, and what he had begun others end (walk.c). */
void sj_named_after_fork(void)
{
	__atomic_store_n(&named_lock, 0, __ATOMIC_RELAXED);
}

/* ---- which there are: sj_patch_lock --------------------------------------- */

/* Sites of objects that stay. */
static uint32_t named_sites(const struct keyref *ref)
{
	uint32_t n = 0;

	for (struct group *g = ref->groups; g; g = g->next)
		if (sj_group_object(g)->live)
			n += g->count;
	return n;
}

struct named_walk {
	sj_key_visit *visit;
	void *arg;
	size_t bucket;
};

static bool step_visit(struct batch *b, void *arg)
{
	struct named_walk *w = arg;
	struct keyref *ref;

	for (; sj_keyref_bucket(w->bucket, &ref); w->bucket++) {
		if (sj_batch_over(b, SJ_COST_LOOK))
			return false;
		for (; ref; ref = ref->hash_next)
			if (named_sites(ref))
				w->visit(ref->key, named_sites(ref), w->arg);
	}
	return true;
}

void sj_keys_each(sj_key_visit *visit, void *arg)
{
	struct named_walk w = { visit, arg, 0 };

	(void)sj_in_slices(step_visit, &w, false);
}

/* ---- changing them -------------------------------------------------------- */

struct named_batch {
	const struct sj_named *named;
	size_t bucket;
	size_t n;
	struct side_jmp_key *key[NAMED_BATCH];
};

static bool named_has(const struct side_jmp_key *key)
{
	return __atomic_load_n(&key->flags, __ATOMIC_SEQ_CST) &
	       SIDE_JMP_KEY_CONTROLLED;
}

/* Those that are not as they should be; of a bucket all, or it comes again. */
static bool step_collect(struct batch *b, void *arg)
{
	struct named_batch *batch = arg;
	const struct sj_named *named = batch->named;
	struct keyref *ref;

	for (; sj_keyref_bucket(batch->bucket, &ref); batch->bucket++) {
		if (sj_batch_over(b, SJ_COST_LOOK))
			return false;
		for (; ref; ref = ref->hash_next) {
			if (named_has(ref->key) == named->enable ||
			    !named_sites(ref) ||
			    !named->wants(ref->key, named->arg))
				continue;
			if (batch->n == NAMED_BATCH)
				return true;
			batch->key[batch->n++] = ref->key;
		}
	}
	return true;
}

/* 0, -errno, or 1: another copy's user was first. */
static int named_change(struct side_jmp_key *key, bool enable)
{
	int r;

	if (!sj_key_mark(key, SIDE_JMP_KEY_CONTROLLED, enable))
		return 1;
	r = enable ? side_jmp_enable(key) : side_jmp_disable(key);
	if (r && enable)
		(void)sj_key_mark(key, SIDE_JMP_KEY_CONTROLLED, false);
	return r;
}

static void named_change_batch(struct named_batch *batch,
			       struct sj_named_result *result)
{
	for (size_t i = 0; i < batch->n; i++) {
		int r = named_change(batch->key[i], batch->named->enable);

		result->changed += !r;
		if (r >= 0)
			continue;
		result->refused++;
		if (!result->error)
			result->error = r;
	}
}

/*
 * One that is refused would be found again and again: so after such a batch what
 * did not fit of its last bucket is left, too.
 */
void sj_keys_change(const struct sj_named *named, struct sj_named_result *result)
{
	struct named_batch batch = { .named = named };

	*result = (struct sj_named_result){ 0 };
	do {
		sigmask_t mask = sj_block_signals();
		uint64_t refused = result->refused;

		sj_lock(&named_lock);
		batch.n = 0;
		(void)sj_in_slices(step_collect, &batch, false);
		named_change_batch(&batch, result);
		sj_leave(&named_lock, mask);
		batch.bucket += result->refused != refused;
	} while (batch.n == NAMED_BATCH);
}
