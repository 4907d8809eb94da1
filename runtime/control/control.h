/* SPDX-License-Identifier: MIT */
/*
 * Live control: what a running process and the tool that asks it agree upon.
 * The only header that the two share.
 *
 *
 * THE SOCKET
 *
 * (Of a process that has none a tool can make itself a connection: attach.h.)
 *
 * A process that may be controlled has a listening Unix socket, SOCK_SEQPACKET,
 * called PID-NUMBER, where PID is what getpid() said and NUMBER is of no
 * meaning and unique.  (A process with several copies of the runtime has a
 * socket each.) It lies in the first of these folders that there is or that can
 * be made, where UID is the effective user's when control was started:
 *
 *	/run/user/UID/side_jmp/    /tmp/side_jmp-UID/    /dev/shm/side_jmp-UID/
 *
 * All seen by the process: from outside, below /proc/PID/root.  The folder is
 * the user's, mode 700, and no symbolic link, or it is not used.  No variable
 * says where: who asks has no way to see the variables of a process that
 * changed them, or its user.  Nor is the socket abstract: such a name belongs
 * to a network namespace, whoever has it first, and nobody can be kept from it.
 *
 * Who connects must be root or have the process's effective user (SO_PEERCRED,
 * in the process's user namespace).  Who has connected checks by SO_PEERCRED
 * that PID it is.  A socket gets that name when it listens: so one that refuses
 * to be connected to is a dead process's, and who finds it may remove it.
 *
 *
 * MESSAGES
 *
 * A request is one message and has one reply, which is one message; the next
 * request comes after the reply.  Who does not keep to that, or sends what is
 * no request, is disconnected.  A reply begins with struct sj_control_reply,
 * where `error` is 0 or -errno; then `text` may say what is wrong; where it
 * ends with a colon, what `error` means belongs behind it.  What is too large
 * for a message is written into memory that the request brings along: a memfd
 * (SCM_RIGHTS), sealed against change of its size and with all its pages there
 * (the process that writes to it must not die of what the other does), the
 * `area`.
 *
 *	HELLO    argument			struct sj_control_hello
 *	LIST     area				entries: struct sj_control_list
 *	ENABLE   patterns			keys of these names have one
 *						user more: control.  One,
 *						however often it is asked for
 *	DISABLE  patterns			and have it no more
 *	TRACE    patterns, area, argument	the events: struct sj_ring
 *	COUNT    patterns, area, argument	how many: struct sj_counts
 *	STOP     -				no more of that; when the reply
 *						comes, nobody writes any more
 *	RECLAIM  argument			a lane, see below
 *
 * Patterns are those of events, and for ENABLE and DISABLE also of keys
 * (pattern.h).  Keys that were enabled stay so when the connection ends.
 *
 * A connection has one TRACE or COUNT at a time.  It ends with the connection,
 * however that ends: then no event is enabled for it any more.  Events of
 * libraries that are loaded later are in it.  So are those of children: a child
 * has the same memory mapped, and the connection, on which it answers nothing,
 * and from whose end it concludes the same.  So the connection is closed from
 * that side when the last process that writes has gone.  Who may meet such a
 * child otherwise puts a number of his own into each area, as `mark`, and says
 * it in HELLO: so he hears whether he has that one's events already.
 *
 * All numbers are in the byte order of the machine.  A process that is of
 * another (under an emulator) is known by `magic`.
 */
#ifndef SIDE_JMP_CONTROL_H
#define SIDE_JMP_CONTROL_H

#include <stdint.h>

#define SJ_CONTROL_MAGIC	UINT32_C(0x6a6d7043)

enum {
	SJ_CONTROL_VERSION = 1,
	SJ_CONTROL_MESSAGE = 16 * 1024,	/* the most bytes of one */
	SJ_CONTROL_TEXT = 240,
};

/* With UID. */
#define SJ_CONTROL_FOLDERS \
	"/run/user/%u/side_jmp", "/tmp/side_jmp-%u", "/dev/shm/side_jmp-%u"

enum sj_control_op {
	SJ_CONTROL_HELLO = 1, SJ_CONTROL_LIST, SJ_CONTROL_ENABLE,
	SJ_CONTROL_DISABLE, SJ_CONTROL_TRACE, SJ_CONTROL_COUNT, SJ_CONTROL_STOP,
	SJ_CONTROL_RECLAIM,
};

/* Followed by the patterns, with their final 0, up to `size`. */
struct sj_control_request {
	uint32_t magic;
	uint16_t version;
	uint16_t op;
	uint32_t size;			/* of the message */
	uint32_t argument;		/* 0 if nothing else is said */
};

struct sj_control_reply {
	uint32_t magic;
	uint16_t version;
	uint16_t op;			/* of the request */
	uint32_t size;			/* of the message */
	int32_t error;
	uint64_t matched, changed, refused;	/* keys */
	char text[SJ_CONTROL_TEXT];
};

struct sj_control_hello {
	struct sj_control_reply reply;
	int32_t pid;			/* in its own namespace */
	uint32_t uid;			/* effective; likewise */
	uint64_t objects, objects_rejected;
	uint64_t keys, enabled;		/* keys with sites; of these */
	uint64_t sites, armed, idle, refused;
	uint64_t events, tracers;
	uint32_t frozen;		/* nothing is patched any more */
	uint32_t seen;			/* by a parent's connection, in an area
					   whose mark is the argument, not 0 */
	char backend[16], backend_reason[240];
	char program[64];
};

/* ---- LIST: of an area ---------------------------------------------------- */

/* At its start; the entries follow. */
struct sj_control_list {
	uint64_t entries;
	uint64_t used;			/* bytes, of all this */
	uint64_t wanted;		/* more than the area's: not all is here */
};

enum sj_control_kind { SJ_CONTROL_KEY = 1, SJ_CONTROL_EVENT };

#define SJ_CONTROL_BY_KERNEL	0x1	/* the kernel wants it */
#define SJ_CONTROL_BY_CONTROL	0x2	/* one of the users is control */
#define SJ_CONTROL_KEPT_ARMED	0x4	/* for the kernel's sake */

/*
 * A key that has sites here, or an event, which has a key.  A key may come
 * twice.  Followed by its name, with the final 0, and from the next multiple of
 * 8 on, an event's description: struct side_jmp_event_desc.
 */
struct sj_control_entry {
	uint32_t size;			/* of it all; 8 divides it */
	uint16_t kind;			/* enum sj_control_kind */
	uint16_t flags;			/* SJ_CONTROL_* */
	uint64_t key;			/* its address: the same is the same */
	uint64_t number;		/* of an event */
	uint64_t users;
	uint32_t sites;			/* of a key */
	uint32_t name, desc;		/* bytes of each */
	uint32_t reserved;
};

/* ---- TRACE: of an area ----------------------------------------------------- */

/*
 * A ring is some lanes.  A lane has at most one writer at a time: a thread (or
 * a signal handler on top of it) that has set `owner` from 0 to its number.  If
 * that is set, it takes another lane (but for one that it has itself and is not
 * in the midst of: that it left by siglongjmp()); if all are, or none has room,
 * the event is lost, and `lost` counts it.  Nobody ever waits, for another
 * writer or for the reader.  A writer that is killed, or stopped, leaves a lane
 * with an owner, in which whatever was published is whole: the reader is not
 * held up.  When it asks (RECLAIM) and there is no such thread any more, the
 * lane is free again.
 *
 * A lane holds records, of a multiple of 8 bytes each, at positions that only
 * grow: byte `position & (size - 1)` of its memory.  No record goes over the
 * end; SJ_RING_PAD fills what is left there.
 *
 *	writer					reader
 *	owner: 0 -> thread     (acquire)	now = clock
 *	head, tail             (tail: acquire)	owner		(acquire)
 *	is there room?  the time; the record	head		(acquire)
 *	head += its size       (release)	copy the records up to head
 *	owner = 0              (release)	tail = head	(release)
 *
 * The reader's acquire of head pairs with its release: what it copies is whole.
 * The writer's acquire of tail pairs with the reader's release: it writes over
 * nothing that is still to be copied.  The acquire of owner pairs with the
 * release of the writer before.  In a lane times never go back, and a thread's
 * are each later than the one before, whatever lanes they are in.  A lane that
 * was seen without an owner after `now` was read will hold nothing older than
 * that, but for how far clocks are apart: so up to there lanes can be merged.
 *
 * The memory is believed by neither: a writer keeps within the lane whatever
 * head and tail say, and so does the reader.
 */
#define SJ_RING_LANES		16
#define SJ_RING_AT		8192	/* of the first lane's memory */

struct sj_lane {
	/* Written by writers. */
	uint32_t owner;			/* atomic; 0, or sj_ctf_me() (ctf.h) */
	uint32_t reserved;
	uint64_t head;			/* atomic; the owner's */
	uint64_t time;			/* the last record's; the owner's */
	uint8_t apart[104];
	/* By the reader. */
	uint64_t tail;			/* atomic */
	uint8_t apart_too[120];
};

/*
 * `argument`: log2 of the bytes of a lane, from 12 to 24, and from bit 8 on which
 * context follows the values of each event: enum sj_context_part.
 */
struct sj_ring {
	struct sj_lane lanes[SJ_RING_LANES];
	uint64_t lost;			/* atomic */
	uint32_t mark;			/* the reader's */
	uint32_t reserved;
	uint64_t left_out;		/* atomic; by filters' every and limit */
};

enum sj_record_kind {
	SJ_RING_PAD = 1,		/* 8 bytes that count; up to the end */
	SJ_RING_EVENT,			/* its values (events/pack.c), context */
	SJ_RING_DESC,			/* an event's description, before the
					   first event of that number */
	SJ_RING_FORK,			/* number: the parent's pid; the child's
					   numbers so far mean what its do */
};

struct sj_record {
	uint32_t size;			/* of all of it; 8 divides it */
	uint32_t kind;
	uint64_t number;		/* of the event, in this process */
	uint64_t time;			/* CLOCK_MONOTONIC, ns */
	int32_t pid, tid;		/* as the process has them */
};

/* ---- COUNT: of an area ------------------------------------------------------ */

enum { SJ_COUNT_SHARDS = 8 };

/*
 * Followed by uint64_t[SJ_COUNT_SHARDS][argument], atomic, each added to by
 * some threads: how often the event of that number happened.
 */
struct sj_counts {
	uint64_t others;		/* atomic; events of higher numbers, and
					   of libraries that a child loaded */
	uint32_t mark;			/* the reader's */
	uint32_t reserved;
	uint64_t left_out;		/* atomic; by filters' every and limit */
	uint64_t reserved_too[5];
};

#endif
