/* SPDX-License-Identifier: MIT */
/*
 * Tables of a back end that patches by itself: whether it gets them, and taking
 * them back.  Owns object->kernel.  The back end is called without a lock: it
 * may take as long as a table has sites.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "runtime/sites/sites.h"
#include "runtime/sites/table.h"

/* sj_patch_lock */
static struct {
	uint64_t refused;
	int error;
} adopt;

/* ---- taking over ------------------------------------------------------------- */

static void adopt_refused(struct object *o, int error)
{
	o->kernel = false;
	adopt.refused++;
	adopt.error = error;
}

/* Where the byte is that changes: that page becomes private. */
static uintptr_t adopt_byte(const struct object *o, uint32_t i)
{
	struct side_jmp_insn insn;

	sj_record_insn(&o->abi->start[o->sorted[i]], &insn);
	return (uintptr_t)insn.site + side_jmp_arch_host()->patch_offset(&insn);
}

/* It has no budget: ours decides whether it gets the table. */
static uint64_t adopt_pages(const struct object *o)
{
	uintptr_t last = UINTPTR_MAX, page = 0;
	uint64_t n = 0;

	for (uint32_t i = 0; i < o->n_sites; i++, last = page) {
		page = adopt_byte(o, i) / sj_page_size();
		n += page != last;
	}
	return n;
}

static bool adopt_mark_dirty(struct batch *b, void *arg)
{
	struct sj_arming *w = arg;
	struct object *o = sj_object_before(w->before);

	if (!o || o->id != w->current)
		return true;
	for (; w->next < o->n_sites; w->next++) {
		if (sj_batch_over(b, SJ_COST_LOOK))
			return false;
		sj_page_set_dirty(o, adopt_byte(o, (uint32_t)w->next), true);
	}
	return true;
}

/* Does a back end take it over? */
bool sj_object_offer(struct object *o)
{
	uint64_t pages = adopt_pages(o);
	sigmask_t mask = sj_enter(&sj_patch_lock);
	bool adopts = !sj_frozen() && !sj_freezing() && sj_backend_adopts();

	if (adopts && !sj_pages_affordable(pages)) {
		adopt_refused(o, -EDQUOT);
	} else if (adopts) {
		o->kernel = true;
		o->adopter = sj_thread();
	}
	sj_leave(&sj_patch_lock, mask);
	return o->kernel;
}

void sj_object_adopt(struct object *o)
{
	struct sj_arming w = { .before = o->id + 1, .current = o->id };
	int r = sj_backend()->adopt(o->abi->start, o->n_records);
	sigmask_t mask = sj_enter(&sj_patch_lock);

	if (r)
		adopt_refused(o, r);
	o->adopter = 0;
	sj_leave(&sj_patch_lock, mask);
	if (!r)
		(void)sj_in_slices(adopt_mark_dirty, &w, false);
}

/* ---- taking back ----------------------------------------------------------------- */

/* Arms all sites.  If it fails, by ourselves: whoever may patch may arm. */
void sj_object_release(struct object *o)
{
	sigmask_t mask;

	if (!o->kernel)
		return;
	(void)sj_backend()->release(o->abi->start, o->n_records);
	mask = sj_enter(&sj_patch_lock);
	o->kernel = false;
	sj_leave(&sj_patch_lock, mask);
}

static struct object *adopt_next(uint64_t before)
{
	struct object *o = sj_object_before(before);

	while (o && !o->kernel)
		o = o->next;
	return o;
}

struct adopt_table {
	const struct side_jmp_record *start;
	uint32_t n;
	uint64_t id;
};

static bool adopt_find_one(struct batch *b, void *arg)
{
	struct object *o = adopt_next(UINT64_MAX);
	struct adopt_table *t = arg;

	while (o && o->adopter)
		o = adopt_next(o->id);
	(void)b;
	*t = o ? (struct adopt_table){ o->abi->start, o->n_records, o->id } :
		 (struct adopt_table){ 0 };
	return true;
}

static bool adopt_released(struct batch *b, void *arg)
{
	struct adopt_table *t = arg;
	struct object *o = sj_object_before(t->id + 1);

	(void)b;
	if (o && o->id == t->id)
		o->kernel = false;
	return true;
}

/*
 * The table is the kernel's until the call is over.  Two may make it; the
 * second finds nothing.  Should a fork() come between, it is made again.
 */
void sj_release_table(void)
{
	struct adopt_table t;

	if (sj_one_slice(adopt_find_one, &t) == SJ_SYNC_AGAIN || !t.n)
		return;
	(void)sj_backend()->release(t.start, t.n);
	(void)sj_one_slice(adopt_released, &t);
}

enum sj_adopted sj_adopted(void)
{
	enum sj_adopted r = SJ_ADOPTED_NONE;

	for (struct object *o = adopt_next(UINT64_MAX); o;
	     o = adopt_next(o->id)) {
		if (o->adopter == sj_thread())
			return SJ_ADOPTED_HERE;
		if (o->adopter)
			r = SJ_ADOPTED_OTHERS;
		else if (!r)
			r = SJ_ADOPTED_SOME;
	}
	return r;
}

/* Nobody knows what has become of a table whose call has lost its thread. */
void sj_adopt_after_fork(void)
{
	for (struct object *o = adopt_next(UINT64_MAX); o;
	     o = adopt_next(o->id))
		if (o->adopter && o->adopter != sj_thread()) {
			o->adopter = 0;
			sj_object_release(o);
		}
}

void sj_adopt_info(struct side_jmp_info *info)
{
	info->objects_refused = adopt.refused;
	info->refuse_error = adopt.error;
}
