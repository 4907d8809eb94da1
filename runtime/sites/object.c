/* SPDX-License-Identifier: MIT */
/*
 * Objects: take in the table of an executable or shared library, or say what
 * is wrong with it.  Nothing of a table is believed before all of it has been
 * checked, and a table that is not accepted leaves no trace but the reason.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/sites/sites.h"
#include "runtime/sites/table.h"

/* Remember why a table was not accepted.  sj_patch_lock. */
static int object_reject(const struct sj_verdict *v)
{
	snprintf(sj_state.reject_reason, sizeof(sj_state.reject_reason), "%s",
		 v->text);
	sj_state.reject_error = v->error;
	sj_state.objects_rejected++;
	return v->error;
}

/* ---- grouping ----------------------------------------------------------- */

/* Which of the object's groups has this key?  NULL: no memory. */
static struct group *group_of(struct object *o, struct side_jmp_key *key)
{
	struct keyref *ref = sj_get_ref(key);
	struct group *g;

	if (!ref)
		return NULL;
	/* The object in hand puts its groups in front. */
	if (ref->groups && ref->groups->object == o)
		return ref->groups;
	g = &o->groups[o->n_groups++];
	*g = (struct group){ .next = ref->groups, .ref = ref, .object = o };
	ref->groups = g;
	return g;
}

/* Take the object's groups away from their keys. */
static void ungroup(struct object *o)
{
	for (uint32_t i = 0; i < o->n_groups; i++) {
		struct group *g = &o->groups[i], **p = &g->ref->groups;

		while (*p != g)
			p = &(*p)->next;
		*p = g->next;
		if (!g->ref->groups && !g->ref->linked)
			sj_drop_ref(g->ref);
	}
	o->n_groups = 0;
}

/* Fill in o->groups, o->which and o->order. */
static int group_sites(struct object *o)
{
	const struct side_jmp_record *records = o->abi->start;
	struct group *g = NULL;
	uint32_t first = 0;

	for (uint32_t i = 0; i < o->n_sites; i++) {
		struct side_jmp_key *key = sj_record_key(&records[o->sorted[i]]);

		if (!g || g->ref->key != key)
			g = group_of(o, key);
		if (!g)
			return -ENOMEM;
		g->count++;
		o->which[i] = (uint32_t)(g - o->groups);
	}
	for (uint32_t i = 0; i < o->n_groups; i++) {
		o->groups[i].first = first;
		first += o->groups[i].count;
		o->groups[i].count = 0;
	}
	for (uint32_t i = 0; i < o->n_sites; i++) {
		g = &o->groups[o->which[i]];
		o->order[g->first + g->count++] = o->sorted[i];
	}
	return 0;
}

/* ---- taking in ---------------------------------------------------------- */

static size_t align_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/*
 * One mapping holds the object, its dirty bits, its groups and the order of
 * its sites.  Pages that are never touched (most objects have far fewer keys
 * than sites) cost nothing.
 */
static struct object *object_map(struct side_jmp_object *abi, uint32_t n,
				 uintptr_t lo, uintptr_t hi)
{
	uintptr_t first = lo & ~(sj_page_size() - 1);
	size_t n_pages = (hi - first) / sj_page_size() + 1;
	size_t dirty = align_up(sizeof(struct object), 64);
	size_t unsure = dirty + n_pages / 8 + 1;
	size_t groups = align_up(unsure + n_pages / 8 + 1, 64);
	size_t order = groups + n * sizeof(struct group);
	size_t size = align_up(order + 3 * n * sizeof(uint32_t),
			       sj_page_size());
	char *p = sj_map_pages(size);
	struct object *o = (struct object *)p;

	if (!p)
		return NULL;
	o->abi = abi;
	o->map_size = size;
	o->n_records = (uint32_t)(abi->stop - abi->start);
	o->n_sites = n;
	o->first_page = first;
	o->n_pages = n_pages;
	o->dirty = (uint8_t *)p + dirty;
	o->unsure = (uint8_t *)p + unsure;
	o->groups = (struct group *)(p + groups);
	o->order = (uint32_t *)(p + order);
	o->sorted = o->order + n;
	o->which = o->sorted + n;
	return o;
}

/*
 * Sort, collapse, group.  `sorted` and `scratch` have room for all records.
 * On an error nothing is left behind.
 */
static int object_build(struct side_jmp_object *abi,
			const struct sj_image *im, uint32_t *sorted,
			uint32_t *scratch, struct object **out,
			struct sj_verdict *v)
{
	uint32_t n = (uint32_t)(abi->stop - abi->start);
	struct object *o;
	int64_t kept;
	int error;

	sj_table_sort(abi->start, n, sorted, scratch);
	kept = sj_table_collapse(im, abi->start, n, sorted, v);
	if (kept < 0)
		return (int)kept;
	o = object_map(abi, (uint32_t)kept,
		       sj_record_site(&abi->start[sorted[0]]),
		       sj_record_site(&abi->start[sorted[kept - 1]]) +
		       SIDE_JMP_INSN_MAX);
	if (!o)
		return sj_verdict_say(v, im, -ENOMEM, "no memory for %u sites",
				      n);
	memcpy(o->sorted, sorted, (size_t)kept * sizeof(*sorted));
	o->textrel = im->textrel;
	o->executable = im->executable;
	error = group_sites(o);
	if (error) {
		ungroup(o);
		munmap(o, o->map_size);
		return sj_verdict_say(v, im, error, "no memory for the keys of"
				      " %u sites", n);
	}
	*out = o;
	return 0;
}

static void count_unarmed(struct object *o)
{
	for (uint32_t i = 0; i < o->n_groups; i++) {
		struct group *g = &o->groups[i];

		for (uint32_t j = g->first; j < g->first + g->count; j++) {
			struct side_jmp_insn insn;

			sj_record_insn(&o->abi->start[o->order[j]], &insn);
			if (sj_insn_state(&insn) == SIDE_JMP_ARMED)
				continue;
			g->unarmed++;
			sj_page_unsure(o, &insn);
		}
	}
}

static int object_take_in(struct side_jmp_object *abi,
			  const struct sj_image *im, struct object **out,
			  struct sj_verdict *v)
{
	size_t n = (size_t)(abi->stop - abi->start), size;
	uint32_t *scratch;
	int error;

	size = 2 * n * sizeof(*scratch);
	scratch = sj_map_pages(size);
	if (!scratch)
		return sj_verdict_say(v, im, -ENOMEM, "no memory to sort %zu"
				      " sites", n);
	error = object_build(abi, im, scratch, scratch + n, out, v);
	munmap(scratch, size);
	if (!error && !v->all_armed)
		count_unarmed(*out);
	return error;
}

/*
 * Bring all sites of the object to *wanted, or (NULL) to what their keys ask
 * for.  In runs if that is safe; what a run could not do is tried one by one.
 */
static void object_sync(struct object *o, const enum side_jmp_state *wanted)
{
	struct batch b;

	sj_batch_begin(&b, true);
	sj_batch_object(&b, o, wanted);
	if (sj_batch_end(&b) && b.runs) {
		sj_batch_begin(&b, false);
		sj_batch_object(&b, o, wanted);
		(void)sj_batch_end(&b);
	}
}

/* Returns whether the variable says something that can be understood. */
static bool read_budget(void)
{
	const char *pages = secure_getenv("SIDE_JMP_DIRTY_PAGES");
	unsigned long long n;
	char *end;

	if (!pages || !*pages)
		return true;
	n = strtoull(pages, &end, 10);
	if (*end || *pages < '0' || *pages > '9')
		return false;
	sj_state.pages_budget = n;
	return true;
}

/*
 * With the first object, in its constructor: later the program may be changing
 * its environment.
 */
static void read_environment(void)
{
	const char *backend;

	if (sj_state.environment_read)
		return;
	sj_state.environment_read = true;
	backend = secure_getenv("SIDE_JMP_BACKEND");
	snprintf(sj_state.backend_asked, sizeof(sj_state.backend_asked), "%s",
		 backend ? backend : "");
	sj_state.budget_ignored = !read_budget();
}

static bool has_unarmed(const struct object *o)
{
	for (uint32_t i = 0; i < o->n_groups; i++)
		if (o->groups[i].unarmed)
			return true;
	return false;
}

/* sj_object_lock held. */
static int object_add(struct side_jmp_object *abi, const struct sj_image *im,
		      struct sj_verdict *v)
{
	struct object *o = NULL;
	int error;

	read_environment();
	sj_lock(&sj_patch_lock);
	error = object_take_in(abi, im, &o, v);
	if (error) {
		object_reject(v);
	} else {
		o->next = sj_state.objects;
		sj_state.objects = o;
		abi->priv = o;
	}
	sj_unlock(&sj_patch_lock);
	if (error)
		return error;
	side_jmp_inject(INJECT_REGISTERED);
	for (uint32_t i = 0; i < o->n_groups; i++)
		if (!o->groups[i].ref->linked)
			sj_key_subscribe(o->groups[i].ref);
	sj_lock(&sj_patch_lock);
	if (!sj_state_frozen())
		object_sync(o, NULL);
	else if (has_unarmed(o))	/* acquire: sj_state_stuck() */
		__atomic_store_n(&sj_state.stuck, true, __ATOMIC_RELEASE);
	sj_unlock(&sj_patch_lock);
	return 0;
}

static int register_locked(struct side_jmp_object *abi, struct sj_image *im,
			   struct sj_verdict *v)
{
	if (v->error) {
		sj_lock(&sj_patch_lock);
		object_reject(v);
		sj_unlock(&sj_patch_lock);
		return v->error;
	}
	return abi->start == abi->stop ? 0 : object_add(abi, im, v);
}

int side_jmp_object_register(struct side_jmp_object *abi)
{
	int saved = errno, error = 0;
	struct sj_verdict verdict;
	struct sj_image im;
	sigmask_t mask;

	if (!abi)
		return -EINVAL;
	if (abi->priv)
		return 0;
	/* Takes the dynamic loader's lock, so before ours; allocates. */
	sj_image_find(abi, &im);
	sj_table_check(&im, abi, &verdict);
	error = sj_state_install_atfork();
	if (error)
		return error;
	mask = sj_block_signals();
	sj_lock(&sj_object_lock);
	if (!abi->priv)
		error = register_locked(abi, &im, &verdict);
	sj_unlock(&sj_object_lock);
	sj_restore_signals(mask);
	errno = saved;
	return error;
}

/* ---- giving up ---------------------------------------------------------- */

static void object_forget(struct object *o)
{
	struct object **p = &sj_state.objects;

	while (*p != o)
		p = &(*p)->next;
	*p = o->next;
	for (size_t i = 0; i < o->n_pages; i++)
		sj_state.pages_dirtied -= o->dirty[i / 8] >> i % 8 & 1;
	o->abi->priv = NULL;
}

/*
 * sj_object_lock held.  The text may still run (other destructors), and nobody
 * will be left to arm it: arm it now.
 */
static void object_remove(struct object *o)
{
	static const enum side_jmp_state armed = SIDE_JMP_ARMED;

	sj_lock(&sj_patch_lock);
	object_sync(o, &armed);
	object_forget(o);
	for (uint32_t i = 0; i < o->n_groups; i++) {
		struct group *g = &o->groups[i], **p = &g->ref->groups;

		while (*p != g)
			p = &(*p)->next;
		*p = g->next;
	}
	sj_unlock(&sj_patch_lock);
	side_jmp_inject(INJECT_UNREGISTERED);
	for (uint32_t i = 0; i < o->n_groups; i++) {
		struct keyref *ref = o->groups[i].ref;

		if (ref->groups)
			continue;
		sj_key_unsubscribe(ref);
		sj_lock(&sj_patch_lock);
		sj_drop_ref(ref);
		sj_unlock(&sj_patch_lock);
	}
	munmap(o, o->map_size);
}

static int unregister(struct side_jmp_object *abi, bool keep_executable)
{
	int saved = errno;
	struct object *o;
	sigmask_t mask;

	if (!abi)
		return -EINVAL;
	mask = sj_block_signals();
	sj_lock(&sj_object_lock);
	o = abi->priv;
	if (o && !(keep_executable && o->executable))
		object_remove(o);
	sj_unlock(&sj_object_lock);
	sj_restore_signals(mask);
	errno = saved;
	return 0;
}

int side_jmp_object_unregister(struct side_jmp_object *abi)
{
	return unregister(abi, false);
}

int side_jmp_object_unload(struct side_jmp_object *abi)
{
	return unregister(abi, true);
}
