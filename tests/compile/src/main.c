/* SPDX-License-Identifier: MIT */
/*
 * Calls every check disabled, enabled and disabled again, prints what was
 * wrong, and the number of sites.  Arguments: the back end that is expected,
 * and how many sites there are at least and at most.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"

static int wrong;

static void expect(const char *name, const char *when, long seen, long expected)
{
	if (seen == expected)
		return;
	printf("%s, %s: seen %ld, expected %ld\n", name, when, seen, expected);
	wrong++;
}

static void run(const struct check *c)
{
	for (; c->name; c++) {
		expect(c->name, "off", c->f(10), c->off);
		expect(c->name, "enable", side_jmp_enable(c->key), 0);
		expect(c->name, "on", c->f(10), c->on);
		expect(c->name, "disable", side_jmp_disable(c->key), 0);
		expect(c->name, "off again", c->f(10), c->off);
	}
}

/* Keep what nobody calls from being called, and from being inlined away. */
int never(int a)
{
	return side_jmp_unlikely(of_a) ? a + 1 : a;
}

int main(int argc, char **argv)
{
	struct side_jmp_info i;
	const char *backend = argc > 1 ? argv[1] : "self";
	unsigned long least = argc > 2 ? strtoul(argv[2], NULL, 10) : 20;
	unsigned long most = argc > 3 ? strtoul(argv[3], NULL, 10) : 60;

	run(checks_a);
	run(checks_b);
	run(checks_lib);
	side_jmp_get_info(&i, sizeof(i));
	if (strcmp(i.backend_name, backend)) {
		printf("back end %s (%s), expected %s\n", i.backend_name,
		       i.backend_reason, backend);
		wrong++;
	}
	expect("info", "rejected", (long)i.objects_rejected, 0);
	if (i.objects_rejected)
		printf("%s\n", i.reject_reason);
	expect("info", "foreign", (long)i.foreign, 0);
	if (!strcmp(backend, "self"))
		expect("info", "idle", (long)i.idle, (long)i.sites);
	if (SIDE_JMP_ARCH_HAS_SITES && (i.sites < least || i.sites > most)) {
		printf("%lu sites, expected %lu to %lu\n",
		       (unsigned long)i.sites, least, most);
		wrong++;
	}
	printf("%lu sites in %lu objects\n", (unsigned long)i.sites,
	       (unsigned long)i.objects);
	return wrong != 0;
}
