/* SPDX-License-Identifier: MIT */
/*
 * The built-in tracer's Common Trace Format 1.8 (diamon.org/ctf/v1.8.3), for
 * babeltrace2: a directory with `metadata`, which describes the rest as text,
 * and streams of packets.
 *
 *
 * LANES
 *
 * A lane is a stream: a file of packets, one of which is being filled.  What a
 * packet holds is what its header says, and that is brought up to date after each
 * event, so what there is can be read at every instant.  A turn to the next
 * packet is three stores (percpu.h, sj_percpu_turn()), after each of which that
 * still holds, and which whoever comes next repeats if somebody died in between.
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
 * After fork() parent and child share files, mappings and lanes: the control
 * block is shared memory too, and lies at the same address in both.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "arch/percpu.h"
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
	CTF_RECORD = 512,		/* bytes of an event, on the stack */
	CTF_EVENT_HEAD = 20,		/* bytes: id, time, pid, tid */
};

#define CTF_RETRY	10000000	/* ns; a full disk is asked again */

#define CTF_MAGIC	0xC1FC1FC1u	/* CTF 1.8.3, 5.1 */

/* As the metadata describes it. */
struct ctf_packet {
	uint32_t magic;
	uint32_t stream_id;
	uint64_t begin, end;		/* CLOCK_MONOTONIC, ns */
	uint64_t content_bits;		/* filled, header included */
	uint64_t packet_bits;
	uint64_t discarded;		/* of this stream, so far */
} __attribute__((packed, aligned(8)));

_Static_assert(sizeof(struct ctf_packet) == sizeof(struct sj_percpu_packet) &&
	       offsetof(struct ctf_packet, discarded) ==
	       offsetof(struct sj_percpu_packet, discarded), "the same");

/* Shared by parent and children. */
struct ctf_lane {
	/*
	 * The packet that is written to, and SJ_PERCPU_FULL.  Atomic; of a
	 * CPU's lane written by its sequences, of a spare one by its owner.
	 */
	uintptr_t packet;
	char *base;
	uint32_t owner;			/* ctf.h; who turns, or writes */
	uint32_t n_packets;		/* owner; that have blocks */
	uint64_t discarded;		/* atomic; no packet tells of them yet */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct ctf_lane) == sizeof(struct sj_percpu_log), "an array");

struct ctf_control {
	uint64_t left;			/* atomic; packets that may be had */
	uint64_t retry;			/* atomic; not before, in ns */
	struct ctf_lane lanes[CTF_CPUS + CTF_SPARE];	/* the CPUs' first */
};

/* Of this process; set by open, before any event is written. */
static struct {
	struct ctf_control *control;
	size_t opening, size;		/* bytes; of a lane */
	unsigned cpus, lanes;		/* all */
	const char *name;		/* trace.c's */
} ctf;

static uint64_t ctf_lost;			/* atomic */

/* ---- packets -------------------------------------------------------------- */

static struct ctf_packet *ctf_packet_of(uintptr_t word)
{
	return (struct ctf_packet *)(word & ~(uintptr_t)SJ_PERCPU_FULL);
}

static uint64_t ctf_size_of(const struct ctf_lane *lane,
			    const struct ctf_packet *p)
{
	return (const char *)p == lane->base + CTF_FIRST ?
		ctf.opening - CTF_FIRST : CTF_PACKET;
}

/* All of the file behind it is its own, till the next one cuts it. */
static void ctf_begin(struct ctf_lane *lane, struct ctf_packet *p, uint64_t now)
{
	size_t at = (size_t)((char *)p - lane->base);

	*p = (struct ctf_packet){
		.magic = CTF_MAGIC,
		.begin = now, .end = now,
		.content_bits = 8 * sizeof(*p),
		.packet_bits = 8 * (uint64_t)(ctf.size - at),
	};
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

/* Blocks for the lane's packet there.  We own it. */
static bool ctf_have_packet(struct ctf_lane *lane, char *at, uint64_t now)
{
	if (at < lane->base + ctf.opening + (size_t)lane->n_packets * CTF_PACKET)
		return true;
	if (at + CTF_PACKET > lane->base + ctf.size || !ctf_spend_packet())
		return false;
	if (!sj_ctf_allocate(at, CTF_PACKET)) {
		__atomic_fetch_add(&ctf.control->left, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&ctf.control->retry, now + CTF_RETRY,
				 __ATOMIC_RELAXED);
		return false;
	}
	lane->n_packets++;
	return true;
}

/* A spare lane's sj_percpu_turn(): the same stores. */
static void ctf_turn_spare(struct ctf_lane *lane, struct ctf_packet *next,
			   uint64_t bits, uint64_t now)
{
	uintptr_t word = __atomic_load_n(&lane->packet, __ATOMIC_RELAXED);
	struct ctf_packet *p = ctf_packet_of(word);

	__atomic_store_n(&lane->packet, word | SJ_PERCPU_FULL, __ATOMIC_RELEASE);
	next->begin = next->end = now > p->end ? now : p->end;
	next->discarded = p->discarded;
	__atomic_store_n(&p->packet_bits, bits, __ATOMIC_RELEASE);
	__atomic_store_n(&lane->packet, (uintptr_t)next, __ATOMIC_RELEASE);
}

struct ctf_turn {
	struct ctf_lane *lane;		/* ours */
	uint64_t now;
	bool done;
};

/*
 * False: there is no room.  A CPU's lane that we don't run on any more turns when
 * somebody there asks again.
 */
static void ctf_turn(void *arg)
{
	struct ctf_turn *turn = arg;
	struct ctf_lane *lane = turn->lane;
	uintptr_t word = __atomic_load_n(&lane->packet, __ATOMIC_ACQUIRE);
	struct ctf_packet *p = ctf_packet_of(word), *next;
	size_t size = ctf_size_of(lane, p);
	char *at = (char *)p + size;
	unsigned cpu = (unsigned)(lane - ctf.control->lanes);

	turn->done = ctf_have_packet(lane, at, turn->now);
	if (!turn->done)
		return;
	next = (struct ctf_packet *)(void *)at;
	ctf_begin(lane, next, turn->now);
	if (cpu < ctf.cpus)
		(void)sj_percpu_turn(sj_percpu(), (struct sj_percpu_log *)lane,
				     cpu, word, (struct sj_percpu_packet *)next,
				     8 * size, turn->now);
	else
		ctf_turn_spare(lane, next, 8 * size, turn->now);
}

/* ---- an event: in general registers -------------------------------------- */
SJ_GENERAL_BEGIN

static void ctf_pack(struct sj_packer *w, const struct side_jmp_event *event,
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
	sj_pack(w, event->desc, values);
}

static bool ctf_may_grow(uint64_t now)
{
	return __atomic_load_n(&ctf.control->left, __ATOMIC_RELAXED) &&
	       now >= __atomic_load_n(&ctf.control->retry, __ATOMIC_RELAXED);
}

/* An event that no packet holds must not use them up. */
static bool ctf_fits_packet(const struct side_jmp_event *event,
			    const struct side_jmp_value values[])
{
	return sj_pack_size(event->desc, values) <=
	       CTF_PACKET - sizeof(struct ctf_packet) - CTF_EVENT_HEAD;
}

/* The lane is ours.  False: no room. */
static bool ctf_grow(struct ctf_lane *lane, uint64_t now)
{
	struct ctf_turn turn = { lane, now, false };

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
		uint64_t now = sj_now();
		uint32_t cpu;

		switch (sj_percpu_add(here, logs, ctf.cpus, record, size, now,
				      &cpu)) {
		case SJ_PERCPU_DONE:
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
			  const struct side_jmp_value values[])
{
	uint64_t record[CTF_RECORD / 8 + 1];
	struct sj_packer w = { (char *)record, (char *)&record[CTF_RECORD / 8],
				false };
	struct sj_origin here = { 0, sj_pid(), sj_tid() };
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
	struct ctf_packet *p = ctf_packet_of(word);
	struct sj_origin at = *origin;
	struct sj_packer w = { (char *)p + p->content_bits / 8,
				(char *)p + CTF_PACKET, false };

	if (word & SJ_PERCPU_FULL)
		return false;
	if (at.now < p->end)
		at.now = p->end;
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
	struct ctf_packet *p = ctf_packet_of(lane->packet);

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
		(struct sj_origin){ sj_now(), sj_pid(), sj_tid() };

	ctf_tell_discarded(lane);
	return ctf_append(lane, event, id, &here, values) ||
	       (ctf_fits_packet(event, values) && ctf_grow(lane, here.now) &&
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

	if (id && ((!origin && ctf_write_cpu(event, id, values)) ||
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

enum { CTF_LANE_NAME = 24 };

static void ctf_lane_name(char name[CTF_LANE_NAME], unsigned i)
{
	snprintf(name, CTF_LANE_NAME, "stream_%u", i);
}

static int ctf_open_lane(int dir, unsigned i)
{
	struct ctf_lane *lane = &ctf.control->lanes[i];
	uint64_t now = sj_now();
	struct ctf_packet *p;
	char name[CTF_LANE_NAME];
	int r;

	ctf_lane_name(name, i);
	r = sj_ctf_create(dir, name, ctf.size, ctf.opening, &lane->base);
	if (r)
		return r;
	p = (struct ctf_packet *)(void *)(lane->base + CTF_FIRST);
	ctf_begin(lane, p, now);
	ctf_begin(lane, (struct ctf_packet *)(void *)lane->base, now);
	((struct ctf_packet *)(void *)lane->base)->packet_bits = 8 * CTF_FIRST;
	lane->packet = (uintptr_t)p | SJ_PERCPU_FULL;
	return 0;
}

/* The events that there are; later ones come through .new_event. */
static int ctf_describe_all(int dir)
{
	struct sj_slice slice = { 0 };
	int r = sj_ctf_metadata_open(dir);

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

/*
 * All lanes draw on what the trace may have; a single one has no more, and of
 * very many it has less.
 */
static int ctf_size_lanes(uint64_t size)
{
	uint64_t packets = size / CTF_PACKET ? size / CTF_PACKET : 1;
	uint64_t most = ctf.lanes > 16 ? packets * 16 / ctf.lanes + 1 : packets;

	ctf.opening = CTF_OPENING > sj_page_size() ? CTF_OPENING :
		      sj_page_size();
	ctf.size = sj_ctf_bounded(ctf.opening + most * CTF_PACKET, ctf.lanes);
	ctf.control->left = packets;
	return ctf.size < ctf.opening + CTF_PACKET ? -EFBIG : 0;
}

static int ctf_open_files(int dir, uint64_t size)
{
	int r;

	ctf_count_lanes();
	ctf.control = mmap(NULL, sizeof(*ctf.control), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ctf.control == MAP_FAILED) {
		ctf.control = NULL;
		return -errno;
	}
	r = ctf_size_lanes(size);
	for (unsigned i = 0; i < ctf.lanes && !r; i++)
		r = ctf_open_lane(dir, i);
	return r ? r : ctf_describe_all(dir);
}

/* No callback runs any more. */
static void ctf_close(void)
{
	if (ctf.control) {
		for (unsigned i = 0; i < ctf.lanes; i++)
			if (ctf.control->lanes[i].base)
				munmap(ctf.control->lanes[i].base, ctf.size);
		munmap(ctf.control, sizeof(*ctf.control));
	}
	ctf.control = NULL;
	__atomic_store_n(&ctf_lost, 0, __ATOMIC_RELAXED);
	sj_ctf_metadata_close();
}

/* Half a trace can't be read. */
static void ctf_remove(int dir, const char *path)
{
	char name[CTF_LANE_NAME];

	for (unsigned i = 0; i < ctf.lanes; i++) {
		ctf_lane_name(name, i);
		unlinkat(dir, name, 0);
	}
	unlinkat(dir, SJ_CTF_METADATA, 0);
	rmdir(path);
}

static int ctf_open(const char *name, uint64_t size, char path[SJ_OUTPUT_NAME])
{
	int dir = ctf_make_directory(name, path, SJ_OUTPUT_NAME), r;

	if (dir < 0)
		return dir;
	ctf.name = path;
	r = ctf_open_files(dir, size);
	if (r) {
		ctf_close();
		ctf_remove(dir, path);
	}
	close(dir);
	return r;
}

static void ctf_after_fork(void)
{
	__atomic_store_n(&ctf_lost, 0, __ATOMIC_RELAXED);
	sj_ctf_locks_after_fork();
}

static void ctf_exit(void)
{
	uint64_t n = __atomic_load_n(&ctf_lost, __ATOMIC_RELAXED);

	if (n)
		sj_say("%.160s: %llu events lost", ctf.name, (unsigned long long)n);
}

const struct sj_output sj_ctf_output = {
	.open = ctf_open,
	.close = ctf_close,
	.new_event = sj_ctf_describe,
	.general = true,
	.write = ctf_write,
	.after_fork = ctf_after_fork,
	.exit = ctf_exit,
};
