/* SPDX-License-Identifier: MIT */
/*
 * A library with keys of its own and sites of a shared one, that flips them
 * before its table is taken in and after it has been given up.
 */
#include "shared.h"

SIDE_JMP_KEY(own_key);
DEFINE_HITS(own_hits, own_key)
DEFINE_HITS(shared_hits, shared_key)

SIDE_JMP_EXPORTED extern const struct library library;
const struct library library = {
	own_hits, shared_hits, &own_key, side_jmp_enable, side_jmp_disable,
	side_jmp_freeze, side_jmp_get_info,
};

static void count(int *flips, bool right)
{
	if (!right)
		__atomic_fetch_add(&wrong_flips, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(flips, 1, __ATOMIC_RELAXED);
}

static void before_ours(void)
{
	bool right = !side_jmp_enable(&own_key) &&
		     !side_jmp_enable(&shared_key) &&
		     own_hits() == PASSES && shared_hits() == PASSES;

	right &= !side_jmp_disable(&own_key) &&
		 !side_jmp_disable(&shared_key) && own_hits() == 0;
	count(&early_flips, right);
}

/* As any destructor, it runs before the one that gives up the table. */
__attribute__((destructor))
static void enable_own(void)
{
	(void)side_jmp_enable(&own_key);
}

/*
 * Sites are as they were when the table was given up: those of an enabled key
 * go on, and go on testing.
 */
static void after_ours(void)
{
	bool right = own_hits() == PASSES && !side_jmp_disable(&own_key) &&
		     own_hits() == 0;

	right &= !side_jmp_enable(&shared_key);
	right &= !side_jmp_disable(&shared_key);
	count(&late_flips, right);
}

__attribute__((used, section(".init_array.00050")))
static void (*const at_init)(void) = before_ours;
__attribute__((used, section(".fini_array.00050")))
static void (*const at_fini)(void) = after_ours;
