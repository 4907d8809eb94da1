/* SPDX-License-Identifier: MIT */
/*
 * A walk over a key's sites has skipped one with somebody's breakpoint and is
 * between two slices when the breakpoint goes, with what stood there before, and
 * somebody else enables the key.  That enable goes on where the walk is, but not
 * past what that left out: when it returns, every site is armed.
 */
#include <fcntl.h>
#include <time.h>

#include <side_jmp.h>

#include "runtime/base/base.h"
#include "tests/child.h"

enum { BREAKPOINT = 0xcc, N_SITES = 16 };

SIDE_JMP_KEY(key);

#define ONE	n += side_jmp_unlikely(key);
#define FOUR	ONE ONE ONE ONE

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	FOUR FOUR FOUR FOUR
	return n;
}

static unsigned char *first_site(void)
{
	const struct side_jmp_record *r = side_jmp_this_object.start;
	unsigned char *first = NULL;

	for (; r < side_jmp_this_object.stop; r++) {
		unsigned char *site = (unsigned char *)&r->site + r->site;

		first = !first || site < first ? site : first;
	}
	return first;
}

static void poke(unsigned char *at, unsigned char byte)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	must(fd >= 0 && pwrite(fd, &byte, 1, (off_t)(uintptr_t)at) == 1,
	     "/proc/self/mem");
	close(fd);
}

/* ---- between two slices --------------------------------------------------- */

static bool at_work, joined;
static unsigned char was;

static void go_and_join(void)
{
	at_work = false;
	joined = true;
	poke(first_site(), was);
	must(!side_jmp_enable(&key), "the other enable");
	must(passes() == N_SITES, "all sites are armed when it returns");
}

/* A write takes so long that few of them are a slice. */
bool side_jmp_inject(enum inject_step step)
{
	static const struct timespec slice = { 0, 1000000 };

	if (at_work && step == INJECT_AFTER_WRITE)
		nanosleep(&slice, NULL);
	if (at_work && step == INJECT_BETWEEN_SLICES)
		go_and_join();
	return false;
}

static void run(void)
{
	must(passes() == 0, "begins idle");
	was = *first_site();
	poke(first_site(), BREAKPOINT);
	at_work = true;
	must(!side_jmp_enable(&key), "enable skips it");
	must(joined, "it took more than one slice");
	must(passes() == N_SITES, "enabled");
	must(!side_jmp_disable(&key) && passes() == N_SITES, "one is left");
	must(!side_jmp_disable(&key) && passes() == 0, "disabled");
}

int main(void)
{
	tap_equal(in_child(run), 0,
		  "foreign_joined_enable_looks_again_at_what_a_walk_has_skipped");
	return tap_done();
}
