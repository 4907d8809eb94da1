/* SPDX-License-Identifier: MIT */
/*
 * Which events there are: the list of the objects that have some, and the lock
 * that guards it.  All other files of this room stand on it; it knows none.
 *
 *
 * SLICES
 *
 * Something that is done to ten thousand events takes a while, and meanwhile
 * neither signals nor other threads may wait.  So it is done in slices, some
 * events each, and between two of them the lock is let go and signals come.
 * What may happen in between, and why it does no harm:
 *
 *  1. An object comes or goes slice by slice.  While it does, it has a passage,
 *     which says which of its events there are: those that all sinks have heard
 *     of and not yet heard the end of.  A slice tells all sinks and moves that
 *     bound before the lock is let go; so at any time, under the lock, an event
 *     is either one that all sinks know or one that nobody sees.
 *  2. A walk over all events may find that the object that it stands in has
 *     gone: removal moves it on to the next one.  An object that comes is put
 *     in front of the list, where no walk gets that has begun; whoever walks
 *     has said before, under the lock, that he wants to hear of new events.
 *     So of each event he hears once, by the walk or as a sink.  Where both
 *     may be (the walk began while the object was on its way), the event itself
 *     tells, as it does where two patterns match it.
 *  3. An object's memory is there as long as it is on the list, and an event is
 *     only touched under the lock.
 *  4. Walks and passages lie on stacks.  fork() drops those of threads that the
 *     child does not have; an object that was on its way counts as there then.
 *     A signal handler must return (side_jmp_event.h).
 *
 * How many events a slice has is what the one before took time for.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "runtime/events/events.h"

uint32_t sj_event_lock SJ_WRITTEN_BY_FORK;
struct side_jmp_event_object *sj_event_objects;

static struct sj_passage *registry_passages;	/* sj_event_lock */
static struct sj_walk *registry_walks;		/* sj_event_lock */
static uintptr_t registry_numbers;		/* sj_event_lock */

/* ---- slices ------------------------------------------------------------- */

enum { SLICE_SHORT = 250000, SLICE_LONG = 750000 };	/* ns */

void sj_slice_enter(struct sj_slice *slice)
{
	slice->mask = sj_event_enter();
	slice->begun = sj_now();
	if (!slice->n)
		slice->n = 16;
}

void sj_slice_leave(struct sj_slice *slice)
{
	uint64_t took = sj_now() - slice->begun;
	bool wanted = __atomic_load_n(&sj_event_lock, __ATOMIC_RELAXED) == 2;

	sj_event_leave(slice->mask);
	if (took < SLICE_SHORT && slice->n <= SJ_SLICE_MAX / 2)
		slice->n *= 2;
	else if (took > SLICE_LONG && slice->n > 1)
		slice->n /= 2;
	if (wanted)	/* or we would have it again before they wake */
		sched_yield();
}

void sj_slice_next(struct sj_slice *slice)
{
	sj_slice_leave(slice);
	side_jmp_inject(INJECT_EVENT_BETWEEN_SLICES);
	sj_slice_enter(slice);
}

/* ---- objects ------------------------------------------------------------ */

static struct sj_passage *registry_passage(
				const struct side_jmp_event_object *object)
{
	struct sj_passage *p = registry_passages;

	while (p && p->object != object)
		p = p->next;
	return p;
}

struct side_jmp_event *sj_event_first(const struct side_jmp_event_object *object)
{
	const struct sj_passage *p = registry_passage(object);

	return p ? p->from : object->start;
}

struct side_jmp_event *sj_event_end(const struct side_jmp_event_object *object)
{
	const struct sj_passage *p = registry_passage(object);

	return p ? p->to : object->stop;
}

static void registry_begin(struct sj_passage *passage)
{
	passage->thread = sj_thread();
	passage->next = registry_passages;
	registry_passages = passage;
}

static void registry_end(struct sj_passage *passage)
{
	struct sj_passage **p = &registry_passages;

	while (*p != passage)
		p = &(*p)->next;
	*p = passage->next;
}

void sj_object_comes(struct sj_passage *passage,
		     struct side_jmp_event_object *object)
{
	passage->object = object;
	passage->from = passage->to = object->start;
	registry_begin(passage);
	object->next = sj_event_objects;
	sj_event_objects = object;
}

void sj_object_came(struct sj_passage *passage)
{
	registry_end(passage);
}

void sj_object_goes(struct sj_passage *passage,
		    struct side_jmp_event_object *object)
{
	passage->object = object;
	passage->from = object->start;
	passage->to = object->stop;
	registry_begin(passage);
}

void sj_object_gone(struct sj_passage *passage)
{
	struct side_jmp_event_object **p = &sj_event_objects;

	while (*p != passage->object)
		p = &(*p)->next;
	*p = passage->object->next;
	for (struct sj_walk *w = registry_walks; w; w = w->next)
		if (w->object == passage->object) {
			w->object = passage->object->next;
			w->at = NULL;
		}
	registry_end(passage);
}

void sj_events_number(struct side_jmp_event *first,
		      const struct side_jmp_event *end)
{
	for (; first < end; first++)
		first->number = ++registry_numbers;
}

uintptr_t sj_event_last_number(void)
{
	return registry_numbers;
}

uint64_t sj_event_count(void)
{
	uint64_t n = 0;

	for (struct side_jmp_event_object *o = sj_event_objects; o; o = o->next)
		n += (uint64_t)(sj_event_end(o) - sj_event_first(o));
	return n;
}

/* ---- walks -------------------------------------------------------------- */

void sj_walk_begin(struct sj_walk *walk)
{
	*walk = (struct sj_walk){
		.next = registry_walks,
		.thread = sj_thread(),
		.object = sj_event_objects,
	};
	registry_walks = walk;
}

struct side_jmp_event *sj_walk_next(struct sj_walk *walk)
{
	for (; walk->object; walk->object = walk->object->next) {
		struct side_jmp_event *first = sj_event_first(walk->object);

		if (!walk->at || walk->at < first)
			walk->at = first;
		if (walk->at < sj_event_end(walk->object))
			return walk->at++;
		walk->at = NULL;
	}
	return NULL;
}

void sj_walk_end(struct sj_walk *walk)
{
	struct sj_walk **p = &registry_walks;

	while (*p != walk)
		p = &(*p)->next;
	*p = walk->next;
}

void sj_walk_over(struct sj_slice *slice,
		  void (*visit)(struct side_jmp_event *event))
{
	struct side_jmp_event *event;
	struct sj_walk walk;

	sj_walk_begin(&walk);
	for (unsigned n = 1; (event = sj_walk_next(&walk)); n++) {
		visit(event);
		if (n >= slice->n) {
			sj_slice_next(slice);
			n = 0;
		}
	}
	sj_walk_end(&walk);
}

/*
 * What is to be left in the child: this thread's.  The others lie on stacks that
 * are somebody else's before we come to look there, so they are left out here.
 */
static struct sj_passage *registry_own_passages;	/* sj_event_lock */
static struct sj_walk *registry_own_walks;

void sj_registry_before_fork(void)
{
	registry_own_passages = NULL;
	for (struct sj_passage *p = registry_passages; p; p = p->next)
		if (p->thread == sj_thread()) {
			p->own = registry_own_passages;
			registry_own_passages = p;
		}
	registry_own_walks = NULL;
	for (struct sj_walk *w = registry_walks; w; w = w->next)
		if (w->thread == sj_thread()) {
			w->own = registry_own_walks;
			registry_own_walks = w;
		}
}

void sj_registry_after_fork(void)
{
	registry_passages = registry_own_passages;
	for (struct sj_passage *p = registry_passages; p; p = p->next)
		p->next = p->own;
	registry_walks = registry_own_walks;
	for (struct sj_walk *w = registry_walks; w; w = w->next)
		w->next = w->own;
}

/* ---- for everybody ------------------------------------------------------ */

int side_jmp_event_each(int (*visit)(struct side_jmp_event *event, void *arg),
			void *arg)
{
	sigmask_t mask = sj_event_enter();
	struct side_jmp_event_object *o;
	struct side_jmp_event *event;
	int r = 0;

	for (o = sj_event_objects; o && !r; o = o->next)
		for (event = sj_event_first(o);
		     event < sj_event_end(o) && !r; event++)
			r = visit(event, arg);
	sj_event_leave(mask);
	return r;
}
