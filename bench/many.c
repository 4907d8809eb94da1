// SPDX-License-Identifier: MIT
/*
 * SITES sites (100 or 1,000) of one key, 34 to a page of 4 KiB.  The
 * same object is linked several times for libraries of 10,000 and 100,000.
 */
#include <side_jmp.h>

SIDE_JMP_KEY_DECLARE(bench_key);
extern uint64_t bench_hits __attribute__((visibility("hidden")));

/* The code around a site: 85 bytes of other instructions. */
#define SITE \
	__asm__ volatile (".skip 85, 0x90"); \
	if (side_jmp_unlikely(bench_key)) \
		bench_hits++;
#define TEN(X)	X X X X X X X X X X

#define FUNCTION(n) \
	static void sites_##n(void) \
	{ \
		TEN(TEN(SITE)) \
	} \
	static void (*const keep_##n)(void) \
		__attribute__((section("bench_keep"), used)) = sites_##n;

FUNCTION(0)
#if SITES == 1000
FUNCTION(1) FUNCTION(2) FUNCTION(3) FUNCTION(4) FUNCTION(5)
FUNCTION(6) FUNCTION(7) FUNCTION(8) FUNCTION(9)
#endif
