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
 *	F1 for each slot:               U1 slot.active = 0
 *	F2   if !active: next           U2 sj_fence_seldom()
 *	F3   frame.slot = slot          U3 for each frame there is:
 *	F4   sj_fence_often()           U4   until its slot is none of ours:
 *	F5   if active:                          sleep
 *	F6     callback(data)           U5 the slots are free
 *	F7   frame.slot = NULL
 *
 *	register, on a free slot: callback, data; then active = 1  (release)
 *
 *  1. A walk along the list is safe: `next` is written before the slot is
 *     published (release; F1 is an acquire) and never again.
 *  2. No callback begins after unregister has returned.  A frame is of one
 *     thread.  F3 and F5 here, U1 and U4 there are each a store and a load of
 *     what the other side has stored, with a fence in between (F4 pairs with
 *     U2, see fence.c): F5 sees 0 (or a later registration, see 3) and does not
 *     call, or U4 sees the slot from the first time on until F7, and the call
 *     is over (release by F7, and by the next F3; acquire by U4).  A frame that
 *     is not yet on the list when U3 reads its head is put there by a full
 *     barrier before its first F3, so after U1: F5 sees that.  U1, U3, F5 and
 *     the frame's way onto the list are seq_cst.
 *  3. A slot that is used again: between U4 and the next active = 1 nobody
 *     calls, so callback and data are written while nobody reads them.  Who
 *     reads them (F6) saw active = 1 at F5 (acquire; pairs with register's
 *     release) after F3, so the slot can't be freed until F7, and F6 sees the
 *     callback that belongs to that active.  It is a callback for this very
 *     event: calling it is right.  Somebody between F3 and F5 whose F3 nobody
 *     sees yet does not matter: he sees 0, or all of the next registration.
 *  4. The waiter does not starve: once U1 is seen, F2 keeps others out.
 *  5. The event's path: per callback two stores to a line of this thread's; no
 *     barrier, where the kernel makes others pass it for U2; no lock, no
 *     allocation, no system call, but for the first event of a thread.
 *
 * Frames lie in pages of their own, on one list, and are never given back: who
 * needs one takes it from nobody or from a thread that is gone.
 *
 * A handler that struck a call may leave by siglongjmp().  The frame stays, and
 * the thread's next event, or its unregister, finds that it stands deeper on the
 * stack than it does itself, where a call that still runs can't be, and drops
 * it.  What the frame was in the midst of does not matter: either its slot is
 * there or not.  A thread that does neither any more and lives keeps whoever
 * unregisters waiting, and that has an end.
 *
 * In a callback.  The frames of a thread are linked from a thread-local head (a
 * signal handler's go on top, and are gone before it returns).  The calls that
 * unregister must not wait for are those in the caller's own frames.  Deadlock
 * needs a cycle of threads, each within a callback of one tracer and waiting for
 * another's.  A thread that waits from within a callback is listed
 * (sj_event_lock), and whoever wants to wait for a tracer that a listed thread is
 * within, is refused: the last that would close a cycle always is.  Who waits
 * outside of callbacks is in no cycle.
 *
 * A signal may strike a call between F5 and the callback, which then would
 * begin after its handler's unregister has returned.  So a frame tells whether
 * its callback itself is running, and who is on top of a frame of the tracer
 * that is not in its callback is refused, too.
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
 *    event loses a user), then waits for the calls of each without the lock (U2
 *    to U4: nobody else takes a slot from that list), then frees them (U5).
 *
 * Between two slices the tracer is `starting` or `stopping`.  An object that
 * comes then gives its events to the fresh list of the former and not to the
 * latter; one that goes takes its fresh and active slots along, whose keys it
 * disables before its memory is unmapped, and leaves the stopped ones, without
 * their event.  A tracer that starts is known to nobody else; one that stops is
 * off the list, and its waiter is on, so 2 and what is said above of callbacks
 * hold from there on.
 *
 * FILTERS.  A slot has a list of them, one for each rule that wants its event, and
 * calls the callback if one of them lets the event pass; or it has none, and calls
 * for each.  They are read by who is between F5 and F6, and so replaced as
 * callback and data are, by 3: when the slot is used again, or goes.  In between
 * the list only grows, at its head (release; tracer_passes() acquires): rules that
 * come later find slots that are active, and their filters wait with the tracer
 * until all are there; then none can fail any more.
 *
 * Fork.  Calls that ran in other threads do not end in the child: their frames
 * are nobody's there.  A tracer that another thread was about to register is
 * nobody's, and calls nobody from the child's first instruction on; its keys are
 * enabled until the next thread comes that registers or unregisters, for a fork()
 * does not wait for that.  One that another was about to unregister is registered
 * still, and may be unregistered; as is one whose unregister has waited in vain.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/general.h"
#include "arch/thunk.h"
SJ_GENERAL_BEGIN
#include "runtime/events/events.h"
#include "runtime/events/sink.h"
SJ_GENERAL_END

enum { TRACER_LINE = 64 };

/* What a slot is to its tracer.  All but the stopped ones' keys are enabled. */
enum tracer_list { TRACER_FRESH, TRACER_ACTIVE, TRACER_STOPPED, TRACER_LISTS };

struct side_jmp_slot {
	struct side_jmp_slot *next;	/* of the event; see 1 */
	uint32_t active;		/* atomic; written under sj_event_lock */
	side_jmp_callback *callback;	/* see 3 */
	void *data;
	bool general;			/* the callback, see struct sj_tracer_call */
	struct sj_filter *filters;	/* atomic; see FILTERS */
	struct side_jmp_event *event;	/* sj_event_lock; NULL: it is gone */
	/* NULL: it is free.  sj_event_lock; also read without, see U4. */
	struct side_jmp_tracer *owner;
	/* In one of the owner's lists.  sj_event_lock. */
	enum tracer_list list;
	struct side_jmp_slot *of_tracer, **back;
};

/* A pattern of a tracer.  sj_event_lock. */
struct tracer_rule {
	struct tracer_rule *next;
	unsigned number;		/* of the tracer's, from 0 */
	bool matched;			/* some event, at some time */
	const char *variable;		/* see struct sj_tracer_call */
	struct tracer_rule *same;	/* while it comes: an older one that says
					   the same; else NULL */
	struct sj_pattern pattern;	/* why: an event was refused for it; "" */
};

/* sj_event_lock */
struct side_jmp_tracer {
	struct side_jmp_tracer *orphan;	/* of a thread that a child lacks */
	struct side_jmp_tracer *next;
	uint64_t refused;		/* events that could not be enabled */
	const void *starting;		/* the thread that adds rules, as of a
					   waiter; fresh slots stay fresh */
	bool stopping;			/* new events are not for it */
	struct sj_tracer_call call;
	struct tracer_rule *rules;
	struct sj_filter *waiting;	/* for slots that it has; see FILTERS */
	struct side_jmp_slot *lists[TRACER_LISTS];
};

/* For one call at a time, of one thread.  The others read what is atomic. */
struct tracer_frame {
	struct tracer_frame *next;	/* of all that there are */
	struct side_jmp_slot *slot;	/* atomic; NULL: no call */
	pid_t thread;			/* atomic; 0: nobody's */
	bool inside;			/* the callback itself is running */
	uintptr_t stack;		/* where its thread was */
	uintptr_t fired;		/* see sj_tracer_frame() */
	struct tracer_frame *below, *above;
	struct sj_spans *spans;		/* of a thread's first; or NULL */
} __attribute__((aligned(TRACER_LINE)));

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
 * model would allocate then: the frame on top that has a call, and the thread's
 * first, from which all of its own are linked.  Some bytes of every loader's static reserve.
 */
static __thread struct tracer_frame *tracer_frames
	__attribute__((tls_model("initial-exec")));
static __thread struct tracer_frame *tracer_first
	__attribute__((tls_model("initial-exec")));

static struct tracer_frame *tracer_every_frame;	/* atomic; only pushed to */
static struct side_jmp_tracer *tracer_all;		/* sj_event_lock */
static struct side_jmp_tracer *tracer_left;		/* likewise; see Fork */
static struct tracer_waiter *tracer_waiters;	/* sj_event_lock */

/* ---- memory: from pages, never given back, used again ------------------- */

struct tracer_pool {
	void *free;			/* the first word links to the next */
	size_t size;
};

static struct tracer_pool
	tracer_slot_pool = { NULL, sizeof(struct side_jmp_slot) },
	tracer_rule_pool = { NULL, sizeof(struct tracer_rule) },
	tracer_tracer_pool = { NULL, sizeof(struct side_jmp_tracer) },
	/* The longest is of SJ_FILTER_TESTS and SJ_FILTER_TEXT. */
	tracer_filter_pools[] = { { NULL, 96 }, { NULL, 256 }, { NULL, 1280 } };

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

/* ---- filters ------------------------------------------------------------ */

_Static_assert(sizeof(struct sj_filter_build) <= 1280, "see tracer_filter_pools");

static struct tracer_pool *filter_pool(const struct sj_filter *filter)
{
	struct tracer_pool *pool = tracer_filter_pools;

	while (sj_filter_size(filter) > pool->size)
		pool++;
	return pool;
}

static struct sj_filter *filter_new(const struct sj_filter_build *build)
{
	struct sj_filter *f = tracer_pool_get(filter_pool(&build->head));

	if (f)
		sj_filter_store(build, f);
	return f;
}

static void filter_free_all(struct sj_filter *filters)
{
	while (filters) {
		struct sj_filter *f = filters;

		filters = f->next;
		tracer_pool_put(filter_pool(f), f);
	}
}

/* It lets everything pass. */
static bool filter_is_open(const struct sj_filter *f)
{
	return !f->n_tests && !f->every && !f->limit;
}

/* ---- frames ------------------------------------------------------------- */

static bool frame_is_mine(const struct tracer_frame *frame)
{
	const struct tracer_frame *f = tracer_first;

	while (f && f != frame)
		f = f->above;
	return f;
}

/* It has ended.  Callers keep errno. */
static bool frame_is_left(pid_t thread)
{
	return thread && syscall(SYS_tgkill, sj_pid(), thread, 0) &&
	       errno == ESRCH;
}

static bool frame_take(struct tracer_frame *frame, pid_t from)
{
	if (!__atomic_compare_exchange_n(&frame->thread, &from, sj_tid(), false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&frame->slot, NULL, __ATOMIC_RELEASE);
	if (frame->spans)
		memset(frame->spans, 0, SJ_SPANS_SIZE);
	return true;
}

/* Nobody's; or, of a few that are somebody's, that of a thread that is gone. */
static struct tracer_frame *frame_find(void)
{
	enum { STEP = 16, LOOKS = 4 };
	static unsigned turn;
	struct tracer_frame *head = __atomic_load_n(&tracer_every_frame,
						    __ATOMIC_SEQ_CST);
	unsigned at = __atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED), looks = 0;

	for (struct tracer_frame *f = head; f; f = f->next)
		if (!__atomic_load_n(&f->thread, __ATOMIC_RELAXED) &&
		    frame_take(f, 0))
			return f;
	for (struct tracer_frame *f = head; f && looks < LOOKS; f = f->next) {
		pid_t thread = __atomic_load_n(&f->thread, __ATOMIC_RELAXED);

		if (at++ % STEP || frame_is_mine(f))
			continue;
		looks++;
		if ((thread == sj_tid() || frame_is_left(thread)) &&
		    frame_take(f, thread))
			return f;
	}
	return NULL;
}

/* A page of them, of which the first is ours. */
static struct tracer_frame *frame_map(void)
{
	size_t n = 4096 / sizeof(struct tracer_frame);
	struct tracer_frame *f = (void *)sj_map_pages(4096);

	if (!f)
		return NULL;
	f->thread = sj_tid();
	for (size_t i = 0; i + 1 < n; i++)
		f[i].next = &f[i + 1];
	f[n - 1].next = __atomic_load_n(&tracer_every_frame, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&tracer_every_frame, &f[n - 1].next,
					    f, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED))
		;
	return f;
}

/* One more for this thread, unless a handler has been here before. */
static void frame_get(void *arg)
{
	struct tracer_frame *top = tracer_frames, *frame;
	sigmask_t mask = sj_block_signals();
	int saved = errno;

	(void)arg;
	if (!(top ? top->above : tracer_first)) {
		frame = frame_find();
		if (!frame)
			frame = frame_map();
		if (frame)
			frame->above = NULL;
		*(top ? &top->above : &tracer_first) = frame;
	}
	errno = saved;
	sj_restore_signals(mask);
}

/* The same, for this thread's first frame, with memory for its spans. */
static void frame_get_spans(void *arg)
{
	sigmask_t mask = sj_block_signals();
	int saved = errno;

	if (!tracer_first)
		frame_get(arg);
	if (tracer_first && !tracer_first->spans)
		tracer_first->spans = (void *)sj_map_pages(SJ_SPANS_SIZE);
	errno = saved;
	sj_restore_signals(mask);
}

/*
 * Those that a siglongjmp() has left.  On a handler's own stack nobody can tell
 * by where things stand.
 */
static void frame_drop_left(void *here)
{
	struct tracer_frame *f = tracer_frames;
	int saved = errno;
	stack_t other;

	if (!f || f->stack > *(uintptr_t *)here)
		return;
	if (!sigaltstack(NULL, &other) && !(other.ss_flags & SS_ONSTACK)) {
		for (; f && f->stack <= *(uintptr_t *)here; f = f->below)
			__atomic_store_n(&f->slot, NULL, __ATOMIC_RELEASE);
		tracer_frames = f;
	}
	errno = saved;
}

/* ---- fire --------------------------------------------------------------- */
SJ_GENERAL_BEGIN

/*
 * Where the caller of this function stands, whatever room the function takes: with
 * no frame pointer __builtin_frame_address(0) lies below all of that, and of two
 * that were called from the same place differs.
 */
#define TRACER_HERE()	((uintptr_t)__builtin_dwarf_cfa())

/* An event that happens. */
struct tracer_fired {
	struct side_jmp_event *event;
	const uint64_t *bits;
	struct side_jmp_value *values;	/* of the bits; once they are wanted */
	bool ready;
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

/*
 * A handler that strikes here uses the same frame, and leaves it as it was but
 * for `stack`, which whoever used it puts back.  NULL: no memory.
 */
static inline __attribute__((always_inline))
struct tracer_frame *tracer_push(uintptr_t *was)
{
	uintptr_t here = TRACER_HERE();
	struct tracer_frame *top = tracer_frames, *frame;

	if (top && top->stack <= here) {
		sj_keep_vectors(frame_drop_left, &here);
		top = tracer_frames;
	}
	frame = top ? top->above : tracer_first;
	if (!frame) {
		sj_keep_vectors(frame_get, NULL);
		frame = top ? top->above : tracer_first;
		if (!frame)
			return NULL;
	}
	*was = frame->stack;
	frame->stack = here;
	frame->below = top;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	tracer_frames = frame;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return frame;
}

static inline __attribute__((always_inline))
void tracer_pop(struct tracer_frame *frame, uintptr_t was)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	tracer_frames = frame->below;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	frame->stack = was;
}

TRACER_INLINED tracer_values(struct tracer_fired *fired)
{
	if (fired->ready)
		return;
	sj_values(fired->event->desc, fired->bits, fired->values);
	fired->ready = true;
}

static inline __attribute__((always_inline))
bool tracer_passes(const struct tracer_fired *fired)
{
	struct sj_filter *f = __atomic_load_n(&fired->slot->filters,
					      __ATOMIC_ACQUIRE);

	if (__builtin_expect(!f, 1))
		return true;
	while (f && !sj_filter_passes(f, fired->event->desc, fired->bits,
				      fired->ready ? fired->values : NULL))
		f = f->next;
	return f;
}

TRACER_INLINED tracer_call_back(struct tracer_frame *frame,
				struct tracer_fired *fired, bool keep)
{
	tracer_values(fired);
	__atomic_store_n(&frame->inside, true, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (fired->slot->general)
		fired->slot->callback(fired->event, fired->values,
				      fired->slot->data);
	else
		tracer_keep(fired, tracer_call_other, keep);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&frame->inside, false, __ATOMIC_RELAXED);
}

TRACER_INLINED tracer_call(struct side_jmp_slot *slot,
			   struct tracer_fired *fired, bool keep, unsigned calls)
{
	uintptr_t was;
	struct tracer_frame *frame = tracer_push(&was);

	if (!frame)
		return;
	fired->slot = slot;
	frame->inside = false;
	frame->fired = (uintptr_t)__builtin_frame_address(0) + calls;
	side_jmp_inject(INJECT_EVENT_ENTERING);
	__atomic_store_n(&frame->slot, slot, __ATOMIC_RELEASE);
	sj_fence_often();
	side_jmp_inject(INJECT_EVENT_ENTERED);
	if ((__atomic_load_n(&slot->active, __ATOMIC_SEQ_CST) ||
	     side_jmp_inject(INJECT_EVENT_RECHECK)) && tracer_passes(fired))
		tracer_call_back(frame, fired, keep);
	side_jmp_inject(INJECT_EVENT_LEAVING);
	__atomic_store_n(&frame->slot, NULL, __ATOMIC_RELEASE);
	side_jmp_inject(INJECT_EVENT_LEFT);
	tracer_pop(frame, was);
}

static inline __attribute__((always_inline))
struct sj_spans *tracer_spans(void)
{
	struct tracer_frame *first = tracer_first;

	if (!first || !first->spans) {
		sj_keep_vectors(frame_get_spans, NULL);
		first = tracer_first;
	}
	return first ? first->spans : NULL;
}

/* calls: from whoever this is inlined in to the site, as SJ_THUNK_CALLS. */
TRACER_INLINED tracer_fire(struct side_jmp_event *event, const uint64_t *bits,
			   bool keep, unsigned calls)
{
	struct side_jmp_value values[event->desc->n_fields + 1];
	struct tracer_fired fired = { event, bits, values, false, NULL };
	struct side_jmp_slot *slot;

	if (event->other) {
		tracer_values(&fired);
		sj_span(event, values, tracer_spans());
	}
	if (sj_word_kernel_bit(event->key)) {
		tracer_values(&fired);
		tracer_keep(&fired, tracer_call_kernel, keep);
	}
	for (slot = __atomic_load_n(&event->slots, __ATOMIC_ACQUIRE); slot;
	     slot = slot->next)
		if (__atomic_load_n(&slot->active, __ATOMIC_RELAXED))
			tracer_call(slot, &fired, keep, calls);
}

bool sj_tracer_alone(void)
{
	return !tracer_frames || !tracer_frames->below;
}

/* The frame of who fires; its address is a multiple of 8, the rest are calls. */
const void *sj_tracer_frame(unsigned *skip)
{
	uintptr_t fired = tracer_frames->fired;

	*skip = fired % 8;
	return (const void *)(fired - *skip);
}

/* Those of version 1 called it with something else. */
__attribute__((noinline))	/* TRACER_HERE() is where the event stands */
void side_jmp_event_fire(struct side_jmp_event *event, const uint64_t *bits)
{
	if (event->version == SIDE_JMP_EVENT_VERSION)
		tracer_fire(event, bits, false, 0);
}

__attribute__((used))	/* by the thunks, which link-time optimizers don't read */
void sj_event_fire(struct side_jmp_event *event, const uint64_t *bits)
{
	tracer_fire(event, bits, SJ_GENERAL, SJ_THUNK_CALLS);
}

SJ_EVENT_THUNKS("sj_event_fire")

SJ_GENERAL_END

/* ---- waiting ------------------------------------------------------------ */

static bool tracer_holds(const struct tracer_frame *frame,
			 const struct side_jmp_tracer *tracer)
{
	struct side_jmp_slot *slot = __atomic_load_n(&frame->slot,
						     __ATOMIC_SEQ_CST);

	return slot &&
	       __atomic_load_n(&slot->owner, __ATOMIC_RELAXED) == tracer;
}

/* Its thread ended in the midst of it. */
static void tracer_end_left(struct tracer_frame *frame)
{
	pid_t thread = __atomic_load_n(&frame->thread, __ATOMIC_RELAXED);

	if (frame_is_left(thread) && frame_take(frame, thread))
		__atomic_store_n(&frame->thread, 0, __ATOMIC_RELEASE);
}

/* Calls are short, mostly: look again soon, then ever later. */
static int tracer_wait_for(struct tracer_frame *frame,
			   const struct side_jmp_tracer *tracer, uint64_t until)
{
	long pause = 1000;

	for (unsigned i = 0; tracer_holds(frame, tracer); i++) {
		if (i < 20) {
			sched_yield();
			continue;
		}
		tracer_end_left(frame);
		if (sj_now() > until)
			return -ETIMEDOUT;
		sj_pause(pause);
		if (pause < 1000000)
			pause *= 2;
	}
	return 0;
}

static int tracer_wait(const struct side_jmp_tracer *tracer)
{
	int r = side_jmp_inject(INJECT_EVENT_FENCE) ? 0 : sj_fence_seldom();
	uint64_t until = sj_now() + UINT64_C(10000000000);
	struct tracer_frame *f = __atomic_load_n(&tracer_every_frame,
						 __ATOMIC_SEQ_CST);

	for (; f && !r; f = f->next)
		if (!frame_is_mine(f))
			r = tracer_wait_for(f, tracer, until);
	return r;
}

/* ---- slots -------------------------------------------------------------- */

/*
 * A callback that unregistered itself still runs, in a slot that nobody uses; a
 * signal may have struck it (F6) between its loads of callback and data.  Of a
 * slot that was active before, after a fence of ours: see 2.
 */
static bool slot_idle(const struct side_jmp_slot *slot)
{
	const struct tracer_frame *f = __atomic_load_n(&tracer_every_frame,
						       __ATOMIC_SEQ_CST);

	for (; f; f = f->next)
		if (__atomic_load_n(&f->slot, __ATOMIC_SEQ_CST) == slot)
			return false;
	return true;
}

static void slot_give(struct side_jmp_slot *slot, struct side_jmp_tracer *owner)
{
	__atomic_store_n(&slot->owner, owner, __ATOMIC_RELAXED);
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

/* Of a slot that nobody calls by: see 3. */
static void slot_set_filters(struct side_jmp_slot *slot,
			     struct sj_filter *filters)
{
	filter_free_all(slot->filters);
	slot->filters = filters;
}

/* A slot for this event, not active yet.  Takes the filters in any case. */
static int slot_reserve(struct side_jmp_tracer *tracer,
			struct side_jmp_event *event, struct sj_filter *filters)
{
	struct side_jmp_slot *slot = slot_get(event);

	if (!slot) {
		filter_free_all(filters);
		return -ENOMEM;
	}
	slot_give(slot, tracer);
	slot->callback = tracer->call.callback;
	slot->data = tracer->call.data;
	slot->general = tracer->call.general;
	slot_set_filters(slot, filters);
	slot_put(slot, TRACER_FRESH);
	return 0;
}

static bool slot_is_open(const struct side_jmp_slot *slot)
{
	const struct sj_filter *f = slot->filters;

	while (f && !filter_is_open(f))
		f = f->next;
	return !slot->filters || f;
}

/*
 * A slot that has filters is to call by these, too; NULL: for each event.  Not
 * yet.  Takes them in any case.
 */
static int slot_widen(struct side_jmp_slot *slot, struct sj_filter *filters)
{
	static const struct sj_filter_build open;
	struct sj_filter **end = &filters;

	if (slot_is_open(slot)) {
		filter_free_all(filters);
		return 0;
	}
	if (!filters && !(filters = filter_new(&open)))
		return -ENOMEM;
	for (; *end; end = &(*end)->next)
		(*end)->owner = slot;
	*end = slot->owner->waiting;
	slot->owner->waiting = filters;
	return 0;
}

/* What was to come to it. */
static void slot_forget_waiting(const struct side_jmp_slot *slot)
{
	struct sj_filter **p = &slot->owner->waiting;

	while (*p) {
		struct sj_filter *f = *p;

		if (f->owner != slot) {
			p = &f->next;
			continue;
		}
		*p = f->next;
		f->next = NULL;
		filter_free_all(f);
	}
}

/* It is no event's, and idle. */
static void slot_free(struct side_jmp_slot *slot)
{
	slot_set_filters(slot, NULL);
	tracer_pool_put(&tracer_slot_pool, slot);
}

static void slot_activate(struct side_jmp_slot *slot)
{
	slot_move(slot, TRACER_ACTIVE);
	/* Pairs with F5, see 3. */
	__atomic_store_n(&slot->active, 1, __ATOMIC_SEQ_CST);
}

static void slot_deactivate(struct side_jmp_slot *slot)
{
	__atomic_store_n(&slot->active, 0, __ATOMIC_SEQ_CST);
}

/* Free for another tracer; or for another event, if its own is gone. */
static void slot_release(struct side_jmp_slot *slot)
{
	slot_forget_waiting(slot);
	slot_take(slot);
	slot_give(slot, NULL);
	if (!slot->event && slot_idle(slot))
		slot_free(slot);
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

	for (; keys.n < n; slot = slot->of_tracer) {
		sj_span_era_ends(slot->event);
		keys.key[keys.n++] = slot->event->key;
	}
	if (n && !error)
		error = side_jmp_enable_many(keys.key, keys.n);
	for (; error && n > 0; n--)
		slot_release(tracer->lists[TRACER_FRESH]);
	slot = tracer->lists[TRACER_FRESH];
	for (; n > 0; n--, slot = slot->of_tracer) {
		sj_span_era_begins(slot->event);
		sj_event_want(slot->event, 1);
	}
	return error;
}

/* ---- rules -------------------------------------------------------------- */

static uint64_t tracer_refused;		/* sj_event_lock */
static char tracer_reason[SJ_TRACER_WHY];	/* likewise */

/* A pattern, and what is wrong with it. */
static void rule_reason(const struct sj_pattern *pattern)
{
	snprintf(tracer_reason, sizeof(tracer_reason), "\"%.100s\" %s",
		 pattern->text, pattern->why);
}

/*
 * Its filter can't be applied to the event that it names.  Whoever set a variable
 * is told, once.
 */
static void rule_refuse(struct side_jmp_tracer *tracer, struct tracer_rule *rule)
{
	rule_reason(&rule->pattern);
	tracer_refused++;
	if (!rule->variable)
		tracer->refused++;
	else if (!rule->matched)
		sj_say("%s: %s; ignored", rule->variable, tracer_reason);
	rule->matched = true;
}

/*
 * Its filter for the event, which its pattern matches: 1, and *filter, NULL: it
 * has none.  0: the event is none of those that it means.  Or -errno.
 */
static int rule_filter(struct side_jmp_tracer *tracer, struct tracer_rule *rule,
		       const struct side_jmp_event *event, bool strict,
		       struct sj_filter **filter)
{
	struct sj_filter_build build;
	int r = sj_pattern_filter(&rule->pattern, event->desc, &build,
				  rule->pattern.why);

	*filter = NULL;
	if (!r)
		return 1;
	if (r > 0) {
		*filter = filter_new(&build);
		if (!*filter)
			return -ENOMEM;
		(*filter)->left_out = tracer->call.left_out;
		return 1;
	}
	if (!sj_pattern_is_exact(rule->pattern.name))
		return 0;
	if (!strict) {
		rule_refuse(tracer, rule);
		return 0;
	}
	rule_reason(&rule->pattern);
	return r;
}

static struct side_jmp_slot *tracer_slot(const struct side_jmp_tracer *tracer,
					 const struct side_jmp_event *event)
{
	struct side_jmp_slot *s = event->slots;

	while (s && s->owner != tracer)
		s = s->next;
	return s;
}

/*
 * By those of its rules that came after `old`: 1, and *filters, NULL: it wants
 * them all; 0; or -errno.  strict: a filter that can't be applied to the event that
 * its pattern names is an error, and not said.  One that says the same as an older
 * rule adds nothing where that one has been asked.
 */
static int tracer_wants(struct side_jmp_tracer *tracer,
			const struct tracer_rule *old, bool strict,
			const struct side_jmp_event *event,
			struct sj_filter **filters)
{
	bool all = false, asked = !old || tracer_slot(tracer, event);
	int wants = 0, r = 0;

	*filters = NULL;
	for (struct tracer_rule *rule = tracer->rules; rule != old && r >= 0;
	     rule = rule->next) {
		struct sj_filter *filter;

		if (!sj_pattern_matches(rule->pattern.name, event->desc))
			continue;
		r = rule_filter(tracer, rule, event, strict, &filter);
		if (r <= 0)
			continue;
		rule->matched = true;
		if (rule->same && asked) {
			filter_free_all(filter);
			continue;
		}
		wants = 1;
		all |= !filter;
		if (filter) {
			filter->next = *filters;
			*filters = filter;
		}
	}
	if (all || r < 0) {
		filter_free_all(*filters);
		*filters = NULL;
	}
	return r < 0 ? r : wants;
}

/*
 * What it wants of the event by the rules after `old`: 1, a slot is reserved; 0,
 * none is needed; or -errno.  A fresh slot is of all rules.
 */
static int tracer_attach_event(struct side_jmp_tracer *tracer,
			       const struct tracer_rule *old, bool strict,
			       struct side_jmp_event *event)
{
	struct side_jmp_slot *slot = tracer_slot(tracer, event);
	struct sj_filter *filters;
	int r;

	if (slot && (!old || slot->list == TRACER_FRESH))
		return 0;
	r = tracer_wants(tracer, old, strict, event, &filters);
	if (r <= 0)
		return r;
	if (slot)
		return slot_widen(slot, filters);
	r = slot_reserve(tracer, event, filters);
	return r ? r : 1;
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

static struct tracer_rule *rule_find(struct tracer_rule *from,
				     const struct tracer_rule *until,
				     const char *text)
{
	while (from != until && strcmp(from->pattern.text, text))
		from = from->next;
	return from != until ? from : NULL;
}

/* Twice in a list is once. */
static void tracer_add_rule(struct side_jmp_tracer *tracer,
			    struct tracer_rule *rule, struct tracer_rule *old)
{
	if (rule_find(tracer->rules, old, rule->pattern.text)) {
		tracer_pool_put(&tracer_rule_pool, rule);
		return;
	}
	rule->same = rule_find(old, NULL, rule->pattern.text);
	rule->number = tracer->rules ? tracer->rules->number + 1 : 0;
	rule->next = tracer->rules;
	tracer->rules = rule;
}

/* Those that said nothing new: who starts again and again keeps one of each. */
static void tracer_drop_same(struct side_jmp_tracer *tracer,
			     const struct tracer_rule *old)
{
	struct tracer_rule **p = &tracer->rules;

	while (*p != old) {
		struct tracer_rule *r = *p;

		if (!r->same) {
			p = &r->next;
			continue;
		}
		r->same->matched |= r->matched;
		*p = r->next;
		tracer_pool_put(&tracer_rule_pool, r);
	}
}

/* All patterns of the list, or none. */
static int tracer_add_rules(struct side_jmp_tracer *tracer,
			    const char *patterns, const char *variable)
{
	struct tracer_rule *before = tracer->rules, *rule;
	int r;

	do {
		rule = tracer_pool_get(&tracer_rule_pool);
		r = rule ? sj_pattern_next(&patterns, &rule->pattern) : -ENOMEM;
		if (r == 1) {
			rule->variable = variable;
			tracer_add_rule(tracer, rule, before);
			continue;
		}
		if (rule && r)
			rule_reason(&rule->pattern);
		if (rule)
			tracer_pool_put(&tracer_rule_pool, rule);
	} while (r == 1);
	if (!r && tracer->rules == before) {
		strcpy(tracer_reason, "no pattern: expected provider:name");
		r = -EINVAL;
	}
	if (r)
		tracer_drop_rules(tracer, before);
	return r;
}

bool sj_tracer_unmatched(const struct side_jmp_tracer *tracer, unsigned number,
			 struct sj_pattern *pattern)
{
	sigmask_t mask = sj_event_enter();
	const struct tracer_rule *r = tracer->rules;

	while (r && r->number != number)
		r = r->next;
	if (r)
		*pattern = r->pattern;
	sj_event_leave(mask);
	return r && r->variable && !r->matched;
}

/* ---- register ----------------------------------------------------------- */

static struct side_jmp_tracer *tracer_new(const struct sj_tracer_call *call)
{
	struct side_jmp_tracer *tracer = tracer_pool_get(&tracer_tracer_pool);

	if (!tracer)
		return NULL;
	tracer->call = *call;
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

	while (n-- > 0 && r >= 0 && (event = sj_walk_next(walk))) {
		r = tracer_attach_event(tracer, old, true, event);
		found += r == 1;
	}
	r = tracer_enable(tracer, found, r < 0 ? r : 0);
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
		struct sj_filter *filters;

		if (!all && tracer_wants(tracer, NULL, false, slot->event,
					 &filters) != 1) {
			tracer_disable_later(&keys, slot->event);
			slot_release(slot);
			continue;
		}
		if (!all)
			slot_set_filters(slot, filters);
		slot_activate(slot);
	}
	tracer_disable(&keys);
}

/* Filters that wait come to their slots, or go. */
static void tracer_widen_some(struct side_jmp_tracer *tracer, bool all,
			      unsigned n)
{
	struct sj_filter *f;

	while (n-- > 0 && (f = tracer->waiting)) {
		struct side_jmp_slot *slot = f->owner;

		tracer->waiting = f->next;
		f->next = all ? slot->filters : NULL;
		if (all)	/* pairs with the acquire in tracer_passes() */
			__atomic_store_n(&slot->filters, f, __ATOMIC_RELEASE);
		else
			filter_free_all(f);
	}
}

static void tracer_settle(struct side_jmp_tracer *tracer, bool all,
			  struct sj_slice *slice)
{
	for (; tracer->lists[TRACER_FRESH]; sj_slice_next(slice))
		tracer_settle_some(tracer, all, slice->n);
	for (; tracer->waiting; sj_slice_next(slice))
		tracer_widen_some(tracer, all, slice->n);
}

/* Only when every event is enabled do callbacks begin. */
static int tracer_add(struct side_jmp_tracer *tracer, const char *patterns,
		      const char *variable, struct sj_slice *slice)
{
	const struct tracer_rule *old = tracer->rules;
	int r = tracer_add_rules(tracer, patterns, variable);

	if (r)
		return r;
	tracer->starting = &tracer_frames;
	r = tracer_attach(tracer, old, slice);
	if (r)
		tracer_drop_rules(tracer, old);
	else
		tracer_drop_same(tracer, old);
	tracer_settle(tracer, !r, slice);
	tracer->starting = NULL;
	return r;
}

static void tracer_free(struct side_jmp_tracer *tracer)
{
	*tracer_find(tracer) = tracer->next;
	tracer_pool_put(&tracer_tracer_pool, tracer);
}

static int tracer_add_new(struct side_jmp_tracer **tracer, const char *patterns,
			  const struct sj_tracer_call *call,
			  struct sj_slice *slice)
{
	struct side_jmp_tracer *t = tracer_new(call);
	int r = t ? tracer_add(t, patterns, call->variable, slice) : -ENOMEM;

	if (!r)
		*tracer = t;
	else if (t)
		tracer_free(t);
	return r;
}

/* As if this thread had begun with them, and could not have all events. */
static void tracer_undo_left(struct sj_slice *slice)
{
	struct side_jmp_tracer *t;

	while ((t = tracer_left)) {
		tracer_left = t->next;
		t->next = tracer_all;
		tracer_all = t;
		t->starting = &tracer_frames;
		tracer_settle(t, false, slice);
		tracer_free(t);
	}
}

int sj_tracer_add(struct side_jmp_tracer **tracer, const char *patterns,
		  const struct sj_tracer_call *call, char why[SJ_TRACER_WHY])
{
	struct sj_slice slice = { 0 };
	int saved = errno, r;

	*why = '\0';
	if (!tracer || !patterns || !call->callback)
		return -EINVAL;
	sj_fence_begin();
	sj_slice_enter(&slice);
	tracer_undo_left(&slice);
	sj_now_begin();
	r = !*tracer ? tracer_add_new(tracer, patterns, call, &slice) :
	    (*tracer)->stopping ? -EBUSY :
	    tracer_add(*tracer, patterns, call->variable, &slice);
	if (r == -EINVAL || r == -E2BIG || r == -ENAMETOOLONG)
		__builtin_memcpy(why, tracer_reason, sizeof(tracer_reason));
	sj_slice_leave(&slice);
	errno = saved;
	return r;
}

static int tracer_register(struct side_jmp_tracer **tracer,
			   const char *patterns, side_jmp_callback *callback,
			   void *data, bool general)
{
	const struct sj_tracer_call call = { callback, data, general, NULL, NULL };
	struct side_jmp_tracer *t = NULL;
	char why[SJ_TRACER_WHY];
	int r = tracer ? sj_tracer_add(&t, patterns, &call, why) : -EINVAL;

	if (!r)
		*tracer = t;
	return r;
}

int side_jmp_tracer_register(struct side_jmp_tracer **tracer,
			     const char *patterns,
			     side_jmp_callback *callback, void *data)
{
	return tracer_register(tracer, patterns, callback, data, false);
}

int side_jmp_tracer_register_general(struct side_jmp_tracer **tracer,
				     const char *patterns,
				     side_jmp_callback *callback, void *data)
{
	return tracer_register(tracer, patterns, callback, data, true);
}

/* ---- unregister --------------------------------------------------------- */

static bool tracer_within(const struct tracer_frame *f,
			  const struct side_jmp_tracer *tracer)
{
	while (f && !tracer_holds(f, tracer))
		f = f->below;
	return f;
}

/* Are we a signal handler on top of a call that is beginning or ending? */
static bool tracer_on_top_of_a_call(const struct side_jmp_tracer *tracer)
{
	for (const struct tracer_frame *f = tracer_frames; f; f = f->below)
		if (tracer_holds(f, tracer) && !f->inside)
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

/* Or it is left to the next who tries. */
static void tracer_unregister_end(struct side_jmp_tracer **name,
				  struct tracer_waiter *waiter, int error)
{
	struct side_jmp_tracer *tracer = *name;

	tracer_remove_waiter(waiter);
	if (error) {
		tracer->next = tracer_all;
		tracer_all = tracer;
		return;
	}
	tracer_drop_rules(tracer, NULL);
	tracer_pool_put(&tracer_tracer_pool, tracer);
	*name = NULL;
}

int sj_tracer_remove(struct side_jmp_tracer **name)
{
	struct side_jmp_tracer *tracer = *name;
	struct sj_slice slice = { 0 };
	struct tracer_waiter waiter;
	uintptr_t here = TRACER_HERE();
	int saved = errno, r;

	if (!tracer)
		return -EINVAL;
	frame_drop_left(&here);
	sj_slice_enter(&slice);
	tracer_undo_left(&slice);
	r = tracer_unregister_begin(tracer, &waiter);
	for (; !r && tracer->lists[TRACER_ACTIVE]; sj_slice_next(&slice))
		tracer_stop_some(tracer, slice.n);
	sj_slice_leave(&slice);
	if (r)
		return r;
	r = side_jmp_inject(INJECT_EVENT_WAIT) ? 0 : tracer_wait(tracer);
	sj_slice_enter(&slice);
	for (; !r && tracer->lists[TRACER_STOPPED]; sj_slice_next(&slice))
		tracer_release_some(tracer, slice.n);
	tracer_unregister_end(name, &waiter, r);
	sj_slice_leave(&slice);
	errno = saved;
	return r;
}

int side_jmp_tracer_unregister(struct side_jmp_tracer *tracer)
{
	return sj_tracer_remove(&tracer);
}

/* ---- events that come and go -------------------------------------------- */

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

	for (; first < end && r >= 0; first++) {
		r = tracer_attach_event(tracer, NULL, false, first);
		n += r == 1;
	}
	r = tracer_enable(tracer, n, r < 0 ? r : 0);
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

/* Slots that are stopped are left to their tracers, which are on their way. */
static bool tracer_stop_event(const struct side_jmp_event *event)
{
	bool stopped = false;

	for (struct side_jmp_slot *s = event->slots; s; s = s->next)
		if (s->owner && s->list != TRACER_STOPPED) {
			slot_deactivate(s);
			stopped = true;
		}
	return stopped;
}

/* idle: calls that have begun are seen. */
static void tracer_detach(struct side_jmp_event *event,
			  struct tracer_keys *keys, bool idle)
{
	struct side_jmp_slot *slot, *next;

	for (slot = event->slots; slot; slot = next) {
		next = slot->next;
		if (slot->owner && slot->list != TRACER_STOPPED) {
			tracer_disable_later(keys, event);
			slot_release(slot);
		}
		slot->event = NULL;
		if (!slot->owner && idle && slot_idle(slot))
			slot_free(slot);
	}
	event->slots = NULL;
}

/*
 * Does not wait for calls: their way back leads through the object that is
 * being unloaded, so whoever unloads it knows that there are none.  And at
 * exit there may be calls that never end: their slots are given to nobody.
 */
static void tracer_lost_events(struct side_jmp_event *first,
			       const struct side_jmp_event *end)
{
	struct tracer_keys keys = { .n = 0 };
	bool stopped = false, idle;

	for (struct side_jmp_event *e = first; e < end; e++)
		stopped |= tracer_stop_event(e);
	idle = !stopped || !sj_fence_seldom();
	for (; first < end; first++)
		tracer_detach(first, &keys, idle);
	tracer_disable(&keys);
}

/* ---- fork --------------------------------------------------------------- */

/*
 * Some of its slots may be active already; of the calls that have begun there are
 * only this thread's, which slot_idle() sees.
 */
static void tracer_leave(struct side_jmp_tracer *tracer)
{
	struct side_jmp_slot *slot;

	while ((slot = tracer->lists[TRACER_ACTIVE])) {
		slot_deactivate(slot);
		slot_move(slot, TRACER_FRESH);
	}
	tracer_drop_rules(tracer, NULL);
	tracer->next = tracer_left;
	tracer_left = tracer;
}

/* Nobody registers it any more, and nobody has its name. */
static void tracer_leave_started(void)
{
	struct side_jmp_tracer **p = &tracer_all, *t;

	while ((t = *p))
		if (t->starting && t->starting != &tracer_frames) {
			*p = t->next;
			tracer_leave(t);
		} else {
			p = &t->next;
		}
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
	for (struct tracer_frame *f = tracer_every_frame; f; f = f->next)
		if (frame_is_mine(f)) {
			f->thread = sj_tid();
		} else if (f->thread) {
			f->thread = 0;
			f->slot = NULL;
		}
	tracer_leave_started();
	tracer_forget_waiters();
}

static void tracer_info(struct side_jmp_event_info *info)
{
	for (const struct side_jmp_tracer *t = tracer_all; t; t = t->next)
		info->tracers += !t->starting && !t->stopping;
	info->refused = tracer_refused;
	info->left_out = sj_filter_left_out();
	memcpy(info->pattern_reason, tracer_reason, sizeof(tracer_reason));
}

const struct sj_sink sj_tracer_sink = {
	.new_events = tracer_new_events,
	.lost_events = tracer_lost_events,
	.before_fork = tracer_before_fork,
	.after_fork = tracer_after_fork,
	.info = tracer_info,
};
