// SPDX-License-Identifier: MIT
/*
 * A library with sites of the executable's keys and of its own.  Linked twice:
 * against the executable's copy of the runtime, and with one of its own.
 */
#define STRESS_LIBRARY
#include "tests/inject/stress/sites.h"

SIDE_JMP_KEY_STATIC(own_key);

#define PASS(n, w) \
	static uint64_t pass_##n(void) \
	{ \
		uint64_t m = 0; \
		SITES_16(key_##n) \
		return m; \
	}
SHARED_KEYS(PASS)

static uint64_t pass_own(void)
{
	uint64_t m = 0;

	SITES_16(own_key)
	return m;
}

__attribute__((visibility("default")))
extern const struct stress_library stress_library;
const struct stress_library stress_library = {
	.shared = { pass_0, pass_1, pass_2, pass_3 },
	.own = pass_own,
	.own_key = &own_key,
};
