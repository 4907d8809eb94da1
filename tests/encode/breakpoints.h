/* SPDX-License-Identifier: MIT */
/* Where a port sees a breakpoint among instructions, and where it must not. */
#ifndef TESTS_BREAKPOINTS_H
#define TESTS_BREAKPOINTS_H

#include <string.h>

#include "arch/arch.h"

struct trap {
	uint8_t bytes[4];
	size_t len;
	size_t step;	/* where an instruction may begin: at multiples */
	size_t enough;	/* how much of it is to be within the end */
};

/* Wherever it stands, and wherever they end: nobody looks beyond. */
static bool sees_trap(const struct side_jmp_arch *arch, const struct trap *t)
{
	enum { SPAN = 64 };

	for (size_t at = 0; at + t->len <= SPAN; at++)
		for (size_t n = 0; n <= SPAN; n++) {
			uint8_t text[SPAN] = { 0 };

			memcpy(text + at, t->bytes, t->len);
			memset(text + n, 0, SPAN - n);
			if (arch->breakpoint(text, n) !=
			    (at % t->step == 0 && n >= at + t->enough))
				return false;
		}
	return true;
}

static bool sees_traps(const struct side_jmp_arch *arch,
		       const struct trap traps[], size_t n)
{
	static const uint8_t none[64];

	for (size_t i = 0; i < n; i++)
		if (!sees_trap(arch, &traps[i]))
			return false;
	return !arch->breakpoint(none, sizeof(none));
}

#endif
