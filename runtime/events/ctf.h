/* SPDX-License-Identifier: MIT */
/*
 * The files of a CTF trace (diamon.org/ctf/v1.8.3), shared by who writes them:
 * trace_ctf.c the streams, ctf_metadata.c what describes them; and by
 * ctf_snapshot.c, which copies both.
 *
 * A file has its full size from the start, is mapped, and is sparse; its last
 * packet reaches to its end, and its header says how much of that is filled.  So
 * one store makes what has been written a part of the trace, and a trace can be
 * read at every moment and after any end.  Blocks are asked for before they are
 * written to, or a full disk would be SIGBUS.  No descriptor is kept: programs
 * close those they don't know.
 *
 * A folder is a trace by its metadata, and gets it last, by one system call: who
 * dies before has left no trace, and none that spoils those beside it.
 */
#ifndef SIDE_JMP_EVENTS_CTF_H
#define SIDE_JMP_EVENTS_CTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "side_jmp_event.h"

#define SJ_CTF_METADATA	"metadata"	/* the file's name */
#define SJ_CTF_METADATA_YET ".metadata"	/* while the rest is not all there */
#define SJ_CTF_STREAM	"stream_"	/* what streams' names begin with */
#define SJ_CTF_PIECE	"piece_"	/* and pieces' */
#define SJ_CTF_MAGIC	0xC1FC1FC1u	/* CTF 1.8.3, 5.1 */

/* What a packet begins with, as the metadata describes it. */
struct sj_ctf_packet {
	uint32_t magic;
	uint32_t stream_id;
	uint64_t instance;		/* the lane; or SJ_CTF_ALONE and more */
	uint64_t begin, end;		/* CLOCK_MONOTONIC, ns */
	uint64_t content_bits;		/* filled, header included */
	uint64_t packet_bits;
	uint64_t discarded;		/* of this stream, so far */
	uint64_t number;		/* of this stream's packets */
} __attribute__((packed, aligned(8)));

#define SJ_CTF_ALONE	(UINT64_C(1) << 32)	/* of an instance: holds nothing */

/* The metadata's; 7.1.  Its text follows. */
struct sj_ctf_metadata {
	uint32_t magic;
	uint8_t uuid[16];		/* the text's */
	uint32_t checksum;		/* none */
	uint32_t content_bits, packet_bits;	/* this included */
	uint8_t compression, encryption, checksum_scheme;
	uint8_t major, minor;
} __attribute__((packed, aligned(4)));

#define SJ_CTF_METADATA_MAGIC	0x75D11D57u
enum { SJ_CTF_METADATA_HEADER = 37 };		/* bytes */

/* ---- ctf_file.c ---------------------------------------------------------- */

/* Addresses for mappings.  0 or -errno. */
int sj_ctf_reserve(size_t size, char **base);
/*
 * A new file of that size in the directory, mapped there and shared, with
 * blocks for its first `first` bytes.  0 or -errno.
 */
int sj_ctf_create(int dir, const char *name, size_t size, size_t first,
		  char *at);
/* Blocks for whole pages of a mapping.  False: there are none. */
bool sj_ctf_allocate(char *at, size_t n);
/* As much of `size` as a file and n mappings of it may have here. */
size_t sj_ctf_bounded(size_t size, size_t n);

/*
 * Locks in memory that processes share, of words that are 0 or say which thread.
 * They are had during an event, and by one thread: one that has ended lets go
 * what it had, in whatever way it ended, and so does one that has left its event.
 */
uint32_t sj_ctf_me(void);
bool sj_ctf_try(uint32_t *word, uint32_t me);	/* acquire */
bool sj_ctf_inherit(uint32_t *word, uint32_t me); /* of the dead; a system call */
/*
 * A handler that struck us may have forked: then there are two of us who took it,
 * and one has it.  The other one must not publish what it has written.
 */
bool sj_ctf_mine(const uint32_t *word);
void sj_ctf_let_go(uint32_t *word);		/* release; if it is ours */
/*
 * In the child of a fork().  One that may be in a PID namespace of its own knows
 * not who is dead out of it, and is not known there.
 */
void sj_ctf_locks_after_fork(void);

/* ---- ctf_metadata.c ------------------------------------------------------ */

/*
 * As SJ_CTF_METADATA_YET.  context: enum sj_context_part, of every event.
 * trace.c's lock, and not sj_event_lock.  0 or -errno.
 */
int sj_ctf_metadata_open(int dir, unsigned context);
void sj_ctf_metadata_close(void);
/*
 * Describes it, if metadata is open and has room, and gives it its number.
 * sj_event_lock.
 */
void sj_ctf_describe(struct side_jmp_event *event);

/* ---- ctf_snapshot.c ------------------------------------------------------ */

/*
 * The trace in a directory (a descriptor of it, O_PATH is enough), as it is
 * now, in a new directory.  Of any thread and process.  0; or -errno, and there
 * is no new directory: -EEXIST if there was one, -EILSEQ if the trace is not
 * whole, -ENOENT if there is none.
 */
int sj_ctf_snapshot(int trace, const char *directory);

#endif
