/* SPDX-License-Identifier: MIT */
/* Dies with one key enabled, so that its core shows one site of each state. */
#include <side_jmp.h>
#include <stdlib.h>

SIDE_JMP_KEY(wanted);
SIDE_JMP_KEY(unwanted);

__attribute__((noinline)) int f(void)
{
	return (side_jmp_unlikely(wanted) ? 1 : 0) +
	       (side_jmp_unlikely(unwanted) ? 2 : 0);
}

int main(void)
{
	if (side_jmp_enable(&wanted) || f() != 1)
		return 1;
	abort();
}
