// ldflags: -Wl,--wrap=fopen
/* SPDX-License-Identifier: MIT */
/*
 * A program whose first thread has ended: /proc/self is dead then, for it is
 * that thread's.  All goes on: sites are armed and idled by writes, nothing is
 * dropped, and the mounts are found.
 */
#include <pthread.h>
#include <string.h>

#include <side_jmp_event.h>

#include "tests/child.h"
#include "tests/expect.h"

enum { PASSES = 10 };

SIDE_JMP_KEY(key);
SIDE_JMP_KEY64(key64);
SIDE_JMP_EVENT(leader, one, "An event", (u32, n));

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++) {
		n += side_jmp_unlikely(key);
		n += side_jmp_unlikely(key64);
	}
	return n;
}

/* ---- the mounts --------------------------------------------------------- */

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

static int looked, found;

FILE *__wrap_fopen(const char *path, const char *mode)
{
	FILE *f = __real_fopen(path, mode);
	int c;

	if (!strstr(path, "mounts"))
		return f;
	looked++;
	c = f ? getc(f) : EOF;
	found += c != EOF;
	if (c != EOF)
		ungetc(c, f);
	return f;
}

static void test_mounts(void)
{
	int r = side_jmp_user_events_start(0);

	if (!r)
		side_jmp_user_events_stop();
	if (r && looked)
		tap_equal(found, looked, "leader_exit_mounts_are_read");
	else
		tap_skip("leader_exit_mounts_are_read",
			 "the kernel's file is where it usually is");
}

/* ---- without the first thread ------------------------------------------- */

static pthread_t leader;

/* Until the kernel has taken it away: then nothing is behind /proc/self. */
static void wait_for_its_end(void)
{
	char path[64], line[512] = "";

	pthread_join(leader, NULL);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	while (!strstr(line, ") Z")) {
		FILE *f = __real_fopen(path, "r");

		must(f && fgets(line, sizeof(line), f), "state of the leader");
		fclose(f);
		usleep(1000);
	}
}

static void test_flips(const char *enables, const char *disables)
{
	struct side_jmp_key *both[] = { &key, &key64 };

	tap_ok(!side_jmp_enable_many(both, 2) && passes() == 2 * PASSES,
	       enables);
	tap_ok(!side_jmp_disable_many(both, 2) && !passes() && all_sites_rest(),
	       disables);
}

static void *go_on(void *arg)
{
	struct side_jmp_info before = info();

	wait_for_its_end();
	test_flips("leader_exit_enable", "leader_exit_disable_idles");
	tap_ok(!info().dropped_pages && info().backend == before.backend,
	       "leader_exit_drops_no_page");
	test_flips("leader_exit_enable_again", "leader_exit_idle_again");
	test_mounts();
	tap_equal(side_jmp_freeze(), 0, "leader_exit_freeze");
	tap_ok(info().armed == info().sites && !info().dropped_pages,
	       "leader_exit_freeze_arms");
	exit(tap_done());
	return arg;
}

int main(void)
{
	pthread_t thread;

	alarm(300);
	leader = pthread_self();
	if (pthread_create(&thread, NULL, go_on, NULL))
		return 1;
	pthread_exit(NULL);
}
