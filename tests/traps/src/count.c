/* SPDX-License-Identifier: MIT */
/*
 * The same loop with an idle site and without, for an instruction counter:
 *
 *	count PASSES
 */
#include <stdio.h>
#include <stdlib.h>

#include <side_jmp.h>

SIDE_JMP_KEY(key);

__attribute__((noinline)) long with_site(long passes);
__attribute__((noinline)) long without_site(long passes);
__attribute__((noinline)) void slow_path(void);

void slow_path(void)
{
	puts("enabled");
}

#define STEP(i, sum)	__asm__ volatile("" : "+r"(sum) : "r"(i))

long without_site(long passes)
{
	long sum = 0;

	for (long i = 0; i < passes; i++) {
		STEP(i, sum);
		sum += i;
	}
	return sum;
}

long with_site(long passes)
{
	long sum = 0;

	for (long i = 0; i < passes; i++) {
		STEP(i, sum);
		if (side_jmp_unlikely(key))
			slow_path();
		sum += i;
	}
	return sum;
}

int main(int argc, char **argv)
{
	long passes = argc > 1 ? atol(argv[1]) : 1;
	struct side_jmp_info info;

	side_jmp_get_info(&info, sizeof(info));
	printf("idle %d same %d\n", (int)info.idle,
	       with_site(passes) == without_site(passes));
	return 0;
}
