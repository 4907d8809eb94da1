/* SPDX-License-Identifier: MIT */
/*
 * A block of 256 sites, each with a key of its own in a cache line of its own.
 * block.c is compiled once a variant, and the same object is linked 16 times:
 * 16 copies of code and keys, 4,096 distinct sites.
 */
#ifndef BENCH_BLOCK_H
#define BENCH_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "bench/bench.h"

#define BLOCK_SITES	256
#define N_BLOCKS	16

enum { LOOP_LATENCY, LOOP_THROUGHPUT, N_LOOPS };

/* Run the sites `reps` times. */
typedef uint64_t block_fn(uint64_t x, unsigned reps);

struct bench_block {
	const char *variant;
	block_fn *run16[N_LOOPS];	/* the first 16 sites */
	block_fn *run256[N_LOOPS];
};

/* What the library of all blocks exports. */
struct bench_blocks {
	struct bench_library library;	/* many keys: none named */
	const struct bench_block *const *start, *const *stop;
};

#endif
