/* SPDX-License-Identifier: MIT */
/*
 * The built-in tracer's Common Trace Format 1.8 (diamon.org/ctf/v1.8.3), for
 * babeltrace2: a directory with `metadata`, which describes the rest as text,
 * and streams of packets.
 *
 *
 * LANES
 *
 * There are LANES streams.  A lane is a file, mapped and shared, that one
 * thread at a time writes to: it tries to set `busy`, and if it finds it set
 * (another thread, or this one, interrupted by the signal handler that we are
 * in), tries the next.  Nobody ever waits; if all are busy the event is lost,
 * and counted.  Within a lane events are in order and whole, and lanes are
 * merged by time when they are read.
 *
 * A file grows by a packet at a time, with its blocks allocated before they
 * are written to (or a full disk would be SIGBUS).  A packet's header says how
 * much of it is filled, and is brought up to date after each event, so at any
 * moment, after a crash too, the files are a valid trace.  Nothing is left to
 * do at exit.
 *
 * A stream begins with an empty packet, because readers know only from the
 * packet before how many events a packet's stream has lost in it.
 *
 * After fork() parent and child share files, mappings and lanes: the control
 * block is shared memory too.  A process that is killed while it holds a lane
 * takes the lane with it; the other lanes go on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/events/events.h"
#include "runtime/events/sink.h"

enum { LANES = 8, PACKET = 64 * 1024, OPENING = 4096 };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* madvise(2), newer than some headers */
#endif

#define CTF_MAGIC	0xC1FC1FC1u	/* CTF 1.8.3, 5.1 */

/* As the metadata describes it. */
struct packet {
	uint32_t magic;
	uint32_t stream_id;
	uint64_t begin, end;		/* CLOCK_MONOTONIC, ns */
	uint64_t content_bits;		/* filled, header included */
	uint64_t packet_bits;
	uint64_t discarded;		/* of this stream, so far; atomic */
} __attribute__((packed, aligned(8)));

/* Shared by parent and children. */
struct lane {
	uint32_t busy;			/* atomic: acquire, release */
	uint32_t full;			/* busy; no more packets */
	uint64_t n_packets;		/* busy; also read without */
	uint64_t filled;		/* busy; bytes of the last packet */
	uint64_t discarded;		/* atomic */
} __attribute__((aligned(64)));

struct control {
	struct lane lanes[LANES];
	uint32_t next_id;		/* atomic; of an event */
};

/* Of this process; set by open, before any event is written. */
static struct {
	struct control *control;
	char *base[LANES];
	int fd[LANES];
	struct sj_file file[LANES];
	uint64_t max_packets;		/* of a lane */
	int metadata;
} ctf = { .metadata = -1 };

/* ---- metadata ----------------------------------------------------------- */

static const char *const elem_types[] = {
	[SIDE_JMP_U8] = "uint8_t", [SIDE_JMP_U16] = "uint16_t",
	[SIDE_JMP_U32] = "uint32_t", [SIDE_JMP_U64] = "uint64_t",
	[SIDE_JMP_S8] = "int8_t", [SIDE_JMP_S16] = "int16_t",
	[SIDE_JMP_S32] = "int32_t", [SIDE_JMP_S64] = "int64_t",
	[SIDE_JMP_F32] = "float32_t", [SIDE_JMP_F64] = "float64_t",
	[SIDE_JMP_BYTE] = "byte_t",
};

/* Text on its way to the metadata file.  sj_event_lock. */
static char out[16 * 1024];
static size_t out_length;
static bool out_failed;

static void flush(void)
{
	size_t done = 0;

	while (done < out_length) {
		long n = syscall(SYS_write, ctf.metadata, out + done,
				 out_length - done);

		if (n <= 0) {
			out_failed = true;
			break;
		}
		done += (size_t)n;
	}
	out_length = 0;
}

static void put(const char *s)
{
	for (; *s; s++) {
		if (out_length == sizeof(out))
			flush();
		out[out_length++] = *s;
	}
}

__attribute__((format(printf, 1, 2)))
static void putf(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(text);
}

/* A string literal of TSDL, which has C's escapes. */
static void put_literal(const char *s)
{
	put("\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			putf("\\%03o", (unsigned char)*s);
		else
			putf("%c", *s);
	}
	put("\"");
}

static const char *byte_order(void)
{
	static const uint16_t one = 1;

	return *(const char *)&one ? "le" : "be";
}

/*
 * How far the wall clock is ahead.  Of several looks the one with the least
 * time between its halves.
 */
static uint64_t clock_offset(void)
{
	uint64_t best = UINT64_MAX, offset = 0;

	for (int i = 0; i < 5; i++) {
		uint64_t before = sj_now(), after;
		struct timespec wall;

		clock_gettime(CLOCK_REALTIME, &wall);
		after = sj_now();
		if (after - before >= best)
			continue;
		best = after - before;
		offset = (uint64_t)wall.tv_sec * 1000000000 +
			 (uint64_t)wall.tv_nsec - (before + best / 2);
	}
	return offset;
}

static void put_integer(unsigned bits, bool is_signed, const char *extra,
			const char *name)
{
	putf("typealias integer { size = %u; align = 8; signed = %s;%s }"
	     " := %s;\n", bits, is_signed ? "true" : "false", extra, name);
}

static void put_types(void)
{
	char name[16];

	for (unsigned bits = 8; bits <= 64; bits *= 2) {
		snprintf(name, sizeof(name), "uint%u_t", bits);
		put_integer(bits, false, "", name);
		put_integer(bits, true, "", name + 1);
	}
	put_integer(64, false, " base = 16;", "pointer_t");
	put_integer(8, false, " base = 16;", "byte_t");
	put_integer(8, true, " encoding = UTF8;", "char_t");
	put_integer(64, false, " map = clock.monotonic.value;", "clock_t");
	put("typealias floating_point { exp_dig = 8; mant_dig = 24; align = 8;"
	    " } := float32_t;\n"
	    "typealias floating_point { exp_dig = 11; mant_dig = 53; align = 8;"
	    " } := float64_t;\n");
}

static void put_preamble(void)
{
	putf("/* CTF 1.8 */\n"
	     "typealias integer { size = 32; align = 8; signed = false; }"
	     " := magic_t;\n"
	     "trace {\n\tmajor = 1;\n\tminor = 8;\n\tbyte_order = %s;\n"
	     "\tpacket.header := struct {\n"
	     "\t\tmagic_t magic;\n\t\tmagic_t stream_id;\n\t};\n};\n",
	     byte_order());
	put("env {\n\ttracer_name = \"side_jmp\";\n\tdomain = \"ust\";\n"
	    "\tprocname = ");
	put_literal(program_invocation_short_name);
	putf(";\n\tvpid = %d;\n};\n", (int)getpid());
	putf("clock {\n\tname = monotonic;\n\tfreq = 1000000000;\n"
	     "\toffset = %llu;\n};\n", (unsigned long long)clock_offset());
	put_types();
	put("stream {\n\tid = 0;\n\tpacket.context := struct {\n"
	    "\t\tclock_t timestamp_begin;\n\t\tclock_t timestamp_end;\n"
	    "\t\tuint64_t content_size;\n\t\tuint64_t packet_size;\n"
	    "\t\tuint64_t events_discarded;\n\t};\n"
	    "\tevent.header := struct {\n"
	    "\t\tuint32_t id;\n\t\tclock_t timestamp;\n\t};\n"
	    "\tevent.context := struct {\n"
	    "\t\tint32_t _vpid;\n\t\tint32_t _vtid;\n\t};\n};\n");
}

static void put_enum(const struct sj_field_at *at)
{
	const char *label = at->labels;

	put("\t\tenum : int32_t {");
	for (uint32_t i = 0; i < at->field->count; i++) {
		put(i ? ", " : " ");
		put_literal(label);
		putf(" = %lld", (long long)at->values[i]);
		label = side_jmp_event_next_text(label);
	}
	putf(" } _%s;\n", at->name);
}

/* Names get the underscore that keeps them apart from TSDL's keywords. */
static void put_field(const struct sj_field_at *at)
{
	const struct side_jmp_field *f = at->field;
	const char *type = elem_types[f->elem], *name = at->name;

	switch (f->kind) {
	case SIDE_JMP_INT:
	case SIDE_JMP_FLOAT:
		putf("\t\t%s _%s;\n", type, name);
		break;
	case SIDE_JMP_POINTER:
		putf("\t\tpointer_t _%s;\n", name);
		break;
	case SIDE_JMP_ENUM:
		put_enum(at);
		break;
	case SIDE_JMP_STRING:
		putf("\t\tstring { encoding = UTF8; } _%s;\n", name);
		break;
	case SIDE_JMP_CHARS:
		putf("\t\tchar_t _%s[%u];\n", name, (unsigned)f->count);
		break;
	case SIDE_JMP_ARRAY:
		putf("\t\t%s _%s[%u];\n", type, name, (unsigned)f->count);
		break;
	default:
		putf("\t\tuint32_t __%s_length;\n\t\t%s _%s[__%s_length];\n",
		     name, type, name, name);
	}
}

static void put_event(const struct side_jmp_event *event)
{
	struct sj_field_at at = sj_fields(event->desc);

	put("event {\n\tname = \"");
	put(side_jmp_event_provider(event->desc));
	put(":");
	put(side_jmp_event_name(event->desc));
	putf("\";\n\tid = %u;\n\tstream_id = 0;\n\tfields := struct {\n",
	     (unsigned)event->id);
	while (sj_next_field(&at))
		put_field(&at);
	put("\t};\n};\n");
}

/*
 * An event's id is published only when the metadata has it (release; pairs
 * with the acquire in ctf_write()): a stream never holds an unknown id.
 */
static void ctf_new_event(struct side_jmp_event *event)
{
	struct side_jmp_event described = *event;

	if (ctf.metadata < 0)
		return;
	described.id = __atomic_add_fetch(&ctf.control->next_id, 1,
					  __ATOMIC_RELAXED);
	put_event(&described);
	flush();
	if (!out_failed)
		__atomic_store_n(&event->id, described.id, __ATOMIC_RELEASE);
}

/* ---- opening ------------------------------------------------------------ */

static int open_high(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	return fd < 0 ? -errno : sj_file_aside(fd);
}

static int make_directory(const char *directory, char *path, size_t size)
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

static size_t lane_size(void)
{
	return OPENING + ctf.max_packets * PACKET;
}

static int open_lane(int dir, unsigned i)
{
	char name[16];
	void *base;

	snprintf(name, sizeof(name), "stream_%u", i);
	ctf.fd[i] = open_high(dir, name, O_RDWR);
	if (ctf.fd[i] < 0)
		return ctf.fd[i];
	if (!sj_file_note(ctf.fd[i], &ctf.file[i]))
		return -errno;
	base = mmap(NULL, lane_size(), PROT_READ | PROT_WRITE,
		    MAP_SHARED, ctf.fd[i], 0);
	if (base == MAP_FAILED)
		return -errno;
	ctf.base[i] = base;
	return 0;
}

/* The events that there are; later ones come through ctf_new_event(). */
static int describe_all(int metadata)
{
	sigmask_t mask = sj_event_enter();
	struct side_jmp_event_object *o;
	struct side_jmp_event *event;

	ctf.metadata = metadata;
	out_failed = false;
	put_preamble();
	flush();
	sj_for_each_event(o, event)
		ctf_new_event(event);
	sj_event_leave(mask);
	return out_failed ? -EIO : 0;
}

static int open_files(int dir)
{
	int r = 0;

	ctf.control = mmap(NULL, sizeof(*ctf.control), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ctf.control == MAP_FAILED) {
		ctf.control = NULL;
		return -errno;
	}
	for (unsigned i = 0; i < LANES && !r; i++)
		r = open_lane(dir, i);
	if (r)
		return r;
	r = open_high(dir, "metadata", O_WRONLY | O_APPEND);
	if (r < 0)
		return r;
	return describe_all(r);
}

static bool still_ours(unsigned i)
{
	return sj_file_still(ctf.fd[i], &ctf.file[i]);
}

/* No callback runs any more. */
static void ctf_close(void)
{
	sigmask_t mask;

	for (unsigned i = 0; i < LANES; i++) {
		if (ctf.base[i])
			munmap(ctf.base[i], lane_size());
		if (ctf.fd[i] >= 0 && still_ours(i))
			close(ctf.fd[i]);
		ctf.base[i] = NULL;
		ctf.fd[i] = -1;
	}
	if (ctf.control)
		munmap(ctf.control, sizeof(*ctf.control));
	ctf.control = NULL;
	mask = sj_event_enter();
	if (ctf.metadata >= 0)
		close(ctf.metadata);
	ctf.metadata = -1;
	sj_event_leave(mask);
}

static int ctf_open(const char *name, uint64_t size, char path[SJ_OUTPUT_NAME])
{
	int dir = make_directory(name, path, SJ_OUTPUT_NAME), r;

	if (dir < 0)
		return dir;
	for (unsigned i = 0; i < LANES; i++)
		ctf.fd[i] = -1;
	ctf.max_packets = size / LANES / PACKET;
	if (!ctf.max_packets)
		ctf.max_packets = 1;
	r = open_files(dir);
	close(dir);
	if (r)
		ctf_close();
	return r;
}

/* ---- packets ------------------------------------------------------------ */

static struct packet *packet_at(unsigned i, uint64_t n)
{
	return (struct packet *)(void *)(ctf.base[i] + OPENING + n * PACKET);
}

static struct packet *current(unsigned i)
{
	return packet_at(i, ctf.control->lanes[i].n_packets - 1);
}

/* Blocks for so many bytes; where fallocate() is unknown, by writing. */
static bool grow_file(unsigned i, uint64_t at, unsigned size)
{
	static const char zeros[4096];

	if (!still_ours(i))
		return false;
	if (!syscall(SYS_fallocate, ctf.fd[i], 0, at, (uint64_t)size))
		return true;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return false;
	for (unsigned n = 0; n < size; n += sizeof(zeros))
		if (syscall(SYS_pwrite64, ctf.fd[i], zeros, sizeof(zeros),
			    at + n) != sizeof(zeros))
			return false;
	return true;
}

static void begin(struct packet *p, unsigned size, uint64_t now,
		  uint64_t discarded)
{
	*p = (struct packet){
		.magic = CTF_MAGIC,
		.begin = now, .end = now,
		.content_bits = 8 * sizeof(*p),
		.packet_bits = 8 * (uint64_t)size,
		.discarded = discarded,
	};
}

static bool room_for_packet(unsigned i, uint64_t now)
{
	uint64_t n = ctf.control->lanes[i].n_packets;

	if (n == ctf.max_packets)
		return false;
	if (n)
		return grow_file(i, OPENING + n * PACKET, PACKET);
	if (!grow_file(i, 0, OPENING + PACKET))
		return false;
	begin((struct packet *)(void *)ctf.base[i], OPENING, now, 0);
	return true;
}

static bool next_packet(unsigned i, uint64_t now)
{
	struct lane *lane = &ctf.control->lanes[i];

	if (lane->full)
		return false;
	if (!room_for_packet(i, now)) {
		lane->full = 1;
		return false;
	}
	/* One fault for all of it; where that is unknown (Linux 5.14), many. */
	(void)syscall(SYS_madvise, packet_at(i, lane->n_packets), (size_t)PACKET,
		      MADV_POPULATE_WRITE);
	begin(packet_at(i, lane->n_packets), PACKET, now,
	      __atomic_load_n(&lane->discarded, __ATOMIC_RELAXED));
	lane->filled = sizeof(struct packet);
	__atomic_store_n(&lane->n_packets, lane->n_packets + 1,
			 __ATOMIC_RELEASE);
	return true;
}

/* ---- an event ----------------------------------------------------------- */

struct writer {
	char *at, *end;
	bool full;
};

static inline void put_bytes(struct writer *w, const void *bytes, size_t n)
{
	if (n > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	memcpy(w->at, bytes, n);
	w->at += n;
}

static void put_padded(struct writer *w, const void *bytes, size_t n,
		       size_t size)
{
	if (size > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	memcpy(w->at, bytes, n);
	memset(w->at + n, 0, size - n);
	w->at += size;
}

/* The low bytes of an integer. */
static inline void put_low(struct writer *w, uint64_t v, unsigned elem)
{
	switch (sj_elem_size(elem)) {
	case 1: { uint8_t x = (uint8_t)v; put_bytes(w, &x, 1); break; }
	case 2: { uint16_t x = (uint16_t)v; put_bytes(w, &x, 2); break; }
	case 4: { uint32_t x = (uint32_t)v; put_bytes(w, &x, 4); break; }
	default: put_bytes(w, &v, 8);
	}
}

static void put_value(struct writer *w, const struct side_jmp_field *f,
		      const struct side_jmp_value *v)
{
	float narrow;
	uint32_t length;

	switch (f->kind) {
	case SIDE_JMP_FLOAT:
		narrow = (float)v->f64;
		if (f->elem == SIDE_JMP_F32)
			put_bytes(w, &narrow, sizeof(narrow));
		else
			put_bytes(w, &v->f64, sizeof(v->f64));
		break;
	case SIDE_JMP_STRING:
		put_padded(w, v->data, v->count, v->count + 1);
		break;
	case SIDE_JMP_CHARS:
		put_padded(w, v->data, sj_chars_length(f, v), f->count);
		break;
	case SIDE_JMP_SEQ:
		length = (uint32_t)v->count;
		put_bytes(w, &length, sizeof(length));
		/* fall through */
	case SIDE_JMP_ARRAY:
		if (v->count > PACKET)
			w->full = true;
		else
			put_bytes(w, v->data, v->count * sj_elem_size(f->elem));
		break;
	default:
		put_low(w, v->u64, f->elem);
	}
}

static void put_event_data(struct writer *w, const struct side_jmp_event *event,
			   uint32_t id, uint64_t now,
			   const struct side_jmp_value values[])
{
	const struct side_jmp_field *f = side_jmp_event_fields(event->desc);
	int32_t who[2] = { (int32_t)sj_pid(), (int32_t)sj_tid() };
	unsigned n = event->desc->n_fields;

	put_bytes(w, &id, sizeof(id));
	put_bytes(w, &now, sizeof(now));
	put_bytes(w, who, sizeof(who));
	for (unsigned i = 0; i < n && !w->full; i++)
		put_value(w, &f[i], &values[i]);
}

/* Into the lane's current packet. */
static bool append(unsigned i, const struct side_jmp_event *event, uint32_t id,
		   uint64_t now, const struct side_jmp_value values[])
{
	struct lane *lane = &ctf.control->lanes[i];
	struct packet *p;
	struct writer w;

	if (!lane->n_packets)
		return false;
	p = current(i);
	w = (struct writer){ (char *)p + lane->filled, (char *)p + PACKET,
			     false };
	put_event_data(&w, event, id, now, values);
	if (w.full)
		return false;
	lane->filled = (uint64_t)(w.at - (char *)p);
	/* In this order for whoever reads what a crash has left. */
	__atomic_store_n(&p->end, now, __ATOMIC_RELEASE);
	__atomic_store_n(&p->content_bits, 8 * lane->filled, __ATOMIC_RELEASE);
	return true;
}

/* An event that no packet holds must not use them up. */
static bool fits_packet(const struct side_jmp_event *event,
			const struct side_jmp_value values[])
{
	const struct side_jmp_field *f = side_jmp_event_fields(event->desc);
	size_t room = PACKET - sizeof(struct packet) - 20;

	for (unsigned i = 0; i < event->desc->n_fields; i++) {
		size_t size = f[i].kind == SIDE_JMP_CHARS ? f[i].count :
			f[i].kind < SIDE_JMP_STRING ? 8 :
			values[i].count > PACKET ? PACKET :
			values[i].count * sj_elem_size(f[i].elem) + 4;

		if (size > room)
			return false;
		room -= size;
	}
	return true;
}

/* The lane is ours. */
static bool write_lane(unsigned i, const struct side_jmp_event *event,
		       uint32_t id, const struct side_jmp_value values[])
{
	/* Read while we hold the lane: so its times never go back. */
	uint64_t now = sj_now();

	return append(i, event, id, now, values) ||
	       (fits_packet(event, values) && next_packet(i, now) &&
		append(i, event, id, now, values));
}

static bool take(struct lane *lane)
{
	return !__atomic_load_n(&lane->busy, __ATOMIC_RELAXED) &&
	       !__atomic_exchange_n(&lane->busy, 1, __ATOMIC_ACQUIRE);
}

/* Count it where babeltrace2 sees it. */
static void discard(unsigned i)
{
	struct lane *lane = &ctf.control->lanes[i];
	uint64_t n = __atomic_add_fetch(&lane->discarded, 1, __ATOMIC_RELAXED);
	uint64_t packets = __atomic_load_n(&lane->n_packets, __ATOMIC_ACQUIRE);
	struct packet *p;

	if (!packets)
		return;
	p = packet_at(i, packets - 1);
	__atomic_store_n(&p->discarded, n, __ATOMIC_RELAXED);
}

static bool ctf_write(const struct side_jmp_event *event,
		      const struct side_jmp_value values[])
{
	uint32_t id = __atomic_load_n(&event->id, __ATOMIC_ACQUIRE);
	unsigned first = (unsigned)sj_tid() % LANES;

	for (unsigned n = 0; n < LANES && id; n++) {
		unsigned i = (first + n) % LANES;
		struct lane *lane = &ctf.control->lanes[i];
		bool done;

		if (!take(lane))
			continue;
		done = write_lane(i, event, id, values);
		__atomic_store_n(&lane->busy, 0, __ATOMIC_RELEASE);
		if (done)
			return true;
	}
	discard(first);
	return false;
}

const struct sj_output sj_ctf_output = {
	.open = ctf_open,
	.close = ctf_close,
	.new_event = ctf_new_event,
	.write = ctf_write,
};
