/* SPDX-License-Identifier: MIT */
/* A thousand dense sites; prints what became of them. */
#define SIDE_JMP_LAYOUT_DENSE
#include <side_jmp.h>
#include <stdio.h>

SIDE_JMP_KEY(key);

#define TEN(x) x x x x x x x x x x

int dense_hits(void);

int dense_hits(void)
{
	int n = 0;

	TEN(TEN(TEN(if (side_jmp_unlikely(key)) n++;)))
	return n;
}

int dense_main(void);

int dense_main(void)
{
	struct side_jmp_info i;
	int off = dense_hits(), on, again;

	on = side_jmp_enable(&key) ? -1 : dense_hits();
	side_jmp_disable(&key);
	again = dense_hits();
	side_jmp_get_info(&i, sizeof(i));
	printf("%d %d %d hits, %llu sites, %llu idle, %llu pages, %llu rejected\n",
	       off, on, again, (unsigned long long)i.sites,
	       (unsigned long long)i.idle, (unsigned long long)i.pages_dirtied,
	       (unsigned long long)i.objects_rejected);
	return 0;
}
