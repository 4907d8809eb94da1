/* SPDX-License-Identifier: MIT */
/*
 * User tracers: callbacks that come and go while events fire.  Owns slots,
 * tracers and their rules; must not know what a callback does.
 *
 *
 * THE SCHEME
 *
 * An event has a list of slots.  A slot serves one callback at a time, for
 * this event only.  Slots are pushed onto the list and never leave it while
 * the event exists; one that is free is used again for the next callback, so
 * there are as many as there ever were callbacks at the same time.
 *
 *	fire                            unregister
 *	F1 for each slot:               U1 slot.active = 0          (seq_cst)
 *	F2   if !active: next           U2 for each shard:
 *	F3   shard.running += 1 (sc)    U3   until running == 0: sleep  (sc)
 *	F4   if active (sc):            U4 the slot is free
 *	F5     callback(data)
 *	F6   shard.running -= 1 (release)
 *
 *	register, on a free slot: callback, data; then active = 1  (release)
 *
 *  1. A walk along the list is safe: `next` is written before the slot is
 *     published (release; F1 is an acquire) and never again.
 *  2. No callback begins after unregister has returned.  Take one shard.  All
 *     operations named (sc) are in one total order S.  If F3 comes before the
 *     U3 that saw 0, so did its F6, for the value at U3 counts both: the call
 *     was over (release by F6, acquire by U3).  Else U3 is before F3 in S, so
 *     U1 is before F4: F4 sees 0 (or a later registration, see 3) and does not
 *     call.  A thread leaves the shard that it entered, so each shard's count
 *     can be judged alone.
 *  3. A slot that is used again: between U3 and the next active = 1 nobody
 *     calls, so callback and data are written while nobody reads them.  Who
 *     reads them (F5) saw active = 1 at F4 (acquire; pairs with register's
 *     release) with its own count in `running`, so the slot can't be freed
 *     until F6, and F5 sees the callback that belongs to that active.  It is
 *     a callback for this very event: calling it is right.
 *  4. The waiter does not starve: once U1 is seen, F2 keeps others out.
 *  5. The event's path: per callback two atomic additions to a line that
 *     mostly this thread uses; no lock, no allocation, no system call.
 *
 * In a callback.  Each call is a frame on its thread's stack, linked from a
 * thread-local head (a signal handler's frames go on top, and are gone before
 * it returns).  The calls that unregister must not wait for are those in the
 * caller's own frames.  Deadlock needs a cycle of threads, each within a
 * callback of one tracer and waiting for another's.  A thread that waits from
 * within a callback is listed (sj_event_lock), and whoever wants to wait for a
 * tracer that a listed thread is within, is refused: the last that would close
 * a cycle always is.  Who waits outside of callbacks is in no cycle.
 *
 * A signal may strike a call before it is counted, or when it is counted off
 * and its frame is still there; then its handler can't know what `running` says
 * of that frame.  So a frame tells whether its callback itself is running, which
 * is well within the count, and who is on top of a frame of the tracer that is
 * neither in its callback nor gone is refused, too.
 *
 * In slices (see registry.c).  A tracer's slots are in one of three lists, and
 * in that of its event; under the lock all of this holds:
 *
 *  - fresh: enabled and not active.  Register puts slots there, some events at a
 *    time, and when it has all of them, makes them active, some at a time; if
 *    one can't be enabled, it disables them again.  So on an error the callback
 *    was not called, and when register has returned, all are active.
 *  - active: enabled and active.
 *  - stopped: neither; unregister moves slots there, some at a time (U1, and the
 *    event loses a user), then waits for the calls of each without the lock (U2,
 *    U3: nobody else takes a slot from that list), then frees them (U4).
 *
 * Between two slices the tracer is `starting` or `stopping`.  An object that
 * comes then gives its events to the fresh list of the former and not to the
 * latter; one that goes takes its fresh and active slots along, whose keys it
 * disables before its memory is unmapped, and leaves the stopped ones, without
 * their event.  A tracer that starts is known to nobody else; one that stops is
 * off the list, and its waiter is on, so 2 and what is said above of callbacks
 * hold from there on.
 *
 * Fork.  Calls that ran in other threads do not end in the child.  So a count
 * carries the generation of the process that it is of (sj_fork_generation()),
 * and one of another generation counts nobody; whoever counts himself in makes
 * it one of this process first.  The child's only thread counts those of its
 * own frames in again that are in their callback; so fork() costs what that
 * thread is in the midst of, and not what slots there are.  The others, which a
 * handler's fork() struck on their way in or out, it marks.  These find out by
 * themselves: each knows the generation it was counted in, for the addition
 * (F3) tells it, so on the way in it counts itself in again, and on the way out
 * not off, if that is not this process's.  A tracer that another thread was
 * about to register is nobody's; one that it was about to unregister is
 * registered still, and may be unregistered.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sched.h>

#include "arch/general.h"
#include "arch/thunk.h"
SJ_GENERAL_BEGIN
#include "runtime/events/events.h"
#include "runtime/events/sink.h"
SJ_GENERAL_END

enum { TRACER_SHARDS = 8, TRACER_LINE = 64 };

struct tracer_shard {
	uint64_t running;		/* atomic; generation << 32 | calls */
} __attribute__((aligned(TRACER_LINE)));

/* What a slot is to its tracer.  All but the stopped ones' keys are enabled. */
enum tracer_list { TRACER_FRESH, TRACER_ACTIVE, TRACER_STOPPED, TRACER_LISTS };

struct side_jmp_slot {
	struct side_jmp_slot *next;	/* of the event; see 1 */
	uint32_t active;		/* atomic; written under sj_event_lock */
	side_jmp_callback *callback;	/* see 3 */
	void *data;
	bool general;			/* the callback, see sj_tracer_add() */
	struct side_jmp_event *event;	/* sj_event_lock; NULL: it is gone */
	struct side_jmp_tracer *owner;	/* sj_event_lock; NULL: it is free */
	/* In one of the owner's lists.  sj_event_lock. */
	enum tracer_list list;
	struct side_jmp_slot *of_tracer, **back;
	struct tracer_shard shards[TRACER_SHARDS];
};

/* A pattern of a tracer.  sj_event_lock. */
struct tracer_rule {
	struct tracer_rule *next;
	unsigned number;		/* of the tracer's, from 0 */
	bool matched;			/* some event, at some time */
	char pattern[SJ_PATTERN_MAX];
};

/* sj_event_lock */
struct side_jmp_tracer {
	struct side_jmp_tracer *orphan;	/* of a thread that a child lacks */
	struct side_jmp_tracer *next;
	uint64_t refused;		/* events that could not be enabled */
	const void *starting;		/* the thread that adds rules, as of a
					   waiter; fresh slots stay fresh */
	bool stopping;			/* new events are not for it */
	side_jmp_callback *callback;
	void *data;
	bool general;
	struct tracer_rule *rules;
	struct side_jmp_slot *lists[TRACER_LISTS];
};

/* A call that is running, on the stack of its thread. */
struct tracer_frame {
	struct tracer_frame *below;
	struct side_jmp_slot *slot;
	uint64_t *running;		/* of its shard */
	uint32_t generation;		/* in which it was counted in */
	bool struck;			/* by a fork(), when it was not inside */
	bool inside;			/* the callback itself is running */
};

/*
 * Unregisters; within a callback, maybe.  sj_event_lock; the frames stay while
 * it waits.
 */
struct tracer_waiter {
	struct tracer_waiter *next;
	struct tracer_waiter *own;	/* of a thread that forks */
	struct side_jmp_tracer *tracer;
	const void *thread;		/* the address of its tracer_frames */
	const struct tracer_frame *frames;
};

/*
 * Initial-exec: a signal handler may be the first to touch it, and the dynamic
 * model would allocate then.  Some bytes of every loader's static reserve.
 */
static __thread struct tracer_frame *tracer_frames
	__attribute__((tls_model("initial-exec")));

static struct side_jmp_tracer *tracer_all;		/* sj_event_lock */
static struct tracer_waiter *tracer_waiters;	/* sj_event_lock */

/* ---- memory: from pages, never given back, used again ------------------- */

struct tracer_pool {
	void *free;			/* the first word links to the next */
	size_t size;
};

static struct tracer_pool
	tracer_slot_pool = { NULL, sizeof(struct side_jmp_slot) },
	tracer_rule_pool = { NULL, sizeof(struct tracer_rule) },
	tracer_tracer_pool = { NULL, sizeof(struct side_jmp_tracer) };

static bool tracer_pool_grow(struct tracer_pool *pool)
{
	enum { CHUNK = 64 * 1024 };
	char *p = sj_map_pages(CHUNK);

	if (!p)
		return false;
	for (size_t at = 0; at + pool->size <= CHUNK; at += pool->size) {
		*(void **)(void *)(p + at) = pool->free;
		pool->free = p + at;
	}
	return true;
}

static void *tracer_pool_get(struct tracer_pool *pool)
{
	void *p;

	if (!pool->free && !tracer_pool_grow(pool))
		return NULL;
	p = pool->free;
	pool->free = *(void **)p;
	return memset(p, 0, pool->size);
}

static void tracer_pool_put(struct tracer_pool *pool, void *p)
{
	*(void **)p = pool->free;
	pool->free = p;
}

/* ---- fire --------------------------------------------------------------- */
SJ_GENERAL_BEGIN

/* The same for a thread's whole life, and spread over threads. */
static unsigned tracer_shard(void)
{
	uint64_t h = (uintptr_t)&tracer_frames * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)(h >> 61);
}

_Static_assert(TRACER_SHARDS == 8, "tracer_shard() gives three bits");

/* How many calls a count is of, in this process. */
static uint64_t tracer_count(uint64_t running)
{
	return running >> 32 == sj_fork_generation() ? (uint32_t)running : 0;
}

/* If the exchange fails, another thread has done the same. */
static inline void tracer_count_in(struct tracer_frame *frame)
{
	uint64_t seen = __atomic_load_n(frame->running, __ATOMIC_RELAXED);
	uint32_t generation = sj_fork_generation();

	if (seen >> 32 != generation)
		(void)__atomic_compare_exchange_n(frame->running, &seen,
			(uint64_t)generation << 32, false, __ATOMIC_SEQ_CST,
			__ATOMIC_RELAXED);
	seen = __atomic_fetch_add(frame->running, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&frame->generation, (uint32_t)(seen >> 32),
			 __ATOMIC_RELAXED);
}

/* Is it counted in, and in this process?  See Fork. */
static bool tracer_counted(const struct tracer_frame *frame)
{
	return !__atomic_load_n(&frame->struck, __ATOMIC_RELAXED) ||
	       frame->generation == sj_fork_generation();
}

static void tracer_count_off(struct tracer_frame *frame)
{
	if (tracer_counted(frame))
		__atomic_fetch_sub(frame->running, 1, __ATOMIC_RELEASE);
}

/* An event that happens. */
struct tracer_fired {
	struct side_jmp_event *event;
	const struct side_jmp_value *values;
	const struct side_jmp_slot *slot;
};

SJ_GENERAL_END
static void tracer_call_other(void *arg)
{
	const struct tracer_fired *f = arg;
	int saved = errno;

	f->slot->callback(f->event, f->values, f->slot->data);
	errno = saved;
}

static void tracer_call_kernel(void *arg)
{
	const struct tracer_fired *f = arg;
	int saved = errno;

	sj_user_events_write(f->event, f->values);
	errno = saved;
}
SJ_GENERAL_BEGIN

/*
 * Inlined in both ways of firing: what keeps vectors has no other road in its
 * machine code, either.
 */
#define TRACER_INLINED	static inline __attribute__((always_inline)) void

TRACER_INLINED tracer_keep(struct tracer_fired *fired, void (*f)(void *arg),
			   bool keep)
{
	if (keep)
		sj_keep_vectors(f, fired);
	else
		f(fired);
}

TRACER_INLINED tracer_call_back(struct tracer_frame *frame,
				struct tracer_fired *fired, bool keep)
{
	bool active = true;

	__atomic_store_n(&frame->inside, true, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* In a child, which may have unregistered it before it was counted. */
	if (!tracer_counted(frame)) {
		tracer_count_in(frame);
		active = __atomic_load_n(&frame->slot->active,
					 __ATOMIC_SEQ_CST);
	}
	if (active && frame->slot->general)
		frame->slot->callback(fired->event, fired->values,
				      frame->slot->data);
	else if (active)
		tracer_keep(fired, tracer_call_other, keep);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&frame->inside, false, __ATOMIC_RELAXED);
}

TRACER_INLINED tracer_call(struct side_jmp_slot *slot,
			   struct tracer_fired *fired, bool keep)
{
	struct tracer_frame frame = {
		tracer_frames, slot, &slot->shards[tracer_shard()].running,
		0, false, false,
	};

	fired->slot = slot;
	tracer_frames = &frame;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	side_jmp_inject(INJECT_EVENT_ENTERING);
	tracer_count_in(&frame);
	side_jmp_inject(INJECT_EVENT_ENTERED);
	if (__atomic_load_n(&slot->active, __ATOMIC_SEQ_CST) ||
	    side_jmp_inject(INJECT_EVENT_RECHECK))
		tracer_call_back(&frame, fired, keep);
	side_jmp_inject(INJECT_EVENT_LEAVING);
	tracer_count_off(&frame);
	side_jmp_inject(INJECT_EVENT_LEFT);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	tracer_frames = frame.below;
}

TRACER_INLINED tracer_fire(struct side_jmp_event *event, const uint64_t *bits,
			   bool keep)
{
	struct side_jmp_value values[event->desc->n_fields + 1];
	struct tracer_fired fired = { event, values, NULL };
	struct side_jmp_slot *slot;

	sj_values(event->desc, bits, values);
	if (sj_word_kernel_bit(event->key))
		tracer_keep(&fired, tracer_call_kernel, keep);
	for (slot = __atomic_load_n(&event->slots, __ATOMIC_ACQUIRE); slot;
	     slot = slot->next)
		if (__atomic_load_n(&slot->active, __ATOMIC_RELAXED))
			tracer_call(slot, &fired, keep);
}

/* Those of version 1 called it with something else. */
void side_jmp_event_fire(struct side_jmp_event *event, const uint64_t *bits)
{
	if (event->version == SIDE_JMP_EVENT_VERSION)
		tracer_fire(event, bits, false);
}

__attribute__((used))	/* by the thunks, which link-time optimizers don't read */
void sj_event_fire(struct side_jmp_event *event, const uint64_t *bits)
{
	tracer_fire(event, bits, SJ_GENERAL);
}

SJ_EVENT_THUNKS("sj_event_fire")

SJ_GENERAL_END

/* ---- waiting ------------------------------------------------------------ */

static uint64_t tracer_own_calls(const uint64_t *running)
{
	uint32_t generation = sj_fork_generation();
	uint64_t n = 0;

	for (const struct tracer_frame *f = tracer_frames; f; f = f->below)
		n += f->running == running && f->inside &&
		     f->generation == generation;
	return n;
}

static bool tracer_others_run(struct side_jmp_slot *slot)
{
	for (unsigned i = 0; i < TRACER_SHARDS; i++)
		if (tracer_count(__atomic_load_n(&slot->shards[i].running,
						 __ATOMIC_SEQ_CST)) !=
		    tracer_own_calls(&slot->shards[i].running))
			return true;
	return false;
}

/* Calls are short, mostly: look again soon, then ever later. */
static void tracer_wait(struct side_jmp_slot *slot)
{
	long pause = 1000;

	for (unsigned i = 0; tracer_others_run(slot); i++) {
		if (i < 20) {
			sched_yield();
			continue;
		}
		sj_pause(pause);
		if (pause < 1000000)
			pause *= 2;
	}
}

/* ---- slots -------------------------------------------------------------- */

/*
 * A callback that unregistered itself still runs, in a slot that nobody uses;
 * a signal may have struck it (F5) between its loads of callback and data.
 */
static bool slot_idle(const struct side_jmp_slot *slot)
{
	for (unsigned i = 0; i < TRACER_SHARDS; i++)
		if (tracer_count(__atomic_load_n(&slot->shards[i].running,
						 __ATOMIC_SEQ_CST)))
			return false;
	return true;
}

static struct side_jmp_slot *slot_get(struct side_jmp_event *event)
{
	struct side_jmp_slot *slot;

	for (slot = event->slots; slot; slot = slot->next)
		if (!slot->owner && slot_idle(slot))
			return slot;
	slot = tracer_pool_get(&tracer_slot_pool);
	if (!slot)
		return NULL;
	slot->event = event;
	slot->next = event->slots;
	/* Pairs with the acquire in side_jmp_event_fire(). */
	__atomic_store_n(&event->slots, slot, __ATOMIC_RELEASE);
	return slot;
}

static void slot_put(struct side_jmp_slot *slot, enum tracer_list list)
{
	struct side_jmp_slot **head = &slot->owner->lists[list];

	slot->list = list;
	slot->of_tracer = *head;
	slot->back = head;
	if (*head)
		(*head)->back = &slot->of_tracer;
	*head = slot;
}

static void slot_take(struct side_jmp_slot *slot)
{
	*slot->back = slot->of_tracer;
	if (slot->of_tracer)
		slot->of_tracer->back = slot->back;
}

static void slot_move(struct side_jmp_slot *slot, enum tracer_list list)
{
	slot_take(slot);
	slot_put(slot, list);
}

/* A slot for this event, not active yet. */
static int slot_reserve(struct side_jmp_tracer *tracer,
			struct side_jmp_event *event)
{
	struct side_jmp_slot *slot = slot_get(event);

	if (!slot)
		return -ENOMEM;
	slot->owner = tracer;
	slot->callback = tracer->callback;
	slot->data = tracer->data;
	slot->general = tracer->general;
	slot_put(slot, TRACER_FRESH);
	return 0;
}

static void slot_activate(struct side_jmp_slot *slot)
{
	slot_move(slot, TRACER_ACTIVE);
	/* Pairs with the load in tracer_call(), see 3. */
	__atomic_store_n(&slot->active, 1, __ATOMIC_SEQ_CST);
}

static void slot_deactivate(struct side_jmp_slot *slot)
{
	__atomic_store_n(&slot->active, 0, __ATOMIC_SEQ_CST);
}

/* Free for another tracer; or for another event, if its own is gone. */
static void slot_release(struct side_jmp_slot *slot)
{
	slot_take(slot);
	slot->owner = NULL;
	if (!slot->event && slot_idle(slot))
		tracer_pool_put(&tracer_slot_pool, slot);
}

/* ---- keys, some at a time ----------------------------------------------- */

struct tracer_keys {
	size_t n;
	struct side_jmp_key *key[SJ_SLICE_MAX];
};

/* All or none; none is left to its user's mistake with another one. */
static void tracer_disable(struct tracer_keys *keys)
{
	if (keys->n && side_jmp_disable_many(keys->key, keys->n))
		for (size_t i = 0; i < keys->n; i++)
			(void)side_jmp_disable(keys->key[i]);
	keys->n = 0;
}

static void tracer_disable_later(struct tracer_keys *keys,
				 struct side_jmp_event *event)
{
	sj_event_want(event, -1);
	keys->key[keys->n++] = event->key;
	if (keys->n == SJ_SLICE_MAX)
		tracer_disable(keys);
}

/* The first n fresh slots, that are reserved and no more: enable or release. */
static int tracer_enable(struct side_jmp_tracer *tracer, unsigned n, int error)
{
	struct side_jmp_slot *slot = tracer->lists[TRACER_FRESH];
	struct tracer_keys keys = { .n = 0 };

	for (; keys.n < n; slot = slot->of_tracer)
		keys.key[keys.n++] = slot->event->key;
	if (n && !error)
		error = side_jmp_enable_many(keys.key, keys.n);
	for (; error && n > 0; n--)
		slot_release(tracer->lists[TRACER_FRESH]);
	slot = tracer->lists[TRACER_FRESH];
	for (; n > 0; n--, slot = slot->of_tracer)
		sj_event_want(slot->event, 1);
	return error;
}

/* ---- rules -------------------------------------------------------------- */

/* By those of its rules that came after `old`. */
static bool tracer_wants(struct side_jmp_tracer *tracer,
			 const struct tracer_rule *old,
			 const struct side_jmp_event *event)
{
	bool wants = false;

	for (struct tracer_rule *r = tracer->rules; r != old; r = r->next) {
		if (!sj_pattern_matches(r->pattern, event->desc))
			continue;
		r->matched = true;
		wants = true;
	}
	return wants;
}

static bool tracer_has(const struct side_jmp_tracer *tracer,
		       const struct side_jmp_event *event)
{
	for (const struct side_jmp_slot *s = event->slots; s; s = s->next)
		if (s->owner == tracer)
			return true;
	return false;
}

static void tracer_drop_rules(struct side_jmp_tracer *tracer,
			      const struct tracer_rule *until)
{
	while (tracer->rules != until) {
		struct tracer_rule *r = tracer->rules;

		tracer->rules = r->next;
		tracer_pool_put(&tracer_rule_pool, r);
	}
}

/* All patterns of the list, or none. */
static int tracer_add_rules(struct side_jmp_tracer *tracer,
			    const char *patterns)
{
	const struct tracer_rule *before = tracer->rules;
	char pattern[SJ_PATTERN_MAX];
	int r;

	while ((r = sj_pattern_next(&patterns, pattern)) == 1) {
		struct tracer_rule *rule = tracer_pool_get(&tracer_rule_pool);

		if (!rule) {
			r = -ENOMEM;
			break;
		}
		memcpy(rule->pattern, pattern, sizeof(pattern));
		rule->number = tracer->rules ? tracer->rules->number + 1 : 0;
		rule->next = tracer->rules;
		tracer->rules = rule;
	}
	if (!r && tracer->rules == before)
		r = -EINVAL;
	if (r)
		tracer_drop_rules(tracer, before);
	return r;
}

bool sj_tracer_unmatched(const struct side_jmp_tracer *tracer, unsigned number,
			 char pattern[SJ_PATTERN_MAX])
{
	sigmask_t mask = sj_event_enter();
	const struct tracer_rule *r = tracer->rules;

	while (r && r->number != number)
		r = r->next;
	if (r)
		__builtin_memcpy(pattern, r->pattern, sizeof(r->pattern));
	sj_event_leave(mask);
	return r && !r->matched;
}

/* ---- register ----------------------------------------------------------- */

static struct side_jmp_tracer *tracer_new(side_jmp_callback *callback,
					  void *data, bool general)
{
	struct side_jmp_tracer *tracer = tracer_pool_get(&tracer_tracer_pool);

	if (!tracer)
		return NULL;
	tracer->callback = callback;
	tracer->data = data;
	tracer->general = general;
	tracer->next = tracer_all;
	tracer_all = tracer;
	return tracer;
}

static struct side_jmp_tracer **tracer_find(struct side_jmp_tracer *tracer)
{
	struct side_jmp_tracer **p = &tracer_all;

	while (*p && *p != tracer)
		p = &(*p)->next;
	return *p ? p : NULL;
}

/* One slice of the walk: 1, 0 at the end, or -errno. */
static int tracer_attach_some(struct side_jmp_tracer *tracer,
			      const struct tracer_rule *old,
			      struct sj_walk *walk, unsigned n)
{
	struct side_jmp_event *event = NULL;
	unsigned found = 0;
	int r = 0;

	while (n-- > 0 && !r && (event = sj_walk_next(walk))) {
		if (!tracer_wants(tracer, old, event) ||
		    tracer_has(tracer, event))
			continue;
		r = slot_reserve(tracer, event);
		found += !r;
	}
	r = tracer_enable(tracer, found, r);
	return r ? r : !!event;
}

static int tracer_attach(struct side_jmp_tracer *tracer,
			 const struct tracer_rule *old, struct sj_slice *slice)
{
	struct sj_walk walk;
	int r;

	sj_walk_begin(&walk);
	while ((r = tracer_attach_some(tracer, old, &walk, slice->n)) == 1)
		sj_slice_next(slice);
	sj_walk_end(&walk);
	return r;
}

/*
 * What is fresh becomes active; or goes, but for what the tracer wants
 * otherwise: events that came meanwhile.
 */
static void tracer_settle_some(struct side_jmp_tracer *tracer, bool all,
			       unsigned n)
{
	struct tracer_keys keys = { .n = 0 };
	struct side_jmp_slot *slot;

	while (n-- > 0 && (slot = tracer->lists[TRACER_FRESH])) {
		if (all || tracer_wants(tracer, NULL, slot->event)) {
			slot_activate(slot);
			continue;
		}
		tracer_disable_later(&keys, slot->event);
		slot_release(slot);
	}
	tracer_disable(&keys);
}

static void tracer_settle(struct side_jmp_tracer *tracer, bool all,
			  struct sj_slice *slice)
{
	while (tracer->lists[TRACER_FRESH]) {
		tracer_settle_some(tracer, all, slice->n);
		sj_slice_next(slice);
	}
}

/* Only when every event is enabled do callbacks begin. */
static int tracer_add(struct side_jmp_tracer *tracer, const char *patterns,
		      struct sj_slice *slice)
{
	const struct tracer_rule *old = tracer->rules;
	int r = tracer_add_rules(tracer, patterns);

	if (r)
		return r;
	tracer->starting = &tracer_frames;
	r = tracer_attach(tracer, old, slice);
	if (r)
		tracer_drop_rules(tracer, old);
	tracer_settle(tracer, !r, slice);
	tracer->starting = NULL;
	return r;
}

static int tracer_add_new(struct side_jmp_tracer **tracer, const char *patterns,
			  side_jmp_callback *callback, void *data,
			  bool general, struct sj_slice *slice)
{
	struct side_jmp_tracer *t = tracer_new(callback, data, general);
	int r = t ? tracer_add(t, patterns, slice) : -ENOMEM;

	if (!r) {
		*tracer = t;
	} else if (t) {
		*tracer_find(t) = t->next;
		tracer_pool_put(&tracer_tracer_pool, t);
	}
	return r;
}

int sj_tracer_add(struct side_jmp_tracer **tracer, const char *patterns,
		  side_jmp_callback *callback, void *data, bool general)
{
	struct sj_slice slice = { 0 };
	int saved = errno, r;

	if (!tracer || !patterns || !callback)
		return -EINVAL;
	sj_slice_enter(&slice);
	r = *tracer ? tracer_add(*tracer, patterns, &slice) :
		      tracer_add_new(tracer, patterns, callback, data, general,
				     &slice);
	sj_slice_leave(&slice);
	errno = saved;
	return r;
}

int side_jmp_tracer_register(struct side_jmp_tracer **tracer,
			     const char *patterns,
			     side_jmp_callback *callback, void *data)
{
	struct side_jmp_tracer *t = NULL;
	int r = tracer ? sj_tracer_add(&t, patterns, callback, data, false) :
			 -EINVAL;

	if (!r)
		*tracer = t;
	return r;
}

/* ---- unregister --------------------------------------------------------- */

static bool tracer_within(const struct tracer_frame *f,
			  const struct side_jmp_tracer *tracer)
{
	for (; f; f = f->below)
		if (f->slot->owner == tracer)
			return true;
	return false;
}

/* Are we a signal handler on top of a call that is beginning or ending? */
static bool tracer_on_top_of_a_call(const struct side_jmp_tracer *tracer)
{
	for (const struct tracer_frame *f = tracer_frames; f; f = f->below)
		if (f->slot->owner == tracer && !f->inside)
			return true;
	return false;
}

/* Does another thread wait within a callback of this tracer? */
static bool tracer_would_deadlock(const struct side_jmp_tracer *tracer)
{
	if (!tracer_frames)
		return false;
	if (tracer_on_top_of_a_call(tracer))
		return true;
	for (const struct tracer_waiter *w = tracer_waiters; w; w = w->next)
		if (w->thread != &tracer_frames &&
		    tracer_within(w->frames, tracer))
			return true;
	return false;
}

static void tracer_remove_waiter(struct tracer_waiter *waiter)
{
	struct tracer_waiter **p = &tracer_waiters;

	while (*p != waiter)
		p = &(*p)->next;
	*p = waiter->next;
}

static int tracer_unregister_begin(struct side_jmp_tracer *tracer,
				   struct tracer_waiter *waiter)
{
	struct side_jmp_tracer **p = tracer_find(tracer);

	if (!p)
		return -EINVAL;
	if (tracer_would_deadlock(tracer))
		return -EDEADLK;
	*p = tracer->next;
	tracer->stopping = true;
	waiter->tracer = tracer;
	waiter->thread = &tracer_frames;
	waiter->frames = tracer_frames;
	waiter->next = tracer_waiters;
	tracer_waiters = waiter;
	return 0;
}

/* No calls begin, and the events lose a user. */
static void tracer_stop_some(struct side_jmp_tracer *tracer, unsigned n)
{
	struct tracer_keys keys = { .n = 0 };
	struct side_jmp_slot *slot;

	while (n-- > 0 && (slot = tracer->lists[TRACER_ACTIVE])) {
		slot_deactivate(slot);
		slot_move(slot, TRACER_STOPPED);
		tracer_disable_later(&keys, slot->event);
	}
	tracer_disable(&keys);
}

static void tracer_release_some(struct side_jmp_tracer *tracer, unsigned n)
{
	while (n-- > 0 && tracer->lists[TRACER_STOPPED])
		slot_release(tracer->lists[TRACER_STOPPED]);
}

static void tracer_unregister_end(struct side_jmp_tracer *tracer,
				  struct tracer_waiter *waiter)
{
	tracer_remove_waiter(waiter);
	tracer_drop_rules(tracer, NULL);
	tracer_pool_put(&tracer_tracer_pool, tracer);
}

int side_jmp_tracer_unregister(struct side_jmp_tracer *tracer)
{
	struct sj_slice slice = { 0 };
	struct tracer_waiter waiter;
	int saved = errno, r;

	if (!tracer)
		return -EINVAL;
	sj_slice_enter(&slice);
	r = tracer_unregister_begin(tracer, &waiter);
	for (; !r && tracer->lists[TRACER_ACTIVE]; sj_slice_next(&slice))
		tracer_stop_some(tracer, slice.n);
	sj_slice_leave(&slice);
	if (r)
		return r;
	for (struct side_jmp_slot *s = tracer->lists[TRACER_STOPPED]; s;
	     s = s->of_tracer)
		if (!side_jmp_inject(INJECT_EVENT_WAIT))
			tracer_wait(s);
	sj_slice_enter(&slice);
	for (; tracer->lists[TRACER_STOPPED]; sj_slice_next(&slice))
		tracer_release_some(tracer, slice.n);
	tracer_unregister_end(tracer, &waiter);
	sj_slice_leave(&slice);
	errno = saved;
	return 0;
}

/* ---- events that come and go -------------------------------------------- */

static uint64_t tracer_refused;		/* sj_event_lock */

uint64_t sj_tracer_refused(const struct side_jmp_tracer *tracer)
{
	sigmask_t mask = sj_event_enter();
	uint64_t n = tracer->refused;

	sj_event_leave(mask);
	return n;
}

/* Those that it wants of so few that tracer_keys holds them: all or none. */
static int tracer_attach_new(struct side_jmp_tracer *tracer,
			     struct side_jmp_event *first,
			     const struct side_jmp_event *end)
{
	unsigned n = 0;
	int r = 0;

	for (; first < end && !r; first++) {
		if (!tracer_wants(tracer, NULL, first) ||
		    tracer_has(tracer, first))
			continue;
		r = slot_reserve(tracer, first);
		n += !r;
	}
	r = tracer_enable(tracer, n, r);
	while (!r && !tracer->starting && n-- > 0)
		slot_activate(tracer->lists[TRACER_FRESH]);
	return r;
}

/* Where not all can be enabled, whatever can. */
static void tracer_new_events(struct side_jmp_event *first,
			      const struct side_jmp_event *end)
{
	for (struct side_jmp_tracer *t = tracer_all; t; t = t->next) {
		if (t->stopping || !tracer_attach_new(t, first, end))
			continue;
		for (struct side_jmp_event *e = first; e < end; e++)
			if (tracer_attach_new(t, e, e + 1)) {
				t->refused++;
				tracer_refused++;
			}
	}
}

/* A slot that is stopped is its tracer's, which is on its way out. */
static void tracer_detach(struct side_jmp_event *event,
			  struct tracer_keys *keys)
{
	struct side_jmp_slot *slot, *next;

	for (slot = event->slots; slot; slot = next) {
		next = slot->next;
		slot->event = NULL;
		if (slot->owner && slot->list != TRACER_STOPPED) {
			slot_deactivate(slot);
			tracer_disable_later(keys, event);
			slot_release(slot);
		} else if (!slot->owner && slot_idle(slot)) {
			tracer_pool_put(&tracer_slot_pool, slot);
		}
	}
	event->slots = NULL;
}

/*
 * Does not wait for calls: their way back leads through the object that is
 * being unloaded, so whoever unloads it knows that there are none.  And at
 * exit there may be calls that never end.
 */
static void tracer_lost_events(struct side_jmp_event *first,
			       const struct side_jmp_event *end)
{
	struct tracer_keys keys = { .n = 0 };

	for (; first < end; first++)
		tracer_detach(first, &keys);
	tracer_disable(&keys);
}

/* ---- fork --------------------------------------------------------------- */

/* Nobody registers it any more, and nobody has its name. */
static void tracer_forget_started(void)
{
	struct side_jmp_tracer **p = &tracer_all;

	while (*p)
		if ((*p)->starting && (*p)->starting != &tracer_frames)
			*p = (*p)->next;
		else
			p = &(*p)->next;
}

/*
 * As in registry.c: other threads' stacks are looked at before, and what is left
 * in the child is put aside where it stays: this thread's waiters, and of the
 * others the tracers.
 */
static struct tracer_waiter *tracer_own_waiters;	/* sj_event_lock */
static struct side_jmp_tracer *tracer_orphans;

static void tracer_before_fork(void)
{
	tracer_own_waiters = NULL;
	tracer_orphans = NULL;
	for (struct tracer_waiter *w = tracer_waiters; w; w = w->next)
		if (w->thread == &tracer_frames) {
			w->own = tracer_own_waiters;
			tracer_own_waiters = w;
		} else {
			w->tracer->orphan = tracer_orphans;
			tracer_orphans = w->tracer;
		}
}

/* Nobody unregisters them any more: so they are registered, and may be. */
static void tracer_forget_waiters(void)
{
	tracer_waiters = tracer_own_waiters;
	for (struct tracer_waiter *w = tracer_waiters; w; w = w->next)
		w->next = w->own;
	for (struct side_jmp_tracer *t = tracer_orphans; t; t = t->orphan) {
		t->next = tracer_all;
		tracer_all = t;
	}
}

static void tracer_after_fork(void)
{
	for (struct tracer_frame *f = tracer_frames; f; f = f->below)
		if (f->inside)
			tracer_count_in(f);
		else
			f->struck = true;
	tracer_forget_started();
	tracer_forget_waiters();
}

static void tracer_info(struct side_jmp_event_info *info)
{
	for (const struct side_jmp_tracer *t = tracer_all; t; t = t->next)
		info->tracers += !t->starting && !t->stopping;
	info->refused = tracer_refused;
}

const struct sj_sink sj_tracer_sink = {
	.new_events = tracer_new_events,
	.lost_events = tracer_lost_events,
	.before_fork = tracer_before_fork,
	.after_fork = tracer_after_fork,
	.info = tracer_info,
};
