/* SPDX-License-Identifier: MIT */
/*
 * reload LIBRARY: load it, use it and unload it 2,000 times; from the 100th on
 * the process gets no larger.
 */
#include <dlfcn.h>
#include <string.h>

#include "tests/child.h"

enum { CYCLES = 2000, SETTLED = 100, TOLERANCE_KB = 64 };

/* The rollup, if there is one: what status says is a few pages off. */
static long resident_kb(void)
{
	static char text[4096];
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	const char *rss;
	size_t n;

	f = f ? f : fopen("/proc/self/status", "r");
	must(f != NULL, "memory of ours");
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	rss = strstr(text, "VmRSS:");
	rss = rss ? rss + 6 : strstr(text, "Rss:");
	must(rss != NULL, "Rss");
	return strtol(rss + strcspn(rss, "0123456789"), NULL, 10);
}

static bool cycle(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*hit)(void) = NULL;
	bool ok;

	must(library != NULL, "dlopen");
	*(void **)&hit = dlsym(library, "reloaded_hit");
	ok = hit && hit() == 1;
	dlclose(library);
	/* It is gone: or nothing has been tried. */
	return ok && !dlopen(path, RTLD_NOW | RTLD_NOLOAD);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "./reloaded.so";
	long at_first, settled = 0, now;
	bool ok = true;

	at_first = resident_kb();
	for (int i = 0; i < CYCLES && ok; i++) {
		if (i == SETTLED)
			settled = resident_kb();
		ok = cycle(path);
	}
	now = resident_kb();
	tap_note("%ld kB, after %d cycles %ld, after %d %ld", at_first, SETTLED,
		 settled, CYCLES, now);
	tap_ok(ok, "reload_works_every_time");
	tap_ok(settled && now - settled <= TOLERANCE_KB,
	       "reload_leaves_no_memory_behind");
	return tap_done();
}
