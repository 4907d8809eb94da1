/* SPDX-License-Identifier: MIT */
/*
 * Says what the library did with three sites, each on a page of its own, and
 * whether their keys work: one `name value` a line.
 *
 *	report [--mdwe]		with PR_SET_MDWE set before it starts
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <side_jmp.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE	65
#endif

#define SITE(name) \
	SIDE_JMP_KEY(name##_key); \
	__attribute__((noinline, aligned(4096))) static int name(void) \
	{ \
		return side_jmp_unlikely(name##_key); \
	}
SITE(one)
SITE(two)
SITE(three)

static struct side_jmp_key *all[] = { &one_key, &two_key, &three_key };

static int hits(void)
{
	int n = 0;

	for (int i = 0; i < 1000; i++)
		n += one() + two() + three();
	return n;
}

static void report(const char *when)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	printf("%s.backend %s\n%s.reason %s\n%s.sites %d\n%s.armed %d\n"
	       "%s.idle %d\n%s.refused %d\n%s.pages %d\n%s.budget %lld\n"
	       "%s.hits %d\n", when, i.backend_name, when, i.backend_reason,
	       when, (int)i.sites, when, (int)i.armed, when, (int)i.idle, when,
	       (int)i.refused, when, (int)i.pages_dirtied, when,
	       (long long)i.pages_budget, when, hits());
}

static int restart_with_mdwe(void)
{
	if (prctl(PR_SET_MDWE, 1, 0, 0, 0)) {
		puts("no PR_SET_MDWE");
		return 4;
	}
	execl("/proc/self/exe", "report", (char *)NULL);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--mdwe"))
		return restart_with_mdwe();
	report("start");
	printf("enable %d\n", side_jmp_enable_many(all, 3));
	report("enabled");
	printf("disable %d\n", side_jmp_disable_many(all, 3));
	report("disabled");
	side_jmp_set_dirty_pages(argc > 1 ? 1 : 1000);
	side_jmp_enable_many(all, 3);
	side_jmp_disable_many(all, 3);
	report("budget_raised");
	return 0;
}
