// SPDX-License-Identifier: MIT
/* What a library of many sites exports. */
#include <side_jmp.h>

#include "bench/bench.h"

SIDE_JMP_KEY(bench_key);

extern uint64_t bench_hits __attribute__((visibility("hidden")));
uint64_t bench_hits;

__attribute__((visibility("default")))
extern const struct bench_library bench_library;
const struct bench_library bench_library = {
	&bench_key, &side_jmp_this_object,
};
