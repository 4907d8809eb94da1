/* SPDX-License-Identifier: MIT */
/*
 * side_jmp events: typed tracepoints that cost a no-op until somebody wants
 * them.
 *
 *	#include <side_jmp_event.h>
 *
 *	SIDE_JMP_EVENT(shop, order, "An order was taken",
 *		(u32, items), (string, customer), (double, total));
 *
 *	side_jmp_event(shop, order, n, customer_name(c), sum(c));
 *
 * While nobody wants shop:order the last line is a no-op (side_jmp.h), and
 * customer_name() and sum() are not called.  To see the events of a program:
 *
 *	SIDE_JMP_ENABLE='shop:*' ./program
 *
 *
 * DEFINING
 *
 * SIDE_JMP_EVENT(provider, name, "docstring", fields...), at file (namespace)
 * scope, once in an executable or shared library.  provider and name are
 * identifiers.  At most 16 fields, each in parentheses:
 *
 *	(u8|u16|u32|u64, name)      unsigned integer
 *	(s8|s16|s32|s64, name)      signed integer
 *	(float|double, name)
 *	(pointer, name)             shown as hex
 *	(enum, name, (value, "label"), ...)
 *	                            32 bits, at most 32 labels
 *	(string, name)              const char *, any length; NULL is "(null)"
 *	(chars, name, n)            const char *, in n bytes: at most n - 1
 *	                            characters, the rest is cut off
 *	(bytes, name, n)            n bytes; any pointer, or an array of n bytes
 *	(byte_seq, name)            side_jmp_seq(pointer, count)
 *	(array, name, type, n)      n integers or floats of a type above; a
 *	                            pointer to them, or an array of n
 *	(seq, name, type)           side_jmp_seq(pointer, count)
 *
 * Words used above (u32, string...) and names must not be macros.
 *
 * Other files of the same executable or library use the event after
 * SIDE_JMP_EVENT_DECLARE with the same arguments, which goes into a header
 * (and may stand before SIDE_JMP_EVENT: the compiler then checks that they
 * agree).
 *
 * SIDE_JMP_EVENT64: the same with a word of 64 bits, SIDE_JMP_EVENT_WIDE: with
 * the wide layout (side_jmp.h), for events that are enabled most of the time;
 * SIDE_JMP_EVENT64_WIDE: both.  Each with its ..._DECLARE.
 *
 *
 * EMITTING
 *
 * side_jmp_event(provider, name, arguments...), a statement.  Arguments are
 * evaluated only where the event is enabled, once, in C in no defined order
 * (in C++ from left to right).  A wrong number of arguments, or one whose type
 * its field does not take, is a compile-time error.  What fields take:
 * integers of up to 32 bits for every integer field (they are converted), of
 * 64 bits for 64-bit fields only; float and double for float and double;
 * char * and const char * for strings.  Cast where that is too strict.
 *
 * side_jmp_event_enabled(provider, name) is the condition alone, for what has
 * to be prepared before.
 *
 * May be used in signal handlers.  errno is kept.
 *
 *
 * TRACERS
 *
 * A tracer is a callback for the events that match a pattern.  Patterns are
 * "provider:name", separated by commas; '*' stands for any characters and '?'
 * for one.  They also hold for libraries that are loaded later.
 *
 *	struct side_jmp_tracer *t;
 *	side_jmp_tracer_register(&t, "shop:*,db:query", callback, data);
 *	...
 *	side_jmp_tracer_unregister(t);
 *
 * Several tracers may want one event; each is called once an event.  When
 * register has returned 0, every thread that from then on reaches a matching
 * event calls the callback; when unregister has returned 0, no call of it runs
 * in any thread and none begins.
 *
 * Both may be called from any thread and from callbacks.  Within a callback,
 * unregister does not wait for the calls that this very thread is in the midst
 * of, and returns -EDEADLK, having changed nothing, if another thread waits
 * within a callback of that same tracer (two callbacks that unregister each
 * other), or if it is in a signal handler that struck this very thread where
 * such a call begins or ends.  A callback runs in the thread that emitted, may be a signal
 * handler's, and must return (no longjmp, no exception, no pthread_exit).
 * It may emit events, also those it is called for: mind the recursion.
 *
 *
 * THE BUILT-IN TRACER
 *
 *	SIDE_JMP_ENABLE="provider:name,provider:*"   which events
 *	SIDE_JMP_OUTPUT=file                         lines of text, appended
 *	SIDE_JMP_OUTPUT=directory/                   CTF 1.8, for babeltrace2
 *	SIDE_JMP_OUTPUT_SIZE=bytes[k|M|G]            of a CTF trace; default 64M
 *
 * or side_jmp_trace_start().  Without an output lines go to stderr.  A line:
 *
 *	seconds.nanoseconds tid provider:name field=value...
 *
 * in CLOCK_MONOTONIC's time.  Each line is one write(2) to a file opened with
 * O_APPEND: nothing is kept in memory, so nothing is lost in a crash, several
 * processes may share the file, and a line is at most 4096 bytes long (longer
 * ones end in "...").  An output that is not ready (a full pipe) is not waited
 * for, and one that refuses (a full disk) is not tried again: the event is lost,
 * counted (side_jmp_event_info.lost), and a line before the next says how many
 * were; at exit stderr says it if the output takes nothing any more.
 *
 * A CTF trace is a directory <program>-<pid>-<n> in `directory`.  Events go to
 * buffers that are mapped files, so they are there after a crash as well, and
 * at most SIDE_JMP_OUTPUT_SIZE of them.  What does not fit is lost, counted,
 * and shown by babeltrace2 as discarded.
 *
 * Whoever writes over or truncates the files of a running trace ends the
 * program (SIGBUS), as with every mapped file.
 *
 *
 * THE KERNEL: user_events
 *
 * Linux 6.4 and later can take a program's events into its own trace, where
 * perf, ftrace and BPF find them as user_events:<provider>_<name>.
 *
 *	SIDE_JMP_USER_EVENTS=1          or side_jmp_user_events_start()
 *	SIDE_JMP_USER_EVENTS=persist    and the events outlast the program
 *	SIDE_JMP_USER_EVENTS=0          not in this program
 *
 * It is opt in where the kernel can't patch the program (side_jmp_info.backend
 * is not SIDE_JMP_BACKEND_KERNEL): there it enables an event all the same, by
 * itself, so the sites of registered events must stay armed, and each costs a
 * jump, a load and a test instead of a no-op.  Where the kernel patches, they
 * go idle like any other, and events are registered unless the variable says 0
 * or the program runs in secure execution.  Where user_events is missing or not
 * permitted everything else works; side_jmp_event_info says why.
 *
 * Payload: the fields in their order, packed.  string: __rel_loc char[];
 * chars: char[n]; bytes: unsigned char[n] (from 1025 bytes on __rel_loc);
 * float, double: struct float 4, struct double 8; pointer: u64; enum: s32;
 * arrays and sequences: __rel_loc type[].
 *
 *
 * IN THE FILE
 *
 * An event's description is data without relocations in the read-only section
 * side_jmp_event: records of struct side_jmp_event_desc, one after the other,
 * each as long as its `size` says.  A tool lists the events of a file from it.
 *
 * All variables are ignored in secure execution (setuid, file capabilities).
 * One that is not understood, or asks for what can't be had, is said once on
 * stderr and is in side_jmp_event_info.said; so is, when the program ends, a
 * pattern of SIDE_JMP_ENABLE that has matched no event.
 */
#ifndef SIDE_JMP_EVENT_H
#define SIDE_JMP_EVENT_H

#include <limits.h>
#include <string.h>

#include "side_jmp.h"

/* ------------------------------------------------------------------------
 * What an event is
 */

enum side_jmp_kind {
	SIDE_JMP_INT = 1,	/* of `elem` */
	SIDE_JMP_FLOAT = 2,	/* of `elem` */
	SIDE_JMP_POINTER = 3,
	SIDE_JMP_ENUM = 4,	/* an s32; count: labels */
	SIDE_JMP_STRING = 5,
	SIDE_JMP_CHARS = 6,	/* count: bytes, with the final 0 */
	SIDE_JMP_ARRAY = 7,	/* count: elements */
	SIDE_JMP_SEQ = 8,
};

enum side_jmp_elem {
	SIDE_JMP_U8 = 1, SIDE_JMP_U16 = 2, SIDE_JMP_U32 = 3, SIDE_JMP_U64 = 4,
	SIDE_JMP_S8 = 5, SIDE_JMP_S16 = 6, SIDE_JMP_S32 = 7, SIDE_JMP_S64 = 8,
	SIDE_JMP_F32 = 9, SIDE_JMP_F64 = 10,
	SIDE_JMP_BYTE = 11,	/* shown as hex */
};

/* One field, as the section holds it.  Frozen. */
struct side_jmp_field {
	uint8_t kind;		/* enum side_jmp_kind */
	uint8_t elem;		/* enum side_jmp_elem, or 0 */
	uint16_t reserved;	/* 0 */
	uint32_t count;
};

#define SIDE_JMP_EVENT_VERSION		1

/*
 * An event's description in the section side_jmp_event.  Frozen.  Followed by
 *	struct side_jmp_field fields[n_fields + 1];	the last is 0
 *	int64_t values[n_values + 1];			of all labels; the last is 0
 *	char text[];	strings, each ended by a 0: provider, name, docstring,
 *			then of each field its name and its labels
 */
struct side_jmp_event_desc {
	uint32_t size;		/* of all of it: to the next one; 8 divides it */
	uint16_t version;	/* SIDE_JMP_EVENT_VERSION */
	uint16_t n_fields;
	uint32_t n_values;
	uint16_t flags;		/* SIDE_JMP_RECORD_WORD64 */
	uint16_t text;		/* where text begins, from the start of this */
};

struct side_jmp_slot;

/* An event in memory; the section side_jmp_event_data is an array of them. */
struct side_jmp_event {
	uint32_t version;	/* SIDE_JMP_EVENT_VERSION */
	uint32_t id;		/* of the built-in tracer; 0: none yet */
	struct side_jmp_key *key;
	const struct side_jmp_event_desc *desc;
	struct side_jmp_slot *slots;	/* of tracers; see tracer.c */
	uint32_t write_index;	/* user_events */
	uint32_t state;		/* user_events; 0: not registered */
	void *reserved[2];
};

/* The value of one field, as a callback gets it. */
struct side_jmp_value {
	union {
		uint64_t u64;		/* integers and enums, extended to 64 */
		int64_t s64;		/* bits by the sign of their field */
		double f64;		/* float and double */
		const void *data;	/* strings, bytes, arrays */
	};
	size_t count;		/* elements at `data`; a string's length without
				   the final 0; 0 otherwise */
};

typedef void side_jmp_callback(const struct side_jmp_event *event,
			       const struct side_jmp_value values[],
			       void *data);

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ------------------------------------------------------------------------
 * Tracers
 */

struct side_jmp_tracer;

/*
 * Returns 0 and *tracer, or
 *   -EINVAL		no pattern, or a bad one; callback NULL
 *   -ENAMETOOLONG	a pattern of more than 119 bytes
 *   -ENOMEM
 *   -errno		a matching event could not be enabled (side_jmp_enable)
 * On an error no event has been enabled and the callback was not called.
 */
int side_jmp_tracer_register(struct side_jmp_tracer **tracer,
			     const char *patterns,
			     side_jmp_callback *callback, void *data);

/*
 * Returns 0, or
 *   -EINVAL	not registered, or being unregistered by somebody else (who
 *		then waits for this very callback)
 *   -EDEADLK	see above
 */
int side_jmp_tracer_unregister(struct side_jmp_tracer *tracer);

/*
 * The built-in tracer, for these events too.  output NULL: where it writes
 * already, or stderr; "path", "directory/".  One output a process: -EBUSY if it
 * writes elsewhere; -EDEADLK in a signal handler that struck this very thread
 * while it starts or stops it.  Other errors: as above, or what the files'
 * opening said.
 */
int side_jmp_trace_start(const char *patterns, const char *output);

/* No more events; close the output.  0, -EINVAL (not started), -EDEADLK. */
int side_jmp_trace_stop(void);

#define SIDE_JMP_USER_EVENTS_PERSIST	0x1

/*
 * Register every event, also those that are loaded later, with the kernel.
 * Returns 0 (also when called again), -EINVAL (flags) or -errno: the file that
 * takes the events could not be opened.  Events that the kernel refused one by
 * one are counted, see below.
 */
int side_jmp_user_events_start(unsigned flags);
int side_jmp_user_events_stop(void);

/* ------------------------------------------------------------------------
 * What is there
 */

struct side_jmp_event_info {
	uint64_t events;		/* of all loaded objects */
	uint64_t tracers;		/* registered */
	uint64_t refused;		/* events of libraries loaded later that
					   a tracer wants and that could not be
					   enabled */
	uint64_t lost;			/* by the built-in tracer */
	char output[240];		/* "", "stderr", a path */
	uint64_t user_events;		/* registered with the kernel */
	uint64_t user_events_refused;	/* by the kernel; or not armed */
	uint64_t user_events_lost;	/* writes that failed */
	int user_events_error;		/* 0, or the last -errno */
	char user_events_reason[240];	/* a sentence */
	char said[240];			/* the first line that stderr was told
					   of a variable SIDE_JMP_*; "" */
};

/* Fill in the first `size` bytes.  Returns 0 or -EINVAL. */
int side_jmp_event_get_info(struct side_jmp_event_info *info, size_t size);

/*
 * Call visit for every event until it returns other than 0; returns that.
 * Libraries are neither loaded nor unloaded meanwhile: visit must not do that,
 * nor call functions of this header other than those below.
 */
int side_jmp_event_each(int (*visit)(struct side_jmp_event *event, void *arg),
			void *arg);

/* ---- made by the macros below ------------------------------------------ */

struct side_jmp_event_object {
	uint32_t version;	/* SIDE_JMP_EVENT_VERSION */
	uint32_t event_size;	/* bytes of a struct side_jmp_event */
	struct side_jmp_event *start, *stop;
	void *priv;
	struct side_jmp_event_object *next;
};

int side_jmp_event_register(struct side_jmp_event_object *object);
int side_jmp_event_unload(struct side_jmp_event_object *object);
void side_jmp_event_fire(struct side_jmp_event *event,
			 const struct side_jmp_value *values);

#pragma GCC visibility pop

/* ---- reading a description ---------------------------------------------- */

static inline const struct side_jmp_field *
side_jmp_event_fields(const struct side_jmp_event_desc *desc)
{
	return (const struct side_jmp_field *)(const void *)(desc + 1);
}

static inline const int64_t *
side_jmp_event_values(const struct side_jmp_event_desc *desc)
{
	return (const int64_t *)(const void *)
		(side_jmp_event_fields(desc) + desc->n_fields + 1);
}

static inline const char *
side_jmp_event_provider(const struct side_jmp_event_desc *desc)
{
	return (const char *)(const void *)desc + desc->text;
}

/* The next string: from provider to name, docstring, the first field... */
static inline const char *side_jmp_event_next_text(const char *text)
{
	return text + strlen(text) + 1;
}

static inline const char *
side_jmp_event_name(const struct side_jmp_event_desc *desc)
{
	return side_jmp_event_next_text(side_jmp_event_provider(desc));
}

static inline const char *
side_jmp_event_doc(const struct side_jmp_event_desc *desc)
{
	return side_jmp_event_next_text(side_jmp_event_name(desc));
}

/* ---- values ------------------------------------------------------------- */

#define SIDE_JMP_CODE_(kind, elem, count) \
	((kind) + 32 * (elem) + 512 * (size_t)(count))
#define SIDE_JMP_KIND_(code)	((code) & 31)
#define SIDE_JMP_ELEM_(code)	((code) >> 5 & 15)
#define SIDE_JMP_LEN_(code)	((code) >> 9)

/* Bytes of an element of the kind. */
#define SIDE_JMP_ELEM_SIZE_(elem) \
	((size_t)((elem) == SIDE_JMP_BYTE ? 1 : (elem) == SIDE_JMP_F32 ? 4 : \
		  (elem) == SIDE_JMP_F64 ? 8 : 1 << (((elem) - 1) & 3)))
#define SIDE_JMP_ELEM_SIGNED_(elem) \
	((elem) >= SIDE_JMP_S8 && (elem) <= SIDE_JMP_S64)

static inline struct side_jmp_value side_jmp_value_int_(size_t code, uint64_t v)
{
	size_t elem = SIDE_JMP_ELEM_(code);
	unsigned shift = (unsigned)(64 - 8 * SIDE_JMP_ELEM_SIZE_(elem));
	struct side_jmp_value value;

	value.count = 0;
	value.u64 = v << shift;
	if (SIDE_JMP_ELEM_SIGNED_(elem))
		value.s64 >>= shift;
	else
		value.u64 >>= shift;
	return value;
}

static inline struct side_jmp_value side_jmp_value_float_(size_t code, double v)
{
	struct side_jmp_value value;

	value.f64 = SIDE_JMP_ELEM_(code) == SIDE_JMP_F32 ? (double)(float)v : v;
	value.count = 0;
	return value;
}

static inline struct side_jmp_value side_jmp_value_pointer_(uintptr_t v)
{
	struct side_jmp_value value;

	value.u64 = v;
	value.count = 0;
	return value;
}

static inline struct side_jmp_value side_jmp_value_data_(const void *data,
							 size_t count)
{
	struct side_jmp_value value;

	value.data = data;
	value.count = count;
	return value;
}

static inline struct side_jmp_value side_jmp_value_string_(const char *s)
{
	return s ? side_jmp_value_data_(s, strlen(s)) :
		   side_jmp_value_data_("(null)", 6);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

/* The types that elements may have. */
#define SIDE_JMP_ELEMENTS_(m) \
	m(char, (CHAR_MIN < 0 ? SIDE_JMP_S8 : SIDE_JMP_U8)) \
	m(signed char, SIDE_JMP_S8) m(unsigned char, SIDE_JMP_U8) \
	m(short, SIDE_JMP_S16) m(unsigned short, SIDE_JMP_U16) \
	m(int, SIDE_JMP_S32) m(unsigned int, SIDE_JMP_U32) \
	m(long, (sizeof(long) == 8 ? SIDE_JMP_S64 : SIDE_JMP_S32)) \
	m(unsigned long, (sizeof(long) == 8 ? SIDE_JMP_U64 : SIDE_JMP_U32)) \
	m(long long, SIDE_JMP_S64) m(unsigned long long, SIDE_JMP_U64) \
	m(float, SIDE_JMP_F32) m(double, SIDE_JMP_F64)

#ifndef __cplusplus

/* ---- C: does an argument suit its field? -------------------------------- */

/* What it is when it is passed: arrays are pointers, bit-fields are int. */
#define SIDE_JMP_TYPE_(a)	__typeof__(1 ? (a) : (a))
#define SIDE_JMP_TYPED_(a)	(*(SIDE_JMP_TYPE_(a) *)0)

/* gcc's typeclass.h; clang has the same. */
#define SIDE_JMP_IS_INT_(a)	(__builtin_classify_type(SIDE_JMP_TYPED_(a)) == 1)
#define SIDE_JMP_IS_POINTER_(a)	(__builtin_classify_type(SIDE_JMP_TYPED_(a)) == 5)
#define SIDE_JMP_IS_FLOAT_(a) \
	_Generic(SIDE_JMP_TYPED_(a), float: 1, double: 1, default: 0)
#define SIDE_JMP_IS_STRING_(a) \
	_Generic(SIDE_JMP_TYPED_(a), char *: 1, const char *: 1, default: 0)

#define SIDE_JMP_POINTEE_ONE_(type, elem)	type *: elem, const type *: elem,
#define SIDE_JMP_POINTEE_(a) \
	_Generic(SIDE_JMP_TYPED_(a), \
		 SIDE_JMP_ELEMENTS_(SIDE_JMP_POINTEE_ONE_) default: 0)

/* The argument where it is of the kind, else something harmless. */
#define SIDE_JMP_IF_(condition, a, other) \
	__builtin_choose_expr(condition, (a), other)
#define SIDE_JMP_IF_ARRAY_(code, a) \
	SIDE_JMP_IF_(SIDE_JMP_KIND_(code) == SIDE_JMP_ARRAY, a, (char *)0)

/* An array, if it is one, has to have all of its elements. */
#define SIDE_JMP_LONG_ENOUGH_(code, a) \
	(__builtin_types_compatible_p(__typeof__(a), SIDE_JMP_TYPE_(a)) || \
	 sizeof(__typeof__(a)) == \
	 SIDE_JMP_LEN_(code) * SIDE_JMP_ELEM_SIZE_(SIDE_JMP_ELEM_(code)))

#define SIDE_JMP_SUITS_INT_(code, a) \
	(SIDE_JMP_IS_INT_(a) && (sizeof(SIDE_JMP_TYPE_(a)) <= 4 || \
	 sizeof(SIDE_JMP_TYPE_(a)) <= \
	 SIDE_JMP_ELEM_SIZE_(SIDE_JMP_ELEM_(code))))
#define SIDE_JMP_SUITS_ARRAY_(code, a) \
	((SIDE_JMP_ELEM_(code) == SIDE_JMP_BYTE ? SIDE_JMP_IS_POINTER_(a) : \
	  SIDE_JMP_ELEM_(code) == SIDE_JMP_POINTEE_(a)) && \
	 SIDE_JMP_LONG_ENOUGH_(code, SIDE_JMP_IF_ARRAY_(code, a)))

#define SIDE_JMP_SUITS_(code, a) \
	(SIDE_JMP_KIND_(code) == SIDE_JMP_INT || \
	 SIDE_JMP_KIND_(code) == SIDE_JMP_ENUM ? \
		SIDE_JMP_SUITS_INT_(code, a) : \
	 SIDE_JMP_KIND_(code) == SIDE_JMP_FLOAT ? SIDE_JMP_IS_FLOAT_(a) : \
	 SIDE_JMP_KIND_(code) == SIDE_JMP_POINTER ? SIDE_JMP_IS_POINTER_(a) : \
	 SIDE_JMP_KIND_(code) == SIDE_JMP_STRING || \
	 SIDE_JMP_KIND_(code) == SIDE_JMP_CHARS ? SIDE_JMP_IS_STRING_(a) : \
	 SIDE_JMP_KIND_(code) == SIDE_JMP_ARRAY ? \
		SIDE_JMP_SUITS_ARRAY_(code, a) : \
		SIDE_JMP_SEQ_SUITS_(SIDE_JMP_ELEM_(code), a))

#define SIDE_JMP_CHECK_(event, n, a) \
	_Static_assert(SIDE_JMP_SUITS_(sizeof(event##_side_jmp_f##n), a), \
		"side_jmp event: argument " #n ", counted from the last, has " \
		"a type that its field does not take; see side_jmp_event.h, " \
		"EMITTING");

/* ---- C: sequences ------------------------------------------------------- */

struct side_jmp_seq {
	const void *data;
	size_t count;
};

/* Pointers to these carry the elements' type; nobody looks through them. */
struct side_jmp_seq_u8_;	struct side_jmp_seq_s8_;
struct side_jmp_seq_u16_;	struct side_jmp_seq_s16_;
struct side_jmp_seq_u32_;	struct side_jmp_seq_s32_;
struct side_jmp_seq_u64_;	struct side_jmp_seq_s64_;
struct side_jmp_seq_f32_;	struct side_jmp_seq_f64_;
struct side_jmp_seq_byte_;

#define SIDE_JMP_SEQS_(m) \
	m(u8, SIDE_JMP_U8) m(u16, SIDE_JMP_U16) m(u32, SIDE_JMP_U32) \
	m(u64, SIDE_JMP_U64) m(s8, SIDE_JMP_S8) m(s16, SIDE_JMP_S16) \
	m(s32, SIDE_JMP_S32) m(s64, SIDE_JMP_S64) m(f32, SIDE_JMP_F32) \
	m(f64, SIDE_JMP_F64) m(byte, SIDE_JMP_BYTE)

#define SIDE_JMP_SEQ_ELEM_ONE_(t, elem)	struct side_jmp_seq_##t##_ *: elem,
#define SIDE_JMP_SEQ_ELEM_(a) \
	_Generic(SIDE_JMP_TYPED_(a), \
		 SIDE_JMP_SEQS_(SIDE_JMP_SEQ_ELEM_ONE_) default: 0)
#define SIDE_JMP_SEQ_SUITS_(elem, a) \
	(SIDE_JMP_SEQ_ELEM_(a) == elem || \
	 (elem == SIDE_JMP_BYTE && \
	  (SIDE_JMP_SEQ_ELEM_(a) == SIDE_JMP_U8 || \
	   SIDE_JMP_SEQ_ELEM_(a) == SIDE_JMP_S8)))

#if LONG_MAX > 0x7fffffff
#define SIDE_JMP_SEQ_LONG_(sign)	struct side_jmp_seq_##sign##64_ *
#else
#define SIDE_JMP_SEQ_LONG_(sign)	struct side_jmp_seq_##sign##32_ *
#endif
#if CHAR_MIN < 0
#define SIDE_JMP_SEQ_CHAR_		struct side_jmp_seq_s8_ *
#else
#define SIDE_JMP_SEQ_CHAR_		struct side_jmp_seq_u8_ *
#endif

#define SIDE_JMP_SEQ_OF_(type, seq)	type *: (seq)0, const type *: (seq)0,
#define SIDE_JMP_SEQ_TYPE_(p) __typeof__(_Generic(SIDE_JMP_TYPED_(p), \
	SIDE_JMP_SEQ_OF_(char, SIDE_JMP_SEQ_CHAR_) \
	SIDE_JMP_SEQ_OF_(signed char, struct side_jmp_seq_s8_ *) \
	SIDE_JMP_SEQ_OF_(unsigned char, struct side_jmp_seq_u8_ *) \
	SIDE_JMP_SEQ_OF_(short, struct side_jmp_seq_s16_ *) \
	SIDE_JMP_SEQ_OF_(unsigned short, struct side_jmp_seq_u16_ *) \
	SIDE_JMP_SEQ_OF_(int, struct side_jmp_seq_s32_ *) \
	SIDE_JMP_SEQ_OF_(unsigned int, struct side_jmp_seq_u32_ *) \
	SIDE_JMP_SEQ_OF_(long, SIDE_JMP_SEQ_LONG_(s)) \
	SIDE_JMP_SEQ_OF_(unsigned long, SIDE_JMP_SEQ_LONG_(u)) \
	SIDE_JMP_SEQ_OF_(long long, struct side_jmp_seq_s64_ *) \
	SIDE_JMP_SEQ_OF_(unsigned long long, struct side_jmp_seq_u64_ *) \
	SIDE_JMP_SEQ_OF_(float, struct side_jmp_seq_f32_ *) \
	SIDE_JMP_SEQ_OF_(double, struct side_jmp_seq_f64_ *) \
	void *: (struct side_jmp_seq_byte_ *)0, \
	const void *: (struct side_jmp_seq_byte_ *)0))

/* `n` elements from `p` on, for fields seq and byte_seq. */
#define side_jmp_seq(p, n) \
	((SIDE_JMP_SEQ_TYPE_(p))(void *)&(struct side_jmp_seq){ (p), (n) })

static inline struct side_jmp_value side_jmp_value_seq_(const void *p)
{
	const struct side_jmp_seq *seq = (const struct side_jmp_seq *)p;

	return side_jmp_value_data_(seq->data, seq->count);
}

/* ---- C: from an argument to a value ------------------------------------- */

#define SIDE_JMP_IS_(code, kind)	(SIDE_JMP_KIND_(code) == SIDE_JMP_##kind)

#define SIDE_JMP_VALUE_OF_(code, a) \
	SIDE_JMP_IF_(SIDE_JMP_IS_(code, INT) || SIDE_JMP_IS_(code, ENUM), \
		side_jmp_value_int_(code, (uint64_t)SIDE_JMP_IF_( \
			SIDE_JMP_IS_INT_(a), a, 0)), \
	SIDE_JMP_IF_(SIDE_JMP_IS_(code, FLOAT), \
		side_jmp_value_float_(code, (double)SIDE_JMP_IF_( \
			SIDE_JMP_IS_FLOAT_(a), a, 0)), \
	SIDE_JMP_IF_(SIDE_JMP_IS_(code, POINTER), \
		side_jmp_value_pointer_((uintptr_t)SIDE_JMP_IF_( \
			SIDE_JMP_IS_POINTER_(a), a, (char *)0)), \
	SIDE_JMP_IF_(SIDE_JMP_IS_(code, STRING) || SIDE_JMP_IS_(code, CHARS), \
		side_jmp_value_string_(SIDE_JMP_IF_( \
			SIDE_JMP_IS_STRING_(a), a, (char *)0)), \
	SIDE_JMP_IF_(SIDE_JMP_IS_(code, ARRAY), \
		side_jmp_value_data_(SIDE_JMP_IF_( \
			SIDE_JMP_IS_(code, ARRAY) && SIDE_JMP_IS_POINTER_(a), \
			a, (char *)0), SIDE_JMP_LEN_(code)), \
		side_jmp_value_seq_(SIDE_JMP_IF_( \
			SIDE_JMP_SEQ_ELEM_(a), a, \
			(struct side_jmp_seq_byte_ *)0)))))))

#define SIDE_JMP_VALUE_(event, n, a) \
	SIDE_JMP_VALUE_OF_(sizeof(event##_side_jmp_f##n), a),

#else /* C++ */

#include <type_traits>

namespace side_jmp_detail {

template <unsigned elem_> struct seq {
	const void *data;
	size_t count;
};

template <class T> struct elem_of {
	static constexpr unsigned elem = 0;
};
#define SIDE_JMP_ELEM_TRAIT_(type, e) \
	template <> struct elem_of<type> { \
		static constexpr unsigned elem = e; \
	};
SIDE_JMP_ELEMENTS_(SIDE_JMP_ELEM_TRAIT_)
template <> struct elem_of<void> {
	static constexpr unsigned elem = SIDE_JMP_BYTE;
};

template <class T> struct seq_elem {
	static constexpr unsigned elem = 0;
};
template <unsigned e> struct seq_elem<seq<e>> {
	static constexpr unsigned elem = e;
};

template <class P> constexpr unsigned pointee()
{
	return elem_of<std::remove_cv_t<std::remove_pointer_t<P>>>::elem;
}

/* A is the argument's type, D the one it has when passed. */
template <size_t code, class A, class D> constexpr bool array_suits()
{
	constexpr unsigned elem = SIDE_JMP_ELEM_(code);

	return std::is_pointer_v<D> &&
	       (elem == SIDE_JMP_BYTE || pointee<D>() == elem) &&
	       (!std::is_array_v<A> ||
		sizeof(A) == SIDE_JMP_LEN_(code) * SIDE_JMP_ELEM_SIZE_(elem));
}

template <size_t code, class D> constexpr bool seq_suits()
{
	constexpr unsigned elem = SIDE_JMP_ELEM_(code);
	constexpr unsigned is = seq_elem<D>::elem;

	return is == elem || (elem == SIDE_JMP_BYTE &&
			      (is == SIDE_JMP_U8 || is == SIDE_JMP_S8));
}

template <size_t code, class A> constexpr bool suits()
{
	using D = std::decay_t<A>;
	constexpr size_t kind = SIDE_JMP_KIND_(code);
	constexpr size_t size = SIDE_JMP_ELEM_SIZE_(SIDE_JMP_ELEM_(code));

	if constexpr (kind == SIDE_JMP_INT || kind == SIDE_JMP_ENUM)
		return (std::is_integral_v<D> || std::is_enum_v<D>) &&
		       (sizeof(D) <= 4 || sizeof(D) <= size);
	else if constexpr (kind == SIDE_JMP_FLOAT)
		return std::is_same_v<D, float> || std::is_same_v<D, double>;
	else if constexpr (kind == SIDE_JMP_POINTER)
		return std::is_pointer_v<D> || std::is_null_pointer_v<D>;
	else if constexpr (kind == SIDE_JMP_STRING || kind == SIDE_JMP_CHARS)
		return std::is_same_v<D, char *> ||
		       std::is_same_v<D, const char *>;
	else if constexpr (kind == SIDE_JMP_ARRAY)
		return array_suits<code, A, D>();
	else
		return seq_suits<code, D>();
}

template <size_t code, class A> inline side_jmp_value value(const A &a)
{
	constexpr size_t kind = SIDE_JMP_KIND_(code);

	static_assert(suits<code, A>(),
		      "side_jmp event: an argument has a type that its field "
		      "does not take; see side_jmp_event.h, EMITTING");
	if constexpr (!suits<code, A>())
		return side_jmp_value_int_(code, 0);
	else if constexpr (kind == SIDE_JMP_INT || kind == SIDE_JMP_ENUM)
		return side_jmp_value_int_(code, static_cast<uint64_t>(a));
	else if constexpr (kind == SIDE_JMP_FLOAT)
		return side_jmp_value_float_(code, static_cast<double>(a));
	else if constexpr (kind == SIDE_JMP_POINTER)
		return side_jmp_value_pointer_((uintptr_t)(a));
	else if constexpr (kind == SIDE_JMP_STRING || kind == SIDE_JMP_CHARS)
		return side_jmp_value_string_(a);
	else if constexpr (kind == SIDE_JMP_ARRAY)
		return side_jmp_value_data_(a, SIDE_JMP_LEN_(code));
	else
		return side_jmp_value_data_(a.data, a.count);
}

} /* namespace */

/* `n` elements from `p` on, for fields seq and byte_seq. */
template <class T>
inline side_jmp_detail::seq<side_jmp_detail::elem_of<std::remove_cv_t<T>>::elem>
side_jmp_seq(T *p, size_t n)
{
	return { p, n };
}

#define SIDE_JMP_CHECK_(event, n, a)
#define SIDE_JMP_VALUE_(event, n, a) \
	side_jmp_detail::value<sizeof(event##_side_jmp_f##n)>(a),

#endif /* C++ */

/* ------------------------------------------------------------------------
 * Emitting
 */

#if defined(__cplusplus)
#define SIDE_JMP_ASSERT_	static_assert
#else
#define SIDE_JMP_ASSERT_	_Static_assert
#endif

#define SIDE_JMP_WANTED_(event) \
	(sizeof(event##_side_jmp_layout) == 2 ? \
	 side_jmp_unlikely_wide(event##_side_jmp_key) : \
	 side_jmp_unlikely(event##_side_jmp_key))

#define side_jmp_event_enabled(provider, name) \
	SIDE_JMP_WANTED_(provider##_##name)

#define side_jmp_event(provider, ...) \
	SIDE_JMP_EMIT_(provider, __VA_ARGS__, ~)
#define SIDE_JMP_EMIT_(provider, name, ...) \
	SIDE_JMP_EMIT_I_(provider##_##name, #provider ":" #name, \
		SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__)
#define SIDE_JMP_EMIT_I_(event, text, n, ...) \
	SIDE_JMP_EMIT_II_(event, text, n, __VA_ARGS__)
#define SIDE_JMP_EMIT_II_(event, text, n, ...) do { \
	SIDE_JMP_ASSERT_(sizeof(event##_side_jmp_count) == 1 + (n), \
		"side_jmp event " text ": wrong number of arguments"); \
	SIDE_JMP_EACH_##n##_(SIDE_JMP_CHECK_, event, __VA_ARGS__) \
	if (SIDE_JMP_WANTED_(event)) { \
		const struct side_jmp_value side_jmp_values_[] = { \
			SIDE_JMP_EACH_##n##_(SIDE_JMP_VALUE_, event, \
					     __VA_ARGS__) \
			{ { 0 }, 0 } \
		}; \
		side_jmp_event_fire(&event##_side_jmp_event, \
				    side_jmp_values_); \
	} \
} while (0)

/* ------------------------------------------------------------------------
 * Defining
 */

#define SIDE_JMP_EVENT(...) \
	SIDE_JMP_EVENT_(uint32_t, 32, 1, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT64(...) \
	SIDE_JMP_EVENT_(uint64_t, 64, 1, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT_WIDE(...) \
	SIDE_JMP_EVENT_(uint32_t, 32, 2, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT64_WIDE(...) \
	SIDE_JMP_EVENT_(uint64_t, 64, 2, __VA_ARGS__, ~)

#define SIDE_JMP_EVENT_DECLARE(...) \
	SIDE_JMP_EVENT_DECLARE_(uint32_t, 1, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT64_DECLARE(...) \
	SIDE_JMP_EVENT_DECLARE_(uint64_t, 1, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT_WIDE_DECLARE(...) \
	SIDE_JMP_EVENT_DECLARE_(uint32_t, 2, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT64_WIDE_DECLARE(...) \
	SIDE_JMP_EVENT_DECLARE_(uint64_t, 2, __VA_ARGS__, ~)

#define SIDE_JMP_EVENT_(word, width, layout, provider, name, doc, ...) \
	SIDE_JMP_EVENT_DECLARE_I_(word, layout, provider##_##name, \
		SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__); \
	SIDE_JMP_EVENT_DEFINE_I_(width, provider##_##name, #provider, #name, \
		doc, SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__)

#define SIDE_JMP_EVENT_DECLARE_(word, layout, provider, name, doc, ...) \
	SIDE_JMP_EVENT_DECLARE_I_(word, layout, provider##_##name, \
		SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__)
#define SIDE_JMP_EVENT_DECLARE_I_(word, layout, event, n, ...) \
	SIDE_JMP_EVENT_DECLARE_II_(word, layout, event, n, __VA_ARGS__)
#define SIDE_JMP_EVENT_DECLARE_II_(word, layout, event, n, ...) \
	SIDE_JMP_KEY_LOCAL_(event##_side_jmp_key, word, \
			    extern SIDE_JMP_HIDDEN); \
	typedef char event##_side_jmp_layout[layout]; \
	typedef char event##_side_jmp_count[1 + (n)]; \
	SIDE_JMP_EACH_##n##_(SIDE_JMP_DECLARE_FIELD_, event, __VA_ARGS__) \
	extern struct side_jmp_event event##_side_jmp_event SIDE_JMP_HIDDEN

#define SIDE_JMP_DECLARE_FIELD_(event, n, field) \
	typedef char event##_side_jmp_f##n[SIDE_JMP_FIELD_CODE_ field];

/* gcc and clang would align a larger object to more, and leave gaps. */
#define SIDE_JMP_IN_SECTION_(name) \
	__attribute__((section(name), used, aligned(8) SIDE_JMP_RETAIN_))
#define SIDE_JMP_RETAIN_
#if defined(__has_attribute)
#if __has_attribute(retain)
#undef SIDE_JMP_RETAIN_
#define SIDE_JMP_RETAIN_	, retain
#endif
#endif

#define SIDE_JMP_EVENT_DEFINE_I_(width, event, provider, name, doc, n, ...) \
	SIDE_JMP_EVENT_STRINGS_(width, event, provider, name, doc, n, \
				__VA_ARGS__)
#define SIDE_JMP_EVENT_STRINGS_(width, event, provider, name, doc, n, ...) \
	SIDE_JMP_EVENT_DEFINE_II_(width, event, provider, name, doc, n, \
		(0 SIDE_JMP_EACH_##n##_(SIDE_JMP_N_LABELS_, ~, __VA_ARGS__)), \
		provider "\0" name "\0" doc "\0" \
		SIDE_JMP_EACH_##n##_(SIDE_JMP_TEXT_, ~, __VA_ARGS__), \
		__VA_ARGS__)
#define SIDE_JMP_EVENT_DEFINE_II_(width, event, provider, name, doc, n, \
				  n_labels, strings, ...) \
	enum event##_side_jmp_fields { \
		SIDE_JMP_EACH_##n##_(SIDE_JMP_FIELD_ONCE_, event, __VA_ARGS__) \
		event##_side_jmp_n = n \
	}; \
	struct side_jmp_key event##_side_jmp_key = { \
		{ 0 }, 0, SIDE_JMP_KEY_VERSION, width, 0, NULL, \
		provider ":" name \
	}; \
	struct event##_side_jmp_desc_type { \
		struct side_jmp_event_desc head; \
		struct side_jmp_field fields[n + 1]; \
		int64_t values[n_labels + 1]; \
		char text[sizeof(strings)]; \
	}; \
	SIDE_JMP_IN_SECTION_("side_jmp_event") \
	static const struct event##_side_jmp_desc_type \
	event##_side_jmp_desc = { \
		{ (sizeof(struct event##_side_jmp_desc_type) + 7) / 8 * 8, \
		  SIDE_JMP_EVENT_VERSION, n, n_labels, \
		  width == 64 ? SIDE_JMP_RECORD_WORD64 : 0, \
		  offsetof(struct event##_side_jmp_desc_type, text) }, \
		{ SIDE_JMP_EACH_##n##_(SIDE_JMP_FIELD_DATA_, event, __VA_ARGS__) \
		  { 0, 0, 0, 0 } }, \
		{ SIDE_JMP_EACH_##n##_(SIDE_JMP_LABEL_VALUES_, ~, __VA_ARGS__) \
		  0 }, \
		strings \
	}; \
	SIDE_JMP_IN_SECTION_("side_jmp_event_data") \
	struct side_jmp_event event##_side_jmp_event = { \
		SIDE_JMP_EVENT_VERSION, 0, &event##_side_jmp_key, \
		&event##_side_jmp_desc.head, NULL, 0, 0, { NULL, NULL } \
	}

#define SIDE_JMP_FIELD_ONCE_(event, n, field) \
	SIDE_JMP_FIELD_ONCE_I_(event, SIDE_JMP_FIELD_NAME_ field)
#define SIDE_JMP_FIELD_ONCE_I_(event, name) \
	SIDE_JMP_FIELD_ONCE_II_(event, name)
#define SIDE_JMP_FIELD_ONCE_II_(event, name)	event##_side_jmp_field_##name,

#define SIDE_JMP_FIELD_DATA_(event, n, field) \
	{ SIDE_JMP_KIND_(sizeof(event##_side_jmp_f##n)), \
	  SIDE_JMP_ELEM_(sizeof(event##_side_jmp_f##n)), 0, \
	  SIDE_JMP_LEN_(sizeof(event##_side_jmp_f##n)) },

/* ---- (type, name...) ---------------------------------------------------- */

#define SIDE_JMP_FIELD_CODE_(type, ...) \
	side_jmp_field_type_##type(__VA_ARGS__, ~)
#define SIDE_JMP_FIELD_NAME_(type, ...)	SIDE_JMP_FIRST_(__VA_ARGS__, ~)
#define SIDE_JMP_FIRST_(name, ...)	name

/* Only enum has labels. */
#define SIDE_JMP_N_LABELS_(c, n, field)	SIDE_JMP_N_LABELS_I_ field
#define SIDE_JMP_N_LABELS_I_(type, ...) \
	SIDE_JMP_LABELLED_(type, SIDE_JMP_N_, (__VA_ARGS__, ~))
#define SIDE_JMP_TEXT_(c, n, field) \
	SIDE_JMP_TEXT_I_(SIDE_JMP_FIELD_NAME_ field) SIDE_JMP_TEXT_II_ field
#define SIDE_JMP_TEXT_I_(name)		SIDE_JMP_TEXT_III_(name)
#define SIDE_JMP_TEXT_III_(name)	#name "\0"
#define SIDE_JMP_TEXT_II_(type, ...) \
	SIDE_JMP_LABELLED_(type, SIDE_JMP_TEXT_OF_, (__VA_ARGS__, ~))
#define SIDE_JMP_LABEL_VALUES_(c, n, field)	SIDE_JMP_LABEL_VALUES_I_ field
#define SIDE_JMP_LABEL_VALUES_I_(type, ...) \
	SIDE_JMP_LABELLED_(type, SIDE_JMP_VALUES_OF_, (__VA_ARGS__, ~))

#define SIDE_JMP_LABELLED_(type, what, args) \
	SIDE_JMP_LABELLED_I_(what, SIDE_JMP_TYPE_CLASS_##type, args)
#define SIDE_JMP_LABELLED_I_(what, class_, args) \
	SIDE_JMP_LABELLED_II_(what, class_, args)
#define SIDE_JMP_LABELLED_II_(what, class_, args)	what##class_ args

#define SIDE_JMP_N_plain(...)
#define SIDE_JMP_N_labels(name, ...)		+ SIDE_JMP_COUNT_(__VA_ARGS__)
#define SIDE_JMP_TEXT_OF_plain(...)
#define SIDE_JMP_TEXT_OF_labels(name, ...) \
	SIDE_JMP_EACH_LABEL_(SIDE_JMP_LABEL_TEXT_, SIDE_JMP_COUNT_(__VA_ARGS__), \
			 __VA_ARGS__)
#define SIDE_JMP_VALUES_OF_plain(...)
#define SIDE_JMP_VALUES_OF_labels(name, ...) \
	SIDE_JMP_EACH_LABEL_(SIDE_JMP_LABEL_VALUE_, SIDE_JMP_COUNT_(__VA_ARGS__), \
			 __VA_ARGS__)
#define SIDE_JMP_EACH_LABEL_(m, n, ...)	SIDE_JMP_EACH_LABEL_I_(m, n, __VA_ARGS__)
#define SIDE_JMP_EACH_LABEL_I_(m, n, ...) \
	SIDE_JMP_LABEL_##n##_(m, ~, __VA_ARGS__)
#define SIDE_JMP_LABEL_TEXT_(c, n, label)	SIDE_JMP_LABEL_TEXT_I_ label
#define SIDE_JMP_LABEL_TEXT_I_(value, label)	label "\0"
#define SIDE_JMP_LABEL_VALUE_(c, n, label)	SIDE_JMP_LABEL_VALUE_I_ label
#define SIDE_JMP_LABEL_VALUE_I_(value, label)	(int64_t)(value),

#define side_jmp_field_type_u8(...)	SIDE_JMP_INT_CODE_(U8)
#define side_jmp_field_type_u16(...)	SIDE_JMP_INT_CODE_(U16)
#define side_jmp_field_type_u32(...)	SIDE_JMP_INT_CODE_(U32)
#define side_jmp_field_type_u64(...)	SIDE_JMP_INT_CODE_(U64)
#define side_jmp_field_type_s8(...)	SIDE_JMP_INT_CODE_(S8)
#define side_jmp_field_type_s16(...)	SIDE_JMP_INT_CODE_(S16)
#define side_jmp_field_type_s32(...)	SIDE_JMP_INT_CODE_(S32)
#define side_jmp_field_type_s64(...)	SIDE_JMP_INT_CODE_(S64)
#define SIDE_JMP_INT_CODE_(elem) \
	SIDE_JMP_CODE_(SIDE_JMP_INT, SIDE_JMP_##elem, 0)
#define side_jmp_field_type_float(...) \
	SIDE_JMP_CODE_(SIDE_JMP_FLOAT, SIDE_JMP_F32, 0)
#define side_jmp_field_type_double(...) \
	SIDE_JMP_CODE_(SIDE_JMP_FLOAT, SIDE_JMP_F64, 0)
#define side_jmp_field_type_pointer(...) \
	SIDE_JMP_CODE_(SIDE_JMP_POINTER, SIDE_JMP_U64, 0)
#define side_jmp_field_type_enum(name, ...) \
	SIDE_JMP_CODE_(SIDE_JMP_ENUM, SIDE_JMP_S32, SIDE_JMP_COUNT_(__VA_ARGS__))
#define side_jmp_field_type_string(...)	SIDE_JMP_CODE_(SIDE_JMP_STRING, 0, 0)
#define side_jmp_field_type_chars(name, n, ...) \
	SIDE_JMP_CODE_(SIDE_JMP_CHARS, 0, n)
#define side_jmp_field_type_bytes(name, n, ...) \
	SIDE_JMP_CODE_(SIDE_JMP_ARRAY, SIDE_JMP_BYTE, n)
#define side_jmp_field_type_byte_seq(...) \
	SIDE_JMP_CODE_(SIDE_JMP_SEQ, SIDE_JMP_BYTE, 0)
#define side_jmp_field_type_array(name, type, n, ...) \
	SIDE_JMP_CODE_(SIDE_JMP_ARRAY, SIDE_JMP_ELEM_CODE_##type, n)
#define side_jmp_field_type_seq(name, type, ...) \
	SIDE_JMP_CODE_(SIDE_JMP_SEQ, SIDE_JMP_ELEM_CODE_##type, 0)

#define SIDE_JMP_ELEM_CODE_u8		SIDE_JMP_U8
#define SIDE_JMP_ELEM_CODE_u16		SIDE_JMP_U16
#define SIDE_JMP_ELEM_CODE_u32		SIDE_JMP_U32
#define SIDE_JMP_ELEM_CODE_u64		SIDE_JMP_U64
#define SIDE_JMP_ELEM_CODE_s8		SIDE_JMP_S8
#define SIDE_JMP_ELEM_CODE_s16		SIDE_JMP_S16
#define SIDE_JMP_ELEM_CODE_s32		SIDE_JMP_S32
#define SIDE_JMP_ELEM_CODE_s64		SIDE_JMP_S64
#define SIDE_JMP_ELEM_CODE_float	SIDE_JMP_F32
#define SIDE_JMP_ELEM_CODE_double	SIDE_JMP_F64

#define SIDE_JMP_TYPE_CLASS_u8		plain
#define SIDE_JMP_TYPE_CLASS_u16		plain
#define SIDE_JMP_TYPE_CLASS_u32		plain
#define SIDE_JMP_TYPE_CLASS_u64		plain
#define SIDE_JMP_TYPE_CLASS_s8		plain
#define SIDE_JMP_TYPE_CLASS_s16		plain
#define SIDE_JMP_TYPE_CLASS_s32		plain
#define SIDE_JMP_TYPE_CLASS_s64		plain
#define SIDE_JMP_TYPE_CLASS_float	plain
#define SIDE_JMP_TYPE_CLASS_double	plain
#define SIDE_JMP_TYPE_CLASS_pointer	plain
#define SIDE_JMP_TYPE_CLASS_enum	labels
#define SIDE_JMP_TYPE_CLASS_string	plain
#define SIDE_JMP_TYPE_CLASS_chars	plain
#define SIDE_JMP_TYPE_CLASS_bytes	plain
#define SIDE_JMP_TYPE_CLASS_byte_seq	plain
#define SIDE_JMP_TYPE_CLASS_array	plain
#define SIDE_JMP_TYPE_CLASS_seq		plain

/* ---- counting, and going through lists ---------------------------------- */

/*
 * Lists end in a ~ that is not counted.  m(c, n, item) for each: n counts down
 * to 1, which names a list's items alike wherever the list stands.
 */
#define SIDE_JMP_COUNT_(...) \
	SIDE_JMP_COUNT_I_(__VA_ARGS__, \
		33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, \
		17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, ~)
#define SIDE_JMP_COUNT_I_( \
		a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, \
		a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, \
		a28, a29, a30, a31, a32, a33, n, ...) n

#define SIDE_JMP_EACH_0_(m, c, ...)
#define SIDE_JMP_EACH_1_(m, c, a, ...)	m(c, 1, a)
#define SIDE_JMP_EACH_2_(m, c, a, ...) \
	m(c, 2, a) SIDE_JMP_EACH_1_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_3_(m, c, a, ...) \
	m(c, 3, a) SIDE_JMP_EACH_2_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_4_(m, c, a, ...) \
	m(c, 4, a) SIDE_JMP_EACH_3_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_5_(m, c, a, ...) \
	m(c, 5, a) SIDE_JMP_EACH_4_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_6_(m, c, a, ...) \
	m(c, 6, a) SIDE_JMP_EACH_5_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_7_(m, c, a, ...) \
	m(c, 7, a) SIDE_JMP_EACH_6_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_8_(m, c, a, ...) \
	m(c, 8, a) SIDE_JMP_EACH_7_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_9_(m, c, a, ...) \
	m(c, 9, a) SIDE_JMP_EACH_8_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_10_(m, c, a, ...) \
	m(c, 10, a) SIDE_JMP_EACH_9_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_11_(m, c, a, ...) \
	m(c, 11, a) SIDE_JMP_EACH_10_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_12_(m, c, a, ...) \
	m(c, 12, a) SIDE_JMP_EACH_11_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_13_(m, c, a, ...) \
	m(c, 13, a) SIDE_JMP_EACH_12_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_14_(m, c, a, ...) \
	m(c, 14, a) SIDE_JMP_EACH_13_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_15_(m, c, a, ...) \
	m(c, 15, a) SIDE_JMP_EACH_14_(m, c, __VA_ARGS__)
#define SIDE_JMP_EACH_16_(m, c, a, ...) \
	m(c, 16, a) SIDE_JMP_EACH_15_(m, c, __VA_ARGS__)

#define SIDE_JMP_LABEL_0_(m, c, ...)
#define SIDE_JMP_LABEL_1_(m, c, a, ...)	m(c, 1, a)
#define SIDE_JMP_LABEL_2_(m, c, a, ...) \
	m(c, 2, a) SIDE_JMP_LABEL_1_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_3_(m, c, a, ...) \
	m(c, 3, a) SIDE_JMP_LABEL_2_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_4_(m, c, a, ...) \
	m(c, 4, a) SIDE_JMP_LABEL_3_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_5_(m, c, a, ...) \
	m(c, 5, a) SIDE_JMP_LABEL_4_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_6_(m, c, a, ...) \
	m(c, 6, a) SIDE_JMP_LABEL_5_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_7_(m, c, a, ...) \
	m(c, 7, a) SIDE_JMP_LABEL_6_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_8_(m, c, a, ...) \
	m(c, 8, a) SIDE_JMP_LABEL_7_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_9_(m, c, a, ...) \
	m(c, 9, a) SIDE_JMP_LABEL_8_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_10_(m, c, a, ...) \
	m(c, 10, a) SIDE_JMP_LABEL_9_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_11_(m, c, a, ...) \
	m(c, 11, a) SIDE_JMP_LABEL_10_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_12_(m, c, a, ...) \
	m(c, 12, a) SIDE_JMP_LABEL_11_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_13_(m, c, a, ...) \
	m(c, 13, a) SIDE_JMP_LABEL_12_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_14_(m, c, a, ...) \
	m(c, 14, a) SIDE_JMP_LABEL_13_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_15_(m, c, a, ...) \
	m(c, 15, a) SIDE_JMP_LABEL_14_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_16_(m, c, a, ...) \
	m(c, 16, a) SIDE_JMP_LABEL_15_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_17_(m, c, a, ...) \
	m(c, 17, a) SIDE_JMP_LABEL_16_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_18_(m, c, a, ...) \
	m(c, 18, a) SIDE_JMP_LABEL_17_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_19_(m, c, a, ...) \
	m(c, 19, a) SIDE_JMP_LABEL_18_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_20_(m, c, a, ...) \
	m(c, 20, a) SIDE_JMP_LABEL_19_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_21_(m, c, a, ...) \
	m(c, 21, a) SIDE_JMP_LABEL_20_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_22_(m, c, a, ...) \
	m(c, 22, a) SIDE_JMP_LABEL_21_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_23_(m, c, a, ...) \
	m(c, 23, a) SIDE_JMP_LABEL_22_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_24_(m, c, a, ...) \
	m(c, 24, a) SIDE_JMP_LABEL_23_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_25_(m, c, a, ...) \
	m(c, 25, a) SIDE_JMP_LABEL_24_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_26_(m, c, a, ...) \
	m(c, 26, a) SIDE_JMP_LABEL_25_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_27_(m, c, a, ...) \
	m(c, 27, a) SIDE_JMP_LABEL_26_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_28_(m, c, a, ...) \
	m(c, 28, a) SIDE_JMP_LABEL_27_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_29_(m, c, a, ...) \
	m(c, 29, a) SIDE_JMP_LABEL_28_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_30_(m, c, a, ...) \
	m(c, 30, a) SIDE_JMP_LABEL_29_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_31_(m, c, a, ...) \
	m(c, 31, a) SIDE_JMP_LABEL_30_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_32_(m, c, a, ...) \
	m(c, 32, a) SIDE_JMP_LABEL_31_(m, c, __VA_ARGS__)

/* ------------------------------------------------------------------------
 * Every object registers its events, after its sites (priority 101).
 */

#ifdef __cplusplus
extern "C" {
#endif

extern struct side_jmp_event __start_side_jmp_event_data[]
	__attribute__((weak, visibility("hidden")));
extern struct side_jmp_event __stop_side_jmp_event_data[]
	__attribute__((weak, visibility("hidden")));

extern struct side_jmp_event_object side_jmp_these_events;
void side_jmp_these_events_start(void);
void side_jmp_these_events_stop(void);

__attribute__((weak, visibility("hidden")))
struct side_jmp_event_object side_jmp_these_events = {
	SIDE_JMP_EVENT_VERSION, sizeof(struct side_jmp_event),
	__start_side_jmp_event_data, __stop_side_jmp_event_data, NULL, NULL,
};

__attribute__((weak, visibility("hidden"), constructor(102)))
void side_jmp_these_events_start(void)
{
	(void)side_jmp_event_register(&side_jmp_these_events);
}

__attribute__((weak, visibility("hidden"), destructor(102)))
void side_jmp_these_events_stop(void)
{
	(void)side_jmp_event_unload(&side_jmp_these_events);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* SIDE_JMP_EVENT_H */
