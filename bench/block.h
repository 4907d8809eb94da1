/* SPDX-License-Identifier: MIT */
/*
 * A block of 256 sites, each with a key of its own in a cache line of its own.
 * block.c is compiled once a variant, and the same object is linked 16 times:
 * 16 copies of code and keys, 4,096 distinct sites; some of them 256 times.
 */
#ifndef BENCH_BLOCK_H
#define BENCH_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "bench/bench.h"

#define BLOCK_SITES	256
#define N_BLOCKS	16		/* of one library */
#define N_FEW		256		/* of the other one, which has few variants */

enum {	/* What a loop waits for. */
	LOOP_LATENCY,		/* results of its own */
	LOOP_THROUGHPUT,	/* adders */
	LOOP_FRONT_END,		/* instructions that do nothing */
	LOOP_MEMORY,		/* a list in memory, of which x is an element */
	N_LOOPS
};

/* Run the sites `reps` times. */
typedef uint64_t block_fn(uint64_t x, unsigned reps);

#if defined(__GNUC__) && !defined(__clang__)
#define BENCH_COLD	__attribute__((cold))
#else
#define BENCH_COLD		/* clang knows no cold labels */
#endif

/* Blocks of one library share: what a site's cold block counts in, ... */
extern uint64_t bench_hits __attribute__((visibility("hidden")));
/* ...one flag for all sites, in a line that `written` is in, too; ... */
extern struct bench_shared {
	uint32_t flag, written;
} bench_shared __attribute__((visibility("hidden")));
/* ...and what is called through pointers. */
extern void bench_nothing(void) __attribute__((visibility("hidden")));

struct bench_block {
	const char *variant;
	block_fn *run1[N_LOOPS];	/* the first site */
	block_fn *run16[N_LOOPS];	/* the first 16 sites */
	block_fn *run256[N_LOOPS];
};

/* What the library of all blocks exports. */
struct bench_blocks {
	struct bench_library library;	/* many keys: none named */
	const struct bench_block *const *start, *const *stop;
	struct bench_shared *shared;
};

#endif
