/* SPDX-License-Identifier: MIT */
/*
 * Which events there are: the list of the objects that have some, and the lock
 * that guards it.  All other files of this room stand on it; it knows none.
 */
#define _GNU_SOURCE
#include "runtime/events/events.h"

uint32_t sj_event_lock;
struct side_jmp_event_object *sj_event_objects;

void sj_registry_add(struct side_jmp_event_object *object)
{
	object->next = sj_event_objects;
	sj_event_objects = object;
}

void sj_registry_remove(struct side_jmp_event_object *object)
{
	struct side_jmp_event_object **p = &sj_event_objects;

	while (*p != object)
		p = &(*p)->next;
	*p = object->next;
}

uint64_t sj_registry_count(void)
{
	uint64_t n = 0;

	for (struct side_jmp_event_object *o = sj_event_objects; o; o = o->next)
		n += (uint64_t)(o->stop - o->start);
	return n;
}

int side_jmp_event_each(int (*visit)(struct side_jmp_event *event, void *arg),
			void *arg)
{
	sigmask_t mask = sj_event_enter();
	struct side_jmp_event_object *o;
	struct side_jmp_event *event;
	int r = 0;

	for (o = sj_event_objects; o && !r; o = o->next)
		for (event = o->start; event < o->stop && !r; event++)
			r = visit(event, arg);
	sj_event_leave(mask);
	return r;
}
