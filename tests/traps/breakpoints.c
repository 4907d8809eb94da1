/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints of a debugger on sites, when the process freezes: an idle one may
 * not be left behind, for it would be a no-op for ever once the breakpoint is
 * gone; one that stands on what the file has, which is armed, is no harm.  And
 * between sites, when an object comes: a debugger may be removing it while we
 * write, so we write on both sides of it.
 * breakpoints_nop.c is the same in the layout nop, on each of its instructions.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include <side_jmp.h>

#include "tests/child.h"
#include "tests/expect.h"

#ifndef BREAKPOINTS
#define BREAKPOINTS	"breakpoints"
#define SECOND		0	/* where a site's other instruction begins */
#endif

static unsigned break_at;	/* bytes behind the beginning of a site */

enum { PASSES = 10, BREAKPOINT = 0xcc };

SIDE_JMP_KEY(key);
SIDE_JMP_KEY(other);

#define COUNT_PASSES(key) \
	__attribute__((noinline)) static int key##_passes(void) \
	{ \
		int n = 0; \
		for (int i = 0; i < PASSES; i++) \
			n += side_jmp_unlikely(key); \
		return n; \
	}
COUNT_PASSES(key)
COUNT_PASSES(other)

/* A byte of code between two sites of one page. */
extern unsigned char between_two_sites[];

__attribute__((noinline, used, aligned(256))) static int both(void)
{
	int n = side_jmp_unlikely(key);

	__asm__ volatile ("between_two_sites: nop");
	return n + side_jmp_unlikely(other);
}

/* ---- a debugger, who writes as ours do ---------------------------------- */

enum { MOST = 64 };

static unsigned char *places[MOST], was[MOST];
static unsigned n_places;

static void poke(unsigned char *at, unsigned char byte)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	must(fd >= 0 && pwrite(fd, &byte, 1, (off_t)(uintptr_t)at) == 1,
	     "/proc/self/mem");
	close(fd);
}

static void set_breakpoints(void)
{
	const struct side_jmp_record *r = side_jmp_this_object.start;

	for (; r < side_jmp_this_object.stop; r++) {
		if ((intptr_t)&r->key + r->key != (intptr_t)&key)
			continue;
		must(n_places < MOST, "few sites");
		places[n_places] = (unsigned char *)&r->site + r->site + break_at;
		was[n_places] = *places[n_places];
		poke(places[n_places++], BREAKPOINT);
	}
}

static void remove_breakpoints(void)
{
	while (n_places) {
		n_places--;
		poke(places[n_places], was[n_places]);
	}
}

/* ---- cases, each in a child --------------------------------------------- */

static void others_work(void)
{
	must(!side_jmp_enable(&other) && other_passes() == PASSES, "enable");
	must(!side_jmp_disable(&other) && other_passes() == 0, "disable");
}

static void over_idle_sites(void)
{
	must(all_sites_rest() && info().idle, "begins idle");
	set_breakpoints();
	must(info().foreign == sites_of(&key), "breakpoints are seen");
	must(side_jmp_freeze() == -EBUSY, "freeze refuses");
	must(side_jmp_freeze() == -EBUSY, "freeze refuses again");
	must(info().backend == expect_backend(), "patching goes on");
	others_work();
	remove_breakpoints();
	must(key_passes() == 0, "disabled");
	must(!side_jmp_enable(&key) && key_passes() == PASSES, "enable arms");
	must(!side_jmp_disable(&key) && !key_passes() && all_sites_rest(),
	     "disable idles");
	must(!side_jmp_freeze() && info().armed == info().sites, "freeze");
	must(!side_jmp_enable(&key) && key_passes() == PASSES, "enable");
}

/* Enabled while they stand there, and then armed by the next change. */
static void over_idle_sites_of_an_enabled_key(void)
{
	set_breakpoints();
	must(!side_jmp_enable(&key), "enable skips them");
	must(side_jmp_freeze() == -EBUSY, "freeze refuses");
	remove_breakpoints();
	must(key_passes() == (SECOND ? PASSES : 0), "what was beneath them");
	must(!side_jmp_enable(&key) && key_passes() == PASSES,
	     "the next enable arms");
	must(!side_jmp_freeze() && key_passes() == PASSES, "freeze");
}

static void over_idle_sites_when_frozen(void)
{
	set_breakpoints();
	must(side_jmp_freeze() == -EBUSY, "freeze refuses");
	remove_breakpoints();
	must(!side_jmp_freeze() && info().armed == info().sites,
	     "freeze arms what is under them");
	must(!side_jmp_enable(&key) && key_passes() == PASSES, "enable");
	must(!side_jmp_disable(&key) && key_passes() == 0, "disable");
}

static void enter_integrity(void)
{
	int r;

	set_breakpoints();
	must(side_jmp_enter_integrity(0) == -EBUSY, "integrity refuses");
	others_work();
	remove_breakpoints();
	r = side_jmp_enter_integrity(0);
	must((!r || r == -EOPNOTSUPP) && info().armed == info().sites,
	     "integrity");
}

/* Nothing has been written yet: what is under them is the file's. */
static void over_armed_sites_of_clean_pages(void)
{
	must(!info().pages_dirtied && info().armed == info().sites, "clean");
	set_breakpoints();
	must(side_jmp_freeze() == 0, "freeze");
	remove_breakpoints();
	must(info().armed == info().sites, "all armed");
	must(!side_jmp_enable(&key) && key_passes() == PASSES, "enable");
	must(!side_jmp_disable(&key) && key_passes() == 0, "disable");
}

/* How many writes does it take to idle the sites of this program? */
static uint64_t writes_at_load(void)
{
	uint64_t before;

	must(!side_jmp_object_unregister(&side_jmp_this_object), "unregister");
	before = info().writes;
	must(!side_jmp_object_register(&side_jmp_this_object), "register");
	must(all_sites_rest(), "all sites are idle");
	return info().writes - before;
}

static void between_sites(void)
{
	unsigned char nop = between_two_sites[0];
	uint64_t n = writes_at_load();

	must(both() == 0, "both are disabled");
	poke(between_two_sites, BREAKPOINT);
	must(writes_at_load() == n + 1, "none is written over");
	must(between_two_sites[0] == BREAKPOINT, "it stands");
	poke(between_two_sites, nop);
	must(writes_at_load() == n, "when it is gone, as before");
	must(both() == 0, "both are disabled");
}

/* Again, with a budget of no pages, so that no site ever went idle. */
static void without_pages(void)
{
	setenv("SIDE_JMP_DIRTY_PAGES", "0", 1);
	execl(own_program(), "breakpoints", break_at ? "clean, the second" :
	      "clean", (char *)NULL);
	must(false, "exec");
}

static void all_cases(const char *where)
{
	static const struct {
		void (*run)(void);
		const char *name;
	} cases[] = {
		{ over_idle_sites, "over_idle_sites_and_freeze" },
		{ over_idle_sites_of_an_enabled_key,
		  "over_idle_sites_of_an_enabled_key" },
		{ over_idle_sites_when_frozen, "gone_freeze_arms" },
		{ enter_integrity, "and_integrity" },
		{ without_pages, "over_armed_sites_and_freeze" },
		{ between_sites, "between_sites_stay" },
	};
	char name[100];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(name, sizeof(name), BREAKPOINTS "_%s%s",
			 cases[i].name, where);
		tap_equal(in_child(cases[i].run), 0, name);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		break_at = strchr(argv[1], ',') ? SECOND : 0;
		over_armed_sites_of_clean_pages();
		return 0;
	}
	if (!expect_patching()) {
		tap_skip(BREAKPOINTS, "nobody patches");
		return tap_done();
	}
	all_cases("");
	if (SECOND) {
		break_at = SECOND;
		all_cases("_on_the_second");
	}
	return tap_done();
}
