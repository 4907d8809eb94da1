/* SPDX-License-Identifier: MIT */
/*
 * What the files of the event layer share.  It stands on keys (side_jmp.h),
 * and the runtime below knows nothing of it.
 *
 *   event.c        objects and their events; what is there
 *   tracer.c       callbacks: register, unregister, fire
 *   pattern.c      "provider:name"
 *   trace.c        the built-in tracer: variables, start, stop
 *   trace_text.c   its lines of text
 *   trace_ctf.c    its CTF 1.8
 *   user_events.c  the kernel as a tracer
 *
 * LOCKS.  sj_trace_lock serializes starting and stopping the built-in tracer;
 * outermost.  sj_event_lock guards the lists of event objects, tracers and rules,
 * and user_events' state.  sj_object_lock, key locks and
 * sj_patch_lock are taken inside it (enabling a key does).  Held with every
 * signal blocked, never while a callback runs, never while waiting for one,
 * and taken around fork().  The path of an event takes no lock.
 */
#ifndef SIDE_JMP_EVENTS_H
#define SIDE_JMP_EVENTS_H

#include <sys/types.h>

#include "runtime/events/pattern.h"
#include "runtime/sites/sites.h"
#include "runtime/sites/word.h"
#include "side_jmp_event.h"

struct iovec;

extern uint32_t sj_event_lock, sj_trace_lock;

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

/* ---- event.c ------------------------------------------------------------ */

extern struct side_jmp_event_object *sj_event_objects;	/* sj_event_lock */

/* Every event there is.  sj_event_lock held. */
#define sj_for_each_event(object, event) \
	for (object = sj_event_objects; object; object = object->next) \
		for (event = object->start; event < object->stop; event++)


/* ---- tracer.c ----------------------------------------------------- */

/* Events appeared: hand them to the tracers that want them.  sj_event_lock. */
void sj_tracer_attach_new(void);
/* One is about to disappear.  sj_event_lock. */
void sj_tracer_detach(struct side_jmp_event *event);
void sj_tracer_after_fork(void);
void sj_tracer_info(struct side_jmp_event_info *info);	/* sj_event_lock */
/* More patterns for a tracer.  As side_jmp_tracer_register(). */
int sj_tracer_add(struct side_jmp_tracer **tracer, const char *patterns,
		  side_jmp_callback *callback, void *data);

/* ---- trace.c ------------------------------------------------------ */

void sj_trace_start_from_environment(void);	/* before the first object */
/* An event appeared; the built-in tracer may have to describe it. */
void sj_trace_new_event(struct side_jmp_event *event);
void sj_trace_after_fork(void);
void sj_trace_info(struct side_jmp_event_info *info);

/* ---- trace_text.c --------------------------------------- */

enum { SJ_LINE_MAX = 4096 };

/* One line with its newline into `line`; returns its length. */
size_t sj_text_line(char line[SJ_LINE_MAX], const struct side_jmp_event *event,
		    const struct side_jmp_value values[]);

/* ---- trace_ctf.c -------------------------------------------------------- */

/* `directory` ends in a slash.  0 or -errno; *path is what was made. */
int sj_ctf_open(const char *directory, uint64_t size, char *path,
		size_t path_size);
void sj_ctf_close(void);
void sj_ctf_new_event(struct side_jmp_event *event);	/* sj_event_lock */
/* False: it is lost. */
bool sj_ctf_write(const struct side_jmp_event *event,
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

void sj_kernel_start_from_environment(void);
void sj_kernel_new_event(struct side_jmp_event *event);	/* sj_event_lock */
void sj_kernel_lost_event(struct side_jmp_event *event);	/* sj_event_lock */
void sj_kernel_after_fork(void);
void sj_kernel_info(struct side_jmp_event_info *info);
void sj_kernel_write(const struct side_jmp_event *event,
		     const struct side_jmp_value values[]);

/* ---- fields ------------------------------------------------------------- */

/* Characters of a `chars` field: its last byte is always 0. */
static inline size_t sj_chars_length(const struct side_jmp_field *field,
				     const struct side_jmp_value *v)
{
	return v->count < field->count ? v->count :
	       field->count ? field->count - 1 : 0;
}

/* Bytes of one element. */
static inline size_t sj_elem_size(unsigned elem)
{
	return SIDE_JMP_ELEM_SIZE_(elem);
}

#endif
