/* SPDX-License-Identifier: MIT */
/*
 * A log of each CPU, added to without a lock by whoever runs there: restartable
 * sequences (rseq(2), Linux 4.18; Linux's Documentation and include/uapi/linux/
 * rseq.h).  A few instructions of which the last is the store that counts; a
 * thread that is preempted among them, moved, struck by a signal or killed has
 * done nothing.  So nobody ever waits, nobody holds what others need, and what
 * the log says is whole after every instruction, also to other processes that
 * share the memory.  What is shared is only touched on its CPU, but for the
 * addition of a reader.
 *
 * The C library registers each thread (glibc 2.35); where it has not, and where
 * SJ_PERCPU is 0, there are no such logs, and sj_percpu() is NULL.
 */
#ifndef SIDE_JMP_ARCH_PERCPU_H
#define SIDE_JMP_ARCH_PERCPU_H

#include <stddef.h>
#include <stdint.h>

enum {
	SJ_PERCPU_PACKET = 64 * 1024,	/* bytes; a packet of a log */
	SJ_PERCPU_FULL = 1,		/* of a log's word: add no more there */
};

/* What a packet begins with. */
struct sj_percpu_packet {
	uint64_t head[2];		/* the caller's */
	uint64_t begin, end;		/* times: of the first and last record */
	uint64_t content_bits;		/* filled, this included */
	uint64_t packet_bits;		/* how long it is */
	uint64_t discarded;
	uint64_t number;		/* the caller's */
};

/* Whose records are whole: the time stands at byte 4 of each. */
struct sj_percpu_log {
	uintptr_t packet;		/* and SJ_PERCPU_FULL */
} __attribute__((aligned(64)));

enum sj_percpu_done {
	SJ_PERCPU_DONE,
	SJ_PERCPU_NO_ROOM,		/* *cpu says where */
	SJ_PERCPU_ABORTED,		/* nothing was done; try again */
	SJ_PERCPU_NO_LOG,		/* of this CPU */
};

#if defined(__x86_64__) && !defined(__ILP32__)
#include "arch/x86_64/percpu.h"
#endif

#ifndef SJ_PERCPU
#define SJ_PERCPU 0

static inline void *sj_percpu(void)
{
	return NULL;
}

static inline enum sj_percpu_done sj_percpu_add(void *here,
	struct sj_percpu_log *logs, unsigned n, const void *record, size_t size,
	uint64_t *now, uint32_t *cpu)
{
	(void)here, (void)logs, (void)n, (void)record, (void)size, (void)now;
	(void)cpu;
	return SJ_PERCPU_NO_LOG;
}

static inline enum sj_percpu_done sj_percpu_turn(void *here,
	struct sj_percpu_log *log, uint32_t cpu, uintptr_t old,
	struct sj_percpu_packet *next, uint64_t *joins, uint64_t by, uint64_t now)
{
	(void)here, (void)log, (void)cpu, (void)old, (void)next, (void)joins;
	(void)by, (void)now;
	return SJ_PERCPU_NO_LOG;
}

static inline enum sj_percpu_done sj_percpu_discard(void *here,
	struct sj_percpu_log *logs, unsigned n)
{
	(void)here, (void)logs, (void)n;
	return SJ_PERCPU_NO_LOG;
}
#endif

#endif
