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
 *	                            32 bits, 1 to 32 labels: an int, or an
 *	                            unsigned int if one is above INT_MAX
 *	(string, name)              const char *, any length; NULL is "(null)"
 *	(text, name)                side_jmp_text(pointer, length), up to the first 0
 *	(chars, name, n)            const char *, in n bytes: at most n - 1
 *	                            characters, the rest is cut off and not read
 *	(bytes, name, n)            n bytes; any pointer, or an array of n bytes
 *	(byte_seq, name)            side_jmp_seq(pointer, count)
 *	(array, name, type, n)      n integers or floats of a type above; a
 *	                            pointer to them, or an array of n
 *	(seq, name, type)           side_jmp_seq(pointer, count)
 *
 * These types are words, not C's: of an int it is s32, of a bool u8, of a size_t
 * u64, of a char * string.
 *
 * Words used above (u32, string...), names, and where spans and counters are
 * defined span, duration and value must not be macros.  Identifiers
 * with side_jmp in them are this header's.
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
 * evaluated only where the event is enabled, once, in C from left to right (in
 * C++ in no defined order).  A wrong number of arguments, or one whose type its
 * field does not take, is a compile-time error that names the event, the field
 * and both types.  What
 * fields take: integers of up to 32 bits, bool and enumerations for every
 * integer field (they are converted), of 64 bits for 64-bit fields only; float
 * and double for float and double; pointers to char, signed or unsigned, for
 * strings.  Cast where that is too strict.
 *
 * In C++ (from C++11 on) also std::string and whatever has c_str() for string
 * and chars; strings, and whatever has data() and size() (std::string_view,
 * std::vector, std::array, std::span) for text and sequences, and enumerations of
 * 64 bits for enum, whose values beyond 32 bits are shown as the nearest there is.
 *
 * side_jmp_event_enabled(provider, name) is the condition alone, for what has
 * to be prepared before.
 *
 * May be used in signal handlers.  errno is kept.
 *
 * The cost of an event that nobody wants is its no-op.  Where there are sites and
 * the compiler optimizes, the cold block of an event with at most 6 fields is no call
 * to the compiler: no frame is set up for it and no register saved, a loop keeps what
 * it has in registers.  Events with more fields, and all with #define
 * SIDE_JMP_PLAIN_CALLS before the header or where the code may use what is not saved
 * (SME, MMA; riscv64 without doubles), are called as functions are.
 *
 * So what an event's callbacks see of the emitting function is what a signal
 * handler would that strikes there, and its arguments: what strings, arrays and
 * sequences point at is as it should be; other memory that the function has
 * just written may not be there yet, and what a callback writes the function
 * may not read again, unless both are atomic or volatile.
 *
 *
 * SPANS AND COUNTERS
 *
 * A span is something that takes time: an event where it begins and one where
 * it ends, each a no-op until somebody wants it.
 *
 *	SIDE_JMP_SPAN(shop, checkout, "From the cart to the receipt",
 *		(u32, items));
 *
 *	int checkout(struct cart *cart)
 *	{
 *		side_jmp_span(shop, checkout, cart->n);
 *		...
 *	}
 *
 * side_jmp_span(provider, name, arguments...) is a declaration: the span
 * begins there and ends with its block, however that is left, but for
 * longjmp().  (So it can't be all that an if is for, nor, before C23, follow a
 * label: braces make it a block.  In C, do not jump past it into its block.)
 *
 * A span that begins and ends in different blocks or threads has an id, a
 * number from 1 to 2^48 - 1 that no other span of that name has between the
 * two; `span` is that number, with another one in the 16 bits above.
 *
 *	side_jmp_span_begin(shop, order, id, arguments...);
 *	side_jmp_span_end(shop, order, id);
 *
 * The events of shop:checkout are shop:checkout_begin, with a field (u64,
 * span) before those of the definition, of which there may be 15, and
 * shop:checkout_end, with (u64, span) and (u64, duration), nanoseconds.  Want
 * both: "shop:checkout_*".  A begin and an end belong together if and only if
 * they are of one process and one name and have the same `span`, which is not
 * 0.
 *
 * It is 0 in an end whose begin was not to be seen: the span had begun before
 * both were wanted, or more than 64 later ones have been open in its thread;
 * in a begin while the two are being enabled.  Then, and of a span with an id,
 * the duration is 0, too.  A begin without an end is one that was left by
 * longjmp(), or both were not wanted any more.  What the kernel (see below)
 * turns off and on again in between is not noticed.
 *
 * A block that is left by longjmp() within another of the same span gives the
 * outer one's end its `span`.  A coroutine that moves between threads, or
 * takes turns with others on one, needs ids.
 *
 *	SIDE_JMP_COUNTER(shop, queue, "Orders that wait", u32);
 *	side_jmp_counter(shop, queue, n);
 *
 * is an event with one field, (type, value), of an integer's type, float or
 * double: how many or how much there is from now on.
 *
 * Both are defined once, as events are.  Other files use them after
 * SIDE_JMP_SPAN_DECLARE or SIDE_JMP_COUNTER_DECLARE with the same arguments,
 * in a header.  A file that includes that header defines a span by
 * SIDE_JMP_SPAN_DEFINE.
 *
 * Tools tell them from other events by the descriptions (SIDE_JMP_IS_...), in
 * a CTF trace by the attribute model.emf.uri: "side_jmp:span_begin",
 * "side_jmp:span_end", "side_jmp:counter".
 *
 *
 * TRACERS
 *
 * A tracer is a callback for the events that match a pattern.  Patterns are
 * "provider:name", separated by commas; '*' stands for any characters and '?'
 * for one, and "*" alone for "*:*", all events.  They also hold for libraries that
 * are loaded later.
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
 * such a call begins or ends.
 *
 * A callback runs in the thread that emitted, may be a signal handler's, must
 * stay on the stack that it was called on, and must return (no exception, no
 * longjmp(), no end of the thread).  It may emit events, also those it is called
 * for: mind the recursion.  One that has a cancellation point turns cancellation
 * off meanwhile (pthread_setcancelstate()) if its thread may be cancelled: what the
 * emitting function has to destroy in C++ would not be, or the program ended.
 *
 * A signal handler that struck an event may leave by siglongjmp(), and a thread
 * may end there.  The call that is left so is noticed by that thread's next event
 * that is enabled, by its own unregister, and by anybody's once the thread has
 * ended.  Unregister waits ten seconds for a call that does not end, and says
 * -ETIMEDOUT then: no more calls begin, and it may be tried again.  A handler that
 * struck any other function of this library has to return.
 *
 *
 * FILTER EXPRESSIONS
 *
 * Behind a pattern may stand which of its events are wanted: here, wherever there
 * are patterns for events, in SIDE_JMP_ENABLE and `side-jmp run`, `trace`, `top`.
 *
 *	provider:name [if EXPRESSION] [every N] [limit N/s]
 *
 *	shop:order if items > 3 && customer ~ "A*"
 *	shop:* every 100, db:query if ms >= 2.5 limit 1000/s
 *
 * in this order, with spaces or tabs between words.  A comma ends it, but for one
 * in quotes.  An EXPRESSION is what ftrace calls a filter: comparisons, with &&,
 * || (&& binds closer), ! before a comparison or a parenthesis, ( and ).  A
 * comparison is a field, an operator and a value:
 *
 *	integer, pointer	== != < <= > >= &	a number
 *	enum			the same		a number or a label
 *	float, double		== != < <= > >=		a number
 *	string, text, chars	== != ~			a text
 *	bytes, byte_seq		== != ~			a text
 *
 * Arrays and sequences of others can't be compared.  `&` is true if the two have a
 * bit in common.  `~` is true if all of the text is like the value, where * stands
 * for any characters, ? for one, [abx-z] for one of these and [!abx-z] for one that
 * is none of them.
 *
 * A number is decimal or 0x and hexadecimal, and for floating point may have a
 * point and an exponent.  Integers compare as numbers, whatever their signs: -1 is
 * less than every u64.  For a float the number is rounded to one, so that 0.1 is
 * what a float shows as 0.1; NaN is != to all and nothing else.  A text stands in "
 * or ' and may be a word without them (letters, digits, _).  In quotes a backslash
 * takes its meaning from the next character; \n, \t and \xNN are a newline, a tab
 * and a byte.  A label that stands for several values is refused.
 *
 * Of the events that pass the expression `every N` lets the first pass, and then
 * each Nth; of those `limit N/s` (or /m, /h) lets N pass in each second (minute,
 * hour) of CLOCK_MONOTONIC.  N is from 1 to 1000000000.  Both count for each event
 * and process by itself, and what they leave out is not lost: it is counted, by
 * side_jmp_event_info.left_out, and the last line of a file or FIFO says it
 * ("side_jmp: 90 events left out"), in a CTF trace the event side_jmp:left_out with
 * (u64, count), as do `side-jmp run`, `trace`, `top`, `report` and `convert`.
 *
 * If several patterns of a tracer match an event, it comes, once, if one lets it
 * pass; the others may not have been asked, nor have counted it.
 *
 * A pattern without wildcards is an error if the event that it names has no such
 * field, or one of another type.  Where that event comes later, with a library, it
 * is not enabled, and counted in side_jmp_event_info.refused.  One with wildcards
 * means those of the events that match it to which its filter can be applied.
 * side_jmp_event_info.pattern_reason says which pattern was refused last, in which
 * column of it, and what was expected there; so does whoever took it.
 *
 * A filter is compiled once for each event, to at most 32 comparisons; 32 operators
 * and parentheses may be open; pattern and filter have at most 639 bytes.  It is
 * asked before anything of the event is copied or measured but what it looks at
 * itself.  The kernel's user_events are not filtered (the kernel has its own).
 *
 *
 * THE BUILT-IN TRACER
 *
 *	SIDE_JMP_ENABLE="provider:name,provider:*"   which events
 *	SIDE_JMP_OUTPUT=file                         lines of text, appended
 *	SIDE_JMP_OUTPUT=directory/                   CTF 1.8, for babeltrace2;
 *	                                             folders that miss are made
 *	SIDE_JMP_OUTPUT_SIZE=bytes[k|M|G]            of a CTF trace, or of all pieces;
 *	                                             default 64M
 *	SIDE_JMP_OUTPUT_MODE=overwrite               of a CTF trace: keep the newest
 *	SIDE_JMP_OUTPUT_PIECES=number                keep it in so many pieces, 2 to 64
 *	SIDE_JMP_OUTPUT_PERIOD=number[s|m|h|d]       how long one of these is written to
 *	SIDE_JMP_CONTEXT=cpu,comm,thread_time,stack  with each event; some of these
 *
 * or side_jmp_trace_start() and side_jmp_trace_option().  Without an output
 * lines go to stderr.  A line:
 *
 *	seconds.nanoseconds tid provider:name field=value...
 *	seconds.nanoseconds tid provider:name {context=value ...} field=value...
 *
 * in CLOCK_MONOTONIC's time, within a microsecond: where the kernel takes it
 * from the processor's counter (x86-64, clocksource tsc), so do events, after a
 * few hundredths of a second.  A line is valid UTF-8, whatever strings hold:
 * what is not, and characters that are orders to a terminal or end a line, is
 * escaped as C does.  It is at most 4096 bytes long (longer ones end in "...").
 *
 * Each line is one write(2), and no other system call, to a plain file or
 * /dev/null; stderr, a pipe or a terminal cost up to four more (asking whether
 * they are ready, which file stderr is, keeping SIGPIPE away).  Nothing is kept in
 * memory, so nothing is lost in a crash, and several processes may share a file.
 * With
 *
 *	SIDE_JMP_OUTPUT_MODE=buffered
 *
 * lines are written 64 kB at a time (a pipe gets 4 kB): when so many are there,
 * when one comes and the oldest is a second old, and when the program exits.  A
 * crash, SIGKILL, _exit() or exec() loses those, up to 64 kB of the newest
 * lines, and nobody counts them; what was written before is whole. Threads that
 * would wait for the buffer write by themselves: sort by time.
 *
 * A file that is renamed or removed is opened again within a second, by its path
 * from the root; so is one that the program closed.  Where it can't be, lines go
 * on to the old one.  They never go to another file that has the descriptor's
 * number: that is 900 or more, and is looked at at most a millisecond before each
 * line; when descriptor 2 is not what was stderr any more, lines for stderr are
 * lost.
 *
 * With SIDE_JMP_OUTPUT_PIECES=n a file is renamed when it is as long as an n-th
 * of SIDE_JMP_OUTPUT_SIZE, and some 10 kB, or as old as SIDE_JMP_OUTPUT_PERIOD
 * when a line comes: `file` is the newest, then come `file.1` to `file.<n-1>`,
 * and the oldest is written over. Each has whole lines, and all are between one
 * line and the next.  Several processes may share it: one of them renames, and
 * the others go on in the new file within a second.  Where locks (fcntl(2)) or
 * the right to rename can't be had, the file grows on.
 *
 * An output that is not ready (a full pipe) is not waited for, and one that
 * refuses (a full disk) is not tried again: the event is lost, counted
 * (side_jmp_event_info.lost), and a line before the next says how many were; at
 * exit stderr says it if the output takes nothing any more.
 *
 * A CTF trace is a directory <program>-<pid>-<n> in `directory`, with a stream for
 * each CPU and some more.  Its files are mapped, and no descriptor of them is kept.
 * They can be read at every moment, while the program runs and after any end of
 * it, to the last event that was emitted (a crash of the system loses what was
 * not on the disk yet).  Each has its full size from the start, with holes: `du`
 * says what it takes, and that is at most SIDE_JMP_OUTPUT_SIZE for all, a page for
 * each, and the descriptions.  What finds no room, also on the disk, is lost,
 * counted, said at exit, and shown by babeltrace2 as discarded; a disk that has
 * room again is used again.  Children go on in the same trace, in one order of
 * time: where one is in a time namespace (time_namespaces(7)) that is ahead, the
 * others' events get the times of its own, too.
 *
 * With SIDE_JMP_OUTPUT_MODE=overwrite it is the newest events that are kept, by
 * each CPU for itself, in SIDE_JMP_OUTPUT_SIZE: a flight recorder, which after
 * a crash or SIGKILL holds the last of what happened.  Three quarters of the
 * size are the CPUs', a quarter is for events of more than 500 bytes and where
 * there are no restartable sequences; each keeps at least seven eighths of its
 * own (of a size that is small for so many CPUs a half).  At least 128 kB are
 * needed for each CPU and 1 MB more, or start says -EFBIG. Packets that were
 * given up show in babeltrace2's count of discarded packets if older ones are
 * still there.  Those 128 kB and 1 MB are taken from the disk at the start
 * (-ENOSPC); where it has no room for all of the rest, the newest are kept in
 * what there is.
 *
 * With SIDE_JMP_OUTPUT_PIECES=n the same is n directories, piece_0 to
 * piece_<n-1>, each a trace by itself of the time in which it was written to,
 * and all together, by the directory that they are in, one.  A piece ends when
 * the lane of a CPU is full, which has its part of an n-th of
 * SIDE_JMP_OUTPUT_SIZE, or with the first event after SIDE_JMP_OUTPUT_PERIOD;
 * the oldest is then begun anew. A lane without events keeps its old ones. What
 * is lost in the first packet of a piece is shown by babeltrace2 only together
 * with the piece before.  (The pieces share one file `metadata`, by links: a
 * file system without links says so to start.)
 *
 * In both cases files are used again: to keep some, copy them by a snapshot
 * (side_jmp_trace_snapshot(), side-jmp snapshot), do not move or remove them;
 * what is emitted afterwards into files that were removed is gone. babeltrace2
 * may read the trace of a program that has ended or is stopped; while it is
 * written to, what is read slowly may be overwritten under the reader, who
 * should take a snapshot: it is right at every moment.
 *
 * Context is what SIDE_JMP_CONTEXT names, in this order wherever it is written; in
 * a CTF trace it is the event context of the stream, beside vpid and vtid.
 *
 *	cpu          the number of the CPU
 *	comm         the thread's name, as prctl(PR_SET_NAME) sets it
 *	thread_time  ns that the thread has run: CLOCK_THREAD_CPUTIME_ID
 *	stack        addresses to which calls return, at most 32, the event's own
 *	             function first; x86-64 and arm64, elsewhere none
 *
 * Where nobody asks for it, it costs an event in a trace some ten instructions of a
 * thousand, and one that nobody wants nothing.  On an AMD EPYC it adds to an event
 * in a CTF trace some 50 ns (cpu), 350 ns (comm), 600 ns (thread_time), 1.3 to 1.6 us
 * (stack, 8 calls deep; 2.5 with 28): but for cpu a system call each, and of a stack
 * one for each kilobyte that is looked at.
 *
 * A stack is read by its frame pointers: all of it where all functions on the way
 * were compiled with -fno-omit-frame-pointer (gcc: and -fno-shrink-wrap, or the
 * caller of an event's function may be missing, which has set up no frame yet).
 * Where one was not, the first address is right all the same, and what follows is
 * whatever was there; nothing else happens.  It takes process_vm_readv(2) of the
 * process itself: in a sandbox that refuses it the first address is all.  One that
 * kills who asks (seccomp(2), SECCOMP_RET_KILL or _TRAP) kills the program at its
 * next event; so it may for comm, prctl(2), and thread_time, clock_gettime(2).
 * Where a function stands: addr2line -f -e program, of the address less 1 and, in
 * position independent ones, less where /proc/<pid>/maps has its beginning.
 *
 * Whoever writes over or truncates the files of a running trace ends the
 * program (SIGBUS), as with every mapped file.
 *
 * An event takes memory of the stack that it is on: at most 5 kB for a CTF trace, 7
 * with a stack as its context, 11 for text.  Where signal handlers have events and a
 * stack of their own (sigaltstack(2)), that has to be so much larger.
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
 * float, double: struct float 4, struct double 8; pointer: u64; enum: s32 or
 * u32;
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

#pragma GCC system_header

#include <limits.h>
#include <string.h>

#ifdef __cplusplus
#include <type_traits>
#include <utility>
#endif

#include "side_jmp.h"
#include "side_jmp/push.h"

/* ------------------------------------------------------------------------
 * What an event is
 */

enum side_jmp_kind {
	SIDE_JMP_INT = 1,	/* of `elem` */
	SIDE_JMP_FLOAT = 2,	/* of `elem` */
	SIDE_JMP_POINTER = 3,
	SIDE_JMP_ENUM = 4,	/* of `elem`, s32 or u32; count: labels */
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
	uint16_t flags;		/* SIDE_JMP_FIELD_COUNTED */
	uint32_t count;
};

/* A site gives a pointer to a struct side_jmp_seq: seq, byte_seq, text. */
#define SIDE_JMP_FIELD_COUNTED		0x1

#define SIDE_JMP_DESC_VERSION		1

/*
 * An event's description in the section side_jmp_event.  Frozen.  Followed by
 *	struct side_jmp_field fields[n_fields + 1];	the last is 0
 *	int64_t values[n_values + 1];			of all labels; the last is 0
 *	char text[];	strings, each ended by a 0: provider, name, docstring,
 *			then of each field its name and its labels
 */
struct side_jmp_event_desc {
	uint32_t size;		/* of all of it: to the next one; 8 divides it */
	uint16_t version;	/* SIDE_JMP_DESC_VERSION */
	uint16_t n_fields;
	uint32_t n_values;
	uint16_t flags;		/* SIDE_JMP_RECORD_WORD64, SIDE_JMP_IS_... */
	uint16_t text;		/* where text begins, from the start of this */
};

/* Which of the ends of a span it is, or a counter; at most one of them. */
#define SIDE_JMP_IS_SPAN_BEGIN		0x100
#define SIDE_JMP_IS_SPAN_END		0x200
#define SIDE_JMP_IS_COUNTER		0x400

struct side_jmp_slot;

#define SIDE_JMP_EVENT_VERSION		2

/* An event in memory; the section side_jmp_event_data is an array of them. */
struct side_jmp_event {
	uint32_t version;	/* SIDE_JMP_EVENT_VERSION */
	uint32_t id;		/* of the built-in tracer; 0: none yet */
	struct side_jmp_key *key;
	const struct side_jmp_event_desc *desc;
	struct side_jmp_slot *slots;	/* of tracers; see events/tracer.c */
	uint32_t write_index;	/* user_events */
	uint32_t state;		/* user_events; 0: not registered */
	struct side_jmp_event *side_jmp_self;	/* what sites push */
	uint16_t *semaphore;	/* NULL; or counts who wants it (sys/sdt.h) */
	uintptr_t number;	/* of its coming, in this process; 0: not yet */
	struct side_jmp_event *other;	/* of a span, its other end; NULL */
	uint32_t era;		/* of a span; see events/span.c */
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
SIDE_JMP_API_BEGIN_

/* ------------------------------------------------------------------------
 * Tracers
 */

struct side_jmp_tracer;

/*
 * Returns 0 and *tracer, or
 *   -EINVAL		no pattern, or a bad one, or a filter that can't be
 *			applied (side_jmp_event_info.pattern_reason); callback NULL
 *   -ENAMETOOLONG	a pattern of more than 119 bytes, or 639 with its filter
 *   -E2BIG		a filter of more than 32 comparisons, or too deep
 *   -ENOMEM
 *   -errno		a matching event could not be enabled (side_jmp_enable)
 * On an error no event has been enabled and the callback was not called.  A child
 * that another thread forks meanwhile has no such tracer.
 */
int side_jmp_tracer_register(struct side_jmp_tracer **tracer,
			     const char *patterns,
			     side_jmp_callback *callback, void *data);

/*
 * The same, for a callback that leaves vectors and errno as they were.  On
 * x86-64, where events are no calls to the compiler, saving the vectors costs more
 * than a short callback does; around this one nobody saves them.  It is
 * compiled with
 *
 *	__attribute__((target("general-regs-only")))
 *
 * (gcc 7, clang 13, and later; on other processors nothing is needed), and
 * calls only functions that are compiled so, too, and linked into the same
 * executable or library: none of the C library's, whose vectors nobody sees,
 * and so nothing that a compiler makes a call of memcpy() of.  One that breaks
 * this changes what the emitting function has in its registers.
 */
int side_jmp_tracer_register_general(struct side_jmp_tracer **tracer,
				     const char *patterns,
				     side_jmp_callback *callback, void *data);

/*
 * Returns 0, or
 *   -EINVAL	not registered, or being unregistered by somebody else (who
 *		then waits for this very callback)
 *   -EDEADLK	see above
 *   -ETIMEDOUT	a call does not end, see above
 *   -errno	what membarrier(2) said, which a seccomp filter refuses now:
 *		nobody can tell whether a call still runs.  No more begin.
 */
int side_jmp_tracer_unregister(struct side_jmp_tracer *tracer);

/*
 * The built-in tracer, for these events too.  output NULL: where it writes
 * already, or stderr; "path", "directory/".  One output a process: -EBUSY if it
 * was started with another name; -EDEADLK in a signal handler that struck this very thread
 * while it starts or stops it.  Other errors: as above, or what the files'
 * opening said.  A pattern that it has already, with the same filter, changes
 * nothing.
 */
int side_jmp_trace_start(const char *patterns, const char *output);

/*
 * What SIDE_JMP_OUTPUT_<NAME> says, for the output that is opened next: "mode",
 * "size", "pieces" or "period", and the value as the variable has it; "" is the
 * default.  And "context", which is SIDE_JMP_CONTEXT.  A mode that is not the
 * output's is to no effect.  From any thread.
 * Returns 0, -EINVAL (not such a value), -ENOENT (no such name), -EBUSY (there
 * is an output), -EDEADLK as below.
 */
int side_jmp_trace_option(const char *name, const char *value);

/*
 * A copy of the CTF trace as it is now, in a new directory of that name: all
 * that was emitted before the call, by any process of the trace, that is still
 * there. Nobody waits for it. It is found by its path: -ENOENT where that does
 * not lead to it any more (chroot()).  From any thread; not from a signal
 * handler.  Returns 0; -EINVAL (not started), -EOPNOTSUPP (not a CTF trace),
 * -EDEADLK as below, -EEXIST (there is such a directory), -EILSEQ (somebody has
 * written to its files), -ENOMEM, or what the files' opening and writing said;
 * then there is no new directory.
 */
int side_jmp_trace_snapshot(const char *directory);

/*
 * No more events; close the output.  0, -EINVAL (not started), -EDEADLK; or
 * -ETIMEDOUT or another error of unregister's, and until another try has
 * returned 0 the output stays open and start returns -EBUSY.  So it is in a child
 * that another thread forks while this one waits.
 */
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
	uint64_t objects_rejected;	/* whose events nobody is told of: they
					   never fire */
	char reject_reason[240];	/* the last one: what, where, why */
	uint64_t left_out;		/* by `every` and `limit`, see above */
	char pattern_reason[360];	/* of the last pattern that was refused:
					   which, where, what was expected */
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

/* 0 or -errno; -EINVAL: see side_jmp_event_info.reject_reason. */
int side_jmp_event_register(struct side_jmp_event_object *object);
int side_jmp_event_unload(struct side_jmp_event_object *object);
/* What sites call: bits[n_fields], an argument each; see "arguments" below. */
void side_jmp_event_fire(struct side_jmp_event *event, const uint64_t *bits);

SIDE_JMP_API_END_

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

/* ---- arguments ---------------------------------------------------------- */

/*
 * A field in a number, which an array's size tells: its kind, whether its value
 * is a struct side_jmp_seq, the type of its elements, how many.
 */
#define SIDE_JMP_CODE_(kind, elem, count) \
	((kind) + 32 * (elem) + 512 * (size_t)(count))
#define SIDE_JMP_COUNTED_	16
#define SIDE_JMP_KIND_(code)	((code) & 15)
#define SIDE_JMP_ELEM_(code)	((code) >> 5 & 15)
#define SIDE_JMP_LEN_(code)	((code) >> 9)

/* Bytes of an element of the kind. */
#define SIDE_JMP_ELEM_SIZE_(elem) \
	((size_t)((elem) == SIDE_JMP_BYTE ? 1 : (elem) == SIDE_JMP_F32 ? 4 : \
		  (elem) == SIDE_JMP_F64 ? 8 : 1 << (((elem) - 1) & 3)))
#define SIDE_JMP_ELEM_SIGNED_(elem) \
	((elem) >= SIDE_JMP_S8 && (elem) <= SIDE_JMP_S64)

/* `count` elements from `data` on. */
struct side_jmp_seq {
	const void *data;
	size_t count;
};

/*
 * An argument travels as 64 bits: an integer, extended by its own type; a
 * double's bits, rounded where its field is a float; a pointer, and a sequence
 * by one.  The bits are taken where the port says and not where a compiler likes
 * to: in the hot path.
 */
static inline uint64_t side_jmp_double_(double value, bool side_jmp_is_float)
{
	uint64_t bits;

	if (side_jmp_is_float)
		value = (double)(float)value;
#if SIDE_JMP_HAS_CALL_ && defined(SIDE_JMP_ARCH_CALL_DOUBLE)
	SIDE_JMP_ARCH_CALL_DOUBLE(bits, value);
#else
	__builtin_memcpy(&bits, &value, sizeof(bits));
#endif
	return bits;
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#ifndef __cplusplus

/* ---- C: does an argument suit its field? -------------------------------- */

/*
 * Types that are there to be named: an argument that does not suit is an error
 * of passing it to <event>_side_jmp_takes(), which says what was expected.
 */
#define SIDE_JMP_TYPE_(name)	struct side_jmp_##name { char side_jmp_; };
#define SIDE_JMP_TYPES_(name) \
	SIDE_JMP_TYPE_(name) SIDE_JMP_TYPE_(array_of_##name) \
	SIDE_JMP_TYPE_(seq_of_##name)
SIDE_JMP_TYPES_(u8) SIDE_JMP_TYPES_(u16) SIDE_JMP_TYPES_(u32)
SIDE_JMP_TYPES_(u64) SIDE_JMP_TYPES_(s8) SIDE_JMP_TYPES_(s16)
SIDE_JMP_TYPES_(s32) SIDE_JMP_TYPES_(s64) SIDE_JMP_TYPES_(float)
SIDE_JMP_TYPES_(double) SIDE_JMP_TYPE_(pointer) SIDE_JMP_TYPE_(enum)
SIDE_JMP_TYPE_(string) SIDE_JMP_TYPE_(chars) SIDE_JMP_TYPE_(text)
SIDE_JMP_TYPE_(bytes) SIDE_JMP_TYPE_(byte_seq)

/* Pointers to these carry a sequence's type; nobody looks through them. */
struct side_jmp_seq_u8_;	struct side_jmp_seq_s8_;
struct side_jmp_seq_u16_;	struct side_jmp_seq_s16_;
struct side_jmp_seq_u32_;	struct side_jmp_seq_s32_;
struct side_jmp_seq_u64_;	struct side_jmp_seq_s64_;
struct side_jmp_seq_float_;	struct side_jmp_seq_double_;
struct side_jmp_seq_byte_;

/* No argument has these types. */
struct side_jmp_none1_; struct side_jmp_none2_; struct side_jmp_none3_;
#define SIDE_JMP_NONE_		struct side_jmp_none1_ *, struct side_jmp_none2_ *
#define SIDE_JMP_NONES_		SIDE_JMP_NONE_, struct side_jmp_none3_ *

/*
 * What suits a type: the class of gcc's typeclass.h (clang has the same), 6 for
 * any pointer; of a number, the widest; of a pointer, one of four.
 */
#define SIDE_JMP_INTEGER_(tag, widest)	1, tag, widest, SIDE_JMP_NONES_
#define SIDE_JMP_REAL_(tag)		8, tag, double, SIDE_JMP_NONES_
#define SIDE_JMP_ANY_(tag)		6, tag, char, SIDE_JMP_NONES_
#define SIDE_JMP_CHARS_(tag) \
	5, tag, const char *, char *, const unsigned char *, unsigned char *
#define SIDE_JMP_COUNTS_(tag, type) \
	5, tag, struct side_jmp_seq_##type##_ *, SIDE_JMP_NONES_

#define side_jmp_suits_u8(...)		SIDE_JMP_INTEGER_(u8, uint32_t)
#define side_jmp_suits_u16(...)		SIDE_JMP_INTEGER_(u16, uint32_t)
#define side_jmp_suits_u32(...)		SIDE_JMP_INTEGER_(u32, uint32_t)
#define side_jmp_suits_u64(...)		SIDE_JMP_INTEGER_(u64, uint64_t)
#define side_jmp_suits_s8(...)		SIDE_JMP_INTEGER_(s8, uint32_t)
#define side_jmp_suits_s16(...)		SIDE_JMP_INTEGER_(s16, uint32_t)
#define side_jmp_suits_s32(...)		SIDE_JMP_INTEGER_(s32, uint32_t)
#define side_jmp_suits_s64(...)		SIDE_JMP_INTEGER_(s64, uint64_t)
#define side_jmp_suits_float(...)	SIDE_JMP_REAL_(float)
#define side_jmp_suits_double(...)	SIDE_JMP_REAL_(double)
#define side_jmp_suits_pointer(...)	SIDE_JMP_ANY_(pointer)
#define side_jmp_suits_enum(...)	SIDE_JMP_INTEGER_(enum, uint32_t)
#define side_jmp_suits_string(...)	SIDE_JMP_CHARS_(string)
#define side_jmp_suits_chars(...)	SIDE_JMP_CHARS_(chars)
#define side_jmp_suits_text(...) \
	5, text, struct side_jmp_seq_u8_ *, struct side_jmp_seq_s8_ *, \
	struct side_jmp_seq_byte_ *, struct side_jmp_none1_ *
#define side_jmp_suits_bytes(...)	SIDE_JMP_ANY_(bytes)
#define side_jmp_suits_byte_seq(...) \
	5, byte_seq, struct side_jmp_seq_u8_ *, struct side_jmp_seq_s8_ *, \
	struct side_jmp_seq_byte_ *, struct side_jmp_none1_ *
#define side_jmp_suits_array(name, type, ...) \
	5, array_of_##type, SIDE_JMP_POINTERS_##type
#define side_jmp_suits_seq(name, type, ...) \
	SIDE_JMP_COUNTS_(seq_of_##type, type)

#define SIDE_JMP_BOTH_(type)		const type *, type *
#define SIDE_JMP_POINTERS_u16	SIDE_JMP_BOTH_(unsigned short), SIDE_JMP_NONE_
#define SIDE_JMP_POINTERS_s16	SIDE_JMP_BOTH_(short), SIDE_JMP_NONE_
#define SIDE_JMP_POINTERS_float	SIDE_JMP_BOTH_(float), SIDE_JMP_NONE_
#define SIDE_JMP_POINTERS_double	SIDE_JMP_BOTH_(double), SIDE_JMP_NONE_
#if CHAR_MIN < 0
#define SIDE_JMP_POINTERS_u8	SIDE_JMP_BOTH_(unsigned char), SIDE_JMP_NONE_
#define SIDE_JMP_POINTERS_s8	SIDE_JMP_BOTH_(signed char), SIDE_JMP_BOTH_(char)
#define SIDE_JMP_SEQ_CHAR_	struct side_jmp_seq_s8_ *
#else
#define SIDE_JMP_POINTERS_u8	SIDE_JMP_BOTH_(unsigned char), SIDE_JMP_BOTH_(char)
#define SIDE_JMP_POINTERS_s8	SIDE_JMP_BOTH_(signed char), SIDE_JMP_NONE_
#define SIDE_JMP_SEQ_CHAR_	struct side_jmp_seq_u8_ *
#endif
#if LONG_MAX > 0x7fffffff
#define SIDE_JMP_POINTERS_u32	SIDE_JMP_BOTH_(unsigned int), SIDE_JMP_NONE_
#define SIDE_JMP_POINTERS_s32	SIDE_JMP_BOTH_(int), SIDE_JMP_NONE_
#define SIDE_JMP_POINTERS_u64 \
	SIDE_JMP_BOTH_(unsigned long long), SIDE_JMP_BOTH_(unsigned long)
#define SIDE_JMP_POINTERS_s64	SIDE_JMP_BOTH_(long long), SIDE_JMP_BOTH_(long)
#define SIDE_JMP_SEQ_LONG_(sign)	struct side_jmp_seq_##sign##64_ *
#else
#define SIDE_JMP_POINTERS_u32 \
	SIDE_JMP_BOTH_(unsigned int), SIDE_JMP_BOTH_(unsigned long)
#define SIDE_JMP_POINTERS_s32	SIDE_JMP_BOTH_(int), SIDE_JMP_BOTH_(long)
#define SIDE_JMP_POINTERS_u64	SIDE_JMP_BOTH_(unsigned long long), SIDE_JMP_NONE_
#define SIDE_JMP_POINTERS_s64	SIDE_JMP_BOTH_(long long), SIDE_JMP_NONE_
#define SIDE_JMP_SEQ_LONG_(sign)	struct side_jmp_seq_##sign##32_ *
#endif

/* Of field n, in what an event's declaration may repeat. */
#define SIDE_JMP_DECLARE_SUITS_(event, n, field) \
	SIDE_JMP_DECLARE_SUITS_I_(event, n, SIDE_JMP_SUITS_OF_ field)
#define SIDE_JMP_SUITS_OF_(type, ...)	side_jmp_suits_##type(__VA_ARGS__, ~)
#define SIDE_JMP_DECLARE_SUITS_I_(event, n, ...) \
	SIDE_JMP_DECLARE_SUITS_II_(event, n, __VA_ARGS__)
#define SIDE_JMP_DECLARE_SUITS_II_(event, n, class_, tag, p, q, r, s) \
	SIDE_JMP_FACT_ char side_jmp_c##n##_##event[class_]; \
	SIDE_JMP_FACT_ struct side_jmp_##tag side_jmp_t##n##_##event; \
	SIDE_JMP_FACT_ p side_jmp_p##n##_##event; \
	SIDE_JMP_FACT_ q side_jmp_q##n##_##event; \
	SIDE_JMP_FACT_ r side_jmp_r##n##_##event; \
	SIDE_JMP_FACT_ s side_jmp_s##n##_##event;
#define SIDE_JMP_TYPE_OF_(event, n, field)	__typeof__(side_jmp_t##n##_##event)

/* `is`: the class that v has. */
#define SIDE_JMP_FIT_(event, n, v, is) \
	(sizeof(side_jmp_c##n##_##event) == 6 ? is == 5 : \
	 is == sizeof(side_jmp_c##n##_##event) && \
	 (is == 5 ? \
	  _Generic(v, __typeof__(side_jmp_p##n##_##event): 1, \
		   __typeof__(side_jmp_q##n##_##event): 1, \
		   __typeof__(side_jmp_r##n##_##event): 1, \
		   __typeof__(side_jmp_s##n##_##event): 1, \
		   default: 0) : \
	  sizeof(v) <= sizeof(side_jmp_p##n##_##event)))

/* An array, if it is one, has to have all of its elements. */
#define SIDE_JMP_IF_(condition, a, other) \
	__builtin_choose_expr(condition, a, other)
#define SIDE_JMP_ARRAY_(event, n, a) \
	SIDE_JMP_IF_(sizeof(side_jmp_n##n##_##event) > 1, (a), (char *)0)
#define SIDE_JMP_LONG_ENOUGH_(event, n, type) \
	(__builtin_types_compatible_p(type, __typeof__(((void)0, *(type *)0))) || \
	 sizeof(type) + 1 == sizeof(side_jmp_n##n##_##event))

/* ---- C: sequences ------------------------------------------------------- */

#define SIDE_JMP_SEQ_OF_(type, seq)	type *: (seq)0, const type *: (seq)0,
#define SIDE_JMP_SEQ_TYPE_(p) __typeof__(_Generic(((void)0, (p)), \
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
	SIDE_JMP_SEQ_OF_(float, struct side_jmp_seq_float_ *) \
	SIDE_JMP_SEQ_OF_(double, struct side_jmp_seq_double_ *) \
	void *: (struct side_jmp_seq_byte_ *)0, \
	const void *: (struct side_jmp_seq_byte_ *)0))

/* `n` elements from `p` on, for fields seq and byte_seq. */
#define side_jmp_seq(p, n) \
	(__extension__ (SIDE_JMP_SEQ_TYPE_(p)) \
		(void *)&(struct side_jmp_seq){ (p), (n) })
/* `n` characters from `p` on, for text. */
#define side_jmp_text(p, n) \
	(__extension__ (struct side_jmp_seq_byte_ *)(void *) \
		&(struct side_jmp_seq){ side_jmp_text_of_(p), (n) })
static inline const void *side_jmp_text_of_(const char *text)
{
	return text;
}

/* ---- C: emitting -------------------------------------------------------- */

static inline const void *side_jmp_data_of_(const void *seq)
{
	return ((const struct side_jmp_seq *)seq)->data;
}

/* Through a pointer: not at all, at what it points at, at what that names, too. */
#define SIDE_JMP_LOOKS_(code) \
	((code) & SIDE_JMP_COUNTED_ ? 2 : SIDE_JMP_KIND_(code) != SIDE_JMP_POINTER)

/* The argument, once; evaluated where the event is enabled. */
#define SIDE_JMP_TAKE_(event, n, a) \
	__extension__ __auto_type side_jmp_v##n##_ = ((void)0, (a)); \
	enum { \
		side_jmp_is##n##_ = SIDE_JMP_CLASSIFY_(side_jmp_v##n##_), \
		side_jmp_fit##n##_ = __extension__ SIDE_JMP_FIT_(event, n, \
			side_jmp_v##n##_, side_jmp_is##n##_), \
		side_jmp_looks##n##_ = side_jmp_fit##n##_ && side_jmp_is##n##_ == 5 ? \
			SIDE_JMP_LOOKS_(sizeof(side_jmp_f##n##_##event)) : 0 \
	}; \
	typedef __typeof__(SIDE_JMP_ARRAY_(event, n, a)) side_jmp_a##n##_; \
	SIDE_JMP_ASSERT_(!side_jmp_fit##n##_ || \
		SIDE_JMP_LONG_ENOUGH_(event, n, side_jmp_a##n##_), \
		"side_jmp event " #event ": argument " #n " has not as many " \
		"elements as its field");
#define SIDE_JMP_CHECK_(event, n, a) \
	SIDE_JMP_IF_(side_jmp_fit##n##_, \
		(__typeof__(side_jmp_t##n##_##event)){ 0 }, side_jmp_v##n##_)
#define SIDE_JMP_BITS_(event, n, a) \
	SIDE_JMP_IF_(side_jmp_is##n##_ == 8, \
		side_jmp_double_( \
			SIDE_JMP_IF_(side_jmp_is##n##_ == 8, side_jmp_v##n##_, 0), \
			SIDE_JMP_ELEM_(sizeof(side_jmp_f##n##_##event)) == \
			SIDE_JMP_F32), \
		(uint64_t)SIDE_JMP_IF_(side_jmp_fit##n##_ && side_jmp_is##n##_ != 8, \
				       side_jmp_v##n##_, 0))

/* What the function looks at: nothing, the argument, what a sequence names. */
#define SIDE_JMP_TRIPLE_(event, n, a) \
	SIDE_JMP_BITS_(event, n, a), \
	SIDE_JMP_IF_(side_jmp_looks##n##_, side_jmp_v##n##_, \
		     &event##_side_jmp_event), \
	SIDE_JMP_IF_(side_jmp_looks##n##_ == 2, \
		     side_jmp_data_of_(SIDE_JMP_IF_(side_jmp_looks##n##_ == 2, \
						    side_jmp_v##n##_, (char *)0)), \
		     &event##_side_jmp_event)

#define SIDE_JMP_EMIT_ALL_(event, n, ...) \
	SIDE_JMP_EACH_##n##_(SIDE_JMP_TAKE_, event, __VA_ARGS__) \
	(void)sizeof(event##_side_jmp_takes( \
		SIDE_JMP_LIST_##n##_(SIDE_JMP_CHECK_, event, __VA_ARGS__))); \
	SIDE_JMP_FIRE_##n##_(event, n, __VA_ARGS__)
#define SIDE_JMP_NEXT_BITS_(event, n, a)	SIDE_JMP_BITS_(event, n, a),
#define SIDE_JMP_PLAINLY_(event, n, ...) \
	side_jmp_event_fire(&event##_side_jmp_event, (const uint64_t[]){ \
		SIDE_JMP_EACH_##n##_(SIDE_JMP_NEXT_BITS_, event, __VA_ARGS__) \
		0 });
#if SIDE_JMP_HAS_CALL_
#define SIDE_JMP_FIRE_0_(event, n, ...) \
	side_jmp_fire_0_(&event##_side_jmp_event.side_jmp_self);
#define SIDE_JMP_AT_NO_COST_(event, n, ...) \
	side_jmp_fire_##n##_(&event##_side_jmp_event.side_jmp_self, \
		SIDE_JMP_LIST_##n##_(SIDE_JMP_TRIPLE_, event, __VA_ARGS__));
#else
#define SIDE_JMP_FIRE_0_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_AT_NO_COST_		SIDE_JMP_PLAINLY_
#endif
#define SIDE_JMP_FIRE_1_		SIDE_JMP_AT_NO_COST_
#define SIDE_JMP_FIRE_2_		SIDE_JMP_AT_NO_COST_
#define SIDE_JMP_FIRE_3_		SIDE_JMP_AT_NO_COST_
#define SIDE_JMP_FIRE_4_		SIDE_JMP_AT_NO_COST_
#define SIDE_JMP_FIRE_5_		SIDE_JMP_AT_NO_COST_
#define SIDE_JMP_FIRE_6_		SIDE_JMP_AT_NO_COST_
#define SIDE_JMP_FIRE_7_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_FIRE_8_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_FIRE_9_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_FIRE_10_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_FIRE_11_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_FIRE_12_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_FIRE_13_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_FIRE_14_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_FIRE_15_		SIDE_JMP_PLAINLY_
#define SIDE_JMP_FIRE_16_		SIDE_JMP_PLAINLY_

#else /* C++ */

#define SIDE_JMP_DECLARE_SUITS_(event, n, field)
#define SIDE_JMP_TYPE_OF_(event, n, field)	SIDE_JMP_CXX_TYPE_ field
#define SIDE_JMP_CXX_TYPE_(type, ...)	side_jmp_cxx_##type(__VA_ARGS__, ~)

extern "C++" {
namespace side_jmp_detail {

/* ---- C++: does an argument suit its field? ------------------------------ */

/* The type of elements, as fields name it; 0: no field has it. */
template <class T> struct elem_of {
	static constexpr int value = 0;
};
#define SIDE_JMP_ELEM_OF_(type, elem) \
	template <> struct elem_of<type> { \
		static constexpr int value = elem; \
	};
SIDE_JMP_ELEM_OF_(char, (CHAR_MIN < 0 ? SIDE_JMP_S8 : SIDE_JMP_U8))
SIDE_JMP_ELEM_OF_(signed char, SIDE_JMP_S8)
SIDE_JMP_ELEM_OF_(unsigned char, SIDE_JMP_U8)
SIDE_JMP_ELEM_OF_(short, SIDE_JMP_S16)
SIDE_JMP_ELEM_OF_(unsigned short, SIDE_JMP_U16)
SIDE_JMP_ELEM_OF_(int, SIDE_JMP_S32)
SIDE_JMP_ELEM_OF_(unsigned int, SIDE_JMP_U32)
SIDE_JMP_ELEM_OF_(long, (sizeof(long) == 8 ? SIDE_JMP_S64 : SIDE_JMP_S32))
SIDE_JMP_ELEM_OF_(unsigned long, \
		  (sizeof(long) == 8 ? SIDE_JMP_U64 : SIDE_JMP_U32))
SIDE_JMP_ELEM_OF_(long long, SIDE_JMP_S64)
SIDE_JMP_ELEM_OF_(unsigned long long, SIDE_JMP_U64)
SIDE_JMP_ELEM_OF_(float, SIDE_JMP_F32)
SIDE_JMP_ELEM_OF_(double, SIDE_JMP_F64)
SIDE_JMP_ELEM_OF_(void, SIDE_JMP_BYTE)

/* What side_jmp_seq() makes. */
template <int elem_> struct seq {
	const void *data_;
	size_t count_;
};

/* The type of what a pointer points at, and of a sequence's elements. */
template <class P> struct pointee_of {
	static constexpr int value = 0;
};
template <class T> struct pointee_of<T *> {
	static constexpr int value =
		elem_of<typename std::remove_cv<T>::type>::value;
};
template <class D> struct seq_of {
	static constexpr int value = 0;
};
template <int elem_> struct seq_of<seq<elem_>> {
	static constexpr int value = elem_;
};

/* Contiguous ranges have data() and size(), texts that end in a 0 c_str(). */
struct none { };
template <class T>
auto data_of(const T &x, int) -> decltype((void)x.size(), x.data());
template <class T> none data_of(const T &, long);
template <class T> auto text_of(const T &x, int) -> decltype(x.c_str());
template <class T> none text_of(const T &, long);

/* How an argument gets to its field; SIDE_JMP_NOT: it does not. */
enum {
	SIDE_JMP_NOT, SIDE_JMP_AS_INTEGER, SIDE_JMP_AS_REAL, SIDE_JMP_AS_FLOAT,
	SIDE_JMP_AS_LABEL, SIDE_JMP_AS_POINTER, SIDE_JMP_AS_STRING, SIDE_JMP_AS_SEQ,
	SIDE_JMP_AS_TEXT, SIDE_JMP_AS_RANGE
};
constexpr bool is_char(int elem)
{
	return elem == SIDE_JMP_U8 || elem == SIDE_JMP_S8;
}
constexpr bool is_elem(int elem, int wanted)
{
	return elem != 0 &&
	       (elem == wanted || (wanted == SIDE_JMP_BYTE && is_char(elem)));
}
template <class A> struct bytes_of {
	static constexpr size_t value = 0;
};
template <class T, size_t n_> struct bytes_of<T[n_]> {
	static constexpr size_t value = n_ * sizeof(T);
};
template <class A, bool class_ = std::is_class<A>::value> struct looks {
	static constexpr int range = 0;
	static constexpr bool text = false;
};
template <class A> struct looks<A, true> {
	static constexpr int range =
		pointee_of<decltype(data_of(std::declval<const A &>(), 0))>::value;
	static constexpr bool text = is_char(pointee_of<
		decltype(text_of(std::declval<const A &>(), 0))>::value);
};
template <size_t code_, class A> struct how {
	typedef typename std::decay<A>::type D;
	static constexpr size_t kind = SIDE_JMP_KIND_(code_);
	static constexpr int elem = SIDE_JMP_ELEM_(code_);
	static constexpr size_t size = elem ? SIDE_JMP_ELEM_SIZE_(elem) : 0;
	static constexpr int range = looks<A>::range;
	static constexpr bool text = looks<A>::text;
	static constexpr bool chars = is_char(pointee_of<D>::value);
	static constexpr int value =
		kind == SIDE_JMP_INT || kind == SIDE_JMP_ENUM ?
			((std::is_integral<D>::value || std::is_enum<D>::value) &&
			 (sizeof(D) <= 4 || sizeof(D) <= size) ?
			 SIDE_JMP_AS_INTEGER :
			 kind == SIDE_JMP_ENUM && std::is_enum<D>::value ?
			 SIDE_JMP_AS_LABEL : SIDE_JMP_NOT) :
		kind == SIDE_JMP_FLOAT ?
			(std::is_same<D, float>::value ||
			 std::is_same<D, double>::value ?
			 elem == SIDE_JMP_F32 ? SIDE_JMP_AS_FLOAT :
			 SIDE_JMP_AS_REAL : SIDE_JMP_NOT) :
		kind == SIDE_JMP_POINTER ?
			(std::is_pointer<D>::value ||
			 std::is_same<D, decltype(nullptr)>::value ?
			 SIDE_JMP_AS_POINTER : SIDE_JMP_NOT) :
		kind == SIDE_JMP_ARRAY ?
			(std::is_pointer<D>::value &&
			 (elem == SIDE_JMP_BYTE || pointee_of<D>::value == elem) &&
			 (!std::is_array<A>::value ||
			  bytes_of<A>::value == SIDE_JMP_LEN_(code_) * size) ?
			 SIDE_JMP_AS_POINTER : SIDE_JMP_NOT) :
		kind == SIDE_JMP_SEQ ?
			(is_elem(seq_of<D>::value, elem) ? SIDE_JMP_AS_SEQ :
			 is_elem(range, elem) ? SIDE_JMP_AS_RANGE : SIDE_JMP_NOT) :
		code_ & SIDE_JMP_COUNTED_ ?
			(is_char(seq_of<D>::value) ? SIDE_JMP_AS_SEQ :
			 chars ? SIDE_JMP_AS_TEXT :
			 is_char(range) ? SIDE_JMP_AS_RANGE : SIDE_JMP_NOT) :
		chars ? SIDE_JMP_AS_POINTER : text ? SIDE_JMP_AS_STRING :
		SIDE_JMP_NOT;
};

/*
 * The parameters of <event>_side_jmp_takes(), which is called nowhere: what
 * does not suit is an error of passing it.
 */
template <size_t code_> struct takes {
	template <class A, class = typename std::enable_if<
		how<code_, A>::value != SIDE_JMP_NOT>::type>
	takes(const A &);
};
#define SIDE_JMP_TYPE_(name, code) \
	struct name : takes<code> { using takes<code>::takes; };
#define SIDE_JMP_TYPES_(name, elem) \
	SIDE_JMP_TYPE_(side_jmp_seq_of_##name, SIDE_JMP_CODE_( \
		SIDE_JMP_SEQ + SIDE_JMP_COUNTED_, elem, 0)) \
	template <size_t n_> struct side_jmp_array_of_##name : \
		takes<SIDE_JMP_CODE_(SIDE_JMP_ARRAY, elem, n_)> { \
		using takes<SIDE_JMP_CODE_(SIDE_JMP_ARRAY, elem, n_)>::takes; \
	};
#define SIDE_JMP_NUMBER_(name, kind, elem) \
	SIDE_JMP_TYPE_(name, SIDE_JMP_CODE_(kind, elem, 0)) \
	SIDE_JMP_TYPES_(name, elem)
SIDE_JMP_NUMBER_(u8, SIDE_JMP_INT, SIDE_JMP_U8)
SIDE_JMP_NUMBER_(u16, SIDE_JMP_INT, SIDE_JMP_U16)
SIDE_JMP_NUMBER_(u32, SIDE_JMP_INT, SIDE_JMP_U32)
SIDE_JMP_NUMBER_(u64, SIDE_JMP_INT, SIDE_JMP_U64)
SIDE_JMP_NUMBER_(s8, SIDE_JMP_INT, SIDE_JMP_S8)
SIDE_JMP_NUMBER_(s16, SIDE_JMP_INT, SIDE_JMP_S16)
SIDE_JMP_NUMBER_(s32, SIDE_JMP_INT, SIDE_JMP_S32)
SIDE_JMP_NUMBER_(s64, SIDE_JMP_INT, SIDE_JMP_S64)
SIDE_JMP_NUMBER_(side_jmp_float32, SIDE_JMP_FLOAT, SIDE_JMP_F32)
SIDE_JMP_NUMBER_(side_jmp_float64, SIDE_JMP_FLOAT, SIDE_JMP_F64)
SIDE_JMP_TYPE_(pointer, SIDE_JMP_CODE_(SIDE_JMP_POINTER, SIDE_JMP_U64, 0))
SIDE_JMP_TYPE_(side_jmp_label, SIDE_JMP_CODE_(SIDE_JMP_ENUM, SIDE_JMP_S32, 0))
SIDE_JMP_TYPE_(string, SIDE_JMP_CODE_(SIDE_JMP_STRING, 0, 0))
SIDE_JMP_TYPE_(chars, SIDE_JMP_CODE_(SIDE_JMP_CHARS, 0, 2))
SIDE_JMP_TYPE_(text, SIDE_JMP_CODE_(SIDE_JMP_STRING + SIDE_JMP_COUNTED_, 0, 0))
SIDE_JMP_TYPES_(byte, SIDE_JMP_BYTE)
template <size_t n_> using side_jmp_array_of_float = side_jmp_array_of_side_jmp_float32<n_>;
template <size_t n_> using side_jmp_array_of_double = side_jmp_array_of_side_jmp_float64<n_>;
typedef side_jmp_seq_of_side_jmp_float32 side_jmp_seq_of_float;
typedef side_jmp_seq_of_side_jmp_float64 side_jmp_seq_of_double;

#define side_jmp_cxx_u8(...)		side_jmp_detail::u8
#define side_jmp_cxx_u16(...)		side_jmp_detail::u16
#define side_jmp_cxx_u32(...)		side_jmp_detail::u32
#define side_jmp_cxx_u64(...)		side_jmp_detail::u64
#define side_jmp_cxx_s8(...)		side_jmp_detail::s8
#define side_jmp_cxx_s16(...)		side_jmp_detail::s16
#define side_jmp_cxx_s32(...)		side_jmp_detail::s32
#define side_jmp_cxx_s64(...)		side_jmp_detail::s64
#define side_jmp_cxx_float(...)		side_jmp_detail::side_jmp_float32
#define side_jmp_cxx_double(...)	side_jmp_detail::side_jmp_float64
#define side_jmp_cxx_pointer(...)	side_jmp_detail::pointer
#define side_jmp_cxx_enum(...)		side_jmp_detail::side_jmp_label
#define side_jmp_cxx_string(...)	side_jmp_detail::string
#define side_jmp_cxx_chars(...)		side_jmp_detail::chars
#define side_jmp_cxx_text(...)		side_jmp_detail::text
#define side_jmp_cxx_bytes(name, n, ...) side_jmp_detail::side_jmp_array_of_byte<(n)>
#define side_jmp_cxx_byte_seq(...)	side_jmp_detail::side_jmp_seq_of_byte
#define side_jmp_cxx_array(name, type, n, ...) \
	side_jmp_detail::side_jmp_array_of_##type<(n)>
#define side_jmp_cxx_seq(name, type, ...)	side_jmp_detail::side_jmp_seq_of_##type

/* ---- C++: emitting ------------------------------------------------------ */

#define SIDE_JMP_INLINED_	inline SIDE_JMP_WITHIN_

/* An argument on its way, and what the function looks at with it. */
struct sent {
	uint64_t bits_;
	const void *at_;

	SIDE_JMP_INLINED_ uint64_t bits() const { return bits_; }
	SIDE_JMP_INLINED_ const void *m() const { return at_; }
	SIDE_JMP_INLINED_ const void *mm() const { return at_; }
};
struct sent_seq {
	struct side_jmp_seq seq_;

	SIDE_JMP_INLINED_ uint64_t bits() const { return (uintptr_t)&seq_; }
	SIDE_JMP_INLINED_ const void *m() const { return &seq_; }
	SIDE_JMP_INLINED_ const void *mm() const { return seq_.data; }
};

template <int how_> struct as {
	typedef std::integral_constant<int, how_> tag;
};
template <class A> SIDE_JMP_INLINED_
sent send(const A &, const void *nothing, as<SIDE_JMP_NOT>::tag)
{
	return { 0, nothing };
}
template <class A> SIDE_JMP_INLINED_
sent send(const A &a, const void *nothing, as<SIDE_JMP_AS_INTEGER>::tag)
{
	return { static_cast<uint64_t>(a), nothing };
}
template <class A> SIDE_JMP_INLINED_
sent send(const A &a, const void *nothing, as<SIDE_JMP_AS_LABEL>::tag)
{
	typedef typename std::underlying_type<A>::type number;
	const number n = static_cast<number>(a);

	return { static_cast<uint64_t>(
			n > number(INT32_MAX) ? number(INT32_MAX) :
			std::is_signed<number>::value && n < number(INT32_MIN) ?
			number(INT32_MIN) : n), nothing };
}
template <class A> SIDE_JMP_INLINED_
sent send(const A &a, const void *nothing, as<SIDE_JMP_AS_REAL>::tag)
{
	return { side_jmp_double_(static_cast<double>(a), false), nothing };
}
template <class A> SIDE_JMP_INLINED_
sent send(const A &a, const void *nothing, as<SIDE_JMP_AS_FLOAT>::tag)
{
	return { side_jmp_double_(static_cast<double>(a), true), nothing };
}
template <class A> SIDE_JMP_INLINED_
sent send(const A &a, const void *, as<SIDE_JMP_AS_POINTER>::tag)
{
	typename std::decay<A>::type p = (typename std::decay<A>::type)a;

	return { (uintptr_t)p, (const void *)p };
}
template <class A> SIDE_JMP_INLINED_
sent send(const A &a, const void *, as<SIDE_JMP_AS_STRING>::tag)
{
	return { (uintptr_t)a.c_str(), (const void *)a.c_str() };
}
template <class A> SIDE_JMP_INLINED_
sent_seq send(const A &a, const void *, as<SIDE_JMP_AS_SEQ>::tag)
{
	return { { a.data_, a.count_ } };
}
template <class A> SIDE_JMP_INLINED_
sent_seq send(const A &a, const void *, as<SIDE_JMP_AS_RANGE>::tag)
{
	return { { (const void *)a.data(), (size_t)a.size() } };
}
template <class T> SIDE_JMP_INLINED_
sent_seq send(T *const &a, const void *, as<SIDE_JMP_AS_TEXT>::tag)
{
	return { { (const void *)a, a ? strlen((const char *)a) : 6 } };
}
template <class T, size_t n_> SIDE_JMP_INLINED_
sent_seq send(T const (&a)[n_], const void *, as<SIDE_JMP_AS_TEXT>::tag)
{
	return { { (const void *)a, n_ } };
}

template <class... S> SIDE_JMP_INLINED_
void fire(struct side_jmp_event *const *f, const S &...s)
{
	const uint64_t bits[] = { s.bits()..., 0 };

	side_jmp_event_fire(*f, bits);
}
#if SIDE_JMP_HAS_CALL_
SIDE_JMP_INLINED_ void fire(struct side_jmp_event *const *f)
{
	side_jmp_fire_0_(f);
}
#define SIDE_JMP_CLASS_OF_(c, n, x)	class S##n
#define SIDE_JMP_SENT_(c, n, x)		const S##n &s##n
#define SIDE_JMP_TRIPLE_(c, n, x)	s##n.bits(), s##n.m(), s##n.mm()
#define SIDE_JMP_FIRE_(n) \
	SIDE_JMP_FIRE_I_(n, SIDE_JMP_LIST_##n##_(SIDE_JMP_CLASS_OF_, ~, \
						 1, 2, 3, 4, 5, 6, ~))
#define SIDE_JMP_FIRE_I_(n, ...) \
template <__VA_ARGS__> SIDE_JMP_INLINED_ \
void fire(struct side_jmp_event *const *f, \
	  SIDE_JMP_LIST_##n##_(SIDE_JMP_SENT_, ~, 1, 2, 3, 4, 5, 6, ~)) \
{ \
	side_jmp_fire_##n##_(f, \
		SIDE_JMP_LIST_##n##_(SIDE_JMP_TRIPLE_, ~, 1, 2, 3, 4, 5, 6, ~)); \
}
SIDE_JMP_FIRE_(1)
SIDE_JMP_FIRE_(2)
SIDE_JMP_FIRE_(3)
SIDE_JMP_FIRE_(4)
SIDE_JMP_FIRE_(5)
SIDE_JMP_FIRE_(6)
#endif

template <size_t... codes_> struct side_jmp_emit {
	template <class... A> static SIDE_JMP_INLINED_
	void side_jmp_by(struct side_jmp_event *const *f, const A &...a)
	{
		fire(f, send(a, f,
				typename as<how<codes_, A>::value>::tag())...);
	}
};

} /* namespace */

/* `n` elements from `p` on, for fields seq and byte_seq. */
template <class T>
inline side_jmp_detail::seq<
	side_jmp_detail::elem_of<typename std::remove_cv<T>::type>::value>
side_jmp_seq(T *p, size_t n)
{
	return { p, n };
}
/* `n` characters from `p` on, for text. */
inline side_jmp_detail::seq<SIDE_JMP_S8> side_jmp_text(const char *p, size_t n)
{
	return { p, n };
}
} /* extern "C++" */

#define SIDE_JMP_CODE_OF_(event, n, a)	sizeof(side_jmp_f##n##_##event)
#define SIDE_JMP_PLAIN_(event, n, a)	(a)
#define SIDE_JMP_AFTER_COMMA_(c, n, a)	, (a)
#define SIDE_JMP_EMIT_ALL_(event, n, ...) \
	if (0) \
		(void)event##_side_jmp_takes( \
			SIDE_JMP_LIST_##n##_(SIDE_JMP_PLAIN_, ~, __VA_ARGS__)); \
	side_jmp_detail::side_jmp_emit< \
		SIDE_JMP_LIST_##n##_(SIDE_JMP_CODE_OF_, event, __VA_ARGS__)>:: \
		side_jmp_by(&event##_side_jmp_event.side_jmp_self \
		   SIDE_JMP_EACH_##n##_(SIDE_JMP_AFTER_COMMA_, ~, __VA_ARGS__));

#endif /* C++ */

/* ------------------------------------------------------------------------
 * Emitting
 */

#if defined(__cplusplus)
#define SIDE_JMP_ASSERT_	static_assert
#else
#define SIDE_JMP_ASSERT_	__extension__ _Static_assert
#endif

#define SIDE_JMP_WANTED_(event, test_) \
	(sizeof(side_jmp_layout_of_##event) == 2 ? \
	 SIDE_JMP_WIDE_OWN_(event##_side_jmp_key, test_) : \
	 SIDE_JMP_INLINE_OWN_(event##_side_jmp_key, test_))

/* Is the event enabled?  The condition alone of what follows. */
#define side_jmp_event_enabled(provider, name) \
	SIDE_JMP_NO_CONSTANT_(SIDE_JMP_WANTED_(provider##_side_jmp_##name, \
					       SIDE_JMP_ACQUIRE_))

/* side_jmp_event(provider, name, arguments...): see EMITTING, above. */
#define side_jmp_event(provider, ...) \
	SIDE_JMP_EMIT_(provider, __VA_ARGS__, ~)
#define SIDE_JMP_EMIT_(provider, name, ...) \
	SIDE_JMP_EMIT_I_(provider##_side_jmp_##name, #provider ":" #name, \
		SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__)
#define SIDE_JMP_EMIT_I_(event, text, n, ...) \
	SIDE_JMP_EMIT_II_(event, text, n, __VA_ARGS__)
#define SIDE_JMP_EMIT_II_(event, text, n, ...) do { \
	SIDE_JMP_ASSERT_(sizeof(side_jmp_count_of_##event) == 1 + (n), \
		"side_jmp event " text ": wrong number of arguments"); \
	if (SIDE_JMP_WHERE_IT_RUNS_( \
			SIDE_JMP_WANTED_(event, SIDE_JMP_GLANCE_))) { \
		SIDE_JMP_EMIT_ALL_(event, n, __VA_ARGS__) \
	} \
} while (0)

/* ------------------------------------------------------------------------
 * Defining
 */

/* SIDE_JMP_EVENT(provider, name, "docstring", fields...): see DEFINING, above. */
#define SIDE_JMP_EVENT(...)		SIDE_JMP_EVENT_(32, 1, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT64(...)		SIDE_JMP_EVENT_(64, 1, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT_WIDE(...)	SIDE_JMP_EVENT_(32, 2, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT64_WIDE(...)	SIDE_JMP_EVENT_(64, 2, __VA_ARGS__, ~)

/* The same, for the other files of the same object; goes into a header. */
#define SIDE_JMP_EVENT_DECLARE(...) \
	SIDE_JMP_EVENT_DECLARE_(32, 1, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT64_DECLARE(...) \
	SIDE_JMP_EVENT_DECLARE_(64, 1, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT_WIDE_DECLARE(...) \
	SIDE_JMP_EVENT_DECLARE_(32, 2, __VA_ARGS__, ~)
#define SIDE_JMP_EVENT64_WIDE_DECLARE(...) \
	SIDE_JMP_EVENT_DECLARE_(64, 2, __VA_ARGS__, ~)

#define SIDE_JMP_EVENT_(width, layout, provider, name, doc, ...) \
	SIDE_JMP_EVENT_DECLARE_I_(width, layout, provider##_side_jmp_##name, \
		SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__); \
	SIDE_JMP_EVENT_DEFINE_I_(width, 0, NULL, provider##_side_jmp_##name, \
		#provider, #name, doc, SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__)

#define SIDE_JMP_EVENT_DECLARE_(width, layout, provider, name, doc, ...) \
	SIDE_JMP_EVENT_DECLARE_I_(width, layout, provider##_side_jmp_##name, \
		SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__)
#define SIDE_JMP_EVENT_DECLARE_I_(width, layout, event, n, ...) \
	SIDE_JMP_EVENT_DECLARE_II_(width, layout, event, n, __VA_ARGS__)
#define SIDE_JMP_EVENT_DECLARE_II_(width, layout, event, n, ...) \
	SIDE_JMP_KEY_DECLARE_(event##_side_jmp_key, width); \
	SIDE_JMP_FACT_ char side_jmp_layout_of_##event[layout]; \
	SIDE_JMP_FACT_ char side_jmp_count_of_##event[1 + (n)]; \
	SIDE_JMP_EACH_##n##_(SIDE_JMP_DECLARE_FIELD_, event, __VA_ARGS__) \
	SIDE_JMP_EACH_##n##_(SIDE_JMP_DECLARE_SUITS_, event, __VA_ARGS__) \
	SIDE_JMP_EACH_##n##_(SIDE_JMP_DECLARE_TYPE_, event, __VA_ARGS__) \
	int event##_side_jmp_takes(SIDE_JMP_LIST_##n##_( \
		SIDE_JMP_DECLARE_TAKES_, event, __VA_ARGS__) SIDE_JMP_VOID_##n); \
	extern struct side_jmp_event event##_side_jmp_event SIDE_JMP_HIDDEN

#define SIDE_JMP_DECLARE_FIELD_(event, n, field) \
	SIDE_JMP_TYPE_RIGHT_ field \
	SIDE_JMP_FACT_ char side_jmp_f##n##_##event[SIDE_JMP_FIELD_CODE_ field]; \
	SIDE_JMP_FACT_ char side_jmp_n##n##_##event[1 + \
		SIDE_JMP_BYTES_(sizeof(side_jmp_f##n##_##event))]; \
	SIDE_JMP_LABELS_RIGHT_ field
/* Of an array; of other fields 0. */
#define SIDE_JMP_BYTES_(code) \
	(SIDE_JMP_KIND_(code) == SIDE_JMP_ARRAY ? SIDE_JMP_LEN_(code) * \
	 SIDE_JMP_ELEM_SIZE_(SIDE_JMP_ELEM_(code)) : 0)

/*
 * Types called after their fields: errors show them.  C99 does not let a typedef
 * be repeated.
 */
#if defined(__clang__) && !defined(__cplusplus) && __STDC_VERSION__ < 201112L
#define SIDE_JMP_TYPEDEF_(...) \
	_Pragma("clang diagnostic push") \
	_Pragma("clang diagnostic ignored \"-Wtypedef-redefinition\"") \
	typedef __VA_ARGS__; \
	_Pragma("clang diagnostic pop")
#else
#define SIDE_JMP_TYPEDEF_(...)	__extension__ typedef __VA_ARGS__;
#endif
#define SIDE_JMP_DECLARE_TYPE_(event, n, field) \
	SIDE_JMP_TYPEDEF_(SIDE_JMP_TYPE_OF_(event, n, field) \
		SIDE_JMP_CALLED_(event, SIDE_JMP_FIELD_NAME_ field))
#define SIDE_JMP_CALLED_(event, name)	SIDE_JMP_CALLED_I_(event, name)
#define SIDE_JMP_CALLED_I_(event, name)	event##_side_jmp_field_##name
#ifdef __cplusplus	/* by reference: g++ passes an array as a pointer */
#define SIDE_JMP_DECLARE_TAKES_(event, n, field) \
	const SIDE_JMP_CALLED_(event, SIDE_JMP_FIELD_NAME_ field) &
#else
#define SIDE_JMP_DECLARE_TAKES_(event, n, field) \
	SIDE_JMP_CALLED_(event, SIDE_JMP_FIELD_NAME_ field)
#endif

/* gcc and clang would align a larger object to more, and leave gaps. */
#define SIDE_JMP_IN_SECTION_(name) \
	__attribute__((__section__(name), __used__, __aligned__(8) SIDE_JMP_RETAIN_))
#define SIDE_JMP_RETAIN_
#if defined(__has_attribute)
#if __has_attribute(__retain__)
#undef SIDE_JMP_RETAIN_
#define SIDE_JMP_RETAIN_	, __retain__
#endif
#endif

/* is: 0 or SIDE_JMP_IS_...; other: NULL, or the address of the other end. */
#define SIDE_JMP_EVENT_DEFINE_I_(width, is, other, event, provider, name, doc, \
				 n, ...) \
	SIDE_JMP_EVENT_STRINGS_(width, is, other, event, provider, name, doc, n, \
				__VA_ARGS__)
#define SIDE_JMP_EVENT_STRINGS_(width, is, other, event, provider, name, doc, \
				n, ...) \
	SIDE_JMP_EVENT_DEFINE_II_(width, is, other, event, provider, name, doc, n, \
		(0 SIDE_JMP_EACH_##n##_(SIDE_JMP_N_LABELS_, ~, __VA_ARGS__)), \
		provider "\0" name "\0" doc "\0" \
		SIDE_JMP_EACH_##n##_(SIDE_JMP_TEXT_, ~, __VA_ARGS__), \
		__VA_ARGS__)
#define SIDE_JMP_EVENT_DEFINE_II_(width, is, other_, event, provider, name, \
				  doc, n, n_labels, strings, ...) \
	enum event##_side_jmp_fields { \
		SIDE_JMP_EACH_##n##_(SIDE_JMP_FIELD_ONCE_, event, __VA_ARGS__) \
		event##_side_jmp_n = n \
	}; \
	SIDE_JMP_KEY_##width##_ event##_side_jmp_key \
		SIDE_JMP_INIT_##width##_(provider ":" name); \
	struct event##_side_jmp_desc_type { \
		struct side_jmp_event_desc side_jmp_head; \
		struct side_jmp_field side_jmp_fields[n + 1]; \
		int64_t side_jmp_values[n_labels + 1]; \
		char side_jmp_text[sizeof(strings)]; \
	}; \
	SIDE_JMP_IN_SECTION_("side_jmp_event") \
	static const struct event##_side_jmp_desc_type \
	event##_side_jmp_desc = { \
		{ (sizeof(struct event##_side_jmp_desc_type) + 7) / 8 * 8, \
		  SIDE_JMP_DESC_VERSION, n, n_labels, \
		  (width == 64 ? SIDE_JMP_RECORD_WORD64 : 0) | (is), \
		  offsetof(struct event##_side_jmp_desc_type, side_jmp_text) }, \
		{ SIDE_JMP_EACH_##n##_(SIDE_JMP_FIELD_DATA_, event, __VA_ARGS__) \
		  { 0, 0, 0, 0 } }, \
		{ SIDE_JMP_EACH_##n##_(SIDE_JMP_LABEL_VALUES_, ~, __VA_ARGS__) \
		  0 }, \
		strings \
	}; \
	SIDE_JMP_IN_SECTION_("side_jmp_event_data") \
	struct side_jmp_event event##_side_jmp_event = { \
		SIDE_JMP_EVENT_VERSION, 0, &event##_side_jmp_key, \
		&event##_side_jmp_desc.side_jmp_head, NULL, 0, 0, \
		&event##_side_jmp_event, NULL, 0, other_, 0 \
	}

#define SIDE_JMP_FIELD_ONCE_(event, n, field) \
	SIDE_JMP_FIELD_ONCE_I_(event, SIDE_JMP_FIELD_NAME_ field)
#define SIDE_JMP_FIELD_ONCE_I_(event, name) \
	SIDE_JMP_FIELD_ONCE_II_(event, name)
#define SIDE_JMP_FIELD_ONCE_II_(event, name)	event##_side_jmp_once_field_##name,

#define SIDE_JMP_FIELD_DATA_(event, n, field) \
	{ SIDE_JMP_KIND_(sizeof(side_jmp_f##n##_##event)), \
	  SIDE_JMP_ELEM_(sizeof(side_jmp_f##n##_##event)), \
	  sizeof(side_jmp_f##n##_##event) & SIDE_JMP_COUNTED_ ? \
	  SIDE_JMP_FIELD_COUNTED : 0, \
	  SIDE_JMP_LEN_(sizeof(side_jmp_f##n##_##event)) },

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

#define SIDE_JMP_N_0(...)
#define SIDE_JMP_N_1(name, ...)		+ SIDE_JMP_COUNT_(__VA_ARGS__)
#define SIDE_JMP_TEXT_OF_0(...)
#define SIDE_JMP_TEXT_OF_1(name, ...) \
	SIDE_JMP_EACH_LABEL_(SIDE_JMP_LABEL_TEXT_, SIDE_JMP_COUNT_(__VA_ARGS__), \
			 __VA_ARGS__)
#define SIDE_JMP_VALUES_OF_0(...)
#define SIDE_JMP_VALUES_OF_1(name, ...) \
	SIDE_JMP_EACH_LABEL_(SIDE_JMP_LABEL_VALUE_, SIDE_JMP_COUNT_(__VA_ARGS__), \
			 __VA_ARGS__)
#define SIDE_JMP_EACH_LABEL_(m, n, ...)	SIDE_JMP_EACH_LABEL_I_(m, n, __VA_ARGS__)
#define SIDE_JMP_EACH_LABEL_I_(m, n, ...) \
	SIDE_JMP_LABEL_##n##_(m, ~, __VA_ARGS__)
#define SIDE_JMP_LABEL_TEXT_(c, n, label)	SIDE_JMP_LABEL_TEXT_I_ label
#define SIDE_JMP_LABEL_TEXT_I_(value, label)	label "\0"
#define SIDE_JMP_LABEL_VALUE_(c, n, label)	SIDE_JMP_LABEL_VALUE_I_ label
#define SIDE_JMP_LABEL_VALUE_I_(value, label)	(int64_t)(value),

/* First of all, or what follows from it is all that is said. */
#define SIDE_JMP_TYPE_RIGHT_(type, ...) \
	SIDE_JMP_TYPE_RIGHT_I_(#type, SIDE_JMP_TYPE_CLASS_##type)
#define SIDE_JMP_TYPE_RIGHT_I_(type, class_) \
	SIDE_JMP_TYPE_RIGHT_II_(type, class_)
#define SIDE_JMP_TYPE_RIGHT_II_(type, class_) \
	SIDE_JMP_ASSERT_(sizeof(#class_) == sizeof("0"), \
		"side_jmp event: no field has the type " type ": it is one of " \
		"u8 to u64, s8 to s64, float, double, pointer, enum, string, " \
		"text, chars, bytes, byte_seq, array and seq");

/* An enum is an int, or an unsigned int if a label is beyond that. */
#define SIDE_JMP_LABELS_RIGHT_(type, ...) \
	SIDE_JMP_LABELLED_(type, SIDE_JMP_LABELS_ARE_RIGHT_, (__VA_ARGS__, ~))
#define SIDE_JMP_LABELS_ARE_RIGHT_0(...)
#define SIDE_JMP_LABELS_ARE_RIGHT_1(name, ...) \
	SIDE_JMP_ASSERT_(SIDE_JMP_COUNT_(__VA_ARGS__) > 0, \
		"side_jmp event: the enum " #name " has no label"); \
	SIDE_JMP_ASSERT_(!SIDE_JMP_ANY_LABEL_(FAR, __VA_ARGS__), \
		"side_jmp event: a label of the enum " #name \
		" is not of 32 bits"); \
	SIDE_JMP_ASSERT_(!SIDE_JMP_ANY_LABEL_(HIGH, __VA_ARGS__) || \
		!SIDE_JMP_ANY_LABEL_(LOW, __VA_ARGS__), \
		"side_jmp event: the enum " #name " has a label below 0 and " \
		"one above INT_MAX");
#define SIDE_JMP_ANY_LABEL_(what, ...) \
	(0 SIDE_JMP_EACH_LABEL_(SIDE_JMP_LABEL_IS_##what##_, \
				SIDE_JMP_COUNT_(__VA_ARGS__), __VA_ARGS__))
#define SIDE_JMP_LABEL_IS_LOW_(c, n, label)	SIDE_JMP_LABEL_IS_LOW_I_ label
#define SIDE_JMP_LABEL_IS_LOW_I_(value, label) \
	|| (int64_t)(value) < 0
#define SIDE_JMP_LABEL_IS_HIGH_(c, n, label)	SIDE_JMP_LABEL_IS_HIGH_I_ label
#define SIDE_JMP_LABEL_IS_HIGH_I_(value, label) \
	|| (int64_t)(value) > INT32_MAX
#define SIDE_JMP_LABEL_IS_FAR_(c, n, label)	SIDE_JMP_LABEL_IS_FAR_I_ label
#define SIDE_JMP_LABEL_IS_FAR_I_(value, label) \
	|| (int64_t)(value) < INT32_MIN || (int64_t)(value) > UINT32_MAX

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
	SIDE_JMP_CODE_(SIDE_JMP_ENUM, SIDE_JMP_ANY_LABEL_(HIGH, __VA_ARGS__) ? \
		       SIDE_JMP_U32 : SIDE_JMP_S32, SIDE_JMP_COUNT_(__VA_ARGS__))
#define side_jmp_field_type_string(...)	SIDE_JMP_CODE_(SIDE_JMP_STRING, 0, 0)
#define side_jmp_field_type_text(...) \
	SIDE_JMP_CODE_(SIDE_JMP_STRING + SIDE_JMP_COUNTED_, 0, 0)
#define side_jmp_field_type_chars(name, n, ...) \
	SIDE_JMP_CODE_(SIDE_JMP_CHARS, 0, n)
#define side_jmp_field_type_bytes(name, n, ...) \
	SIDE_JMP_CODE_(SIDE_JMP_ARRAY, SIDE_JMP_BYTE, n)
#define side_jmp_field_type_byte_seq(...) \
	SIDE_JMP_CODE_(SIDE_JMP_SEQ + SIDE_JMP_COUNTED_, SIDE_JMP_BYTE, 0)
#define side_jmp_field_type_array(name, type, n, ...) \
	SIDE_JMP_CODE_(SIDE_JMP_ARRAY, SIDE_JMP_ELEM_CODE_##type, n)
#define side_jmp_field_type_seq(name, type, ...) \
	SIDE_JMP_CODE_(SIDE_JMP_SEQ + SIDE_JMP_COUNTED_, \
		       SIDE_JMP_ELEM_CODE_##type, 0)

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

#define SIDE_JMP_TYPE_CLASS_u8		0
#define SIDE_JMP_TYPE_CLASS_u16		0
#define SIDE_JMP_TYPE_CLASS_u32		0
#define SIDE_JMP_TYPE_CLASS_u64		0
#define SIDE_JMP_TYPE_CLASS_s8		0
#define SIDE_JMP_TYPE_CLASS_s16		0
#define SIDE_JMP_TYPE_CLASS_s32		0
#define SIDE_JMP_TYPE_CLASS_s64		0
#define SIDE_JMP_TYPE_CLASS_float	0
#define SIDE_JMP_TYPE_CLASS_double	0
#define SIDE_JMP_TYPE_CLASS_pointer	0
#define SIDE_JMP_TYPE_CLASS_enum	1
#define SIDE_JMP_TYPE_CLASS_string	0
#define SIDE_JMP_TYPE_CLASS_text	0
#define SIDE_JMP_TYPE_CLASS_chars	0
#define SIDE_JMP_TYPE_CLASS_bytes	0
#define SIDE_JMP_TYPE_CLASS_byte_seq	0
#define SIDE_JMP_TYPE_CLASS_array	0
#define SIDE_JMP_TYPE_CLASS_seq		0

#include "side_jmp/span.h"

/* ------------------------------------------------------------------------
 * Every object registers its events, after its sites (priority 101).
 */

#ifdef __cplusplus
extern "C" {
#endif

extern struct side_jmp_event __start_side_jmp_event_data[]
	__attribute__((__weak__, __visibility__("hidden")));
extern struct side_jmp_event __stop_side_jmp_event_data[]
	__attribute__((__weak__, __visibility__("hidden")));

extern struct side_jmp_event_object side_jmp_these_events;

/* 102, behind the table of sites.  As there: gcc -flto, too, forgets a definition's. */
__attribute__((__weak__, __visibility__("hidden"), __constructor__(102)))
void side_jmp_these_events_start(void);
__attribute__((__weak__, __visibility__("hidden"), __destructor__(102)))
void side_jmp_these_events_stop(void);

__attribute__((__weak__, __visibility__("hidden")))
struct side_jmp_event_object side_jmp_these_events = {
	SIDE_JMP_EVENT_VERSION, sizeof(struct side_jmp_event),
	__start_side_jmp_event_data, __stop_side_jmp_event_data, NULL, NULL,
};

void side_jmp_these_events_start(void)
{
	(void)side_jmp_event_register(&side_jmp_these_events);
}

void side_jmp_these_events_stop(void)
{
	(void)side_jmp_event_unload(&side_jmp_these_events);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#include "side_jmp/pop.h"

#endif /* SIDE_JMP_EVENT_H */
