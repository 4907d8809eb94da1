#!/bin/sh
# SPDX-License-Identifier: MIT
# user_events and a library that is unloaded: the kernel must forget the
# library's words before others get their memory.
. "$(dirname "$0")/../tap.sh"
cat >"$TMP/lib.c" <<'END'
#include <side_jmp_event.h>
SIDE_JMP_EVENT(lib, used, "In the library", (u32, n));
SIDE_JMP_EVENT64(lib, wide, "In the library", (u64, n));
void use(void);
void use(void) { side_jmp_event(lib, used, 7); side_jmp_event(lib, wide, 8); }
END
cat >"$TMP/host.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <side_jmp_event.h>
#include "runtime/events/events.h"

SIDE_JMP_EVENT(host, used, "In the program", (u32, n));
void *keep[] = { (void *)side_jmp_event_fire, (void *)side_jmp_object_register };

static uint64_t words[16];	/* what is registered */
static int registered, unregistered, unknown, writes;

static int open_(const char *path) { (void)path; return memfd_create("f", MFD_CLOEXEC); }
static void close_(int fd) { close(fd); }
static long writev_(int fd, const struct iovec *iov, int n)
{
	(void)fd; (void)iov; (void)n;
	return ++writes;
}
static int ioctl_(int fd, unsigned long request, void *arg)
{
	bool reg = (request & 0xff) == 0;
	uint64_t word, none = 0;
	uint32_t index = 0;

	(void)fd;
	memcpy(&word, (char *)arg + 8, 8);
	for (int i = 0; i < 16; i++)
		if (words[i] == (reg ? none : word)) {
			words[i] = reg ? word : 0;
			registered += reg;
			unregistered += !reg;
			if (reg)
				memcpy((char *)arg + 24, &index, 4);
			return 0;
		}
	unknown++;
	return -2;
}
static const struct sj_user_events_ops ops = { open_, ioctl_, writev_, close_ };

static void set_all(void)	/* somebody listens to everything */
{
	for (int i = 0; i < 16; i++)
		if (words[i]) {
			struct side_jmp_key *key = (void *)(uintptr_t)words[i];

			if (key->width == 64)
				__atomic_fetch_or(&key->word64, UINT64_C(1) << 63,
						  __ATOMIC_SEQ_CST);
			else
				__atomic_fetch_or(&key->word32, 1u << 31, __ATOMIC_SEQ_CST);
		}
}

int main(int argc, char **argv)
{
	(void)argc;
	sj_user_events_ops = &ops;
	if (side_jmp_user_events_start(0))
		return 1;
	for (int i = 0; i < 20; i++) {
		void *lib = dlopen(argv[1], RTLD_NOW);
		void (*use)(void);
		int before = writes;

		if (!lib)
			return puts(dlerror()), 2;
		if (registered != 1 + 2 * (i + 1))
			return printf("%d registered\n", registered), 3;
		set_all();
		*(void **)&use = dlsym(lib, "use");
		use();
		if (writes != before + 2)
			return printf("%d writes\n", writes - before), 4;
		dlclose(lib);
		if (unregistered != 2 * (i + 1) || unknown)
			return printf("%d unregistered, %d unknown\n", unregistered, unknown), 5;
		set_all();	/* would fault if one were left */
	}
	return keep[0] ? 0 : 6;
}
END
unloads() {
	$CC -std=gnu11 -I"$BUILD/include" -fPIC -shared "$TMP/lib.c" -o "$TMP/lib.so" &&
	$CC -std=gnu11 -I. -I"$BUILD/include" -rdynamic "$TMP/host.c" \
		"$BUILD"/shared/runtime/*/*.o "$BUILD"/shared/arch/*/*.o -ldl -pthread \
		-o "$TMP/host" &&
	"$TMP/host" "$TMP/lib.so"
}
ok kernel_forgets_a_library_that_is_unloaded unloads
env_off() { # without user_events, or without the right: nothing else changes
	cat >"$TMP/env.c" <<'END2'
#include <stdio.h>
#include <string.h>
#include <side_jmp_event.h>
SIDE_JMP_EVENT(env, used, "An event", (u32, n));
int main(int argc, char **argv)
{
	struct side_jmp_event_info info;

	side_jmp_event(env, used, 1);
	side_jmp_event_get_info(&info, sizeof(info));
	printf("%d: %s\n", (int)info.user_events, info.user_events_reason);
	return argc != 2 || !strstr(info.user_events_reason, argv[1]);
}
END2
	$CC -std=gnu11 -I"$BUILD/include" "$TMP/env.c" "$BUILD/libside_jmp.a" -pthread \
		-o "$TMP/env" &&
	"$TMP/env" "not asked for" && SIDE_JMP_USER_EVENTS=0 "$TMP/env" "not asked for" &&
	SIDE_JMP_USER_EVENTS=maybe "$TMP/env" "is not one of"
}
ok kernel_variable_is_understood env_off
missing() { SIDE_JMP_USER_EVENTS=1 "$TMP/env" "there is no user_events_data"; }
if [ -e /sys/kernel/tracing/user_events_data ] ||
	[ -e /sys/kernel/debug/tracing/user_events_data ]; then
	skip kernel_missing_says_so "this kernel has user_events"
else
	ok kernel_missing_says_so missing
fi
done_testing
