/* SPDX-License-Identifier: MIT */
/*
 * Objects: their life, from a table that is taken in to text that goes away.
 * Must not know what a table has to be, nor how a site is written.
 *
 * COMING.  A table is checked in full before anything of it is believed; one
 * that is not accepted leaves no trace but the reason.  Then its object claims
 * it (priv), is sorted and grouped in memory of its own, and only then becomes
 * live, by one store under sj_patch_lock: from there on its sites are found by
 * their keys.  Nothing before takes longer under a lock than a slice.
 *
 * GOING.  A library that is unloaded takes its text with it, and at the end of
 * a process all text goes, so nothing is written: the object is not live any
 * more, and its sites stay as they are.  Who still runs there may rely on this:
 * a site of a key that is enabled, and was before, goes on taking the enabled
 * path or (after a disable) the test; one that is idle takes the disabled path,
 * whatever happens to its key.  unregister, whose text stays, arms everything.
 *
 * FORK.  A child finds every object as it was between two slices.  One that was
 * coming or going has no thread any more that would end it: who registers or
 * unloads it again takes it apart first.  Its generation tells.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/sites/sites.h"
#include "runtime/sites/table.h"

/* ---- memory ----------------------------------------------------------------- */

static size_t align_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/*
 * One mapping holds the object, its groups, the order of its sites, and a bit or
 * two for each page of code.  Pages that are never touched (most objects have
 * far fewer keys than sites) cost nothing.
 */
static struct object *object_map(struct side_jmp_object *abi,
				 const struct sj_image *im)
{
	uintptr_t first = im->code_lo & ~(sj_page_size() - 1);
	size_t bits = (im->code_hi - first) / sj_page_size() / 8 + 1;
	size_t n = (size_t)(abi->stop - abi->start);
	size_t order = SJ_GROUPS_AT + n * sizeof(struct group);
	size_t dirty = order + 3 * n * sizeof(uint32_t);
	size_t size = align_up(dirty + 2 * bits, sj_page_size());
	char *p = sj_map_pages(size);
	struct object *o = (struct object *)(void *)p;

	if (!p)
		return NULL;
	*o = (struct object){
		.abi = abi, .map_size = size, .n_records = (uint32_t)n,
		.groups = (struct group *)(void *)(p + SJ_GROUPS_AT),
		.order = (uint32_t *)(void *)(p + order),
		.first_page = first,
		.dirty = (uint8_t *)p + dirty,
		.unsure = (uint8_t *)p + dirty + bits, .n_bits = bits,
		.generation = sj_fork_generation(), .owner = sj_thread(),
		.textrel = im->textrel, .executable = im->executable,
	};
	o->sorted = o->order + n;
	o->which = o->sorted + n;
	return o;
}

/* ---- groups ------------------------------------------------------------------ */

struct grouping {
	struct object *o;
	struct group *last;		/* most sites have the key of the last */
	uint32_t next;
	int error;
};

/* The object in hand puts its groups in front; a second one does no harm. */
static struct group *group_of(struct object *o, struct side_jmp_key *key)
{
	struct keyref *ref = sj_keyref_get(key);
	struct group *g = ref ? ref->groups : NULL;

	if (!ref || (g && sj_group_object(g) == o))
		return g;
	g = &o->groups[o->n_groups];
	*g = (struct group){
		.next = ref->groups, .ref = ref, .index = o->n_groups,
	};
	ref->groups = g;
	o->n_groups++;
	return g;
}

static bool step_group(struct batch *b, void *arg)
{
	struct grouping *w = arg;
	struct object *o = w->o;

	side_jmp_inject(INJECT_GROUPING);
	for (; w->next < o->n_sites; w->next++) {
		uint32_t record = o->sorted[w->next];
		struct side_jmp_key *key = sj_record_key(&o->abi->start[record]);

		if (sj_batch_over(b, SJ_COST_LOOK))
			return false;
		if (!w->last || w->last->ref->key != key)
			w->last = group_of(o, key);
		if (!w->last) {
			w->error = -ENOMEM;
			break;
		}
		w->last->count++;
		o->which[w->next] = w->last->index;
	}
	return true;
}

/* Fill in o->groups, o->which and o->order. */
static int object_group(struct object *o)
{
	struct grouping w = { .o = o };
	uint32_t first = 0;

	(void)sj_in_slices(step_group, &w, false);
	side_jmp_inject(INJECT_GROUPED);
	for (uint32_t i = 0; i < o->n_groups; i++) {
		o->groups[i].first = first;
		first += o->groups[i].count;
		o->groups[i].count = 0;
	}
	for (uint32_t i = 0; i < o->n_sites && !w.error; i++) {
		struct group *g = &o->groups[o->which[i]];

		o->order[g->first + g->count++] = o->sorted[i];
	}
	return w.error;
}

/*
 * The object is hidden: it is found by its groups, and by its table, until they
 * are gone.  In a child that is forked before that, too: see FORK.
 */
static void object_take_apart(struct object *o)
{
	sigmask_t mask;

	while (o->n_groups)
		sj_groups_drop(o);
	mask = sj_enter(&sj_patch_lock);
	if (o->abi->priv == o)
		o->abi->priv = NULL;
	sj_leave(&sj_patch_lock, mask);
	side_jmp_inject(INJECT_UNREGISTERED);
	munmap(o, o->map_size);
}

/* ---- coming ------------------------------------------------------------------- */

/*
 * An object with sites that were idle in the file has been unregistered: its
 * text, armed by us, may be registered again and then tells nothing of the file.
 * So no page of what comes later is taken for one that could be dropped.  Atomic.
 */
static bool object_distrust;

/* Pages with sites that the file holds idle, or somebody has a breakpoint at. */
static void mark_unsure(struct object *o)
{
	for (uint32_t i = 0; i < o->n_sites; i++) {
		struct side_jmp_insn insn;

		sj_record_insn(&o->abi->start[o->sorted[i]], &insn);
		if (sj_insn_state(&insn) != SIDE_JMP_ARMED)
			sj_page_set_unsure(o, &insn);
	}
	o->any_unsure = true;
}

static int object_build(struct object *o, const struct sj_image *im,
			struct sj_verdict *v)
{
	const struct side_jmp_record *records = o->abi->start;
	int64_t kept;

	sj_table_sort(records, o->n_records, o->sorted, o->order);
	kept = sj_table_collapse(im, records, o->n_records, o->sorted, v);
	if (kept < 0)
		return (int)kept;
	o->n_sites = (uint32_t)kept;
	if (__atomic_load_n(&object_distrust, __ATOMIC_RELAXED))
		memset(o->unsure, 0xff, o->n_bits);
	else if (!v->all_armed)
		mark_unsure(o);
	if (!object_group(o))
		return 0;
	return sj_verdict_say(v, im, -ENOMEM, "no memory for the keys of %u"
			      " sites", o->n_sites);
}

/*
 * Somebody is at it: another thread, or the one that our handler struck; the
 * latter also in a child that was forked by the handler.
 */
static bool object_busy(const struct object *o)
{
	return (!o->live || o->coming || o->leaving) &&
	       (o->generation == sj_fork_generation() ||
		o->owner == sj_thread());
}

/*
 * Is the table registered, or about to be?  0: it is; -EBUSY: somebody is at it;
 * 1: no, or by a thread that is gone: then *left is what it left.
 */
static int object_state(const struct side_jmp_object *abi, struct object **left)
{
	struct object *o = abi->priv;

	*left = NULL;
	if (!o)
		return 1;
	if (object_busy(o))
		return -EBUSY;
	if (o->live && !o->coming && !o->leaving)
		return 0;
	*left = o;
	return 1;
}

/* o NULL: only ask. */
static int object_claim(struct side_jmp_object *abi, struct object *o)
{
	sigmask_t mask = sj_enter(&sj_patch_lock);
	struct object *left;
	int r = object_state(abi, &left);

	if (r == 1 && o) {
		if (left)
			sj_object_hide(left);
		abi->priv = o;
	}
	sj_leave(&sj_patch_lock, mask);
	if (r == 1 && o && left)
		object_take_apart(left);
	if (r == 1 && o)
		side_jmp_inject(INJECT_CLAIMED);
	return r;
}

static void object_publish(struct object *o)
{
	sigmask_t mask = sj_enter(&sj_patch_lock);

	sj_object_show(o);
	sj_leave(&sj_patch_lock, mask);
	side_jmp_inject(INJECT_REGISTERED);
}

/* ---- others who ask ------------------------------------------------------------- */

/* Another copy of the runtime: see sync of struct side_jmp_subscriber. */
static int object_ask(struct side_jmp_key *key, unsigned flags)
{
	return flags & SIDE_JMP_SYNC_FREEZE ? sj_freeze_slice() :
	       sj_sync_slice(key);
}

static void object_fork_prepare(void)
{
	sj_lock(&sj_share_lock);
	sj_lock(&sj_patch_lock);
}

static void object_fork_parent(void)
{
	sj_unlock(&sj_patch_lock);
	sj_unlock(&sj_share_lock);
}

/* A freeze of a thread that is gone has ended; walks are ended now. */
static void object_fork_child(void)
{
	sj_set_freezing(false);
	sj_named_after_fork();
	sj_claims_after_fork();
	sj_adopt_after_fork();
	sj_walk_after_fork();
}

static const struct sj_fork_hooks object_fork = {
	object_fork_prepare, object_fork_parent, object_fork_child,
};

/* ---- register ------------------------------------------------------------------- */

/*
 * With the first object, in its constructor: later the program may be changing
 * its environment.
 */
static void read_environment(void)
{
	static bool done;		/* sj_patch_lock */
	const char *pages = secure_getenv("SIDE_JMP_DIRTY_PAGES");
	sigmask_t mask = sj_enter(&sj_patch_lock);
	bool first = !done, understood = true;

	if (first) {
		sj_backend_ask(secure_getenv("SIDE_JMP_BACKEND"));
		understood = sj_pages_ask(pages);
		if (!understood)
			sj_backend_remark("; SIDE_JMP_DIRTY_PAGES is not a"
					  " number: ignored");
	}
	done = true;
	sj_leave(&sj_patch_lock, mask);
	if (!understood)
		sj_say("SIDE_JMP_DIRTY_PAGES: \"%.80s\" is not a number;"
		       " ignored", pages);
}

/* Once: that it is not who was asked for, and why. */
static void say_backend(void)
{
	struct sj_backend_asked asked;
	sigmask_t mask = sj_enter(&sj_patch_lock);
	bool news = sj_backend_disappoints(&asked);

	sj_leave(&sj_patch_lock, mask);
	if (news)
		sj_say("SIDE_JMP_BACKEND: \"%s\" is not to be had: %s; nothing is"
		       " patched", asked.name, asked.why);
}

/* Perhaps with a site that nobody may arm any more. */
static void object_has_come(struct object *o, bool all_armed)
{
	sigmask_t mask = sj_enter(&sj_patch_lock);

	o->coming = false;
	if (!all_armed && (sj_frozen() || sj_freezing()))
		sj_set_stuck();
	sj_leave(&sj_patch_lock, mask);
}

static void object_bring_in(struct object *o, bool all_armed)
{
	object_publish(o);
	sj_groups_subscribe(o, object_ask);
	side_jmp_inject(INJECT_SUBSCRIBED);
	if (sj_object_offer(o))
		sj_object_adopt(o);
	if (!o->kernel)
		sj_sync_object(o);
	object_has_come(o, all_armed);
	say_backend();
}

static int object_take_in(struct side_jmp_object *abi,
			  const struct sj_image *im, struct sj_verdict *v)
{
	struct object *o = object_map(abi, im);
	sigmask_t mask;
	int r;

	if (!o)
		return sj_verdict_say(v, im, -ENOMEM, "no memory for %u sites",
				      (unsigned)(abi->stop - abi->start));
	r = object_claim(abi, o);
	if (r != 1) {
		munmap(o, o->map_size);
		return r;
	}
	r = object_build(o, im, v);
	if (!r) {
		object_bring_in(o, v->all_armed);
		return 0;
	}
	mask = sj_enter(&sj_patch_lock);
	sj_object_hide(o);
	sj_leave(&sj_patch_lock, mask);
	object_take_apart(o);
	return r;
}

static int object_register(struct side_jmp_object *abi)
{
	struct sj_verdict v;
	struct sj_image im;
	int r;

	/* Takes the dynamic loader's lock, so before ours; allocates. */
	sj_image_find(abi, &im);
	r = sj_fork_add(SJ_FORK_SITES, &object_fork);
	if (r)
		return r;
	r = object_claim(abi, NULL);
	if (r != 1)
		return r;
	read_environment();
	r = sj_table_check(&im, abi, &v);
	if (!r && abi->start != abi->stop)
		r = object_take_in(abi, &im, &v);
	if (r && r != -EBUSY)
		sj_object_reject(&v);
	return r;
}

int side_jmp_object_register(struct side_jmp_object *abi)
{
	int saved = errno;
	int r = abi ? object_register(abi) : -EINVAL;

	errno = saved;
	return r;
}

/* ---- going ---------------------------------------------------------------------- */

static void object_own(struct object *o)
{
	o->generation = sj_fork_generation();
	o->owner = sj_thread();
}

/*
 * Ours to take away: 0, -EBUSY, or 1 and *o.  An executable that is unloaded
 * stays.
 */
static int object_to_go(struct side_jmp_object *abi, bool unload,
			struct object **o)
{
	*o = abi->priv;
	if (!*o || (unload && (*o)->executable))
		return 0;
	return object_busy(*o) ? -EBUSY : 1;
}

/* The text goes with it.  An executable's stays, whatever state it is in. */
static int object_unload(struct side_jmp_object *abi)
{
	struct object *o = abi->priv;
	sigmask_t mask;
	int r;

	if (!o || o->executable)
		return 0;
	mask = sj_block_signals();
	if (!sj_lock_soon(&sj_patch_lock)) {
		sj_restore_signals(mask);
		return -EBUSY;
	}
	r = object_to_go(abi, true, &o);

	if (r == 1) {
		sj_object_hide(o);
		object_own(o);
	}
	sj_leave(&sj_patch_lock, mask);
	if (r != 1)
		return r;
	(void)sj_named_wait();
	side_jmp_inject(INJECT_DEAD);
	sj_object_release(o);
	object_take_apart(o);
	return 0;
}

/* The text stays, and nobody will be left to arm it. */
static int object_unregister(struct side_jmp_object *abi)
{
	sigmask_t mask = sj_enter(&sj_patch_lock);
	struct object *o;
	int r = object_to_go(abi, false, &o);

	if (r == 1) {
		o->leaving = true;
		object_own(o);
	}
	sj_leave(&sj_patch_lock, mask);
	if (r != 1)
		return r;
	if (o->any_unsure)
		__atomic_store_n(&object_distrust, true, __ATOMIC_RELAXED);
	sj_object_release(o);
	(void)sj_arm_object(o);
	mask = sj_enter(&sj_patch_lock);
	sj_object_hide(o);
	sj_leave(&sj_patch_lock, mask);
	(void)sj_named_wait();
	object_take_apart(o);
	return 0;
}

int side_jmp_object_unload(struct side_jmp_object *abi)
{
	int saved = errno;
	int r = abi ? object_unload(abi) : -EINVAL;

	errno = saved;
	return r;
}

int side_jmp_object_unregister(struct side_jmp_object *abi)
{
	int saved = errno;
	int r = abi ? object_unregister(abi) : -EINVAL;

	errno = saved;
	return r;
}
