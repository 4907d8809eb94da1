/* SPDX-License-Identifier: MIT */
/* Who may want events, and what a trace may be written to: rows of functions. */
#ifndef SIDE_JMP_EVENT_SINK_H
#define SIDE_JMP_EVENT_SINK_H

#include <sys/types.h>

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
	/* About to fork(); and in the child.  sj_event_lock. */
	void (*before_fork)(void);
	void (*after_fork)(void);
	/* What there is to know of it.  sj_event_lock. */
	void (*info)(struct side_jmp_event_info *info);
};

extern const struct sj_sink sj_trace_sink, sj_user_events_sink, sj_tracer_sink;

struct sj_context;

/* Whose event, and when. */
struct sj_origin {
	uint64_t now;			/* CLOCK_MONOTONIC, ns; 0: when it is
					   written */
	pid_t pid, tid;
	/* NULL: none.  Else what the output was opened for. */
	const struct sj_context *context;
};

enum { SJ_OUTPUT_NAME = 240 };		/* bytes, with the final 0 */
enum { SJ_OUTPUT_PIECES = 64 };		/* at most */

/* What SIDE_JMP_OUTPUT_... say. */
struct sj_output_options {
	uint64_t size;			/* bytes, of all pieces together */
	uint64_t period;		/* ns, of a piece; 0: any */
	unsigned pieces;		/* 0: it is in one */
	unsigned context;		/* enum sj_context_part; of each event */
};

/*
 * What the built-in tracer writes to, one of them at a time.  trace.c's lock
 * is held where nothing else is said.  What is not told an output may be
 * missing.
 */
struct sj_output {
	/* As SIDE_JMP_OUTPUT_MODE says, for the next open.  False: no mode. */
	bool (*mode)(const char *mode);
	/*
	 * name: as the user gave it, or NULL; fits `path`, where the output
	 * says where it is.  0 or -errno.
	 */
	int (*open)(const char *name, const struct sj_output_options *options,
		    char path[SJ_OUTPUT_NAME]);
	void (*close)(void);		/* nobody writes any more */
	/* Whether or not it is open.  sj_event_lock only. */
	void (*new_event)(struct side_jmp_event *event);
	bool general;	/* write keeps vectors by itself (arch/general.h) */
	/*
	 * Of any thread, without a lock.  origin: NULL, this thread's, now, and no
	 * context.  False: the event is lost.
	 */
	bool (*write)(const struct side_jmp_event *event,
		      const struct side_jmp_value values[],
		      const struct sj_origin *origin);
	uint64_t (*lost)(void);		/* true was said of, and lost later */
	/* Filters have left out so many: to be said where it ends. */
	void (*left_out)(uint64_t n);
	/* The directory that sj_ctf_snapshot() takes, from the root, or "". */
	const char *(*trace)(void);
	void (*after_fork)(void);	/* in the child */
	void (*exit)(void);		/* the process ends; no lock */
};

extern const struct sj_output sj_text_output, sj_ctf_output;

enum { SJ_TEXT_LINE = 4096 };		/* bytes, at most; no more than PIPE_BUF */

/* What the text output writes, with its newline.  Returns its length. */
size_t sj_text_line(char line[SJ_TEXT_LINE], const struct side_jmp_event *event,
		    const struct side_jmp_value values[],
		    const struct sj_origin *origin);

#endif
