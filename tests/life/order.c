/* SPDX-License-Identifier: MIT */
/*
 * Keys before our constructor has run and after our destructor has: from
 * .preinit_array, constructors of lower and of the same priority, atexit(),
 * destructors of higher and lower ones.
 */
#include <side_jmp.h>

#include "tests/child.h"
#include "tests/expect.h"

enum { PASSES = 1000 };

SIDE_JMP_KEY(early);		/* enabled before we are */
SIDE_JMP_KEY(early_flipped);	/* enabled and disabled before we are */
SIDE_JMP_KEY(late);

#define COUNT_PASSES(key) \
	__attribute__((noinline)) static int key##_passes(void) \
	{ \
		int n = 0; \
		for (int i = 0; i < PASSES; i++) \
			n += side_jmp_unlikely(key); \
		return n; \
	}
COUNT_PASSES(early)
COUNT_PASSES(early_flipped)
COUNT_PASSES(late)

/* What a caller sees at one time of a program's life. */
struct moment {
	int ran, enable, enabled_hits, disable, disabled_hits, objects;
};

static struct moment preinit, before_ours, same_priority, after_ours;

static void flip(struct moment *m, struct side_jmp_key *key, int (*hits)(void))
{
	m->objects = (int)info().objects;
	m->enable = side_jmp_enable(key);
	m->enabled_hits = hits();
	m->disable = side_jmp_disable(key);
	m->disabled_hits = hits();
	m->ran++;
}

static void run_preinit(void)
{
	flip(&preinit, &early_flipped, early_flipped_passes);
	side_jmp_enable(&early);
	side_jmp_sync(&early);
}

static void run_before_ours(void)
{
	flip(&before_ours, &early_flipped, early_flipped_passes);
}

/* The attribute refuses priorities below 101, which are the compiler's. */
__attribute__((used, section(".preinit_array")))
static void (*const at_preinit)(void) = run_preinit;
__attribute__((used, section(".init_array.00050")))
static void (*const at_init_50)(void) = run_before_ours;

__attribute__((constructor(101)))
static void run_with_same_priority(void)
{
	flip(&same_priority, &early_flipped, early_flipped_passes);
}

__attribute__((constructor(102)))
static void run_after_ours(void)
{
	flip(&after_ours, &early_flipped, early_flipped_passes);
}

static void expect_right(const struct moment *m, int objects, const char *name)
{
	if (objects >= 0 && m->objects != objects)
		tap_note("%d objects, expected %d", m->objects, objects);
	tap_ok(m->ran == 1 && m->enable == 0 && m->enabled_hits == PASSES &&
	       m->disable == 0 && m->disabled_hits == 0 &&
	       (objects < 0 || m->objects == objects), name);
}

/* All but those of `early`, which is enabled. */
static long long others(void)
{
	return (long long)expect_idle(info().sites - sites_of(&early));
}

static void test_constructors(void)
{
	expect_right(&preinit, 0, "life_order_preinit");
	expect_right(&before_ours, 0, "life_order_constructor_before_ours");
	expect_right(&same_priority, -1,
		     "life_order_constructor_of_our_priority");
	expect_right(&after_ours, 1, "life_order_constructor_after_ours");
	tap_equal(early_passes(), PASSES, "life_order_enabled_before_us_stays");
	tap_equal((long long)info().idle, others(),
		  "life_order_the_others_are_idle");
	tap_ok(!side_jmp_disable(&early) && early_passes() == 0 &&
	       side_jmp_disable(&early) == -EINVAL,
	       "life_order_enabled_before_us_is_counted");
}

/* ---- the end: in a child, that says what it saw in shared memory -------- */

static struct {
	struct moment atexit, destructor, same, last;
	int kept_hits;
	int registered_again, idle;
} *end;

static bool ending;

static void run_atexit(void)
{
	flip(&end->atexit, &late, late_passes);
}

__attribute__((destructor(102)))
static void run_destructor(void)
{
	if (ending)
		flip(&end->destructor, &late, late_passes);
}

__attribute__((destructor(101)))
static void run_destructor_of_our_priority(void)
{
	if (ending)
		flip(&end->same, &late, late_passes);
}

static void run_last(void)
{
	if (!ending)
		return;
	flip(&end->last, &late, late_passes);
	end->kept_hits = early_passes();
	end->registered_again =
		side_jmp_object_register(&side_jmp_this_object);
	end->idle = (int)info().idle;
}

__attribute__((used, section(".fini_array.00050")))
static void (*const at_fini_50)(void) = run_last;

static void end_normally(void)
{
	ending = true;
	must(!atexit(run_atexit), "atexit");
	must(!side_jmp_enable(&early), "enable");
	exit(7);
}

static void end_frozen(void)
{
	must(!side_jmp_freeze(), "freeze");
	end_normally();
}

static void test_end(void (*run)(void), const char *when)
{
	char name[80];

	memset(end, 0, sizeof(*end));
	tap_note("%s", when);
	snprintf(name, sizeof(name), "life_order_%s_exits", when);
	tap_equal(in_child(run), 7, name);
	expect_right(&end->atexit, 1, "life_order_atexit");
	expect_right(&end->destructor, 1, "life_order_destructor_before_ours");
	expect_right(&end->same, 1, "life_order_destructor_of_our_priority");
	expect_right(&end->last, 1, "life_order_destructor_after_ours");
	tap_ok(end->kept_hits == PASSES && !end->registered_again,
	       "life_order_enabled_stays_to_the_end");
}

int main(void)
{
	end = shared_memory(sizeof(*end));
	test_constructors();
	test_end(end_normally, "process");
	tap_equal(end->idle, others(), "life_order_executable_stays_patched");
	test_end(end_frozen, "frozen_process");
	tap_equal(end->idle, 0, "life_order_frozen_stays_armed");
	return tap_done();
}
