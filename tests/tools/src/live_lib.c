/* SPDX-License-Identifier: MIT */
/* The library of live.c: a key that it exports, and one of its own. */
#include "live.h"

SIDE_JMP_KEY_EXPORT(live_shared);
SIDE_JMP_KEY(library_own);

int live_library(void)
{
	int hits = side_jmp_unlikely(live_shared);

	hits += side_jmp_unlikely(library_own);
	hits += side_jmp_unlikely(library_own);
	return hits;
}
