/* SPDX-License-Identifier: MIT */
/*
 * The end of patching: every site armed, and nobody idles one again.
 *
 * While a freeze is under way nothing goes idle, so that what has been armed
 * stays so until `frozen` is set.  Threads, and other copies of the runtime,
 * that freeze at the same time do it together.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "runtime/sites/sites.h"

static struct sj_arming freeze_walk;	/* sj_patch_lock */

/* All is armed and the cores are synchronized, and the lock still ours. */
static void freeze_end(struct batch *b, void *error)
{
	if (b->error && !freeze_walk.error)
		freeze_walk.error = b->error;
	*(int *)error = freeze_walk.error;
	if (!freeze_walk.error) {
		sj_set_frozen();
		sj_fence_always();
	}
	sj_set_freezing(false);
}

/*
 * Tables of a back end that patches by itself have to be back before, and none
 * is taken over meanwhile.  error: SJ_SYNC_AGAIN if they are not.
 */
static bool freeze_step(struct batch *b, void *error)
{
	if (sj_frozen())
		return true;
	if (!sj_freezing()) {
		sj_set_freezing(true);
		freeze_walk = (struct sj_arming)SJ_ARMING_INIT;
	}
	switch (sj_adopted()) {
	case SJ_ADOPTED_NONE:
		break;
	case SJ_ADOPTED_HERE:
		sj_set_freezing(false);
		*(int *)error = -EBUSY;
		return true;
	default:
		*(int *)error = SJ_SYNC_AGAIN;
		return true;
	}
	if (!sj_arm_some(b, &freeze_walk))
		return false;
	b->then = freeze_end;
	return true;
}

enum { FREEZE_PAUSE_NS = 100000 };

/* No key->lock held. */
static int freeze_own(void)
{
	int error;

	if (sj_frozen())
		return 0;
	for (;;) {
		error = 0;
		(void)sj_in_slices(freeze_step, &error, false);
		if (error != SJ_SYNC_AGAIN)
			return error;
		sj_release_table();
		sj_pause(FREEZE_PAUSE_NS);
	}
}

/* Waits for no fork(): see "LOCKS" in sites.h. */
int sj_freeze_slice(void)
{
	int error = 0;

	if (sj_frozen())
		return 0;
	if (sj_one_slice(freeze_step, &error) == SJ_SYNC_AGAIN)
		return SJ_SYNC_AGAIN;
	if (error == SJ_SYNC_AGAIN)
		sj_release_table();
	return error;
}

int side_jmp_freeze(void)
{
	int saved = errno;
	int r = freeze_own();

	if (!r)
		r = sj_freeze_others();
	errno = saved;
	return r;
}
