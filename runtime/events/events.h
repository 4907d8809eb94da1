/* SPDX-License-Identifier: MIT */
/*
 * What the files of the event layer share.  It stands on keys (side_jmp.h),
 * and the runtime below knows nothing of it.
 *
 * From the top; each file may name those below it, and no other:
 *
 *   event.c        objects come and go; tells the sinks (sink.h)
 *   trace.c        the built-in tracer: variables, start, stop
 *   trace_text.c   an output of it: lines of text
 *   lines.c        where those go
 *   trace_ctf.c    an output of it: CTF 1.8, its streams
 *   ctf_metadata.c   what describes those
 *   ctf_snapshot.c   copies of both
 *   ctf_file.c       files of both, and locks that processes share
 *   tracer.c       callbacks: register, unregister, fire
 *   user_events.c  the kernel as a tracer
 *   context.c      what stands around an event: CPU, thread, stack
 *   span.c         which end of a span belongs to which begin
 *   pack.c         its values as bytes
 *   pattern.c      "provider:name", and a filter
 *   filter.c       which of an event's are wanted, by its fields
 *   values.c       what sites give
 *   describe.c     an event's fields
 *   registry.c     which events there are, and the lock
 *
 * LOCKS.  The built-in tracer's own (trace.c) is outermost.  sj_event_lock
 * guards the lists of event objects, tracers and rules, and user_events' state.
 * sj_share_lock, key locks and sj_patch_lock are taken inside it (enabling a
 * key does).  Held with every signal blocked, never while a callback runs,
 * never while waiting for one, and taken around fork().  The path of an event
 * takes no lock.
 */
#ifndef SIDE_JMP_EVENTS_H
#define SIDE_JMP_EVENTS_H

#include <sys/types.h>

#include "runtime/events/pattern.h"
#include "runtime/sites/sites.h"
#include "runtime/sites/word.h"
#include "side_jmp_event.h"

struct iovec;

/* ---- registry.c --------------------------------------------------------- */

extern uint32_t sj_event_lock;
extern struct side_jmp_event_object *sj_event_objects;	/* sj_event_lock */

static inline sigmask_t sj_event_enter(void)
{
	sigmask_t mask = sj_block_signals();

	sj_lock(&sj_event_lock);
	return mask;
}

static inline void sj_event_leave(sigmask_t mask)
{
	sj_unlock(&sj_event_lock);
	sj_restore_signals(mask);
}

/*
 * Somebody wants an event, or does not any more: for programs that look.
 * sj_event_lock: not every machine adds to 16 bits at once.
 */
static inline void sj_event_want(struct side_jmp_event *event, int change)
{
	if (event->semaphore)
		__atomic_store_n(event->semaphore, (uint16_t)
				 (*event->semaphore + change), __ATOMIC_RELEASE);
}

/* Of an object, those that there are: see SLICES.  sj_event_lock. */
struct side_jmp_event *sj_event_first(const struct side_jmp_event_object *object);
struct side_jmp_event *sj_event_end(const struct side_jmp_event_object *object);
uint64_t sj_event_count(void);
/*
 * Each that comes has a number that no other of this process had before; those
 * of a child go on where they were at fork().  sj_event_lock.
 */
void sj_events_number(struct side_jmp_event *first,
		      const struct side_jmp_event *end);
uintptr_t sj_event_last_number(void);

/* Every event there is, without letting the lock go. */
#define sj_for_each_event(object, event) \
	for (object = sj_event_objects; object; object = object->next) \
		for (event = sj_event_first(object); \
		     event < sj_event_end(object); event++)

enum { SJ_SLICE_MAX = 256 };

/*
 * Long work under sj_event_lock.  Begins as { 0 }; n: how many events to do in
 * this slice.
 */
struct sj_slice {
	unsigned n;
	sigmask_t mask;
	uint64_t begun;
};

void sj_slice_enter(struct sj_slice *slice);
void sj_slice_leave(struct sj_slice *slice);
void sj_slice_next(struct sj_slice *slice);	/* leave, and enter again */

/*
 * An object on its way: `from` and `to` are the bounds of those of its events
 * that there are.  Whoever takes it along moves them.  sj_event_lock.
 */
struct sj_passage {
	struct sj_passage *next;
	struct sj_passage *own;		/* of a thread that forks */
	uintptr_t thread;
	struct side_jmp_event_object *object;
	struct side_jmp_event *from, *to;
};

void sj_object_comes(struct sj_passage *passage,
		     struct side_jmp_event_object *object);
void sj_object_came(struct sj_passage *passage);
void sj_object_goes(struct sj_passage *passage,
		    struct side_jmp_event_object *object);
void sj_object_gone(struct sj_passage *passage);

/* Over every event that there is, in slices.  sj_event_lock, in each call. */
struct sj_walk {
	struct sj_walk *next;
	struct sj_walk *own;		/* of a thread that forks */
	uintptr_t thread;
	struct side_jmp_event_object *object;	/* NULL: at the end */
	struct side_jmp_event *at;		/* NULL: its first */
};

void sj_walk_begin(struct sj_walk *walk);
struct side_jmp_event *sj_walk_next(struct sj_walk *walk);	/* or NULL */
void sj_walk_end(struct sj_walk *walk);
/* All of it.  sj_event_lock, let go in between. */
void sj_walk_over(struct sj_slice *slice,
		  void (*visit)(struct side_jmp_event *event));

void sj_registry_before_fork(void);
void sj_registry_after_fork(void);

/* ---- tracer.c ----------------------------------------------------------- */

enum { SJ_TRACER_WHY = 360 };	/* bytes: a pattern, and what is wrong with it */

/* Whom it calls, and how. */
struct sj_tracer_call {
	side_jmp_callback *callback;
	void *data;
	bool general;		/* it keeps vectors by itself (arch/general.h) */
	/* That the user set: stderr hears of what can't be.  NULL: nobody. */
	const char *variable;
	/* Atomic; what filters leave out is added to it.  NULL: to none. */
	uint64_t *left_out;
};

/*
 * More patterns for a tracer, of which those that it has already (the same text)
 * change nothing.  As side_jmp_tracer_register().  why: on -EINVAL,
 * -E2BIG and -ENAMETOOLONG, "\"pattern\" is ..." or "".  Of call, variable
 * is of these patterns; the rest stays as it was at first.
 */
int sj_tracer_add(struct side_jmp_tracer **tracer, const char *patterns,
		  const struct sj_tracer_call *call, char why[SJ_TRACER_WHY]);
/*
 * As side_jmp_tracer_unregister(), and *tracer is NULL.  Add and remove store it
 * under sj_event_lock: so a child that another thread forks meanwhile has the
 * tracer and knows it, or has neither.
 */
int sj_tracer_remove(struct side_jmp_tracer **tracer);

/* This thread is not in the midst of another event than the present one. */
bool sj_tracer_alone(void);
/* Of a callback that is running: what sj_context_take() wants to know. */
const void *sj_tracer_frame(unsigned *skip);

/* As side_jmp_event_fire(), where vectors are to be kept: arch/site.h, CALL. */
void sj_event_fire(struct side_jmp_event *event, const uint64_t *bits);

/*
 * Is there a pattern of that number, from 0 in the order in which they came,
 * that a variable asked for and no event so far has matched?  Its `why`, if not "", says why one was none.
 */
bool sj_tracer_unmatched(const struct side_jmp_tracer *tracer, unsigned number,
			 struct sj_pattern *pattern);
/* How many events of libraries loaded later it wants and could not enable. */
uint64_t sj_tracer_refused(const struct side_jmp_tracer *tracer);

/* ---- values.c ------------------------------------------------------------ */

/* What a callback gets of what a site gave for that field. */
void sj_value(const struct side_jmp_field *field, uint64_t bits,
	      struct side_jmp_value *value);
/* values[n_fields] of bits[n_fields]. */
void sj_values(const struct side_jmp_event_desc *desc, const uint64_t *bits,
	       struct side_jmp_value *values);
/* memcpy() and memset() to 0 that keep vectors. */
void sj_copy(char *to, const char *from, size_t n);
void sj_clear(char *to, size_t n);

/* ---- span.c -------------------------------------------------------------- */

/* The spans that a thread has begun; of zeros, there are none. */
struct sj_spans;
enum { SJ_SPANS_SIZE = 4096 };		/* bytes, at most */

/*
 * `values` of an end of a span: those of its fields that the site leaves open.
 * spans: this thread's, or NULL: there is no memory.
 */
void sj_span(const struct side_jmp_event *event, struct side_jmp_value *values,
	     struct sj_spans *spans);

/* Before an event is enabled, and when all of its sites are.  sj_event_lock. */
void sj_span_era_ends(struct side_jmp_event *event);
void sj_span_era_begins(struct side_jmp_event *event);

/* ---- pack.c -------------------------------------------------------------- */

/* What does not fit is left out, and `full` says so. */
struct sj_packer {
	char *at, *end;
	bool full;
};

enum { SJ_PACK_MAX = 1 << 30 };		/* elements of a string or an array */

/* The low bytes of an integer: 1, 2, 4 or 8. */
void sj_pack_integer(struct sj_packer *w, uint64_t v, size_t bytes);
/* The values of an event. */
void sj_pack(struct sj_packer *w, const struct side_jmp_event_desc *desc,
	     const struct side_jmp_value values[]);
/* In bytes; SIZE_MAX: too many. */
size_t sj_pack_size(const struct side_jmp_event_desc *desc,
		    const struct side_jmp_value values[]);

/* ---- user_events.c ----------------------------------------------------- */

/* The system calls; tests put a stand-in here. */
struct sj_user_events_ops {
	int (*open)(const char *path);		/* a descriptor or -errno */
	int (*ioctl)(int fd, unsigned long request, void *arg);
	long (*writev)(int fd, const struct iovec *iov, int n);
	void (*close)(int fd);
};

extern const struct sj_user_events_ops *sj_user_events_ops;

/* Of event->state. */
#define SJ_USER_EVENT_REGISTERED	0x1	/* write_index is valid */
#define SJ_USER_EVENT_MULTI		0x2	/* by the multi-format flag */

void sj_user_events_write(const struct side_jmp_event *event,
			  const struct side_jmp_value values[]);

/* ---- describe.c --------------------------------------------------------- */

/*
 * Where a walk over an event's fields stands:
 *
 *	struct sj_field_at at = sj_fields(desc);
 *
 *	while (sj_next_field(&at))
 *		... at.field, at.name ...
 */
struct sj_field_at {
	const struct side_jmp_field *field;
	const char *name;
	/* Of an enum's labels, field->count of each. */
	const char *labels;		/* see side_jmp_event_next_text() */
	const int64_t *values;
	/* The rest. */
	unsigned left;
	const struct side_jmp_field *next;
	const char *next_name;
	const int64_t *next_values;
};

struct sj_field_at sj_fields(const struct side_jmp_event_desc *desc);
bool sj_next_field(struct sj_field_at *at);

/* Characters of a `chars` field: its last byte is always 0. */
size_t sj_chars_length(const struct side_jmp_field *field,
		       const struct side_jmp_value *v);

/* Bytes of one element. */
static inline size_t sj_elem_size(unsigned elem)
{
	return SIDE_JMP_ELEM_SIZE_(elem);
}

#endif
