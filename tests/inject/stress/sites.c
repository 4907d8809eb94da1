// SPDX-License-Identifier: MIT
/*
 * 1,344 sites in one layout (1,408 inline): compiled once for each layout,
 * with TABLE the name of the table of functions.
 */
#include "tests/inject/stress/sites.h"

#ifdef WITH_ONE_MORE
#define ONE_MORE(n)	SITE(key_##n, N_PER_LAYOUT)
#else
#define ONE_MORE(n)
#endif

#define PASS(n, w) \
	static uint64_t pass_##n(void) \
	{ \
		uint64_t m = 0; \
		SITES_21(key_##n) \
		ONE_MORE(n) \
		return m; \
	}
ALL_KEYS(PASS)

#define ENTRY(n, w)	pass_##n,
pass_fn *const TABLE[N_KEYS] = { ALL_KEYS(ENTRY) };
