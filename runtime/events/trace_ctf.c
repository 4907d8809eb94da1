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

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/events/events.h"
#include "runtime/events/sink.h"
SJ_GENERAL_END

enum { CTF_LANES = 8, CTF_PACKET = 64 * 1024, CTF_OPENING = 4096 };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* madvise(2), newer than some headers */
#endif

#define CTF_MAGIC	0xC1FC1FC1u	/* CTF 1.8.3, 5.1 */

/* As the metadata describes it. */
struct ctf_packet {
	uint32_t magic;
	uint32_t stream_id;
	uint64_t begin, end;		/* CLOCK_MONOTONIC, ns */
	uint64_t content_bits;		/* filled, header included */
	uint64_t packet_bits;
	uint64_t discarded;		/* of this stream, so far; atomic */
} __attribute__((packed, aligned(8)));

/* Shared by parent and children. */
struct ctf_lane {
	uint32_t busy;			/* atomic: acquire, release */
	uint32_t full;			/* busy; no more packets */
	uint64_t n_packets;		/* busy; also read without */
	uint64_t filled;		/* busy; bytes of the last packet */
	uint64_t discarded;		/* atomic */
} __attribute__((aligned(64)));

struct ctf_control {
	struct ctf_lane lanes[CTF_LANES];
	uint32_t next_id;		/* atomic; of an event */
};

/* Of this process; set by open, before any event is written. */
static struct {
	struct ctf_control *control;
	char *base[CTF_LANES];
	int fd[CTF_LANES];
	struct sj_file file[CTF_LANES];
	uint64_t max_packets;		/* of a lane */
	int metadata;
} ctf = { .metadata = -1 };

/* ---- metadata ----------------------------------------------------------- */

static const char *const ctf_elem_types[] = {
	[SIDE_JMP_U8] = "uint8_t", [SIDE_JMP_U16] = "uint16_t",
	[SIDE_JMP_U32] = "uint32_t", [SIDE_JMP_U64] = "uint64_t",
	[SIDE_JMP_S8] = "int8_t", [SIDE_JMP_S16] = "int16_t",
	[SIDE_JMP_S32] = "int32_t", [SIDE_JMP_S64] = "int64_t",
	[SIDE_JMP_F32] = "float32_t", [SIDE_JMP_F64] = "float64_t",
	[SIDE_JMP_BYTE] = "byte_t",
};

/* Text on its way to the metadata file.  sj_event_lock. */
static char ctf_text[16 * 1024];
static size_t ctf_text_length;
static bool ctf_text_failed;

static void ctf_flush(void)
{
	size_t done = 0;

	while (done < ctf_text_length) {
		long n = syscall(SYS_write, ctf.metadata, ctf_text + done,
				 ctf_text_length - done);

		if (n <= 0) {
			ctf_text_failed = true;
			break;
		}
		done += (size_t)n;
	}
	ctf_text_length = 0;
}

static void ctf_put(const char *s)
{
	for (; *s; s++) {
		if (ctf_text_length == sizeof(ctf_text))
			ctf_flush();
		ctf_text[ctf_text_length++] = *s;
	}
}

__attribute__((format(printf, 1, 2)))
static void ctf_putf(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ctf_put(text);
}

/* A string literal of TSDL, which has C's escapes. */
static void ctf_put_literal(const char *s)
{
	ctf_put("\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			ctf_putf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			ctf_putf("\\%03o", (unsigned char)*s);
		else
			ctf_putf("%c", *s);
	}
	ctf_put("\"");
}

static const char *ctf_byte_order(void)
{
	static const uint16_t one = 1;

	return *(const char *)&one ? "le" : "be";
}

/*
 * How far the wall clock is ahead.  Of several looks the one with the least
 * time between its halves.
 */
static uint64_t ctf_clock_offset(void)
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

static void ctf_put_integer(unsigned bits, bool is_signed, const char *extra,
			    const char *name)
{
	ctf_putf("typealias integer { size = %u; align = 8; signed = %s;%s }"
		 " := %s;\n", bits, is_signed ? "true" : "false", extra, name);
}

static void ctf_put_types(void)
{
	char name[16];

	for (unsigned bits = 8; bits <= 64; bits *= 2) {
		snprintf(name, sizeof(name), "uint%u_t", bits);
		ctf_put_integer(bits, false, "", name);
		ctf_put_integer(bits, true, "", name + 1);
	}
	ctf_put_integer(64, false, " base = 16;", "pointer_t");
	ctf_put_integer(8, false, " base = 16;", "byte_t");
	ctf_put_integer(8, true, " encoding = UTF8;", "char_t");
	ctf_put_integer(64, false, " map = clock.monotonic.value;", "clock_t");
	ctf_put("typealias floating_point { exp_dig = 8; mant_dig = 24;"
		" align = 8; } := float32_t;\n"
		"typealias floating_point { exp_dig = 11; mant_dig = 53;"
		" align = 8; } := float64_t;\n");
}

static void ctf_put_preamble(void)
{
	ctf_putf("/* CTF 1.8 */\n"
		 "typealias integer { size = 32; align = 8; signed = false; }"
		 " := magic_t;\n"
		 "trace {\n\tmajor = 1;\n\tminor = 8;\n\tbyte_order = %s;\n"
		 "\tpacket.header := struct {\n"
		 "\t\tmagic_t magic;\n\t\tmagic_t stream_id;\n\t};\n};\n",
		 ctf_byte_order());
	ctf_put("env {\n\ttracer_name = \"side_jmp\";\n\tdomain = \"ust\";\n"
		"\tprocname = ");
	ctf_put_literal(program_invocation_short_name);
	ctf_putf(";\n\tvpid = %d;\n};\n", (int)getpid());
	ctf_putf("clock {\n\tname = monotonic;\n\tfreq = 1000000000;\n"
		 "\toffset = %llu;\n\tabsolute = true;\n};\n",
		 (unsigned long long)ctf_clock_offset());
	ctf_put_types();
	ctf_put("stream {\n\tid = 0;\n\tpacket.context := struct {\n"
		"\t\tclock_t timestamp_begin;\n\t\tclock_t timestamp_end;\n"
		"\t\tuint64_t content_size;\n\t\tuint64_t packet_size;\n"
		"\t\tuint64_t events_discarded;\n\t};\n"
		"\tevent.header := struct {\n"
		"\t\tuint32_t id;\n\t\tclock_t timestamp;\n\t};\n"
		"\tevent.context := struct {\n"
		"\t\tint32_t _vpid;\n\t\tint32_t _vtid;\n\t};\n};\n");
}

static void ctf_put_enum(const struct sj_field_at *at)
{
	const char *label = at->labels;

	ctf_put("\t\tenum : int32_t {");
	for (uint32_t i = 0; i < at->field->count; i++) {
		ctf_put(i ? ", " : " ");
		ctf_put_literal(label);
		ctf_putf(" = %lld", (long long)at->values[i]);
		label = side_jmp_event_next_text(label);
	}
	ctf_putf(" } _%s;\n", at->name);
}

/* Names get the underscore that keeps them apart from TSDL's keywords. */
static void ctf_put_field(const struct sj_field_at *at)
{
	const struct side_jmp_field *f = at->field;
	const char *type = ctf_elem_types[f->elem], *name = at->name;

	switch (f->kind) {
	case SIDE_JMP_INT:
	case SIDE_JMP_FLOAT:
		ctf_putf("\t\t%s _%s;\n", type, name);
		break;
	case SIDE_JMP_POINTER:
		ctf_putf("\t\tpointer_t _%s;\n", name);
		break;
	case SIDE_JMP_ENUM:
		ctf_put_enum(at);
		break;
	case SIDE_JMP_STRING:
		ctf_putf("\t\tstring { encoding = UTF8; } _%s;\n", name);
		break;
	case SIDE_JMP_CHARS:
		ctf_putf("\t\tchar_t _%s[%u];\n", name, (unsigned)f->count);
		break;
	case SIDE_JMP_ARRAY:
		ctf_putf("\t\t%s _%s[%u];\n", type, name, (unsigned)f->count);
		break;
	default:
		ctf_putf("\t\tuint32_t __%s_length;\n\t\t%s _%s[__%s_length];\n",
			 name, type, name, name);
	}
}

static void ctf_put_event(const struct side_jmp_event *event)
{
	struct sj_field_at at = sj_fields(event->desc);

	ctf_put("event {\n\tname = \"");
	ctf_put(side_jmp_event_provider(event->desc));
	ctf_put(":");
	ctf_put(side_jmp_event_name(event->desc));
	ctf_putf("\";\n\tid = %u;\n\tstream_id = 0;\n\tfields := struct {\n",
		 (unsigned)event->id);
	while (sj_next_field(&at))
		ctf_put_field(&at);
	ctf_put("\t};\n};\n");
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
	ctf_put_event(&described);
	ctf_flush();
	if (!ctf_text_failed)
		__atomic_store_n(&event->id, described.id, __ATOMIC_RELEASE);
}

/* ---- opening ------------------------------------------------------------ */

static int ctf_open_high(int dir, const char *name, int flags)
{
	int fd = openat(dir, name, flags | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	return fd < 0 ? -errno : sj_file_aside(fd);
}

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

static size_t ctf_lane_size(void)
{
	return CTF_OPENING + ctf.max_packets * CTF_PACKET;
}

static int ctf_open_lane(int dir, unsigned i)
{
	char name[16];
	void *base;

	snprintf(name, sizeof(name), "stream_%u", i);
	ctf.fd[i] = ctf_open_high(dir, name, O_RDWR);
	if (ctf.fd[i] < 0)
		return ctf.fd[i];
	if (!sj_file_note(ctf.fd[i], &ctf.file[i]))
		return -errno;
	base = mmap(NULL, ctf_lane_size(), PROT_READ | PROT_WRITE,
		    MAP_SHARED, ctf.fd[i], 0);
	if (base == MAP_FAILED)
		return -errno;
	ctf.base[i] = base;
	return 0;
}

/* The events that there are; later ones come through ctf_new_event(). */
static int ctf_describe_all(int metadata)
{
	struct sj_slice slice = { 0 };
	bool failed;

	sj_slice_enter(&slice);
	ctf.metadata = metadata;
	ctf_text_failed = false;
	ctf_put_preamble();
	ctf_flush();
	sj_walk_over(&slice, ctf_new_event);
	failed = ctf_text_failed;
	sj_slice_leave(&slice);
	return failed ? -EIO : 0;
}

static int ctf_open_files(int dir)
{
	int r = 0;

	ctf.control = mmap(NULL, sizeof(*ctf.control), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ctf.control == MAP_FAILED) {
		ctf.control = NULL;
		return -errno;
	}
	for (unsigned i = 0; i < CTF_LANES && !r; i++)
		r = ctf_open_lane(dir, i);
	if (r)
		return r;
	r = ctf_open_high(dir, "metadata", O_WRONLY | O_APPEND);
	if (r < 0)
		return r;
	return ctf_describe_all(r);
}

static bool ctf_still_ours(unsigned i)
{
	return sj_file_still(ctf.fd[i], &ctf.file[i]);
}

/* No callback runs any more. */
static void ctf_close(void)
{
	sigmask_t mask;

	for (unsigned i = 0; i < CTF_LANES; i++) {
		if (ctf.base[i])
			munmap(ctf.base[i], ctf_lane_size());
		if (ctf.fd[i] >= 0 && ctf_still_ours(i))
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
	int dir = ctf_make_directory(name, path, SJ_OUTPUT_NAME), r;

	if (dir < 0)
		return dir;
	for (unsigned i = 0; i < CTF_LANES; i++)
		ctf.fd[i] = -1;
	ctf.max_packets = size / CTF_LANES / CTF_PACKET;
	if (!ctf.max_packets)
		ctf.max_packets = 1;
	r = ctf_open_files(dir);
	close(dir);
	if (r)
		ctf_close();
	return r;
}

/* ---- packets ------------------------------------------------------------ */

static struct ctf_packet *ctf_packet_at(unsigned i, uint64_t n)
{
	char *at = ctf.base[i] + CTF_OPENING + n * CTF_PACKET;

	return (struct ctf_packet *)(void *)at;
}

static struct ctf_packet *ctf_current(unsigned i)
{
	return ctf_packet_at(i, ctf.control->lanes[i].n_packets - 1);
}

/* Blocks for so many bytes; where fallocate() is unknown, by writing. */
static bool ctf_grow_file(unsigned i, uint64_t at, unsigned size)
{
	static const char zeros[4096];

	if (!ctf_still_ours(i))
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

static void ctf_begin(struct ctf_packet *p, unsigned size, uint64_t now,
		      uint64_t discarded)
{
	*p = (struct ctf_packet){
		.magic = CTF_MAGIC,
		.begin = now, .end = now,
		.content_bits = 8 * sizeof(*p),
		.packet_bits = 8 * (uint64_t)size,
		.discarded = discarded,
	};
}

static bool ctf_room_for_packet(unsigned i, uint64_t now)
{
	uint64_t n = ctf.control->lanes[i].n_packets;

	if (n == ctf.max_packets)
		return false;
	if (n)
		return ctf_grow_file(i, CTF_OPENING + n * CTF_PACKET,
				     CTF_PACKET);
	if (!ctf_grow_file(i, 0, CTF_OPENING + CTF_PACKET))
		return false;
	ctf_begin((struct ctf_packet *)(void *)ctf.base[i], CTF_OPENING, now,
		  0);
	return true;
}

static bool ctf_next_packet(unsigned i, uint64_t now)
{
	struct ctf_lane *lane = &ctf.control->lanes[i];

	if (lane->full)
		return false;
	if (!ctf_room_for_packet(i, now)) {
		lane->full = 1;
		return false;
	}
	/* One fault for all of it; where that is unknown (Linux 5.14), many. */
	(void)syscall(SYS_madvise, ctf_packet_at(i, lane->n_packets),
		      (size_t)CTF_PACKET,
		      MADV_POPULATE_WRITE);
	ctf_begin(ctf_packet_at(i, lane->n_packets), CTF_PACKET, now,
		  __atomic_load_n(&lane->discarded, __ATOMIC_RELAXED));
	lane->filled = sizeof(struct ctf_packet);
	__atomic_store_n(&lane->n_packets, lane->n_packets + 1,
			 __ATOMIC_RELEASE);
	return true;
}

struct ctf_next {
	unsigned lane;
	uint64_t now;
	bool there;
};

static void ctf_next_of(void *arg)
{
	struct ctf_next *next = arg;
	int saved = errno;

	next->there = ctf_next_packet(next->lane, next->now);
	errno = saved;
}

/* ---- an event: in general registers -------------------------------------- */
SJ_GENERAL_BEGIN

struct ctf_writer {
	char *at, *end;
	bool full;
};

static inline void ctf_put_bytes(struct ctf_writer *w, const void *bytes,
				 size_t n)
{
	if (n > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	sj_copy(w->at, bytes, n);
	w->at += n;
}

/* Of one integer; n is a constant. */
static inline __attribute__((always_inline))
void ctf_put_word(struct ctf_writer *w, const void *bytes, size_t n)
{
	if (n > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	__builtin_memcpy(w->at, bytes, n);
	w->at += n;
}

static void ctf_put_padded(struct ctf_writer *w, const void *bytes, size_t n,
			   size_t size)
{
	if (size > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	sj_copy(w->at, bytes, n);
	sj_clear(w->at + n, size - n);
	w->at += size;
}

/* The low bytes of an integer. */
static inline void ctf_put_low(struct ctf_writer *w, uint64_t v, unsigned elem)
{
	switch (sj_elem_size(elem)) {
	case 1: { uint8_t x = (uint8_t)v; ctf_put_word(w, &x, 1); break; }
	case 2: { uint16_t x = (uint16_t)v; ctf_put_word(w, &x, 2); break; }
	case 4: { uint32_t x = (uint32_t)v; ctf_put_word(w, &x, 4); break; }
	default: ctf_put_word(w, &v, 8);
	}
}

/*
 * Of a double that is a float's value, the float: nothing is rounded.  IEEE 754:
 * sign, 11 bits of exponent and 52 of mantissa; sign, 8, 23.
 */
static uint32_t ctf_float(uint64_t v)
{
	uint32_t sign = (uint32_t)(v >> 63) << 31;
	unsigned exponent = (unsigned)(v >> 52) & 0x7ff;
	uint32_t mantissa = (uint32_t)(v >> 29) & 0x7fffff;

	if (exponent == 0x7ff)
		return sign | 0x7f800000 | mantissa;
	if (exponent > 1023 - 127)
		return sign | (uint32_t)(exponent - (1023 - 127)) << 23 | mantissa;
	if (exponent < 1023 - 149)
		return sign;
	return sign | (mantissa | 0x800000) >> (1023 - 126 - exponent);
}

static void ctf_put_value(struct ctf_writer *w, const struct side_jmp_field *f,
			  const struct side_jmp_value *v)
{
	uint32_t length;

	switch (f->kind) {
	case SIDE_JMP_FLOAT:
		ctf_put_low(w, f->elem == SIDE_JMP_F32 ? ctf_float(v->u64) :
			    v->u64, f->elem);
		break;
	case SIDE_JMP_STRING:
		ctf_put_padded(w, v->data, v->count, v->count + 1);
		break;
	case SIDE_JMP_CHARS:
		ctf_put_padded(w, v->data, sj_chars_length(f, v), f->count);
		break;
	case SIDE_JMP_SEQ:
		length = (uint32_t)v->count;
		ctf_put_word(w, &length, sizeof(length));
		/* fall through */
	case SIDE_JMP_ARRAY:
		if (v->count > CTF_PACKET)
			w->full = true;
		else
			ctf_put_bytes(w, v->data,
				      v->count * sj_elem_size(f->elem));
		break;
	default:
		ctf_put_low(w, v->u64, f->elem);
	}
}

static void ctf_put_event_data(struct ctf_writer *w,
			       const struct side_jmp_event *event,
			       uint32_t id, const struct sj_origin *origin,
			       const struct side_jmp_value values[])
{
	const struct side_jmp_field *f = side_jmp_event_fields(event->desc);
	int32_t who[2] = { (int32_t)origin->pid, (int32_t)origin->tid };
	unsigned n = event->desc->n_fields;

	ctf_put_word(w, &id, sizeof(id));
	ctf_put_word(w, &origin->now, sizeof(origin->now));
	ctf_put_word(w, who, sizeof(who));
	for (unsigned i = 0; i < n && !w->full; i++)
		ctf_put_value(w, &f[i], &values[i]);
}

/* Into the lane's current packet. */
static bool ctf_append(unsigned i, const struct side_jmp_event *event,
		       uint32_t id, const struct sj_origin *origin,
		       const struct side_jmp_value values[])
{
	struct ctf_lane *lane = &ctf.control->lanes[i];
	struct ctf_packet *p;
	struct ctf_writer w;

	if (!lane->n_packets)
		return false;
	p = ctf_current(i);
	w = (struct ctf_writer){ (char *)p + lane->filled,
				 (char *)p + CTF_PACKET, false };
	ctf_put_event_data(&w, event, id, origin, values);
	if (w.full)
		return false;
	lane->filled = (uint64_t)(w.at - (char *)p);
	/* In this order for whoever reads what a crash has left. */
	__atomic_store_n(&p->end, origin->now, __ATOMIC_RELEASE);
	__atomic_store_n(&p->content_bits, 8 * lane->filled, __ATOMIC_RELEASE);
	return true;
}

/* An event that no packet holds must not use them up. */
static bool ctf_fits_packet(const struct side_jmp_event *event,
			    const struct side_jmp_value values[])
{
	const struct side_jmp_field *f = side_jmp_event_fields(event->desc);
	size_t room = CTF_PACKET - sizeof(struct ctf_packet) - 20;

	for (unsigned i = 0; i < event->desc->n_fields; i++) {
		size_t size = f[i].kind == SIDE_JMP_CHARS ? f[i].count :
			f[i].kind < SIDE_JMP_STRING ? 8 :
			values[i].count > CTF_PACKET ? CTF_PACKET :
			values[i].count * sj_elem_size(f[i].elem) + 4;

		if (size > room)
			return false;
		room -= size;
	}
	return true;
}

/* The lane is ours. */
static bool ctf_write_lane(unsigned i, const struct side_jmp_event *event,
			   uint32_t id, const struct side_jmp_value values[],
			   const struct sj_origin *origin)
{
	/* Read while we hold the lane: so its times never go back. */
	struct sj_origin here = origin ? *origin :
		(struct sj_origin){ sj_now(), sj_pid(), sj_tid() };
	struct ctf_next next = { i, here.now, false };

	if (ctf_append(i, event, id, &here, values))
		return true;
	if (!ctf_fits_packet(event, values))
		return false;
	sj_keep_vectors(ctf_next_of, &next);
	return next.there && ctf_append(i, event, id, &here, values);
}

static bool ctf_take(struct ctf_lane *lane)
{
	return !__atomic_load_n(&lane->busy, __ATOMIC_RELAXED) &&
	       !__atomic_exchange_n(&lane->busy, 1, __ATOMIC_ACQUIRE);
}

/* Count it where babeltrace2 sees it. */
static void ctf_discard(unsigned i)
{
	struct ctf_lane *lane = &ctf.control->lanes[i];
	uint64_t n = __atomic_add_fetch(&lane->discarded, 1, __ATOMIC_RELAXED);
	uint64_t packets = __atomic_load_n(&lane->n_packets, __ATOMIC_ACQUIRE);
	struct ctf_packet *p;

	if (!packets)
		return;
	p = ctf_packet_at(i, packets - 1);
	__atomic_store_n(&p->discarded, n, __ATOMIC_RELAXED);
}

static bool ctf_write(const struct side_jmp_event *event,
		      const struct side_jmp_value values[],
		      const struct sj_origin *origin)
{
	uint32_t id = __atomic_load_n(&event->id, __ATOMIC_ACQUIRE);
	unsigned first = (unsigned)sj_tid() % CTF_LANES;

	for (unsigned n = 0; n < CTF_LANES && id; n++) {
		unsigned i = (first + n) % CTF_LANES;
		struct ctf_lane *lane = &ctf.control->lanes[i];
		bool done;

		if (!ctf_take(lane))
			continue;
		done = ctf_write_lane(i, event, id, values, origin);
		__atomic_store_n(&lane->busy, 0, __ATOMIC_RELEASE);
		if (done)
			return true;
	}
	ctf_discard(first);
	return false;
}

SJ_GENERAL_END

const struct sj_output sj_ctf_output = {
	.open = ctf_open,
	.close = ctf_close,
	.new_event = ctf_new_event,
	.general = true,
	.write = ctf_write,
};
