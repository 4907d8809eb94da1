/* SPDX-License-Identifier: MIT */
/*
 * The built-in tracer's Common Trace Format 1.8 (diamon.org/ctf/v1.8.3), for
 * babeltrace2: a directory with `metadata`, which describes the rest as text,
 * and streams of packets.
 *
 *
 * LANES
 *
 * A lane is a stream: packets, one of which is being filled, in one file or in
 * parts (below).  What a packet holds is what its header says, and that is
 * brought up to date after each event, so what there is can be read at every
 * instant.  A turn to the next packet is three stores (percpu.h,
 * sj_percpu_turn()), after each of which that still holds, and which whoever
 * comes next repeats if somebody died in between.
 *
 * Each CPU has a lane that is written to by restartable sequences: by whoever
 * runs there, of any process, signal handlers too; nobody waits, and nobody who
 * is preempted or killed keeps anything from anybody.
 *
 * The spare lanes are for everything else: processors, C libraries and debuggers
 * without such sequences, events too long for them, a CPU whose turn somebody
 * else is about to make.  One thread at a time has a lane (a lock of ctf.h,
 * `owner`); one that finds it taken, possibly by itself in the signal handler that
 * we are in, tries the next, and if all are taken yields some times before it
 * gives up.
 *
 * Turning takes blocks from the disk, as many as the trace may have in all of its
 * lanes together.  Only the owner does that, also of a CPU's lane, which is not
 * taken away from the others by that: what still fits goes on being added.
 *
 * A stream begins with two empty packets, the second of which is written to, and
 * full: readers know only from the packet before how many events a packet's stream
 * has lost in it, and a lane may lose some before it has a packet for others.
 *
 *
 * PARTS
 *
 * To keep the newest events and not the oldest, a lane has several files, of
 * the same size, and goes round: from the end of one to the one whose packets
 * are the oldest, which are given up together.  All are there and mapped from
 * the start, so that going on takes no path, no descriptor and no right, in a
 * child, too, and in one that has become somebody else. Nor can it be one file:
 * readers want a file's packets in the order of time.  Between files they sort
 * them by the time at which they begin, where the packets' stream_instance_id
 * says that it is one stream.
 *
 * That number is how a part changes.  It begins anew in these steps, each one
 * store, and whoever reads between two, or after a death between two, finds:
 *
 *	content_bits	its first packet is empty; the others are as they were
 *	packet_bits	and it is all there is: it reaches to the file's end
 *	instance	alone in a stream of its own, it is in nobody's order
 *	number, begin = 0, end, begin, discarded
 *			still empty, and never ends before it begins
 *	instance	the newest packet of its lane's stream
 *
 * The last one is the turn's, with its CPU's lane kept from others; and only
 * then is there an event in it, or another packet behind it.  A part that is
 * being filled never begins anew.
 *
 * P1. Whose instance is its lane's, is whole: so is a copy of a packet if the
 *     part's first has the same instance and number before and after it was
 *     made (ctf_snapshot.c).
 * P2. Each packet begins later than the lane's one before: readers who sort
 *     know their order.  Numbers go up by one, and so say where packets were
 *     given up.
 * P3. There is always a part to go on to that is not being filled:
 *     CTF_PARTS_LEAST have blocks for a packet from the start.
 *
 * At first all parts but the last are empty ones of the past, so nothing is
 * special about a round that is the first.  A part for which the disk has no
 * room is passed over: with the room there is, the newest are kept.
 *
 * Either each lane goes round by itself (SIDE_JMP_OUTPUT_MODE=overwrite), with
 * all of its files in the one directory, or all go together
 * (SIDE_JMP_OUTPUT_PIECES): then a part of all is a piece, a directory that is
 * a trace by itself. The first lane that has filled its part, or whose event is
 * the first after the piece's time, begins the next piece (ctf_next_piece());
 * the others follow with their next event, for which they are told that their
 * packet is full.  One that misses being told follows when its packet is.
 *
 *
 * After fork() parent and child share files, mappings and lanes: the control
 * block is shared memory too, and lies at the same address in both.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "arch/percpu.h"
#include "runtime/events/context.h"
#include "runtime/events/ctf.h"
#include "runtime/events/events.h"
#include "runtime/events/sink.h"
SJ_GENERAL_END

enum {
	CTF_PACKET = SJ_PERCPU_PACKET,
	CTF_FIRST = 64,			/* bytes; the first packet */
	CTF_OPENING = 4096,		/* both; at least; whole pages */
	CTF_CPUS = 256,			/* more share the spare lanes */
	CTF_SPARE = 8,
	CTF_ROUNDS = 16,		/* over all spare lanes */
	CTF_TRIES = 8,			/* at a CPU's */
	CTF_PARTS = 8,			/* of a lane that goes round */
	CTF_PARTS_LEAST = 2,
	CTF_PARTS_MOST = SJ_OUTPUT_PIECES,
	CTF_RECORD = 512,		/* bytes of an event, on the stack */
	CTF_EVENT_HEAD = 20,		/* bytes: id, time, pid, tid */
};

#define CTF_RETRY	10000000	/* ns; a full disk is asked again */

_Static_assert(sizeof(struct sj_ctf_packet) == sizeof(struct sj_percpu_packet) &&
	       offsetof(struct sj_ctf_packet, number) ==
	       offsetof(struct sj_percpu_packet, number), "the same");
_Static_assert(CTF_FIRST == sizeof(struct sj_ctf_packet), "an empty one");

/* Shared by parent and children. */
struct ctf_lane {
	/*
	 * The packet that is written to, and SJ_PERCPU_FULL.  Atomic; of a
	 * CPU's lane written by its sequences, of a spare one by its owner.
	 */
	uintptr_t packet;
	char *base;			/* of its parts, one behind the other */
	size_t size;			/* bytes; of a part */
	uint64_t piece;			/* owner; the one it is in */
	uint64_t discarded;		/* atomic; no packet tells of them yet */
	uint32_t owner;			/* ctf.h; who turns, or writes */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct ctf_lane) == sizeof(struct sj_percpu_log), "an array");

struct ctf_control {
	uint64_t left;			/* atomic; packets that may be had */
	uint64_t retry;			/* atomic; not before, in ns */
	uint64_t piece;			/* atomic; that all are to be in */
	uint64_t until;			/* atomic; ns: when that one ends */
	struct ctf_lane lanes[CTF_CPUS + CTF_SPARE];	/* the CPUs' first */
	/* Owner; how many packets of a part have blocks. */
	uint32_t packets[CTF_CPUS + CTF_SPARE][CTF_PARTS_MOST];
};

/* Of this process; set by open, before any event is written. */
static struct {
	struct ctf_control *control;
	size_t opening;			/* bytes; of a lane that has one part */
	unsigned cpus, lanes;		/* all */
	unsigned parts;			/* of a lane; 1: it does not go round */
	bool together;			/* they are pieces */
	uint64_t period;		/* ns, of a piece; 0: any */
	unsigned context;		/* enum sj_context_part; of each event */
	const char *name;		/* trace.c's */
	char path[PATH_MAX];		/* the same from the root, or "" */
} ctf;

static uint64_t ctf_lost;			/* atomic */
static bool ctf_overwrite;		/* trace.c's lock; of the next */

/* ---- packets -------------------------------------------------------------- */

static struct sj_ctf_packet *ctf_packet_of(uintptr_t word)
{
	return (struct sj_ctf_packet *)(word & ~(uintptr_t)SJ_PERCPU_FULL);
}

static struct sj_ctf_packet *ctf_packet_at(char *at)
{
	return (struct sj_ctf_packet *)(void *)at;
}

static unsigned ctf_number(const struct ctf_lane *lane)
{
	return (unsigned)(lane - ctf.control->lanes);
}

static uint64_t ctf_size_of(const struct ctf_lane *lane,
			    const struct sj_ctf_packet *p)
{
	return ctf.opening && (const char *)p == lane->base + CTF_FIRST ?
		ctf.opening - CTF_FIRST : CTF_PACKET;
}

static unsigned ctf_part_of(const struct ctf_lane *lane, const void *at)
{
	return (unsigned)((size_t)((const char *)at - lane->base) / lane->size);
}

static char *ctf_part(const struct ctf_lane *lane, unsigned i)
{
	return lane->base + i * lane->size;
}

static bool ctf_spend_packet(void)
{
	uint64_t left = __atomic_load_n(&ctf.control->left, __ATOMIC_RELAXED);

	while (left)
		if (__atomic_compare_exchange_n(&ctf.control->left, &left,
						left - 1, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

/* A part's first packet has a header, and so a page, from the start. */
static bool ctf_allocate(char *at, bool first)
{
	size_t there = first ? sj_page_size() : 0;

	return there >= CTF_PACKET ||
	       sj_ctf_allocate(at + there, CTF_PACKET - there);
}

/*
 * Blocks for the lane's packet there, which is in the part or behind its end.
 * We own it.
 */
static bool ctf_have_packet(struct ctf_lane *lane, unsigned part, char *at)
{
	uint32_t *n = &ctf.control->packets[ctf_number(lane)][part];
	char *first = ctf_part(lane, part) + ctf.opening;

	if (at < first + (size_t)*n * CTF_PACKET)
		return true;
	if (at + CTF_PACKET > ctf_part(lane, part) + lane->size ||
	    !ctf_spend_packet())
		return false;
	if (!ctf_allocate(at, at == ctf_part(lane, part))) {
		__atomic_fetch_add(&ctf.control->left, 1, __ATOMIC_RELAXED);
		return false;
	}
	(*n)++;
	return true;
}

/*
 * Behind what is written to, which covers it: it is there when that one's
 * length says so.  All of the file behind it is its own, till the next one cuts
 * it.
 */
static void ctf_begin(struct ctf_lane *lane, unsigned part,
		      struct sj_ctf_packet *p, uint64_t number, uint64_t now)
{
	char *end = ctf_part(lane, part) + lane->size;

	*p = (struct sj_ctf_packet){
		.magic = SJ_CTF_MAGIC,
		.instance = ctf_number(lane),
		.begin = now, .end = now,
		.content_bits = 8 * sizeof(*p),
		.packet_bits = 8 * (uint64_t)(end - (char *)p),
		.number = number,
	};
}

/* The first of a part that is not written to: see PARTS. */
static void ctf_begin_anew(struct ctf_lane *lane, struct sj_ctf_packet *p,
			   uint64_t number)
{
	uint64_t alone = SJ_CTF_ALONE |
			 ctf_number(lane) * (uint64_t)CTF_PARTS_MOST |
			 ctf_part_of(lane, p);

	__atomic_store_n(&p->content_bits, 8 * sizeof(*p), __ATOMIC_RELEASE);
	__atomic_store_n(&p->packet_bits, 8 * (uint64_t)lane->size,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&p->instance, alone, __ATOMIC_RELEASE);
	__atomic_store_n(&p->number, number, __ATOMIC_RELEASE);
	__atomic_store_n(&p->begin, 0, __ATOMIC_RELEASE);
	/* Before any of its bytes is another; pairs with ctf_snapshot.c's. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* The next piece, if that is the present one.  Lanes get to know of it. */
static void ctf_next_piece(uint64_t piece, uint64_t now)
{
	if (!__atomic_compare_exchange_n(&ctf.control->piece, &piece, piece + 1,
					 false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return;
	if (ctf.period)
		__atomic_store_n(&ctf.control->until, now + ctf.period,
				 __ATOMIC_RELAXED);
	/* A lane that turns just now may end a packet too early, or too late. */
	for (unsigned i = 0; i < ctf.lanes; i++)
		__atomic_fetch_or(&ctf.control->lanes[i].packet, SJ_PERCPU_FULL,
				  __ATOMIC_RELEASE);
}

/* The newest piece in which it has room, of those it is not in. */
static char *ctf_part_of_piece(struct ctf_lane *lane, unsigned part, uint64_t now)
{
	for (unsigned i = 0; i < ctf.parts; i++) {
		uint64_t piece = __atomic_load_n(&ctf.control->piece,
						 __ATOMIC_ACQUIRE);
		unsigned next = (unsigned)(piece % ctf.parts);

		/* One that slept for a round is being filled where it would go. */
		if (piece != lane->piece && next != part &&
		    ctf_have_packet(lane, next, ctf_part(lane, next)))
			return ctf_part(lane, next);
		ctf_next_piece(piece, now);
	}
	return NULL;
}

/* The oldest part that has room, but the one it is in. */
static char *ctf_part_behind(struct ctf_lane *lane, unsigned part)
{
	for (unsigned i = 1; i < ctf.parts; i++) {
		unsigned next = (part + i) % ctf.parts;

		if (ctf_have_packet(lane, next, ctf_part(lane, next)))
			return ctf_part(lane, next);
	}
	return NULL;
}

static bool ctf_is_behind(const struct ctf_lane *lane)
{
	return lane->piece != __atomic_load_n(&ctf.control->piece,
					      __ATOMIC_ACQUIRE);
}

/* Where the lane goes on behind p, with blocks; NULL: nowhere. */
static char *ctf_next(struct ctf_lane *lane, struct sj_ctf_packet *p,
		      uint64_t now)
{
	unsigned part = ctf_part_of(lane, p);
	char *at = (char *)p + ctf_size_of(lane, p);

	if (ctf_is_behind(lane) || !ctf_have_packet(lane, part, at))
		at = ctf.together ? ctf_part_of_piece(lane, part, now) :
				    ctf_part_behind(lane, part);
	if (!at)
		__atomic_store_n(&ctf.control->retry, now + CTF_RETRY,
				 __ATOMIC_RELAXED);
	return at;
}

struct ctf_turn {
	struct ctf_lane *lane;		/* ours */
	uint64_t now;
	bool done;
	/* Found out on the way: the next, and the store that makes it one. */
	uintptr_t word;
	struct sj_ctf_packet *next;
	uint64_t *joins, by;
};

/* A spare lane's sj_percpu_turn(): the same stores. */
static enum sj_percpu_done ctf_turn_spare(const struct ctf_turn *turn)
{
	struct sj_ctf_packet *p = ctf_packet_of(turn->word), *next = turn->next;
	uint64_t begin = turn->now > p->end ? turn->now : p->end + 1;

	__atomic_store_n(&turn->lane->packet, turn->word | SJ_PERCPU_FULL,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&next->end, begin, __ATOMIC_RELEASE);
	__atomic_store_n(&next->begin, begin, __ATOMIC_RELEASE);
	__atomic_store_n(&next->discarded, p->discarded, __ATOMIC_RELEASE);
	__atomic_store_n(turn->joins, turn->by, __ATOMIC_RELEASE);
	__atomic_store_n(&turn->lane->packet, (uintptr_t)next, __ATOMIC_RELEASE);
	return SJ_PERCPU_DONE;
}

static void ctf_prepare(struct ctf_turn *turn, char *at)
{
	struct ctf_lane *lane = turn->lane;
	struct sj_ctf_packet *p = ctf_packet_of(turn->word);
	unsigned part = ctf_part_of(lane, at);

	turn->next = ctf_packet_at(at);
	if (part == ctf_part_of(lane, p)) {
		/* Somebody may have died who had got as far as to cut it. */
		__atomic_store_n(&p->packet_bits, 8 * (uint64_t)
				 (ctf_part(lane, part) + lane->size - (char *)p),
				 __ATOMIC_RELEASE);
		ctf_begin(lane, part, turn->next, p->number + 1, turn->now);
		turn->joins = &p->packet_bits;
		turn->by = 8 * ctf_size_of(lane, p);
	} else {
		ctf_begin_anew(lane, turn->next, p->number + 1);
		turn->joins = &turn->next->instance;
		turn->by = ctf_number(lane);
	}
}

static enum sj_percpu_done ctf_turn_cpu(const struct ctf_turn *turn)
{
	return sj_percpu_turn(sj_percpu(), (struct sj_percpu_log *)turn->lane,
			      ctf_number(turn->lane), turn->word,
			      (struct sj_percpu_packet *)turn->next,
			      turn->joins, turn->by, turn->now);
}

/*
 * False: there is no room.  A CPU's lane that we don't run on any more turns when
 * somebody there asks again.
 */
static void ctf_turn(void *arg)
{
	struct ctf_turn *turn = arg;
	struct ctf_lane *lane = turn->lane;
	uint64_t piece;
	char *at;

	turn->word = __atomic_load_n(&lane->packet, __ATOMIC_ACQUIRE);
	at = ctf_next(lane, ctf_packet_of(turn->word), turn->now);
	turn->done = at;
	if (!turn->done)
		return;
	piece = __atomic_load_n(&ctf.control->piece, __ATOMIC_ACQUIRE);
	ctf_prepare(turn, at);
	if ((ctf_number(lane) < ctf.cpus ? ctf_turn_cpu(turn) :
	     ctf_turn_spare(turn)) == SJ_PERCPU_DONE &&
	    (!ctf.together || ctf_part_of(lane, at) == piece % ctf.parts))
		lane->piece = piece;
}

/* For now's sake. */
static void ctf_end_piece(void *arg)
{
	const uint64_t *now = arg;

	ctf_next_piece(__atomic_load_n(&ctf.control->piece, __ATOMIC_ACQUIRE),
		       *now);
}

/* ---- an event: in general registers -------------------------------------- */
SJ_GENERAL_BEGIN

static inline __attribute__((always_inline))
void ctf_pack(struct sj_packer *w, const struct side_jmp_event *event,
	      uint32_t id, const struct sj_origin *origin,
	      const struct side_jmp_value values[])
{
	int32_t who[2] = { (int32_t)origin->pid, (int32_t)origin->tid };

	if (w->end - w->at < CTF_EVENT_HEAD) {
		w->full = true;
		return;
	}
	__builtin_memcpy(w->at, &id, 4);
	__builtin_memcpy(w->at + 4, &origin->now, 8);
	__builtin_memcpy(w->at + 12, who, 8);
	w->at += CTF_EVENT_HEAD;
	if (__builtin_expect(!!origin->context, 0))
		sj_context_pack(w, origin->context);
	sj_pack(w, event->desc, values);
}

static bool ctf_may_grow(uint64_t now)
{
	return __atomic_load_n(&ctf.control->left, __ATOMIC_RELAXED) &&
	       now >= __atomic_load_n(&ctf.control->retry, __ATOMIC_RELAXED);
}

/* One of all that find the piece's time over begins the next. */
static void ctf_look_at_time(uint64_t now)
{
	uint64_t until = __atomic_load_n(&ctf.control->until, __ATOMIC_RELAXED);

	if (now >= until &&
	    __atomic_compare_exchange_n(&ctf.control->until, &until,
					now + ctf.period, false,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		sj_keep_vectors(ctf_end_piece, &now);
}

/* An event that no packet holds must not use them up. */
static bool ctf_fits_packet(const struct side_jmp_event *event,
			    const struct side_jmp_value values[],
			    const struct sj_context *context)
{
	return sj_pack_size(event->desc, values) <=
	       CTF_PACKET - sizeof(struct sj_ctf_packet) - CTF_EVENT_HEAD -
	       (context ? sj_context_size(context) : 0);
}

/* The lane is ours.  False: no room. */
static bool ctf_grow(struct ctf_lane *lane, uint64_t now)
{
	struct ctf_turn turn = { .lane = lane, .now = now };

	if (!ctf_may_grow(now) || !sj_ctf_mine(&lane->owner))
		return false;
	sj_keep_vectors(ctf_turn, &turn);
	return turn.done;
}

/* ---- a CPU's lane --------------------------------------------------------- */

/* False: somebody else does, or nobody can. */
static bool ctf_grow_cpu(uint32_t cpu, uint64_t now)
{
	struct ctf_lane *lane = &ctf.control->lanes[cpu];
	bool done;

	if (!ctf_may_grow(now) || !sj_ctf_try(&lane->owner, sj_ctf_me()))
		return false;
	done = ctf_grow(lane, now);
	sj_ctf_let_go(&lane->owner);
	return done;
}

static bool ctf_add(void *here, const void *record, size_t size)
{
	struct sj_percpu_log *logs = (struct sj_percpu_log *)ctf.control->lanes;

	for (int i = 0; i < CTF_TRIES; i++) {
		uint64_t now = sj_now(), time = now;
		uint32_t cpu;

		ctf_look_at_time(now);
		switch (sj_percpu_add(here, logs, ctf.cpus, record, size, &time,
				      &cpu)) {
		case SJ_PERCPU_DONE:
			if (time != now)
				sj_now_was(time);
			return true;
		case SJ_PERCPU_NO_ROOM:
			if (!ctf_grow_cpu(cpu, now))
				return false;
			break;
		case SJ_PERCPU_NO_LOG:
			return false;
		default:
			break;
		}
	}
	return false;
}

/* False: not that way. */
static bool ctf_write_cpu(const struct side_jmp_event *event, uint32_t id,
			  const struct side_jmp_value values[],
			  const struct sj_context *context)
{
	uint64_t record[CTF_RECORD / 8 + 1];
	struct sj_packer w = { (char *)record, (char *)&record[CTF_RECORD / 8],
				false };
	struct sj_origin here = { 0, sj_pid(), sj_tid(), context };
	void *percpu = sj_percpu();

	if (!percpu)
		return false;
	ctf_pack(&w, event, id, &here, values);
	if (w.full)
		return false;
	__builtin_memset(w.at, 0, 8);	/* to a whole word */
	return ctf_add(percpu, record, (size_t)(w.at - (char *)record));
}

/* ---- spare lanes ----------------------------------------------------------- */

/* Into the packet of a lane that is ours. */
static bool ctf_append(struct ctf_lane *lane, const struct side_jmp_event *event,
		       uint32_t id, const struct sj_origin *origin,
		       const struct side_jmp_value values[])
{
	uintptr_t word = __atomic_load_n(&lane->packet, __ATOMIC_RELAXED);
	struct sj_ctf_packet *p = ctf_packet_of(word);
	struct sj_origin at = *origin;
	struct sj_packer w = { (char *)p + p->content_bits / 8,
				(char *)p + CTF_PACKET, false };

	if (word & SJ_PERCPU_FULL)
		return false;
	if (at.now < p->end) {
		at.now = p->end;
		sj_now_was(at.now);
	}
	ctf_pack(&w, event, id, &at, values);
	if (w.full || !sj_ctf_mine(&lane->owner))
		return false;
	/* In this order for whoever reads what there is. */
	__atomic_store_n(&p->end, at.now, __ATOMIC_RELEASE);
	__atomic_store_n(&p->content_bits, 8 * (uint64_t)(w.at - (char *)p),
			 __ATOMIC_RELEASE);
	return true;
}

/* What could not be said while others had it. */
static void ctf_tell_discarded(struct ctf_lane *lane)
{
	struct sj_ctf_packet *p = ctf_packet_of(lane->packet);

	if (__atomic_load_n(&lane->discarded, __ATOMIC_RELAXED))
		__atomic_store_n(&p->discarded, p->discarded +
				 __atomic_exchange_n(&lane->discarded, 0,
						     __ATOMIC_RELAXED),
				 __ATOMIC_RELEASE);
}

static bool ctf_write_lane(struct ctf_lane *lane,
			   const struct side_jmp_event *event, uint32_t id,
			   const struct side_jmp_value values[],
			   const struct sj_origin *origin)
{
	/* Read while we hold the lane: so its times seldom go back. */
	struct sj_origin here = origin ? *origin :
		(struct sj_origin){ 0, sj_pid(), sj_tid(), NULL };

	if (!here.now)
		here.now = sj_now();
	ctf_look_at_time(here.now);
	ctf_tell_discarded(lane);
	return ctf_append(lane, event, id, &here, values) ||
	       (ctf_fits_packet(event, values, here.context) &&
		ctf_grow(lane, here.now) &&
		ctf_append(lane, event, id, &here, values));
}

static struct ctf_lane *ctf_spare(unsigned i)
{
	return &ctf.control->lanes[ctf.cpus + i % (ctf.lanes - ctf.cpus)];
}

SJ_GENERAL_END
/* Also of a CPU's lane, whose owner may have died. */
static void ctf_wait(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ctf.lanes; i++)
		if (sj_ctf_inherit(&ctf.control->lanes[i].owner, sj_ctf_me()))
			sj_ctf_let_go(&ctf.control->lanes[i].owner);
	(void)syscall(SYS_sched_yield);
}
SJ_GENERAL_BEGIN

static bool ctf_write_spare(const struct side_jmp_event *event, uint32_t id,
			    const struct side_jmp_value values[],
			    const struct sj_origin *origin)
{
	unsigned first = (unsigned)sj_tid(), n = ctf.lanes - ctf.cpus;
	bool done = false, busy = true;

	for (int round = 0; round < CTF_ROUNDS && busy && !done; round++) {
		busy = false;
		for (unsigned i = 0; i < n && !done; i++) {
			struct ctf_lane *lane = ctf_spare(first + i);

			if (!sj_ctf_try(&lane->owner, sj_ctf_me())) {
				busy = true;
				continue;
			}
			done = ctf_write_lane(lane, event, id, values, origin);
			sj_ctf_let_go(&lane->owner);
		}
		if (busy && !done)
			sj_keep_vectors(ctf_wait, NULL);
	}
	return done;
}

/* ---- an event -------------------------------------------------------------- */

/* Where babeltrace2 sees it. */
static void ctf_discard(void)
{
	struct sj_percpu_log *logs = (struct sj_percpu_log *)ctf.control->lanes;
	struct ctf_lane *lane = ctf_spare((unsigned)sj_tid());
	void *here = sj_percpu();

	__atomic_fetch_add(&ctf_lost, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < CTF_TRIES && here; i++)
		if (sj_percpu_discard(here, logs, ctf.cpus) == SJ_PERCPU_DONE)
			return;
	__atomic_fetch_add(&lane->discarded, 1, __ATOMIC_RELAXED);
	if (sj_ctf_try(&lane->owner, sj_ctf_me())) {
		ctf_tell_discarded(lane);
		sj_ctf_let_go(&lane->owner);
	}
}

static bool ctf_write(const struct side_jmp_event *event,
		      const struct side_jmp_value values[],
		      const struct sj_origin *origin)
{
	uint32_t id = __atomic_load_n(&event->id, __ATOMIC_ACQUIRE);

	if (id && (((!origin || !origin->now) &&
		    ctf_write_cpu(event, id, values,
				  origin ? origin->context : NULL)) ||
		   ctf_write_spare(event, id, values, origin)))
		return true;
	ctf_discard();
	return false;
}

SJ_GENERAL_END

/* ---- opening and closing --------------------------------------------------- */

static int ctf_make_directory(const char *directory, char *path, size_t size)
{
	mkdir(directory, 0777);
	for (int n = 0; n < 10000; n++) {
		int length = snprintf(path, size, "%s%s-%d-%d", directory,
				      program_invocation_short_name,
				      (int)getpid(), n);

		if (length < 0 || (size_t)length >= size)
			return -ENAMETOOLONG;
		if (!mkdir(path, 0777))
			return open(path, O_DIRECTORY | O_CLOEXEC);
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

enum { CTF_NAME = 40 };

/* Of a piece's directory. */
static void ctf_piece_name(char name[CTF_NAME], unsigned part)
{
	snprintf(name, CTF_NAME, SJ_CTF_PIECE "%u", part);
}

static void ctf_file_name(char name[CTF_NAME], unsigned lane, unsigned part)
{
	if (ctf.together)
		snprintf(name, CTF_NAME, SJ_CTF_PIECE "%u/" SJ_CTF_STREAM "%u", part,
			 lane);
	else if (ctf.parts > 1)
		snprintf(name, CTF_NAME, SJ_CTF_STREAM "%u_%u", lane, part);
	else
		snprintf(name, CTF_NAME, SJ_CTF_STREAM "%u", lane);
}

/* The only one: two empty packets, the second of which is full. */
static void ctf_begin_lane(struct ctf_lane *lane, uint64_t now)
{
	struct sj_ctf_packet *p = ctf_packet_at(lane->base + CTF_FIRST);

	ctf_begin(lane, 0, p, 1, now + 1);
	ctf_begin(lane, 0, ctf_packet_at(lane->base), 0, now);
	ctf_packet_at(lane->base)->packet_bits = 8 * CTF_FIRST;
	lane->packet = (uintptr_t)p | SJ_PERCPU_FULL;
}

/* Where a round has ended that held nothing. */
static void ctf_begin_round(struct ctf_lane *lane, uint64_t now)
{
	for (unsigned i = 0; i < ctf.parts; i++)
		ctf_begin(lane, i, ctf_packet_at(ctf_part(lane, i)), i,
			  now - ctf.parts + i);
	lane->piece = ctf.parts - 1;
	lane->packet = (uintptr_t)ctf_part(lane, ctf.parts - 1) | SJ_PERCPU_FULL;
}

static int ctf_open_lane(int dir, unsigned i)
{
	struct ctf_lane *lane = &ctf.control->lanes[i];
	char name[CTF_NAME];
	int r = sj_ctf_reserve(ctf.parts * lane->size, &lane->base);

	for (unsigned part = 0; part < ctf.parts && !r; part++) {
		bool whole = ctf.parts > 1 && part < CTF_PARTS_LEAST;

		ctf_file_name(name, i, part);
		r = sj_ctf_create(dir, name, lane->size, ctf.opening ?
				  ctf.opening : whole ? CTF_PACKET :
				  sj_page_size(), ctf_part(lane, part));
		ctf.control->packets[i][part] = whole;
	}
	if (r)
		return r;
	if (ctf.parts > 1)
		ctf_begin_round(lane, sj_now());
	else
		ctf_begin_lane(lane, sj_now());
	return 0;
}

static int ctf_make_pieces(int dir)
{
	char name[CTF_NAME];

	for (unsigned i = 0; i < ctf.parts; i++) {
		ctf_piece_name(name, i);
		if (mkdirat(dir, name, 0777))
			return -errno;
	}
	return 0;
}

/* Each is described by the one file, under a name of its own. */
static int ctf_describe_pieces(int dir)
{
	char name[CTF_NAME], path[2 * CTF_NAME];

	for (unsigned i = 0; i < ctf.parts; i++) {
		ctf_piece_name(name, i);
		snprintf(path, sizeof(path), "%s/" SJ_CTF_METADATA, name);
		if (linkat(dir, SJ_CTF_METADATA_YET, dir, path, 0))
			return -errno;
	}
	return unlinkat(dir, SJ_CTF_METADATA_YET, 0) ? -errno : 0;
}

/* All else is there: it is a trace. */
static int ctf_describe_it(int dir)
{
	if (ctf.together)
		return ctf_describe_pieces(dir);
	return renameat(dir, SJ_CTF_METADATA_YET, dir, SJ_CTF_METADATA) ?
	       -errno : 0;
}

/* The events that there are; later ones come through .new_event. */
static int ctf_describe_all(int dir)
{
	struct sj_slice slice = { 0 };
	int r = sj_ctf_metadata_open(dir, ctf.context);

	if (r)
		return r;
	sj_slice_enter(&slice);
	sj_walk_over(&slice, sj_ctf_describe);
	sj_slice_leave(&slice);
	return 0;
}

static void ctf_count_lanes(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	unsigned n = cpus < 1 ? 1 : cpus > CTF_CPUS ? CTF_CPUS : (unsigned)cpus;

	ctf.cpus = sj_percpu() ? n : 0;
	ctf.lanes = ctf.cpus + (ctf.cpus || n < CTF_SPARE ? CTF_SPARE : n);
}

static void ctf_set_sizes(size_t cpu, size_t spare)
{
	for (unsigned i = 0; i < ctf.lanes; i++)
		ctf.control->lanes[i].size = sj_ctf_bounded(
			i < ctf.cpus ? cpu : spare, ctf.lanes * ctf.parts);
}

/*
 * All lanes draw on what the trace may have; a single one has no more, and of
 * very many it has less.
 */
static void ctf_size_lanes(uint64_t packets)
{
	uint64_t most = ctf.lanes > 16 ? packets * 16 / ctf.lanes + 1 : packets;

	ctf.opening = CTF_OPENING > sj_page_size() ? CTF_OPENING :
		      sj_page_size();
	ctf_set_sizes(ctf.opening + most * CTF_PACKET,
		      ctf.opening + most * CTF_PACKET);
	ctf.control->left = packets;
}

/*
 * Each has its own, for it needs a part to go on to: a quarter is for the spare
 * ones, where others have events.
 */
static bool ctf_size_round(uint64_t packets)
{
	uint64_t spares = ctf.lanes - ctf.cpus, spare, cpu = 0;

	spare = (ctf.cpus ? packets / 4 : packets) / spares / ctf.parts;
	spare = spare ? spare : 1;
	if (spare * spares * ctf.parts > packets)
		return false;
	if (ctf.cpus)
		cpu = (packets - spare * spares * ctf.parts) / ctf.cpus /
		      ctf.parts;
	ctf_set_sizes(cpu * CTF_PACKET, spare * CTF_PACKET);
	ctf.opening = 0;
	ctf.control->left = UINT64_MAX;
	ctf.control->piece = ctf.parts;
	return cpu || !ctf.cpus;
}

static bool ctf_size_rounds(uint64_t packets)
{
	ctf.parts = CTF_PARTS;
	while (!ctf_size_round(packets))
		if ((ctf.parts /= 2) < CTF_PARTS_LEAST)
			return false;
	return true;
}

static int ctf_size(const struct sj_output_options *options)
{
	uint64_t packets = options->size / CTF_PACKET;
	bool fits = true;

	ctf.parts = 1;
	ctf.together = options->pieces > 1;
	ctf.period = ctf.together ? options->period : 0;
	ctf.control->until = ctf.period ? sj_now() + ctf.period : UINT64_MAX;
	if (ctf.together) {
		ctf.parts = options->pieces;
		fits = ctf_size_round(packets);
	} else if (ctf_overwrite) {
		fits = ctf_size_rounds(packets);
	} else {
		ctf_size_lanes(packets ? packets : 1);
	}
	for (unsigned i = 0; i < ctf.lanes; i++)
		fits &= ctf.control->lanes[i].size >= ctf.opening + CTF_PACKET;
	return fits ? 0 : -EFBIG;
}

static int ctf_open_files(int dir, const struct sj_output_options *options)
{
	int r;

	ctf_count_lanes();
	ctf.context = options->context;
	ctf.control = mmap(NULL, sizeof(*ctf.control), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ctf.control == MAP_FAILED) {
		ctf.control = NULL;
		return -errno;
	}
	r = ctf_size(options);
	if (!r)
		r = ctf_describe_all(dir);
	if (!r && ctf.together)
		r = ctf_make_pieces(dir);
	for (unsigned i = 0; i < ctf.lanes && !r; i++)
		r = ctf_open_lane(dir, i);
	return r ? r : ctf_describe_it(dir);
}

/* No callback runs any more. */
static void ctf_close(void)
{
	if (ctf.control) {
		for (unsigned i = 0; i < ctf.lanes; i++)
			if (ctf.control->lanes[i].base)
				munmap(ctf.control->lanes[i].base, ctf.parts *
				       ctf.control->lanes[i].size);
		munmap(ctf.control, sizeof(*ctf.control));
	}
	ctf.control = NULL;
	__atomic_store_n(&ctf_lost, 0, __ATOMIC_RELAXED);
	sj_ctf_metadata_close();
}

/* Half a trace can't be read. */
static void ctf_remove(int dir, const char *path)
{
	char name[CTF_NAME], file[2 * CTF_NAME];

	for (unsigned part = 0; part < ctf.parts; part++) {
		for (unsigned i = 0; i < ctf.lanes; i++) {
			ctf_file_name(name, i, part);
			unlinkat(dir, name, 0);
		}
		ctf_piece_name(name, part);
		snprintf(file, sizeof(file), "%s/" SJ_CTF_METADATA, name);
		unlinkat(dir, file, 0);
		unlinkat(dir, name, AT_REMOVEDIR);
	}
	unlinkat(dir, SJ_CTF_METADATA_YET, 0);
	unlinkat(dir, SJ_CTF_METADATA, 0);
	rmdir(path);
}

static int ctf_open(const char *name, const struct sj_output_options *options,
		    char path[SJ_OUTPUT_NAME])
{
	int dir = ctf_make_directory(name, path, SJ_OUTPUT_NAME), r;

	if (dir < 0)
		return dir;
	ctf.name = path;
	sj_file_from_root(path, ctf.path, sizeof(ctf.path));
	r = ctf_open_files(dir, options);
	if (r) {
		ctf_close();
		ctf_remove(dir, path);
	}
	close(dir);
	return r;
}

static bool ctf_mode(const char *mode)
{
	ctf_overwrite = !strcmp(mode, "overwrite");
	return ctf_overwrite;
}

/* ---- what filters left out ------------------------------------------------- */

#define CTF_LEFT_OUT_TEXT \
	"side_jmp\0left_out\0Events that a filter's every or limit left out\0count"

static const struct {
	struct side_jmp_event_desc head;
	struct side_jmp_field fields[2];
	int64_t values[1];
	char text[sizeof(CTF_LEFT_OUT_TEXT)];
} ctf_left_out_desc = {
	{ .size = sizeof(ctf_left_out_desc), .version = SIDE_JMP_DESC_VERSION,
	  .n_fields = 1, .text = offsetof(__typeof__(ctf_left_out_desc), text) },
	{ { SIDE_JMP_INT, SIDE_JMP_U64, 0, 0 }, { 0, 0, 0, 0 } },
	{ 0 }, CTF_LEFT_OUT_TEXT,
};

/*
 * By an event, which no program has: not as discarded, for nobody has missed any.
 * It is described only where there is one.
 */
static void ctf_left_out(uint64_t n)
{
	static struct side_jmp_event event = { .desc = &ctf_left_out_desc.head };
	const struct sj_context none = { .parts = ctf.context };
	const struct sj_origin here = { 0, sj_pid(), sj_tid(), &none };
	const struct side_jmp_value count = { .u64 = n };
	sigmask_t mask = sj_event_enter();

	sj_ctf_describe(&event);
	sj_event_leave(mask);
	(void)ctf_write(&event, &count, &here);
}

static void ctf_after_fork(void)
{
	__atomic_store_n(&ctf_lost, 0, __ATOMIC_RELAXED);
	sj_ctf_locks_after_fork();
}

static const char *ctf_where(void)
{
	return ctf.path;
}

static void ctf_exit(void)
{
	uint64_t n = __atomic_load_n(&ctf_lost, __ATOMIC_RELAXED);

	if (n)
		sj_say("%.160s: %llu events lost", ctf.name, (unsigned long long)n);
}

const struct sj_output sj_ctf_output = {
	.mode = ctf_mode,
	.open = ctf_open,
	.close = ctf_close,
	.new_event = sj_ctf_describe,
	.general = true,
	.write = ctf_write,
	.left_out = ctf_left_out,
	.trace = ctf_where,
	.after_fork = ctf_after_fork,
	.exit = ctf_exit,
};
