/* SPDX-License-Identifier: MIT */
/* What a library made of batch_sites.c exports. */
#ifndef BENCH_BATCHES_H
#define BENCH_BATCHES_H

#include <stdint.h>

#include <side_jmp.h>

struct batch_sites {
	struct side_jmp_key *key;
	struct side_jmp_object *object;
	uint64_t *hits;
	void (*run[9])(void);		/* the last one is NULL */
};

#endif
