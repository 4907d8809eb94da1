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

static bool freeze_step(struct batch *b, void *error)
{
	if (sj_frozen())
		return true;
	if (!sj_freezing()) {
		sj_set_freezing(true);
		freeze_walk = (struct sj_arming)SJ_ARMING_INIT;
	}
	if (!sj_arm_some(b, &freeze_walk))
		return false;
	*(int *)error = freeze_walk.error;
	return true;
}

/*
 * All is armed, and the cores are synchronized: unless somebody else, who failed,
 * has ended our freeze, so that sites went idle since.  SJ_SYNC_AGAIN then.
 */
static int freeze_end(int error)
{
	sigmask_t mask = sj_block_signals();
	int r = error;

	sj_lock(&sj_patch_lock);
	if (!error && !sj_frozen()) {
		if (sj_freezing())
			sj_set_frozen();
		else
			r = SJ_SYNC_AGAIN;
	}
	sj_set_freezing(false);
	sj_unlock(&sj_patch_lock);
	sj_restore_signals(mask);
	return r;
}

/* No key->lock held. */
static int freeze_own(void)
{
	int error, r = SJ_SYNC_AGAIN;

	while (r == SJ_SYNC_AGAIN && !sj_frozen()) {
		error = 0;
		sj_release_tables();
		r = sj_in_slices(freeze_step, &error, false);
		r = freeze_end(error ? error : r);
	}
	return sj_frozen() ? 0 : r;
}

int sj_freeze_slice(void)
{
	int error = 0, r;

	if (sj_frozen())
		return 0;
	sj_release_tables();
	r = sj_one_slice(freeze_step, &error);
	return r == SJ_SYNC_AGAIN ? r : freeze_end(error ? error : r);
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
