// SPDX-License-Identifier: MIT
/* What the library of all blocks exports. */
#include <side_jmp.h>

#include "bench/block.h"

uint64_t bench_hits;
struct bench_shared bench_shared __attribute__((aligned(64)));

void bench_nothing(void)
{
}

/* What a sled of XRay would call if it were on; nothing turns it on. */
extern void __xray_CustomEvent(void) __attribute__((visibility("hidden")));
void __xray_CustomEvent(void)
{
}

extern const struct bench_block *const __start_bench_blocks[]
	__attribute__((visibility("hidden")));
extern const struct bench_block *const __stop_bench_blocks[]
	__attribute__((visibility("hidden")));

__attribute__((visibility("default")))
extern const struct bench_blocks bench_library;
const struct bench_blocks bench_library = {
	{ NULL, &side_jmp_this_object },
	__start_bench_blocks, __stop_bench_blocks, &bench_shared,
};
