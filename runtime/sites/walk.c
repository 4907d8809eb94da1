/* SPDX-License-Identifier: MIT */
/*
 * Walks over sites that make them agree with their keys' words: by key, by
 * object, over everything.  Must not know how a site is written.  The argument
 * for the order of things is in sites.h; what runs under sj_patch_lock is
 * called a step.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "runtime/sites/sites.h"

/*
 * Nobody idles sites one by one: no back end, one that does it by itself, the
 * process is frozen or about to be, our memory can't be opened.
 */
static bool nobody_idles(const struct batch *b)
{
	return (sj_backend_chosen() &&
		sj_backend()->id != SIDE_JMP_BACKEND_SELF) ||
	       sj_frozen() || sj_freezing() || b->open_error;
}

/* ---- the sites of a key ------------------------------------------------------ */

static void restart(struct keyref *ref, enum sj_wants wanted)
{
	ref->wanted = (uint8_t)wanted;
	ref->error = 0;
	ref->skipped = false;
	for (struct group *g = ref->groups; g; g = g->next)
		g->scanned = 0;
}

static bool scan_group(struct batch *b, struct group *g,
		       enum side_jmp_state wanted)
{
	struct object *o = sj_group_object(g);
	struct keyref *ref = g->ref;

	while (g->scanned < g->count) {
		uint32_t record = o->order[g->first + g->scanned];
		int r = sj_batch_site(b, o, &o->abi->start[record], wanted);

		if (r < 0 && !ref->error)
			ref->error = (int16_t)r;
		ref->skipped |= r > 0;
		g->scanned++;
		if (sj_batch_over(b, 0))
			return false;
	}
	return true;
}

/*
 * True: every site has been looked at, and *error says how it went.  A walk
 * that left something undone, or that idled, is none to rely on the next time.
 */
static bool scan_key(struct batch *b, struct keyref *ref, int *error)
{
	enum side_jmp_state wanted = sj_key_wanted(ref->key, false);
	enum sj_wants wants = wanted == SIDE_JMP_ARMED ? SJ_WANTS_ARMED :
							 SJ_WANTS_IDLE;

	if (wanted == SIDE_JMP_IDLE && nobody_idles(b))
		return true;
	if (ref->wanted != wants)
		restart(ref, wants);
	for (struct group *g = ref->groups; g; g = g->next) {
		struct object *o = sj_group_object(g);

		if (!o->live || o->kernel ||
		    (o->leaving && wanted == SIDE_JMP_IDLE))
			continue;
		if (!scan_group(b, g, wanted))
			return false;
	}
	if (ref->error && !*error)
		*error = ref->error;
	if (ref->error || ref->skipped || wants == SJ_WANTS_IDLE)
		ref->wanted = SJ_WANTS_UNKNOWN;
	return true;
}

/* ---- keys ------------------------------------------------------------------- */

static int change_word(struct sj_key_walk *w, struct side_jmp_key *key)
{
	int r = 0;

	if (w->changed)
		return 0;
	switch (w->change) {
	case SJ_ADD: r = sj_word_add(key); break;
	case SJ_TAKE: r = sj_word_take(key); break;
	case SJ_TAKE_CLAIMED:
		sj_word_take_claimed(key);
		w->claims->from++;
		break;
	default: break;
	}
	w->changed = !r;
	return r;
}

static bool any_kernel(const struct keyref *ref)
{
	for (struct group *g = ref->groups; g; g = g->next)
		if (sj_group_object(g)->live && sj_group_object(g)->kernel)
			return true;
	return false;
}

/* The next key; true: on to the one after it. */
static bool step_key(struct batch *b, struct sj_key_walk *w)
{
	struct side_jmp_key *key = w->keys[w->done];
	struct keyref *ref = sj_keyref_find(key);
	bool begins = !w->changed;
	int r = change_word(w, key);

	if (r) {
		w->error = r;
		w->stop = true;
		return true;
	}
	side_jmp_inject(INJECT_SYNC_KEY);
	/* What was foreign to a walk under way need not be so any more. */
	if (ref && begins && ref->skipped)
		ref->wanted = SJ_WANTS_UNKNOWN;
	if (ref && !side_jmp_inject(INJECT_LOCKED)) {
		if (!scan_key(b, ref, &w->error))
			return false;
		w->kernel |= any_kernel(ref);
	}
	w->shared |= sj_key_shared(key);
	w->changed = false;
	w->done++;
	w->stop = w->change == SJ_ADD && w->error;
	return true;
}

/*
 * When our own are done and others have to be asked, a fork() in between
 * leaves the child something to do.
 */
static bool step_keys(struct batch *b, void *arg)
{
	struct sj_key_walk *w = arg;

	while (w->done < w->n && !w->stop) {
		if (!step_key(b, w) || sj_batch_over(b, SJ_COST_LOOK))
			return false;
	}
	if (w->kernel || w->shared)
		w->begun = sj_walking_begin();
	return true;
}

static bool step_no_longer(struct batch *b, void *arg)
{
	struct sj_key_walk *w = arg;

	(void)b;
	sj_walking_end(w->begun);
	return true;
}

/* ---- a back end that patches by itself ------------------------------------------ */

enum { FEW_KEYS = 64 };

static int follow(const uint64_t words[], size_t n)
{
	const struct sj_backend *backend = sj_backend();
	int error = 0;

	for (size_t i = 0; i < n; i += SJ_CODE_PATCH_KEYS) {
		size_t left = n - i;
		int r;

		side_jmp_inject(INJECT_BEFORE_WRITE);
		r = backend->follow(words + i, left < SJ_CODE_PATCH_KEYS ?
				    left : SJ_CODE_PATCH_KEYS);
		side_jmp_inject(INJECT_AFTER_WRITE);
		if (r && !error)
			error = r;
	}
	return error;
}

/*
 * If the call failed, what counts is what stands there: the kernel arms before
 * it refuses for ever.  What is idle and must not be is armed by our own means,
 * unless the key is registered with user_events (SIDE_JMP_KEY_ARMED): then the
 * kernel may be about to idle it for what the word was before.
 */
static int mend_site(struct batch *b, struct object *o, uint32_t record,
		     bool others, int error)
{
	struct side_jmp_insn insn;

	sj_record_insn(&o->abi->start[record], &insn);
	if (sj_insn_state(&insn) != SIDE_JMP_IDLE)
		return 0;
	if (others)
		return error;
	return sj_batch_site(b, o, &o->abi->start[record], SIDE_JMP_ARMED);
}

static int mend_key(struct batch *b, struct keyref *ref, int error)
{
	bool others = __atomic_load_n(&ref->key->flags, __ATOMIC_SEQ_CST) &
		      SIDE_JMP_KEY_ARMED;
	int r = 0;

	if (sj_key_wanted(ref->key, true) == SIDE_JMP_IDLE)
		return 0;
	for (struct group *g = ref->groups; g; g = g->next) {
		struct object *o = sj_group_object(g);

		for (uint32_t i = 0; o->live && o->kernel && i < g->count; i++) {
			int e = mend_site(b, o, o->order[g->first + i], others,
					  error);

			r = r ? r : e;
		}
	}
	return r;
}

/* A key a step: nobody has many sites in a kernel that fails. */
static bool step_mend(struct batch *b, void *arg)
{
	struct sj_key_walk *w = arg;

	while (w->mended < w->done) {
		struct keyref *ref = sj_keyref_find(w->keys[w->mended]);
		int r = ref ? mend_key(b, ref, w->follow_error) : 0;

		w->mended++;
		if (r && !w->error)
			w->error = r;
		if (sj_batch_over(b, SJ_COST_WRITE))
			return false;
	}
	return true;
}

/* Words of at most n keys that the walk has changed. */
static size_t words_of(const struct sj_key_walk *w, size_t from, size_t max,
		       uint64_t words[])
{
	size_t n = 0;

	for (; n < max && from + n < w->done; n++)
		words[n] = sj_word_address(w->keys[from + n]);
	return n;
}

/* As few calls as can be: each synchronizes the cores.  False: it failed. */
static bool follow_keys(struct sj_key_walk *w)
{
	uint64_t few[FEW_KEYS], *words = few;
	size_t max = FEW_KEYS, size = w->done * sizeof(*words), n;

	if (w->done > FEW_KEYS) {
		words = sj_map_pages(size);
		max = words ? w->done : FEW_KEYS;
		words = words ? words : few;
	}
	for (size_t i = 0; i < w->done; i += n) {
		int r;

		n = words_of(w, i, max, words);
		r = follow(words, n);
		if (r && !w->follow_error)
			w->follow_error = r;
	}
	if (words != few)
		munmap(words, size);
	return !w->follow_error;
}

/* ---- a walk over keys, whole ------------------------------------------------------ */

static int others(const struct sj_key_walk *w)
{
	int error = 0;

	for (size_t i = 0; i < w->done; i++) {
		int r = sj_key_shared(w->keys[i]) ?
			sj_key_sync_others(w->keys[i], 0) : 0;

		if (r && !error)
			error = r;
	}
	return error;
}

static void keep_error(struct sj_key_walk *w, int error)
{
	if (!w->error)
		w->error = error;
}

/*
 * A frozen process makes no system call here, unless another copy of the
 * runtime has to be asked, or there are sites that freezing could not arm.  All
 * words first: a copy that joins later reads what they are.
 */
static bool walk_frozen(struct sj_key_walk *w)
{
	if (!sj_frozen() || sj_stuck() || w->change == SJ_TAKE_CLAIMED)
		return false;
	for (; w->done < w->n && !w->error; w->done += !w->error) {
		w->changed = false;
		w->error = change_word(w, w->keys[w->done]);
	}
	for (size_t i = 0; i < w->done; i++)
		w->shared |= sj_key_shared(w->keys[i]);
	if (w->shared)
		keep_error(w, others(w));
	return true;
}

int sj_walk_keys(struct sj_key_walk *w)
{
	int r;

	if (walk_frozen(w))
		return w->error;
	r = sj_in_slices(step_keys, w, false);
	keep_error(w, r);	/* of the cores' synchronization */
	if (!w->kernel && !w->shared)
		return w->error;
	if (w->kernel && !follow_keys(w))
		(void)sj_in_slices(step_mend, w, false);
	if (w->shared)
		keep_error(w, others(w));
	(void)sj_in_slices(step_no_longer, w, false);
	return w->error;
}

static bool step_slice(struct batch *b, void *arg)
{
	struct sj_key_walk *w = arg;
	struct keyref *ref = sj_keyref_find(w->keys[0]);

	if (ref && !scan_key(b, ref, &w->error))
		return false;
	w->kernel = ref && any_kernel(ref);
	w->done = 1;
	return true;
}

int sj_sync_slice(struct side_jmp_key *key)
{
	struct sj_key_walk w = { .keys = &key, .n = 1 };

	int r = sj_one_slice(step_slice, &w);

	if (r == SJ_SYNC_AGAIN)
		return r;
	keep_error(&w, r);
	if (w.kernel && !follow_keys(&w) &&
	    sj_one_slice(step_mend, &w) == SJ_SYNC_AGAIN)
		return SJ_SYNC_AGAIN;
	return w.error;
}

/* ---- an object's sites ------------------------------------------------------------ */

struct object_walk {
	struct object *o;
	uint32_t next;			/* of o->sorted */
	bool arms;			/* whatever the words say */
};

static void step_site(struct batch *b, struct object_walk *w,
		      enum side_jmp_state wanted)
{
	struct object *o = w->o;
	struct keyref *ref = o->groups[o->which[w->next]].ref;

	/* See 8 in sites.h; written only where it changes something. */
	if (ref->wanted != SJ_WANTS_UNKNOWN && wanted == SIDE_JMP_IDLE)
		ref->wanted = SJ_WANTS_UNKNOWN;
	(void)sj_batch_site(b, o, &o->abi->start[o->sorted[w->next]], wanted);
}

/* In the order of addresses, so that runs get long. */
static bool step_object(struct batch *b, void *arg)
{
	struct object_walk *w = arg;
	struct object *o = w->o;
	bool idles = !w->arms && !nobody_idles(b);

	for (; w->next < o->n_sites; w->next++) {
		struct group *g = &o->groups[o->which[w->next]];
		enum side_jmp_state wanted = w->arms ? SIDE_JMP_ARMED :
					     sj_key_wanted(g->ref->key, false);

		if (sj_batch_over(b, SJ_COST_LOOK))
			return false;
		if (wanted == SIDE_JMP_ARMED || idles) {
			step_site(b, w, wanted);
			idles = idles && !nobody_idles(b);
		}
	}
	return true;
}

/* What a run could not do is tried one by one. */
static int walk_object(struct object *o, bool arms, bool runs)
{
	struct object_walk w = { .o = o, .arms = arms };
	int r = sj_in_slices(step_object, &w, runs);

	if (r && runs)
		return walk_object(o, arms, false);
	return r;
}

void sj_sync_object(struct object *o)
{
	(void)walk_object(o, false, true);
}

int sj_arm_object(struct object *o)
{
	return walk_object(o, true, false);
}

/* ---- everything ------------------------------------------------------------------- */

/*
 * Armed, or will be.  Where somebody's breakpoint stands nobody can see what is
 * under it: what the file holds, if the page is as the file has it and no site
 * of it is idle there; else it may be a no-op.
 */
static int arm_site(struct batch *b, struct object *o, uint32_t record)
{
	const struct side_jmp_record *r = &o->abi->start[record];
	int error = sj_batch_site(b, o, r, SIDE_JMP_ARMED);
	struct side_jmp_insn insn;
	uintptr_t addr;

	if (error <= 0)
		return error;
	sj_record_insn(r, &insn);
	addr = (uintptr_t)insn.site + side_jmp_arch_host()->patch_offset(&insn);
	return sj_page_dirty(o, addr) || sj_page_unsure(o, addr) ? -EBUSY : 0;
}

static bool arm_some_of(struct batch *b, struct sj_arming *a, struct object *o)
{
	for (; a->next < o->n_sites; a->next++) {
		struct keyref *ref = o->groups[o->which[a->next]].ref;
		int r;

		if (sj_batch_over(b, 0))
			return false;
		if (ref->wanted == SJ_WANTS_IDLE)
			ref->wanted = SJ_WANTS_UNKNOWN;
		r = arm_site(b, o, o->sorted[a->next]);
		if (r && !a->error)
			a->error = r;
	}
	return true;
}

/* From the newest on; objects that come meanwhile do not idle their sites. */
bool sj_arm_some(struct batch *b, struct sj_arming *a)
{
	struct object *o;

	while ((o = sj_object_before(a->before)) != NULL) {
		if (o->id != a->current) {
			a->current = o->id;
			a->next = 0;
		}
		if (!arm_some_of(b, a, o))
			return false;
		a->before = o->id;
	}
	return true;
}

/* ---- fork(): see "LOCKS" in sites.h -------------------------------------------------------- */

static void sync_others_after_fork(void)
{
	struct keyref *ref;

	for (size_t i = 0; sj_keyref_bucket(i, &ref); i++)
		for (; ref; ref = ref->hash_next)
			if (sj_key_shared(ref->key))
				(void)sj_key_sync_others(ref->key, 0);
}

/* The calls that were under way have no thread any more: end them. */
void sj_walk_after_fork(void)
{
	bool unfinished = sj_walking();
	struct object *o;

	sj_walking_after_fork();
	if (!unfinished)
		return;
	for (uint64_t id = UINT64_MAX; (o = sj_object_before(id)); id = o->id)
		if (o->live && !o->kernel)
			(void)walk_object(o, false, false);
	if (sj_backend_follows_words())
		(void)sj_backend()->follow(NULL, 0);
	sync_others_after_fork();
}
