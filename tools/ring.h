/* SPDX-License-Identifier: MIT */
/*
 * Events of a running process, out of a ring that it writes (control.h, TRACE).
 * What is in there is copied first and believed then, as far as it is possible.
 */
#ifndef TOOLS_RING_H
#define TOOLS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/control/control.h"
#include "runtime/events/sink.h"

enum { RING_LANE_BITS = 18 };		/* 256 KiB a lane, 4 MiB a ring */

/* What was copied out of a lane and waits to be shown. */
struct ring_lane {
	uint64_t tail;			/* where we read */
	char *queue;
	size_t from, to, room;		/* bytes of it */
	uint64_t newest;		/* time; of the last that was copied */
	uint32_t owner;			/* when last looked at, and since when */
	uint64_t since;
	bool more;			/* than was copied */
	bool damaged;
};

struct ring_known;

struct ring {
	int fd;				/* the area */
	void *at;
	size_t size;
	struct ring_lane lanes[SJ_RING_LANES];
	struct ring_known **known;	/* descriptions, hashed */
	size_t n_known, known_bytes;
	uint64_t lives;			/* of processes, one after another */
	uint64_t swept;			/* of these, when some were forgotten */
	uint64_t damaged, undescribed;	/* records; events */
	uint64_t newest;		/* that was given out */
	unsigned context;		/* enum sj_context_part; of each event */
};

/* 0, or -1: errno. */
int ring_open(struct ring *r, unsigned context);
void ring_close(struct ring *r);
uint64_t ring_lost(const struct ring *r);	/* as the process counts */
uint64_t ring_left_out(const struct ring *r);	/* by filters; likewise */
/* Copy what there is.  Returns up to which time that is all. */
uint64_t ring_collect(struct ring *r);
/* There is nothing to be copied or shown: of one that nobody writes to, for ever. */
bool ring_empty(const struct ring *r);
/* A lane that nobody has let go for a second; or -1. */
int ring_stuck(const struct ring *r);

struct ring_event {
	struct side_jmp_event *event;	/* its desc, id and number are valid */
	struct sj_origin origin;	/* context, too: until the next */
	const struct side_jmp_value *values;	/* until the next */
	bool first;			/* of this event */
};

/* The oldest of all, up to that time.  False: there is none. */
bool ring_next(struct ring *rings, size_t n, uint64_t until,
	       struct ring_event *event);

#endif
