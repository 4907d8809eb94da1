/* SPDX-License-Identifier: MIT */
/*
 * What the files of live control share.  They stand on events and keys, and
 * nothing below knows of them.  From the top:
 *
 *   agent.c    a process that asks for it: thread, socket; start and stop
 *   attach.c   one that does not: a thread for as long as somebody is connected
 *   peer.c     those who are connected
 *   serve.c    requests and replies
 *   stream.c   events, and how many, into memory that the peer reads
 *   list.c     which keys and events there are
 *   area.c     memory that a request brings along
 */
#ifndef SIDE_JMP_CONTROL_AGENT_H
#define SIDE_JMP_CONTROL_AGENT_H

#include <poll.h>

#include "runtime/control/control.h"
#include "runtime/events/events.h"

/* ---- area.c --------------------------------------------------------------- */

struct control_area {
	void *at;			/* NULL: none */
	uint64_t size;
};

/* -EINVAL: not such memory as control.h asks for.  The descriptor stays open. */
int sj_control_map(int fd, struct control_area *area);
void sj_control_unmap(struct control_area *area);

/* ---- list.c --------------------------------------------------------------- */

int sj_control_list(const struct control_area *area);
/* How many keys with sites are enabled. */
uint64_t sj_control_enabled(void);

/* ---- stream.c ------------------------------------------------------------- */

enum { CONTROL_ANNOUNCED = 16384 };

/* What a peer wants to see; all of it stays while the tracer is registered. */
struct control_stream {
	struct side_jmp_tracer *tracer;	/* NULL: not registered */
	const char *starting;		/* the patterns that it is going to be
					   registered for, before area; or NULL */
	struct control_area area;	/* NULL: nothing is wanted */
	uint64_t lane_size;		/* of a ring; 0: of counts */
	unsigned context;		/* enum sj_context_part; of a ring */
	uint64_t max, limit;		/* of counts: how many, and which of
					   them are this process's */
	/* Events that the ring describes already: bits, by number.  Atomic. */
	uint64_t announced[CONTROL_ANNOUNCED / 64];
};

/*
 * The area is the stream's when there is one.  0, or -EINVAL: the area is too
 * small; or what sj_tracer_add() says.
 */
int sj_control_trace(struct control_stream *s, const char *patterns,
		     struct control_area *area, uint32_t argument,
		     char why[SJ_TRACER_WHY]);
int sj_control_count(struct control_stream *s, const char *patterns,
		     struct control_area *area, uint32_t max,
		     char why[SJ_TRACER_WHY]);
/*
 * 0: nobody writes any more, and the memory is given back.  -EBUSY: a thread is in
 * the midst of it and does not come out, so all stays as it is; once more, maybe.
 */
int sj_control_end(struct control_stream *s);
/* A lane whose owner is no more.  0, -EINVAL, or -EBUSY: it has one. */
int sj_control_reclaim(struct control_stream *s, uint32_t lane);
/* Of an area. */
uint32_t sj_control_mark(const struct control_stream *s);
/* In the child. */
void sj_control_after_fork(struct control_stream *s, pid_t parent);

/* ---- serve.c -------------------------------------------------------------- */

/* One who is connected. */
struct control_peer {
	int fd;				/* -1: none */
	struct sj_file file;		/* what fd was */
	bool inherited;			/* the parent serves it */
	struct control_stream stream;
};

/*
 * The next request and its reply; one at a time, whichever thread serves.
 * False: no more are to be expected.  `all`: who is connected in the same way,
 * n places.
 */
bool sj_control_serve(struct control_peer *peer, const struct control_peer *all,
		      unsigned n);
/* In the child: nobody serves. */
void sj_control_serve_after_fork(void);

/* ---- peer.c --------------------------------------------------------------- */

/* It has this descriptor now.  False: it is closed. */
bool sj_peer_take(struct control_peer *peer, int fd);
/* hang_up: children that have the connection, too, hear of it. */
void sj_peer_part(struct control_peer *peer, bool hang_up);
struct pollfd sj_peer_poll(const struct control_peer *peer);
/*
 * The arguments of sj_control_serve().  False: it is to be parted from, and
 * nothing is enabled for it any more, unless its stream is there still:
 * sj_control_end().
 */
bool sj_peer_serve(struct control_peer *peer, const struct control_peer *all,
		   unsigned n);
/* In the child: what somebody sees of the parent he sees of the child. */
void sj_peer_inherit(struct control_peer *peer, pid_t parent);

/* ---- attach.c ------------------------------------------------------------- */

/* From a thread that libc has made, before anybody can attach. */
void sj_attach_ready(void);

#endif
