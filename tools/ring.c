/* SPDX-License-Identifier: MIT */
/* See ring.h. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tools/image.h"
#include "tools/live.h"
#include "tools/ring.h"
#include "tools/table.h"
#include "runtime/events/context.h"
#include "runtime/events/events.h"

#define LANE_SIZE	(UINT64_C(1) << RING_LANE_BITS)

enum {
	QUEUE_MAX = 16 << 20,		/* of a lane; the rest stays there */
	KNOWN_HASH = 4096,
	KNOWN_MAX = 100000,		/* descriptions; bytes of all: */
	KNOWN_BYTES_MAX = 64 << 20,
	STALL_NS = 1000000000,		/* nobody waits longer for a writer */
	STUCK_NS = 1000000000,
	APART_NS = 20000,		/* threads' clocks, at the most: sj_now() */
};

static const struct image native = {
	.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
};

/* ---- the area ---------------------------------------------------------------- */

static struct sj_ring *shared(const struct ring *r)
{
	return r->at;
}

int ring_open(struct ring *r, unsigned context)
{
	*r = (struct ring){
		.size = SJ_RING_AT + (size_t)SJ_RING_LANES * LANE_SIZE,
		.context = context,
	};
	r->fd = live_area(r->size, &r->at);
	if (r->fd < 0)
		return -1;
	shared(r)->mark = live_mark();
	r->known = tool_alloc(KNOWN_HASH, sizeof(*r->known));
	return 0;
}

uint64_t ring_lost(const struct ring *r)
{
	return __atomic_load_n(&shared(r)->lost, __ATOMIC_RELAXED);
}

uint64_t ring_left_out(const struct ring *r)
{
	return __atomic_load_n(&shared(r)->left_out, __ATOMIC_RELAXED);
}

/* ---- descriptions -------------------------------------------------------------- */

/*
 * Which process: numbers are used again.  The first that had one, and said nothing
 * of a parent, has life 0.
 */
struct ring_who {
	int32_t pid;
	uint64_t life;
};

/* An event of a process; or, without a description, whose child a process is. */
struct ring_known {
	struct ring_known *next;	/* the newest first */
	struct ring_who who;
	uint64_t number;		/* of an event; 0: the process itself */
	bool shown;			/* an event */
	/* Of a process. */
	struct ring_who parent;
	bool own;			/* it has described events itself */
	uint64_t used;			/* r->lives then */
	struct side_jmp_event event;
	uint64_t desc[];		/* its bytes */
};

static struct ring_known **known_bucket(const struct ring *r, int32_t pid,
					uint64_t number)
{
	return &r->known[((uint64_t)(uint32_t)pid * 31 + number) % KNOWN_HASH];
}

static struct ring_known *find(const struct ring *r, struct ring_who who,
			       uint64_t number)
{
	struct ring_known *k = *known_bucket(r, who.pid, number);

	while (k && (k->who.pid != who.pid || k->who.life != who.life ||
		     k->number != number))
		k = k->next;
	return k;
}

/* Who has that number now.  NULL: one that said nothing of a parent. */
static struct ring_known *find_process(const struct ring *r, int32_t pid)
{
	struct ring_known *k = *known_bucket(r, pid, 0);

	while (k && (k->who.pid != pid || k->number))
		k = k->next;
	return k;
}

static struct ring_who who_of(const struct ring *r, int32_t pid)
{
	const struct ring_known *k = find_process(r, pid);

	return k ? k->who : (struct ring_who){ pid, 0 };
}

static bool is_idle(const struct ring *r, const struct ring_known *k)
{
	return !k->number && !k->own && r->lives - k->used > KNOWN_MAX / 2;
}

/*
 * Of a process: the next of its ancestors that described any event.  (A life is
 * later than its parent's: there is no circle.)  NULL: that says nothing of parents.
 */
static struct ring_known *pass_over(const struct ring *r, struct ring_known *k,
				    bool idle_alone)
{
	struct ring_known *parent = find(r, k->parent, 0);

	while (parent && !parent->own && (!idle_alone || is_idle(r, parent))) {
		k->parent = parent->parent;
		parent = find(r, k->parent, 0);
	}
	return parent;
}

/*
 * Processes that described nothing themselves and had no event, nor a child, since
 * many others came: most of them have ended.
 */
static void forget_idle(struct ring *r)
{
	for (unsigned i = 0; i < KNOWN_HASH; i++)
		for (struct ring_known *k = r->known[i]; k; k = k->next)
			if (!k->number)
				(void)pass_over(r, k, true);
	for (unsigned i = 0; i < KNOWN_HASH; i++)
		for (struct ring_known **p = &r->known[i], *k; (k = *p); ) {
			if (!is_idle(r, k)) {
				p = &k->next;
				continue;
			}
			*p = k->next;
			r->n_known--;
			free(k);
		}
	r->swept = r->lives;
}

/* NULL: there are too many. */
static struct ring_known *know(struct ring *r, struct ring_who who,
			       uint64_t number, const void *desc, size_t size)
{
	struct ring_known **bucket = known_bucket(r, who.pid, number), *k;

	if (r->n_known == KNOWN_MAX && r->lives - r->swept > KNOWN_MAX / 8)
		forget_idle(r);
	if (r->n_known == KNOWN_MAX || r->known_bytes + size > KNOWN_BYTES_MAX)
		return NULL;
	k = tool_alloc(1, sizeof(*k) + size);
	*k = (struct ring_known){ .next = *bucket, .who = who,
				  .number = number };
	if (size)
		memcpy(k->desc, desc, size);
	*bucket = k;
	r->n_known++;
	r->known_bytes += size;
	return k;
}

/* As the compiler took it from the program. */
static bool is_identifier(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz"
			  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return n && !s[n];
}

static bool field_is_sane(const struct field *f)
{
	bool elem = f->elem >= SIDE_JMP_U8 && f->elem <= SIDE_JMP_BYTE;

	if (!is_identifier(f->name) || f->kind < SIDE_JMP_INT ||
	    f->kind > SIDE_JMP_SEQ || f->count > SJ_PACK_MAX)
		return false;
	switch (f->kind) {
	case SIDE_JMP_INT: return f->elem >= SIDE_JMP_U8 && f->elem <= SIDE_JMP_S64;
	case SIDE_JMP_FLOAT:
		return f->elem == SIDE_JMP_F32 || f->elem == SIDE_JMP_F64;
	case SIDE_JMP_POINTER: return f->elem == SIDE_JMP_U64;
	case SIDE_JMP_ENUM: return f->elem == SIDE_JMP_S32;
	case SIDE_JMP_STRING: return true;
	case SIDE_JMP_CHARS: return f->count > 0;
	default: return elem;
	}
}

/* What the runtime's own code may be given to read. */
static bool desc_is_sane(const void *desc, size_t size)
{
	struct event e = { 0 };
	bool sane = !table_read_event(&native, &e, desc, size) &&
		    is_identifier(e.provider) && is_identifier(e.name) &&
		    e.n_fields <= 16;

	for (size_t i = 0; sane && i < e.n_fields; i++)
		sane = field_is_sane(&e.fields[i]);
	free(e.fields);
	return sane;
}

static void learn_fork(struct ring *r, int32_t pid, int32_t parent)
{
	struct ring_known *process = find_process(r, parent), *k;
	struct ring_who from = who_of(r, parent);

	if (process)
		process->used = r->lives;
	k = know(r, (struct ring_who){ pid, ++r->lives }, 0, NULL, 0);
	if (!k)
		return;
	k->parent = from;
	k->used = r->lives;
}

static void learn(struct ring *r, const struct sj_record *record,
		  const void *payload)
{
	size_t size = record->size - sizeof(*record);
	struct ring_known *k, *process;
	struct ring_who who;

	if (record->kind == SJ_RING_FORK) {
		learn_fork(r, record->pid, (int32_t)record->number);
		return;
	}
	if (!record->number || !desc_is_sane(payload, size)) {
		r->damaged++;
		return;
	}
	process = find_process(r, record->pid);
	if (process)
		process->own = true;
	who = who_of(r, record->pid);
	if (find(r, who, record->number))	/* two threads were the first */
		return;
	k = know(r, who, record->number, payload, size);
	if (k)
		k->event = (struct side_jmp_event){
			.version = SIDE_JMP_EVENT_VERSION,
			.desc = (const void *)k->desc,
			.number = (uintptr_t)record->number,
		};
}

/* A child's numbers are its parent's, as long as it has said no other. */
static struct ring_known *event_of(const struct ring *r, int32_t pid,
				   uint64_t number)
{
	struct ring_known *process = find_process(r, pid);
	struct ring_who who = who_of(r, pid);
	struct ring_known *k = find(r, who, number);

	if (process)
		process->used = r->lives;
	for (unsigned depth = 0; !k && process && depth < 1000; depth++) {
		struct ring_known *parent = pass_over(r, process, false);

		k = find(r, process->parent, number);
		process = parent;
	}
	return k;
}

/* ---- copying --------------------------------------------------------------------- */

static char *queue_room(struct ring_lane *l, size_t need)
{
	if (l->from == l->to)
		l->from = l->to = 0;
	if (l->from > l->to / 2) {
		memmove(l->queue, l->queue + l->from, l->to - l->from);
		l->to -= l->from;
		l->from = 0;
	}
	l->queue = tool_grow(l->queue, &l->room, l->to + need, 1);
	return l->queue + l->to;
}

/* One record: how many bytes of the lane it took, or 0: it is damaged. */
static uint64_t copy_record(struct ring *r, struct ring_lane *l,
			    const char *memory, uint64_t left)
{
	uint64_t at = l->tail & (LANE_SIZE - 1);
	struct sj_record record;
	char *to;

	memcpy(&record, memory + at, 8);
	if (record.kind == SJ_RING_PAD)
		return LANE_SIZE - at <= left ? LANE_SIZE - at : 0;
	if (record.size < sizeof(record) || record.size % 8 ||
	    record.size > left || at + record.size > LANE_SIZE)
		return 0;
	to = queue_room(l, record.size);
	memcpy(to, memory + at, record.size);
	/* What it was when it was checked. */
	memcpy(to, &record, 8);
	memcpy(&record, to, sizeof(record));
	l->newest = record.time;
	if (record.kind == SJ_RING_EVENT)
		l->to += record.size;
	else
		learn(r, &record, to + sizeof(record));
	return record.size;
}

static void copy_lane(struct ring *r, unsigned i)
{
	const char *memory = (char *)r->at + SJ_RING_AT + (size_t)i * LANE_SIZE;
	struct sj_lane *s = &shared(r)->lanes[i];
	struct ring_lane *l = &r->lanes[i];
	uint64_t head = __atomic_load_n(&s->head, __ATOMIC_ACQUIRE);

	if (head - l->tail > LANE_SIZE || head % 8)
		l->damaged = true;
	while (!l->damaged && l->tail != head && l->to - l->from < QUEUE_MAX) {
		uint64_t n = copy_record(r, l, memory, head - l->tail);

		l->damaged = !n;
		l->tail += n;
	}
	if (l->damaged)
		r->damaged++;
	l->more = !l->damaged && l->tail != head;
	__atomic_store_n(&s->tail, l->tail, __ATOMIC_RELEASE);
}

/* Up to when is all of a lane here?  control.h says why. */
static uint64_t lane_until(const struct ring_lane *l, uint64_t now)
{
	uint64_t stalled = now - STALL_NS;

	if (l->damaged || (!l->owner && !l->more))
		return now;
	if (l->more)
		return l->newest;
	return l->newest > stalled && l->newest < now ? l->newest : stalled;
}

uint64_t ring_collect(struct ring *r)
{
	uint64_t now = sj_now() - APART_NS, until = now;

	for (unsigned i = 0; i < SJ_RING_LANES; i++) {
		struct ring_lane *l = &r->lanes[i];
		uint32_t owner = __atomic_load_n(&shared(r)->lanes[i].owner,
						 __ATOMIC_ACQUIRE);
		uint64_t lane;

		if (owner != l->owner || l->tail != __atomic_load_n(
		    &shared(r)->lanes[i].head, __ATOMIC_RELAXED))
			l->since = now;
		l->owner = owner;
		if (!l->damaged)
			copy_lane(r, i);
		lane = lane_until(l, now);
		until = lane < until ? lane : until;
	}
	return until;
}

bool ring_empty(const struct ring *r)
{
	for (unsigned i = 0; i < SJ_RING_LANES; i++) {
		const struct ring_lane *l = &r->lanes[i];

		if (l->from != l->to || (!l->damaged && l->tail != __atomic_load_n(
		    &shared(r)->lanes[i].head, __ATOMIC_RELAXED)))
			return false;
	}
	return true;
}

int ring_stuck(const struct ring *r)
{
	uint64_t now = sj_now();

	for (int i = 0; i < SJ_RING_LANES; i++)
		if (r->lanes[i].owner && now - r->lanes[i].since > STUCK_NS)
			return i;
	return -1;
}

void ring_close(struct ring *r)
{
	for (unsigned i = 0; i < SJ_RING_LANES; i++)
		free(r->lanes[i].queue);
	for (unsigned i = 0; r->known && i < KNOWN_HASH; i++)
		while (r->known[i]) {
			struct ring_known *k = r->known[i];

			r->known[i] = k->next;
			free(k);
		}
	free(r->known);
	munmap(r->at, r->size);
	close(r->fd);
}

/* ---- values ------------------------------------------------------------------------- */

/* Of one record; what values point at is copied to where it is aligned. */
static struct {
	const char *at, *end;
	struct side_jmp_value values[16];
	struct sj_context context;	/* behind them */
	uint64_t *memory;		/* `used` of `room` words */
	size_t used, room;
} unpack;

static bool take(void *to, size_t n)
{
	if ((size_t)(unpack.end - unpack.at) < n)
		return false;
	memcpy(to, unpack.at, n);
	unpack.at += n;
	return true;
}

static bool take_data(struct side_jmp_value *v, size_t count, size_t elem)
{
	size_t n = count * elem;
	void *to = unpack.memory + unpack.used;

	if (n > (size_t)(unpack.end - unpack.at))
		return false;
	unpack.used += n / 8 + 1;
	v->data = to;
	v->count = count;
	return take(to, n);
}

static bool take_integer(struct side_jmp_value *v, unsigned elem)
{
	unsigned shift = (unsigned)(64 - 8 * sj_elem_size(elem));
	uint8_t b1 = 0;
	uint16_t b2 = 0;
	uint32_t b4 = 0;
	bool there;

	switch (sj_elem_size(elem)) {
	case 1: there = take(&b1, 1); v->u64 = b1; break;
	case 2: there = take(&b2, 2); v->u64 = b2; break;
	case 4: there = take(&b4, 4); v->u64 = b4; break;
	default: return take(&v->u64, 8);
	}
	if (there && SIDE_JMP_ELEM_SIGNED_(elem)) {
		v->u64 <<= shift;
		v->s64 >>= shift;
	}
	return there;
}

static bool take_float(struct side_jmp_value *v, unsigned elem)
{
	float f;

	if (elem == SIDE_JMP_F64)
		return take(&v->f64, sizeof(v->f64));
	if (!take(&f, sizeof(f)))
		return false;
	v->f64 = (double)f;
	return true;
}

static bool take_value(struct side_jmp_value *v, const struct side_jmp_field *f)
{
	uint32_t n;

	*v = (struct side_jmp_value){ .count = 0 };
	switch (f->kind) {
	case SIDE_JMP_FLOAT:
		return take_float(v, f->elem);
	case SIDE_JMP_STRING:
		n = (uint32_t)strnlen(unpack.at, (size_t)(unpack.end - unpack.at));
		if (!take_data(v, (size_t)n + 1, 1))
			return false;
		v->count = n;
		return true;
	case SIDE_JMP_CHARS:
		if (!take_data(v, f->count, 1))
			return false;
		v->count = strnlen(v->data, f->count);
		return true;
	case SIDE_JMP_ARRAY:
		return take_data(v, f->count, sj_elem_size(f->elem));
	case SIDE_JMP_SEQ:
		return take(&n, sizeof(n)) &&
		       take_data(v, n, sj_elem_size(f->elem));
	default:
		return take_integer(v, f->elem);
	}
}

static bool take_values(const struct side_jmp_event_desc *desc,
			const char *payload, size_t size)
{
	const struct side_jmp_field *f = side_jmp_event_fields(desc);

	unpack.memory = tool_grow(unpack.memory, &unpack.room, size / 8 + 17 + 2,
				  sizeof(*unpack.memory));
	unpack.used = 0;
	unpack.at = payload;
	unpack.end = payload + size;
	for (unsigned i = 0; i < desc->n_fields; i++)
		if (!take_value(&unpack.values[i], &f[i]))
			return false;
	return true;
}

static bool take_comm(char comm[SJ_CONTEXT_COMM_SIZE])
{
	size_t left = (size_t)(unpack.end - unpack.at);
	size_t most = left < SJ_CONTEXT_COMM_SIZE ? left : SJ_CONTEXT_COMM_SIZE;
	size_t n = strnlen(unpack.at, most);

	return n < most && take(comm, n + 1);
}

static bool take_stack(struct sj_context *c)
{
	return take(&c->n_frames, sizeof(c->n_frames)) &&
	       c->n_frames <= SJ_CONTEXT_FRAMES &&
	       take(c->frames, c->n_frames * sizeof(c->frames[0]));
}

/* What sj_context_pack() has written behind the values, or somebody else. */
static bool take_context(unsigned parts)
{
	struct sj_context *c = &unpack.context;

	c->parts = parts;
	return (!(parts & SJ_CONTEXT_CPU) || take(&c->cpu, sizeof(c->cpu))) &&
	       (!(parts & SJ_CONTEXT_COMM) || take_comm(c->comm)) &&
	       (!(parts & SJ_CONTEXT_THREAD_TIME) ||
		take(&c->thread_time, sizeof(c->thread_time))) &&
	       (!(parts & SJ_CONTEXT_STACK) || take_stack(c));
}

/* ---- in order --------------------------------------------------------------------------- */

static bool oldest(struct ring *rings, size_t n, uint64_t until,
		   struct ring **ring, struct ring_lane **lane)
{
	uint64_t best = until;
	bool found = false;

	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < SJ_RING_LANES; k++) {
			struct ring_lane *l = &rings[i].lanes[k];
			struct sj_record record;

			if (l->from == l->to)
				continue;
			memcpy(&record, l->queue + l->from, sizeof(record));
			if (record.time > best)
				continue;
			best = record.time;
			*ring = &rings[i];
			*lane = l;
			found = true;
		}
	return found;
}

/* False: it is none that can be shown. */
static bool give(struct ring *r, const struct sj_record *record,
		 const char *payload, struct ring_event *event)
{
	struct ring_known *k = event_of(r, record->pid, record->number);

	if (!k || !k->number) {
		r->undescribed++;
		return false;
	}
	if (!take_values(k->event.desc, payload, record->size - sizeof(*record)) ||
	    !take_context(r->context)) {
		r->damaged++;
		return false;
	}
	*event = (struct ring_event){
		.event = &k->event,
		.origin = { record->time, record->pid, record->tid,
			    r->context ? &unpack.context : NULL },
		.values = unpack.values,
		.first = !k->shown,
	};
	k->shown = true;
	return true;
}

bool ring_next(struct ring *rings, size_t n, uint64_t until,
	       struct ring_event *event)
{
	struct ring_lane *l = NULL;
	struct ring *r = NULL;

	while (oldest(rings, n, until, &r, &l)) {
		struct sj_record record;
		const char *at = l->queue + l->from;

		memcpy(&record, at, sizeof(record));
		l->from += record.size;
		if (give(r, &record, at + sizeof(record), event))
			return true;
	}
	return false;
}
