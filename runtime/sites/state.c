/* SPDX-License-Identifier: MIT */
/*
 * The locks of this room, and whether patching has ended.  Knows nothing else.
 */
#define _GNU_SOURCE
#include "runtime/sites/sites.h"

uint32_t sj_share_lock SJ_WRITTEN_BY_FORK, sj_patch_lock SJ_WRITTEN_BY_FORK;

static bool state_freezing;		/* sj_patch_lock */
static bool state_frozen;		/* atomic; set once, sj_patch_lock */
static bool state_stuck;		/* atomic; likewise */

/* Acquire pairs with the release in sj_set_frozen(). */
bool sj_frozen(void)
{
	return __atomic_load_n(&state_frozen, __ATOMIC_ACQUIRE);
}

void sj_set_frozen(void)
{
	__atomic_store_n(&state_frozen, true, __ATOMIC_RELEASE);
}

/* Acquire pairs with the release in sj_set_stuck(). */
bool sj_stuck(void)
{
	return __atomic_load_n(&state_stuck, __ATOMIC_ACQUIRE);
}

void sj_set_stuck(void)
{
	__atomic_store_n(&state_stuck, true, __ATOMIC_RELEASE);
}

bool sj_freezing(void)
{
	return state_freezing;
}

void sj_set_freezing(bool freezing)
{
	if (state_freezing != freezing)		/* else leave the page shared */
		state_freezing = freezing;
}
