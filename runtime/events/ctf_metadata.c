/* SPDX-License-Identifier: MIT */
/*
 * A trace's `metadata`: a text in CTF's own language (TSDL, 7) that describes
 * streams and events, in one packet (7.1) of a file as ctf.h says.  A description
 * that finds no room is not there, instead of half of it.
 *
 * Parent and children share it, and describe what they have loaded in turn.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/events/context.h"
#include "runtime/events/ctf.h"
#include "runtime/events/events.h"

enum {
	METADATA_SIZE = 32 * 1024 * 1024,	/* sparse; its bits are 32-bit */
	METADATA_KNOWN = 64 * 1024,
};

_Static_assert(offsetof(struct sj_ctf_metadata, minor) ==
	       SJ_CTF_METADATA_HEADER - 1, "packed");

/* A description, in order not to repeat it when a library comes again. */
struct metadata_known {
	uint32_t hash, id;
	uint32_t at, length;		/* of its text; 0: no entry */
};

/* Shared by parent and children. */
struct metadata_shared {
	uint32_t owner;			/* a lock of ctf.h's */
	uint32_t last_id;		/* owner; all of the rest is */
	uint32_t allocated;		/* bytes */
	uint32_t n_known;
	struct metadata_known known[METADATA_KNOWN];
};

/* Of this process.  sj_event_lock; until it is open, trace.c's. */
static struct {
	bool open;
	struct metadata_shared *shared;
	struct sj_ctf_metadata *packet;
	size_t size;
	/* What is being written; the trace has it when content_bits says so. */
	uint32_t at;
	bool full;
} metadata;

/* ---- text ----------------------------------------------------------------- */

/* How many bytes may be written at `at`; 0: no more. */
static uint32_t metadata_room(void)
{
	struct metadata_shared *m = metadata.shared;

	if (metadata.at == m->allocated) {
		if (m->allocated == metadata.size ||
		    !sj_ctf_allocate((char *)metadata.packet + m->allocated,
				     sj_page_size()))
			return 0;
		m->allocated += (uint32_t)sj_page_size();
	}
	return m->allocated - metadata.at;
}

static void tsdl_bytes(const char *s, size_t n)
{
	while (n && !metadata.full) {
		size_t room = metadata_room(), now = n < room ? n : room;

		memcpy((char *)metadata.packet + metadata.at, s, now);
		metadata.at += (uint32_t)now;
		s += now;
		n -= now;
		metadata.full = !now;
	}
}

static void tsdl_char(char c)
{
	tsdl_bytes(&c, 1);
}

static void tsdl_text(const char *s)
{
	tsdl_bytes(s, strlen(s));
}

__attribute__((format(printf, 1, 2)))
static void tsdl_format(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tsdl_text(text);
}

static const char *const tsdl_elements[] = {
	[SIDE_JMP_U8] = "uint8_t", [SIDE_JMP_U16] = "uint16_t",
	[SIDE_JMP_U32] = "uint32_t", [SIDE_JMP_U64] = "uint64_t",
	[SIDE_JMP_S8] = "int8_t", [SIDE_JMP_S16] = "int16_t",
	[SIDE_JMP_S32] = "int32_t", [SIDE_JMP_S64] = "int64_t",
	[SIDE_JMP_F32] = "float32_t", [SIDE_JMP_F64] = "float64_t",
	[SIDE_JMP_BYTE] = "byte_t",
};

/* A string literal of TSDL, which has C's escapes. */
static void tsdl_literal(const char *s)
{
	tsdl_text("\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			tsdl_format("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			tsdl_format("\\%03o", (unsigned char)*s);
		else
			tsdl_char(*s);
	}
	tsdl_text("\"");
}

static const char *tsdl_byte_order(void)
{
	static const uint16_t one = 1;

	return *(const char *)&one ? "le" : "be";
}

/*
 * How far the wall clock is ahead.  Of several looks the one with the least
 * time between its halves.
 */
static uint64_t tsdl_clock_offset(void)
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

static void tsdl_integer(unsigned bits, bool is_signed, const char *extra,
			    const char *name)
{
	tsdl_format("typealias integer { size = %u; align = 8; signed = %s;%s }"
		 " := %s;\n", bits, is_signed ? "true" : "false", extra, name);
}

static void tsdl_types(void)
{
	char name[16];

	for (unsigned bits = 8; bits <= 64; bits *= 2) {
		snprintf(name, sizeof(name), "uint%u_t", bits);
		tsdl_integer(bits, false, "", name);
		tsdl_integer(bits, true, "", name + 1);
	}
	tsdl_integer(64, false, " base = 16;", "pointer_t");
	tsdl_integer(8, false, " base = 16;", "byte_t");
	tsdl_integer(8, true, " encoding = UTF8;", "char_t");
	tsdl_integer(64, false, " map = clock.monotonic.value;", "clock_t");
	tsdl_text("typealias floating_point { exp_dig = 8; mant_dig = 24;"
		" align = 8; } := float32_t;\n"
		"typealias floating_point { exp_dig = 11; mant_dig = 53;"
		" align = 8; } := float64_t;\n");
}

static void tsdl_uuid(void)
{
	const uint8_t *id = metadata.packet->uuid;

	for (size_t i = 0; i < sizeof(metadata.packet->uuid); i++)
		tsdl_format("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ?
			 "-" : "", id[i]);
}

/* As sj_context_pack() writes it. */
static void tsdl_context(unsigned parts)
{
	if (parts & SJ_CONTEXT_CPU)
		tsdl_text("\t\tuint32_t _cpu;\n");
	if (parts & SJ_CONTEXT_COMM)
		tsdl_text("\t\tstring { encoding = UTF8; } _comm;\n");
	if (parts & SJ_CONTEXT_THREAD_TIME)
		tsdl_text("\t\tuint64_t _thread_time;\n");
	if (parts & SJ_CONTEXT_STACK)
		tsdl_text("\t\tuint32_t __stack_length;\n"
			  "\t\tpointer_t _stack[__stack_length];\n");
}

static void tsdl_preamble(unsigned context)
{
	tsdl_format("/* CTF 1.8 */\n"
		 "typealias integer { size = 32; align = 8; signed = false; }"
		 " := magic_t;\n"
		 "typealias integer { size = 64; align = 8; signed = false; }"
		 " := instance_t;\n"
		 "trace {\n\tmajor = 1;\n\tminor = 8;\n\tbyte_order = %s;\n"
		 "\tuuid = \"", tsdl_byte_order());
	tsdl_uuid();
	tsdl_text("\";\n\tpacket.header := struct {\n"
		"\t\tmagic_t magic;\n\t\tmagic_t stream_id;\n"
		"\t\tinstance_t stream_instance_id;\n\t};\n};\n");
	tsdl_text("env {\n\ttracer_name = \"side_jmp\";\n\tdomain = \"ust\";\n"
		"\tprocname = ");
	tsdl_literal(program_invocation_short_name);
	tsdl_format(";\n\tvpid = %d;\n};\n", (int)getpid());
	tsdl_format("clock {\n\tname = monotonic;\n\tfreq = 1000000000;\n"
		 "\toffset = %llu;\n\tabsolute = true;\n};\n",
		 (unsigned long long)tsdl_clock_offset());
	tsdl_types();
	tsdl_text("stream {\n\tid = 0;\n\tpacket.context := struct {\n"
		"\t\tclock_t timestamp_begin;\n\t\tclock_t timestamp_end;\n"
		"\t\tuint64_t content_size;\n\t\tuint64_t packet_size;\n"
		"\t\tuint64_t events_discarded;\n"
		"\t\tuint64_t packet_seq_num;\n\t};\n"
		"\tevent.header := struct {\n"
		"\t\tuint32_t id;\n\t\tclock_t timestamp;\n\t};\n"
		"\tevent.context := struct {\n"
		"\t\tint32_t _vpid;\n\t\tint32_t _vtid;\n");
	tsdl_context(context);
	tsdl_text("\t};\n};\n");
}

static void tsdl_enum(const struct sj_field_at *at)
{
	const char *label = at->labels;

	tsdl_format("\t\tenum : %s {", tsdl_elements[at->field->elem]);
	for (uint32_t i = 0; i < at->field->count; i++) {
		tsdl_text(i ? ", " : " ");
		tsdl_literal(label);
		tsdl_format(" = %lld", (long long)at->values[i]);
		label = side_jmp_event_next_text(label);
	}
	tsdl_format(" } _%s;\n", at->name);
}

/* Names get the underscore that keeps them apart from TSDL's keywords. */
static void tsdl_field(const struct sj_field_at *at)
{
	const struct side_jmp_field *f = at->field;
	const char *type = tsdl_elements[f->elem], *name = at->name;

	switch (f->kind) {
	case SIDE_JMP_INT:
	case SIDE_JMP_FLOAT:
		tsdl_format("\t\t%s _%s;\n", type, name);
		break;
	case SIDE_JMP_POINTER:
		tsdl_format("\t\tpointer_t _%s;\n", name);
		break;
	case SIDE_JMP_ENUM:
		tsdl_enum(at);
		break;
	case SIDE_JMP_STRING:
		tsdl_format("\t\tstring { encoding = UTF8; } _%s;\n", name);
		break;
	case SIDE_JMP_CHARS:
		tsdl_format("\t\tchar_t _%s[%u];\n", name, (unsigned)f->count);
		break;
	case SIDE_JMP_ARRAY:
		tsdl_format("\t\t%s _%s[%u];\n", type, name, (unsigned)f->count);
		break;
	default:
		tsdl_format("\t\tuint32_t __%s_length;\n\t\t%s _%s[__%s_length];\n",
			 name, type, name, name);
	}
}

/* What tells a reader the ends of spans, and counters, from other events. */
static void tsdl_class(const struct side_jmp_event_desc *desc)
{
	const char *is = desc->flags & SIDE_JMP_IS_SPAN_BEGIN ? "span_begin" :
			 desc->flags & SIDE_JMP_IS_SPAN_END ? "span_end" :
			 desc->flags & SIDE_JMP_IS_COUNTER ? "counter" : NULL;

	if (is)
		tsdl_format("\tmodel.emf.uri = \"side_jmp:%s\";\n", is);
}

/* Without its number, which comes after it: what a repetition would repeat. */
static void tsdl_event(const struct side_jmp_event *event)
{
	struct sj_field_at at = sj_fields(event->desc);

	tsdl_text("event {\n\tname = \"");
	tsdl_text(side_jmp_event_provider(event->desc));
	tsdl_text(":");
	tsdl_text(side_jmp_event_name(event->desc));
	tsdl_text("\";\n\tstream_id = 0;\n");
	tsdl_class(event->desc);
	tsdl_text("\tfields := struct {\n");
	while (sj_next_field(&at))
		tsdl_field(&at);
	tsdl_text("\t};\n");
}

/* ---- what is described ---------------------------------------------------- */

/* FNV-1a. */
static uint32_t metadata_hash(const char *s, uint32_t n)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)s[i]) * 16777619u;
	return hash;
}

/* Where it is, or would be. */
static struct metadata_known *metadata_find(const struct metadata_known *as)
{
	const char *text = (const char *)metadata.packet;
	uint32_t i = as->hash % METADATA_KNOWN;

	for (;; i = (i + 1) % METADATA_KNOWN) {
		struct metadata_known *k = &metadata.shared->known[i];

		if (!k->length || (k->hash == as->hash &&
				   k->length == as->length &&
				   !memcmp(text + k->at, text + as->at,
					   as->length)))
			return k;
	}
}

static void metadata_begin(void)
{
	metadata.at = metadata.packet->content_bits / 8;
	metadata.full = false;
}

/* Readers of any process see all of it or none. */
static bool metadata_end(void)
{
	if (!metadata.full)
		__atomic_store_n(&metadata.packet->content_bits,
				 8 * metadata.at, __ATOMIC_RELEASE);
	return !metadata.full;
}

/* Its number; 0: no room.  We own it. */
static uint32_t metadata_add(const struct side_jmp_event *event)
{
	struct metadata_shared *m = metadata.shared;
	struct metadata_known new, *known;

	metadata_begin();
	new.at = metadata.at;
	tsdl_event(event);
	new.length = metadata.at - new.at;
	if (metadata.full)
		return 0;
	new.hash = metadata_hash((const char *)metadata.packet + new.at,
				 new.length);
	known = metadata_find(&new);
	if (known->length)
		return known->id;
	/* One that died here has left a number that nobody has. */
	new.id = ++m->last_id;
	tsdl_format("\tid = %u;\n};\n", (unsigned)new.id);
	if (!metadata_end())
		return 0;
	if (m->n_known < METADATA_KNOWN / 2) {
		m->n_known++;
		*known = new;
	}
	return new.id;
}

/* False: somebody has it who can't be waited for. */
static bool metadata_take(void)
{
	uint32_t me = sj_ctf_me();

	for (int i = 0; i < 10000; i++) {
		if (sj_ctf_try(&metadata.shared->owner, me) ||
		    sj_ctf_inherit(&metadata.shared->owner, me))
			return true;
		sj_pause(100000);
	}
	return false;
}

/*
 * An event's number is published only when the metadata has it (release; pairs
 * with the acquire in ctf_write()): a stream never holds an unknown one.
 */
void sj_ctf_describe(struct side_jmp_event *event)
{
	uint32_t id = 0;

	if (!metadata.open)
		return;
	if (metadata_take()) {
		id = metadata_add(event);
		sj_ctf_let_go(&metadata.shared->owner);
	}
	__atomic_store_n(&event->id, id, __ATOMIC_RELEASE);
}

/* ---- opening -------------------------------------------------------------- */

/*
 * By which readers know that pieces, and a snapshot, are one trace (RFC 4122,
 * version 4).
 */
static void metadata_name(uint8_t uuid[16])
{
	uint64_t id[2] = { sj_now(), (uint64_t)getpid() };

	/* Of a system that has just started it may not be had. */
	(void)syscall(SYS_getrandom, id, sizeof(id), GRND_NONBLOCK);
	memcpy(uuid, id, sizeof(id));
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

static int metadata_start(unsigned context)
{
	struct sj_ctf_metadata *p = metadata.packet;

	metadata.shared->allocated = (uint32_t)sj_page_size();
	*p = (struct sj_ctf_metadata){
		.magic = SJ_CTF_METADATA_MAGIC,
		.content_bits = 8 * SJ_CTF_METADATA_HEADER,
		.packet_bits = 8 * (uint32_t)metadata.size,
		.major = 1, .minor = 8,
	};
	metadata_name(p->uuid);
	metadata_begin();
	tsdl_preamble(context);
	return metadata_end() ? 0 : -ENOSPC;
}

static void metadata_unmap(void)
{
	munmap(metadata.packet, metadata.size);
	munmap(metadata.shared, sizeof(*metadata.shared));
}

static int metadata_map(int dir)
{
	char *base = NULL;
	int r;

	metadata.size = sj_ctf_bounded(METADATA_SIZE, 2);
	if (!metadata.size)
		return -EFBIG;
	metadata.shared = mmap(NULL, sizeof(*metadata.shared),
			       PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (metadata.shared == MAP_FAILED)
		return -errno;
	r = sj_ctf_reserve(metadata.size, &base);
	if (!r)
		r = sj_ctf_create(dir, SJ_CTF_METADATA_YET, metadata.size,
				  sj_page_size(), base);
	metadata.packet = (struct sj_ctf_metadata *)(void *)base;
	if (r) {
		munmap(metadata.shared, sizeof(*metadata.shared));
		if (base)
			munmap(base, metadata.size);
	}
	return r;
}

/* Without the lock but for the last step: it takes its time. */
int sj_ctf_metadata_open(int dir, unsigned context)
{
	int r = metadata_map(dir);
	sigmask_t mask;

	if (r)
		return r;
	r = metadata_start(context);
	if (r) {
		metadata_unmap();
		return r;
	}
	mask = sj_event_enter();
	metadata.open = true;
	sj_event_leave(mask);
	return 0;
}

void sj_ctf_metadata_close(void)
{
	sigmask_t mask = sj_event_enter();
	bool was_open = metadata.open;

	metadata.open = false;
	sj_event_leave(mask);
	if (was_open)
		metadata_unmap();
}
