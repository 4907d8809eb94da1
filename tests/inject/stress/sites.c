// SPDX-License-Identifier: MIT
/*
 * 1,024 sites in one layout: compiled once for each layout, with TABLE the name of the table of functions.
 */
#include "tests/inject/stress/sites.h"

#define PASS(n, w) \
	static uint64_t pass_##n(void) \
	{ \
		uint64_t m = 0; \
		SITES_16(key_##n) \
		return m; \
	}
ALL_KEYS(PASS)

#define ENTRY(n, w)	pass_##n,
pass_fn *const TABLE[N_KEYS] = { ALL_KEYS(ENTRY) };
