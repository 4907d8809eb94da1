/* SPDX-License-Identifier: MIT */
/* Who may want events, and what a trace may be written to: rows of functions. */
#ifndef SIDE_JMP_EVENT_SINK_H
#define SIDE_JMP_EVENT_SINK_H

#include "side_jmp_event.h"

/*
 * One who may want any event there is: told which there are, by event.c, which
 * knows no more of it.  A function may be missing.
 */
struct sj_sink {
	/* Once, before the first object: what the environment asks for. */
	void (*start)(void);
	/* These have come, or are about to go.  sj_event_lock. */
	void (*new_events)(struct side_jmp_event *first,
			   const struct side_jmp_event *end);
	void (*lost_events)(struct side_jmp_event *first,
			    const struct side_jmp_event *end);
	/* In the child of a fork().  sj_event_lock, as of fork() itself. */
	void (*after_fork)(void);
	/* What there is to know of it.  sj_event_lock. */
	void (*info)(struct side_jmp_event_info *info);
};

extern const struct sj_sink sj_trace_sink, sj_user_events_sink, sj_tracer_sink;

#endif
