/* SPDX-License-Identifier: MIT */
/*
 * Objects register their events when they are loaded and take them away before
 * they are unloaded.  Must not know who wants an event; tells those who may.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "runtime/events/events.h"
#include "runtime/events/sink.h"
#include "runtime/sites/image.h"
#include "runtime/sites/table.h"

/*
 * In this order they hear of events that come, and in the other one of those
 * that go: what a tracer is called for, the trace has described.
 */
static const struct sj_sink *const event_sinks[] = {
	&sj_trace_sink, &sj_user_events_sink, &sj_tracer_sink,
};

enum { EVENT_SINKS = sizeof(event_sinks) / sizeof(event_sinks[0]) };

/* ---- fork --------------------------------------------------------------- */

static void event_fork_prepare(void)
{
	sj_lock(&sj_event_lock);
	sj_registry_before_fork();
	for (unsigned i = 0; i < EVENT_SINKS; i++)
		if (event_sinks[i]->before_fork)
			event_sinks[i]->before_fork();
}

static void event_fork_parent(void)
{
	sj_unlock(&sj_event_lock);
}

static void event_fork_child(void)
{
	sj_registry_after_fork();
	for (unsigned i = 0; i < EVENT_SINKS; i++)
		if (event_sinks[i]->after_fork)
			event_sinks[i]->after_fork();
}

static int event_install_atfork(void)
{
	static const struct sj_fork_hooks hooks = {
		event_fork_prepare, event_fork_parent, event_fork_child,
	};

	return sj_fork_add(SJ_FORK_EVENTS, &hooks);
}

/* ---- objects ------------------------------------------------------------ */

/* sj_event_lock */
static struct {
	uint64_t n;
	struct sj_verdict last;
} event_rejected;

/* Of files that were compiled with other versions of the header. */
static int event_check_all(const struct side_jmp_event_object *object,
			   const struct sj_image *im, struct sj_verdict *v)
{
	if (object->version != SIDE_JMP_EVENT_VERSION)
		return sj_verdict_say(v, im, -EINVAL, "events of version %u, "
			"not %u: compile it with this library's "
			"side_jmp_event.h", object->version,
			SIDE_JMP_EVENT_VERSION);
	if (object->event_size != sizeof(struct side_jmp_event))
		return sj_verdict_say(v, im, -EINVAL, "events of %u bytes, "
			"not %zu", object->event_size,
			sizeof(struct side_jmp_event));
	for (const struct side_jmp_event *e = object->start;
	     e < object->stop; e++) {
		if (e->version != SIDE_JMP_EVENT_VERSION)
			return sj_verdict_say(v, im, -EINVAL, "event %td is of "
				"version %u, not %u: compile its file with this "
				"library's side_jmp_event.h", e - object->start,
				e->version, SIDE_JMP_EVENT_VERSION);
		if (e->desc->version != SIDE_JMP_DESC_VERSION)
			return sj_verdict_say(v, im, -EINVAL, "event %td has a "
				"description of version %u, not %u",
				e - object->start, e->desc->version,
				SIDE_JMP_DESC_VERSION);
	}
	return 0;
}

/* The loader is asked for the object's name only where it is wrong. */
static int event_check(const struct side_jmp_event_object *object)
{
	struct sj_verdict v = { .error = 0 };
	struct sj_image im = { .name = "" };
	sigmask_t mask;

	if (!event_check_all(object, &im, &v))
		return 0;
	(void)sj_image_find(object, &im);
	(void)event_check_all(object, &im, &v);
	mask = sj_event_enter();
	event_rejected.n++;
	event_rejected.last = v;
	sj_event_leave(mask);
	return v.error;
}

/* What object->priv points at. */
static char event_of_executable, event_of_library;

/* As many as the slice has, and no more than there are. */
static struct side_jmp_event *event_some(struct side_jmp_event *first,
					 struct side_jmp_event *stop,
					 const struct sj_slice *slice)
{
	return stop - first < (ptrdiff_t)slice->n ? stop : first + slice->n;
}

/* sj_event_lock, let go in between. */
static void event_come(struct side_jmp_event_object *object,
		       struct sj_slice *slice)
{
	struct sj_passage passage;

	sj_object_comes(&passage, object);
	for (;;) {
		struct side_jmp_event *end = event_some(passage.to,
							object->stop, slice);

		sj_events_number(passage.to, end);
		for (unsigned i = 0; i < EVENT_SINKS; i++)
			event_sinks[i]->new_events(passage.to, end);
		passage.to = end;
		if (end == object->stop)
			break;
		sj_slice_next(slice);
	}
	sj_object_came(&passage);
}

/* Likewise. */
static void event_go(struct side_jmp_event_object *object,
		     struct sj_slice *slice)
{
	struct sj_passage passage;

	sj_object_goes(&passage, object);
	for (;;) {
		struct side_jmp_event *end = event_some(passage.from,
							object->stop, slice);

		for (unsigned i = EVENT_SINKS; i-- > 0; )
			if (event_sinks[i]->lost_events)
				event_sinks[i]->lost_events(passage.from, end);
		passage.from = end;
		if (end == object->stop)
			break;
		sj_slice_next(slice);
	}
	sj_object_gone(&passage);
}

/* Once, and before anything else of ours happens in the process. */
static void event_first_object(void)
{
	static uint32_t begun;

	if (__atomic_exchange_n(&begun, 1, __ATOMIC_ACQ_REL))
		return;
	sj_say_begin();
	for (unsigned i = 0; i < EVENT_SINKS; i++)
		if (event_sinks[i]->start)
			event_sinks[i]->start();
}

int side_jmp_event_register(struct side_jmp_event_object *object)
{
	struct sj_slice slice = { 0 };
	int saved = errno, r;
	void *kind;

	if (!object)
		return -EINVAL;
	if (object->start == object->stop)
		return 0;
	r = event_install_atfork();
	if (!r)
		r = event_check(object);
	if (r) {
		errno = saved;
		return r;
	}
	event_first_object();
	/* Takes the dynamic loader's lock, so before ours. */
	kind = sj_image_in_executable(object) ? &event_of_executable :
						&event_of_library;
	sj_slice_enter(&slice);
	if (!object->priv) {
		object->priv = kind;
		event_come(object, &slice);
	}
	sj_slice_leave(&slice);
	errno = saved;
	return 0;
}

/* Or never: see sj_lock_soon(). */
static bool event_lock_comes(void)
{
	sigmask_t mask = sj_block_signals();
	bool comes = sj_lock_soon(&sj_event_lock);

	if (comes)
		sj_unlock(&sj_event_lock);
	sj_restore_signals(mask);
	return comes;
}

/* As with sites: an executable's events stay until the process ends. */
int side_jmp_event_unload(struct side_jmp_event_object *object)
{
	struct sj_slice slice = { 0 };
	int saved = errno;

	if (!object)
		return -EINVAL;
	if (object->priv != &event_of_library)
		return 0;
	if (!event_lock_comes())
		return -EBUSY;
	sj_slice_enter(&slice);
	if (object->priv) {
		object->priv = NULL;
		event_go(object, &slice);
	}
	sj_slice_leave(&slice);
	errno = saved;
	return 0;
}

/* ---- what is there ------------------------------------------------------ */

int side_jmp_event_get_info(struct side_jmp_event_info *info, size_t size)
{
	struct side_jmp_event_info now = { 0 };
	sigmask_t mask;

	if (!info || !size)
		return -EINVAL;
	mask = sj_event_enter();
	now.events = sj_event_count();
	for (unsigned i = 0; i < EVENT_SINKS; i++)
		event_sinks[i]->info(&now);
	now.objects_rejected = event_rejected.n;
	memcpy(now.reject_reason, event_rejected.last.text,
	       sizeof(now.reject_reason));
	sj_event_leave(mask);
	memcpy(now.said, sj_said(), strlen(sj_said()));
	memset(info, 0, size);
	memcpy(info, &now, size < sizeof(now) ? size : sizeof(now));
	return 0;
}
