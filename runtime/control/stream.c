/* SPDX-License-Identifier: MIT */
/*
 * Events of this process, or how many there are, into memory that somebody else
 * reads, as control.h says.  Knows nothing of sockets.
 *
 * What runs for an event runs in any thread at any place, and in general registers
 * only: no lock, no memory, and but for context that is asked for no system call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/control/agent.h"
#include "runtime/events/context.h"
#include "runtime/events/ctf.h"

_Static_assert(sizeof(struct sj_lane) == 256 && sizeof(struct sj_record) == 32 &&
	       sizeof(struct sj_ring) <= SJ_RING_AT &&
	       sizeof(struct sj_counts) == 64, "as control.h has them");

/* ---- a lane ----------------------------------------------------------------- */

/* Of a lane that is ours, the writer's view. */
struct stream_lane {
	struct sj_lane *shared;
	char *memory;
	uint64_t size, head, tail;
};

static struct sj_ring *stream_ring(const struct control_stream *s)
{
	return s->area.at;
}

static struct stream_lane stream_open(const struct control_stream *s, unsigned i)
{
	struct sj_lane *lane = &stream_ring(s)->lanes[i];

	return (struct stream_lane){
		lane, (char *)s->area.at + SJ_RING_AT + i * s->lane_size,
		s->lane_size, __atomic_load_n(&lane->head, __ATOMIC_RELAXED),
		__atomic_load_n(&lane->tail, __ATOMIC_ACQUIRE),
	};
}

/* NULL: there is none.  What was written before is not yet published. */
static char *stream_room(struct stream_lane *lane, uint64_t need)
{
	uint64_t at = lane->head & (lane->size - 8);
	uint64_t pad = at + need > lane->size ? lane->size - at : 0;
	struct sj_record *record = (void *)(lane->memory + at);

	/* The second is of what head and tail say, the first of what is so. */
	if (need > lane->size ||
	    lane->head + pad + need - lane->tail > lane->size)
		return NULL;
	if (pad) {
		record->size = (uint32_t)pad;
		record->kind = SJ_RING_PAD;
		at = 0;
	}
	lane->head += pad + need;
	return lane->memory + at;
}

/*
 * Threads' clocks differ (sj_now()); a lane, which is ours, has its records in
 * order.  Whoever writes to it besides spoils what he is to read.
 */
static uint64_t stream_time(struct stream_lane *lane)
{
	uint64_t *last = &lane->shared->time, now = sj_now();
	uint64_t before = __atomic_load_n(last, __ATOMIC_RELAXED);

	if (now < before) {
		now = before;
		sj_now_was(now);
	}
	__atomic_store_n(last, now, __ATOMIC_RELAXED);
	return now;
}

static uint64_t stream_round(uint64_t n)
{
	return (n + 7) & ~UINT64_C(7);
}

static bool stream_put_desc(struct stream_lane *lane, struct sj_record record,
			    const struct side_jmp_event_desc *desc)
{
	uint64_t need = sizeof(record) + desc->size;
	char *at = stream_room(lane, need);

	if (!at)
		return false;
	record.size = (uint32_t)need;
	record.kind = SJ_RING_DESC;
	__builtin_memcpy(at, &record, sizeof(record));
	sj_copy(at + sizeof(record), (const char *)desc, desc->size);
	return true;
}

/* An event that happens. */
struct stream_fired {
	struct control_stream *stream;
	const struct side_jmp_event *event;
	const struct side_jmp_value *values;
	const struct sj_context *context;	/* NULL: none is wanted */
	uint64_t size;			/* bytes, of both */
};

static bool stream_put_event(struct stream_lane *lane, struct sj_record record,
			     const struct stream_fired *fired)
{
	uint64_t size = fired->size;
	char *at = stream_room(lane, sizeof(record) + stream_round(size));
	struct sj_packer w;

	if (!at)
		return false;
	record.size = (uint32_t)(sizeof(record) + stream_round(size));
	record.kind = SJ_RING_EVENT;
	__builtin_memcpy(at, &record, sizeof(record));
	w = (struct sj_packer){ at + sizeof(record), at + record.size, false };
	sj_pack(&w, fired->event->desc, fired->values);
	if (fired->context)
		sj_context_pack(&w, fired->context);
	return !w.full;
}

static bool stream_publish(struct stream_lane *lane)
{
	if (!sj_ctf_mine(&lane->shared->owner))
		return false;
	__atomic_store_n(&lane->shared->head, lane->head, __ATOMIC_RELEASE);
	return true;
}

/* ---- events ------------------------------------------------------------------- */

static uint64_t *stream_word(struct control_stream *s, uint64_t number)
{
	return number < CONTROL_ANNOUNCED ? &s->announced[number / 64] : NULL;
}

static bool stream_announced(struct control_stream *s, uint64_t number)
{
	uint64_t *word = stream_word(s, number);

	return word && __atomic_load_n(word, __ATOMIC_ACQUIRE) >> number % 64 & 1;
}

/* Once it is published. */
static void stream_announce(struct control_stream *s, uint64_t number)
{
	uint64_t *word = stream_word(s, number);

	if (word)
		__atomic_fetch_or(word, UINT64_C(1) << number % 64,
				  __ATOMIC_RELEASE);
}

/* In a lane that is ours: the description, if it is the first, and the event. */
static bool stream_write_lane(const struct stream_fired *fired, unsigned i)
{
	struct control_stream *s = fired->stream;
	const struct side_jmp_event *event = fired->event;
	struct stream_lane lane = stream_open(s, i);
	struct sj_record record = {
		.number = event->number, .time = stream_time(&lane),
		.pid = sj_pid(), .tid = sj_tid(),
	};
	bool known = stream_announced(s, event->number);

	if ((!known && !stream_put_desc(&lane, record, event->desc)) ||
	    !stream_put_event(&lane, record, fired) ||
	    !stream_publish(&lane))
		return false;
	if (!known)
		stream_announce(s, event->number);
	return true;
}

static void stream_write(struct stream_fired *fired)
{
	struct control_stream *s = fired->stream;
	unsigned first = (unsigned)sj_tid();
	bool done = false;

	fired->size = sj_pack_size(fired->event->desc, fired->values);
	if (fired->context && fired->size < s->lane_size)
		fired->size += sj_context_size(fired->context);
	for (unsigned n = 0; fired->size < s->lane_size && n < SJ_RING_LANES &&
	     !done; n++) {
		unsigned i = (first + n) % SJ_RING_LANES;
		struct sj_lane *lane = &stream_ring(s)->lanes[i];

		if (!sj_ctf_try(&lane->owner, sj_ctf_me()))
			continue;
		done = stream_write_lane(fired, i);
		sj_ctf_let_go(&lane->owner);
	}
	if (!done)
		__atomic_fetch_add(&stream_ring(s)->lost, 1, __ATOMIC_RELAXED);
}

static void stream_event(const struct side_jmp_event *event,
			 const struct side_jmp_value values[], void *data)
{
	struct stream_fired fired = { data, event, values, NULL, 0 };

	stream_write(&fired);
}

SJ_GENERAL_END
static void stream_write_context(void *arg)
{
	struct stream_fired *fired = arg;
	struct sj_context context;
	int saved = errno;
	unsigned skip;
	const void *frame = sj_tracer_frame(&skip);

	sj_context_take(&context, fired->stream->context, frame, skip);
	fired->context = &context;
	stream_write(fired);
	errno = saved;
}
SJ_GENERAL_BEGIN

static void stream_event_context(const struct side_jmp_event *event,
				 const struct side_jmp_value values[],
				 void *data)
{
	struct stream_fired fired = { data, event, values, NULL, 0 };

	sj_keep_vectors(stream_write_context, &fired);
}

static void stream_count(const struct side_jmp_event *event,
			 const struct side_jmp_value values[], void *data)
{
	struct control_stream *s = data;
	struct sj_counts *counts = s->area.at;
	uint64_t *all = (uint64_t *)(void *)(counts + 1);
	unsigned shard = (unsigned)sj_tid() % SJ_COUNT_SHARDS;

	(void)values;
	__atomic_fetch_add(event->number < s->limit ?
			   &all[shard * s->max + event->number] :
			   &counts->others, 1, __ATOMIC_RELAXED);
}

SJ_GENERAL_END

/* ---- begin and end --------------------------------------------------------------- */

static int stream_register(struct control_stream *s, char why[SJ_TRACER_WHY])
{
	struct sj_counts *counts = s->area.at;
	const struct sj_tracer_call call = {
		!s->lane_size ? stream_count : s->context ?
		stream_event_context : stream_event, s, true, NULL,
		s->lane_size ? &stream_ring(s)->left_out : &counts->left_out,
	};

	return sj_tracer_add(&s->tracer, s->starting, &call, why);
}

/*
 * Under sj_event_lock the tracer is stored: so a child has it and knows it, or
 * has neither, and then what it was to be registered for.
 */
static int stream_begin(struct control_stream *s, const char *patterns,
			struct control_area *area, char why[SJ_TRACER_WHY])
{
	int r;

	memset(s->announced, 0, sizeof(s->announced));
	s->starting = patterns;
	s->area.size = area->size;
	__atomic_store_n(&s->area.at, area->at, __ATOMIC_RELEASE);
	r = stream_register(s, why);
	s->starting = NULL;
	if (r)
		s->area.at = NULL;
	else
		area->at = NULL;
	return r;
}

int sj_control_trace(struct control_stream *s, const char *patterns,
		     struct control_area *area, uint32_t argument,
		     char why[SJ_TRACER_WHY])
{
	uint32_t lane_bits = argument & 0xff, context = argument >> 8;

	if (lane_bits < 12 || lane_bits > 24 || context > SJ_CONTEXT_ALL ||
	    area->size < SJ_RING_AT + ((uint64_t)SJ_RING_LANES << lane_bits))
		return -EINVAL;
	s->context = context;
	s->lane_size = UINT64_C(1) << lane_bits;
	return stream_begin(s, patterns, area, why);
}

int sj_control_count(struct control_stream *s, const char *patterns,
		     struct control_area *area, uint32_t max,
		     char why[SJ_TRACER_WHY])
{
	if (area->size < sizeof(struct sj_counts) + SJ_COUNT_SHARDS *
	    sizeof(uint64_t) * (uint64_t)max)
		return -EINVAL;
	s->lane_size = 0;
	s->max = s->limit = max;
	return stream_begin(s, patterns, area, why);
}

int sj_control_end(struct control_stream *s)
{
	int r = s->tracer ? sj_tracer_remove(&s->tracer) : 0;

	/* Somebody may be writing still, for as long as he likes. */
	if (r)
		return -EBUSY;
	sj_control_unmap(&s->area);
	return 0;
}

uint32_t sj_control_mark(const struct control_stream *s)
{
	return s->lane_size ? stream_ring(s)->mark :
			      ((const struct sj_counts *)s->area.at)->mark;
}

int sj_control_reclaim(struct control_stream *s, uint32_t lane)
{
	uint32_t *owner;

	if (!s->area.at || !s->lane_size || lane >= SJ_RING_LANES)
		return -EINVAL;
	owner = &stream_ring(s)->lanes[lane].owner;
	if (!sj_ctf_inherit(owner, sj_ctf_me()))
		return __atomic_load_n(owner, __ATOMIC_RELAXED) ? -EBUSY : 0;
	sj_ctf_let_go(owner);
	return 0;
}

/* ---- fork ------------------------------------------------------------------------- */

/* Whoever has no such record would take the child's numbers for others. */
static bool stream_put_fork(struct control_stream *s, pid_t parent)
{
	uint32_t me = sj_ctf_me();
	bool done = false;

	for (unsigned i = 0; i < SJ_RING_LANES && !done; i++) {
		struct sj_record record = {
			sizeof(record), SJ_RING_FORK, (uint64_t)parent,
			0, sj_pid(), sj_tid(),
		};
		struct stream_lane lane;
		char *at;

		if (!sj_ctf_try(&stream_ring(s)->lanes[i].owner, me))
			continue;
		lane = stream_open(s, i);
		record.time = stream_time(&lane);
		at = stream_room(&lane, sizeof(record));
		if (at) {
			memcpy(at, &record, sizeof(record));
			done = stream_publish(&lane);
		}
		sj_ctf_let_go(&lane.shared->owner);
	}
	return done;
}

static void stream_limit(struct control_stream *s)
{
	sigmask_t mask = sj_event_enter();
	uintptr_t last = sj_event_last_number();

	sj_event_leave(mask);
	if (s->limit > last + 1)
		s->limit = last + 1;
}

void sj_control_after_fork(struct control_stream *s, pid_t parent)
{
	char why[SJ_TRACER_WHY];

	if (!s->area.at)
		return;
	sj_ctf_locks_after_fork();
	if (!s->lane_size)
		stream_limit(s);
	else if (!stream_put_fork(s, parent))
		__builtin_memset(s->announced, 0, sizeof(s->announced));
	/* Where it can't be, its end says so to nobody: the parent's did. */
	if (!s->tracer && s->starting)
		(void)stream_register(s, why);
	s->starting = NULL;
}
