/* SPDX-License-Identifier: MIT */
/*
 * A program whose file is prepared: does what its arguments say, one after the
 * other, and prints what it sees, on one line.  Its two keys have sites on one
 * page, and so has the key of the library that `load` loads.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <side_jmp_event.h>

#include "tests/child.h"
#include "tests/expect.h"

SIDE_JMP_KEY(first);
SIDE_JMP_KEY(second);
SIDE_JMP_KEY_EXTERN(shared_key);
SIDE_JMP_KEY_EXPORT(shared_key);
SIDE_JMP_EVENT(prepared, event, "Of a prepared file", (u32, n));

static int (*library_hits)(void);

__attribute__((noinline)) static int hits_first(void)
{
	return side_jmp_unlikely(first) ? 1 : 0;
}

__attribute__((noinline)) static int hits_second(void)
{
	return side_jmp_unlikely(second) ? 1 : 0;
}

__attribute__((noinline)) static void emit(void)
{
	side_jmp_event(prepared, event, 1u);
}

/*
 * Pages of code that are not the file's any more, of all mappings.  (What smaps
 * calls dirty may be a file's that is not on disk yet.)
 */
static long dirty_pages(void)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512], flags[8];
	bool code = false;
	long kb, n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*x-%*x %7s", flags) == 1 &&
		    strlen(flags) == 4 && flags[0] != ' ' && !strchr(flags, ':'))
			code = flags[2] == 'x';
		else if (code && sscanf(line, "Anonymous: %ld", &kb) == 1)
			n += kb / 4;
	}
	if (f)
		fclose(f);
	return n;
}

static void lose(void)
{
	static const int calls[] = { SYS_open, SYS_openat, SYS_pwrite64 };

	filter_calls(calls, 3, SECCOMP_RET_ERRNO | EPERM);
}

static void load(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);

	if (!library)
		printf(" %s", dlerror());
	else
		library_hits = (int (*)(void))dlsym(library, "library_hits");
}

static void step(const char *what)
{
	if (!strcmp(what, "+first"))
		printf(" %d", side_jmp_enable(&first));
	else if (!strcmp(what, "-first"))
		printf(" %d", side_jmp_disable(&first));
	else if (!strcmp(what, "+second"))
		printf(" %d", side_jmp_enable(&second));
	else if (!strcmp(what, "+shared"))
		printf(" %d", side_jmp_enable(&shared_key));
	else if (!strcmp(what, "+event"))
		printf(" %d", side_jmp_trace_start("prepared:event",
						   "/dev/stdout"));
	else if (!strcmp(what, "hits"))
		printf(" %d%d", hits_first(), hits_second());
	else if (!strcmp(what, "words"))
		printf(" %d%d", side_jmp_enabled(&first),
		       side_jmp_enabled(&second));
	else if (!strcmp(what, "library"))
		printf(" %d", library_hits());
	else if (!strcmp(what, "freeze"))
		printf(" %d", side_jmp_freeze());
	else if (!strcmp(what, "backend"))
		printf(" %s", info().backend_name);
	else if (!strcmp(what, "idle"))
		printf(" %d", (int)info().idle);
	else if (!strcmp(what, "refused"))
		printf(" %d", (int)info().refused);
	else if (!strcmp(what, "dirty"))
		printf(" %ld", dirty_pages());
	else if (!strcmp(what, "emit"))
		emit();
	else if (!strcmp(what, "again"))
		printf(" %d", side_jmp_object_unregister(&side_jmp_this_object) |
		       side_jmp_object_register(&side_jmp_this_object));
	else if (!strcmp(what, "lose"))
		lose();
	else if (!strcmp(what, "mdwe"))
		must(!prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0), "PR_SET_MDWE");
	else
		load(what);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		step(argv[i]);
	puts("");
	return 0;
}
