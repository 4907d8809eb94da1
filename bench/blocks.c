// SPDX-License-Identifier: MIT
/* What the library of all blocks exports. */
#include <side_jmp.h>

#include "bench/block.h"

extern uint64_t bench_hits;
uint64_t bench_hits;

extern const struct bench_block *const __start_bench_blocks[]
	__attribute__((visibility("hidden")));
extern const struct bench_block *const __stop_bench_blocks[]
	__attribute__((visibility("hidden")));

__attribute__((visibility("default")))
extern const struct bench_blocks bench_library;
const struct bench_blocks bench_library = {
	{ NULL, &side_jmp_this_object },
	__start_bench_blocks, __stop_bench_blocks,
};
