// SPDX-License-Identifier: MIT
/*
 * SITES sites (1, 512, 4096) of one key, 34 to a page of 4 KiB, and functions
 * that run through them.  Idle, that code refers to no data: a copy of it runs
 * anywhere.
 */
#include <side_jmp.h>

#include "bench/batches.h"

SIDE_JMP_KEY(bench_key);

static uint64_t hits;

/* The code around a site: 85 bytes of other instructions. */
#define SITE \
	__asm__ volatile (".skip 85, 0x90"); \
	if (side_jmp_unlikely(bench_key)) \
		hits++;
#define EIGHT(X)	X X X X X X X X

#if SITES == 1
#define BODY		SITE
#define FUNCTIONS	FUNCTION(0)
#define NAMES		sites_0
#else
#define BODY		EIGHT(EIGHT(EIGHT(SITE)))
#if SITES == 512
#define FUNCTIONS	FUNCTION(0)
#define NAMES		sites_0
#else
#define FUNCTIONS	FUNCTION(0) FUNCTION(1) FUNCTION(2) FUNCTION(3) \
			FUNCTION(4) FUNCTION(5) FUNCTION(6) FUNCTION(7)
#define NAMES		sites_0, sites_1, sites_2, sites_3, sites_4, sites_5, \
			sites_6, sites_7
#endif
#endif

#define FUNCTION(n)	__attribute__((noinline)) static void sites_##n(void) \
			{ BODY }
FUNCTIONS

__attribute__((visibility("default")))
extern const struct batch_sites batch_sites;
const struct batch_sites batch_sites = {
	&bench_key, &side_jmp_this_object, &hits, { NAMES },
};
