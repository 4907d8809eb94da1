/* SPDX-License-Identifier: MIT */
/* What makes a library of big_library.S: a key, and the constructor. */
#include <side_jmp.h>

SIDE_JMP_KEY(big_key);

SIDE_JMP_EXPORTED int big_hit(void);

int big_hit(void)
{
	return side_jmp_unlikely(big_key);
}
