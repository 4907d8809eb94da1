/* SPDX-License-Identifier: MIT */
/*
 * Which objects are live, and which tables were not accepted.  sj_patch_lock.
 */
#define _GNU_SOURCE
#include <string.h>

#include "runtime/sites/sites.h"
#include "runtime/sites/table.h"

static struct {
	struct object *newest;
	uint64_t last_id, n, rejected;
	struct sj_verdict verdict;	/* the last that was not "accepted" */
} objects;

struct object *sj_object_before(uint64_t id)
{
	struct object *o = objects.newest;

	while (o && o->id >= id)
		o = o->next;
	return o;
}

void sj_object_show(struct object *o)
{
	o->id = ++objects.last_id;
	o->next = objects.newest;
	objects.newest = o;
	objects.n++;
	o->live = true;
	o->coming = true;
}

void sj_object_hide(struct object *o)
{
	struct object **p = &objects.newest;

	while (*p && *p != o)
		p = &(*p)->next;
	if (*p) {
		*p = o->next;
		objects.n--;
	}
	sj_pages_forget(o);
	o->live = false;
}

/* Takes the lock. */
void sj_object_reject(const struct sj_verdict *v)
{
	sigmask_t mask = sj_enter(&sj_patch_lock);

	objects.verdict = *v;
	objects.rejected++;
	sj_leave(&sj_patch_lock, mask);
}

void sj_objects_info(struct side_jmp_info *info)
{
	info->objects = objects.n;
	info->objects_rejected = objects.rejected;
	info->reject_error = objects.verdict.error;
	memcpy(info->reject_reason, objects.verdict.text,
	       sizeof(info->reject_reason));
}
