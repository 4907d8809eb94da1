/* SPDX-License-Identifier: MIT */
/*
 * Which events there are: objects register theirs when they are loaded and
 * take them away before they are unloaded.  Must not know who wants an event;
 * tells those who do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "runtime/events/events.h"
#include "runtime/sites/image.h"

uint32_t sj_event_lock, sj_trace_lock;
struct side_jmp_event_object *sj_event_objects;

/* ---- fork --------------------------------------------------------------- */

static void event_fork_prepare(void)
{
	sj_lock(&sj_trace_lock);
	sj_lock(&sj_event_lock);
}

static void event_fork_parent(void)
{
	sj_unlock(&sj_event_lock);
	sj_unlock(&sj_trace_lock);
}

static void event_fork_child(void)
{
	sj_tracer_after_fork();
	sj_trace_after_fork();
	sj_kernel_after_fork();
}

static int install_atfork(void)
{
	static const struct sj_fork_hooks hooks = {
		event_fork_prepare, event_fork_parent, event_fork_child,
	};

	return sj_fork_add(SJ_FORK_EVENTS, &hooks);
}

/* ---- objects ------------------------------------------------------------ */

static int check(const struct side_jmp_event_object *object)
{
	if (object->version != SIDE_JMP_EVENT_VERSION ||
	    object->event_size != sizeof(struct side_jmp_event))
		return -EINVAL;
	for (const struct side_jmp_event *e = object->start;
	     e < object->stop; e++)
		if (e->version != SIDE_JMP_EVENT_VERSION ||
		    e->desc->version != SIDE_JMP_EVENT_VERSION)
			return -EINVAL;
	return 0;
}

/* What object->priv points at. */
static char of_executable, of_library;

static void register_locked(struct side_jmp_event_object *object, void *kind)
{
	object->priv = kind;
	object->next = sj_event_objects;
	sj_event_objects = object;
	for (struct side_jmp_event *e = object->start; e < object->stop; e++) {
		sj_trace_new_event(e);
		sj_kernel_new_event(e);
	}
	sj_tracer_attach_new();
}

/* Once, and before anything else of ours happens in the process. */
static void first_object(void)
{
	static uint32_t begun;

	if (__atomic_exchange_n(&begun, 1, __ATOMIC_ACQ_REL))
		return;
	sj_trace_start_from_environment();
	sj_kernel_start_from_environment();
}

int side_jmp_event_register(struct side_jmp_event_object *object)
{
	int saved = errno, r;
	sigmask_t mask;
	void *kind;

	if (!object)
		return -EINVAL;
	if (object->start == object->stop)
		return 0;
	r = check(object);
	if (!r)
		r = install_atfork();
	if (r)
		return r;
	first_object();
	/* Takes the dynamic loader's lock, so before ours. */
	kind = sj_image_in_executable(object) ? &of_executable : &of_library;
	mask = sj_event_enter();
	if (!object->priv)
		register_locked(object, kind);
	sj_event_leave(mask);
	errno = saved;
	return 0;
}

static void unregister_locked(struct side_jmp_event_object *object)
{
	struct side_jmp_event_object **p = &sj_event_objects;

	while (*p != object)
		p = &(*p)->next;
	*p = object->next;
	object->priv = NULL;
	for (struct side_jmp_event *e = object->start; e < object->stop; e++) {
		sj_tracer_detach(e);
		sj_kernel_lost_event(e);
	}
}

/* As with sites: an executable's events stay until the process ends. */
int side_jmp_event_unload(struct side_jmp_event_object *object)
{
	int saved = errno;
	sigmask_t mask;

	if (!object)
		return -EINVAL;
	if (object->priv != &of_library)
		return 0;
	mask = sj_event_enter();
	if (object->priv)
		unregister_locked(object);
	sj_event_leave(mask);
	errno = saved;
	return 0;
}

/* ---- what is there ------------------------------------------------------ */

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

static void fill(struct side_jmp_event_info *info)
{
	struct side_jmp_event_object *o;

	for (o = sj_event_objects; o; o = o->next)
		info->events += (uint64_t)(o->stop - o->start);
	sj_tracer_info(info);
	sj_trace_info(info);
	sj_kernel_info(info);
}

int side_jmp_event_get_info(struct side_jmp_event_info *info, size_t size)
{
	struct side_jmp_event_info now = { 0 };
	sigmask_t mask;

	if (!info || !size)
		return -EINVAL;
	mask = sj_event_enter();
	fill(&now);
	sj_event_leave(mask);
	memset(info, 0, size);
	memcpy(info, &now, size < sizeof(now) ? size : sizeof(now));
	return 0;
}
