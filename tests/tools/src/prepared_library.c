/* SPDX-License-Identifier: MIT */
/* A library with a site of a key that the program owns. */
#include <side_jmp.h>

SIDE_JMP_KEY_EXTERN(shared_key);

int library_hits(void);
__attribute__((noinline)) int library_hits(void)
{
	return side_jmp_unlikely(shared_key) ? 1 : 0;
}
