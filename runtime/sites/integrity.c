/* SPDX-License-Identifier: MIT */
/* Text that stays what the file holds, with the kernel's word for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/prctl.h>

#include "runtime/sites/sites.h"

#ifndef PR_SET_MDWE			/* Linux 6.3 */
#define PR_SET_MDWE			65
#define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif

static int set(int option, unsigned long flags)
{
	if (!prctl(option, flags, 0, 0, 0))
		return 0;
	return errno == EINVAL ? -EOPNOTSUPP : -errno;
}

static int refuse_patches(void)
{
	return set(SJ_PR_SET_CODE_INTEGRITY,
		   SJ_PR_CODE_INTEGRITY_REFUSE_PATCH);
}

/*
 * While the kernel has the tables it arms what is in them before it refuses,
 * and sees what we can't: whether a breakpoint on a site hides a no-op (EBUSY)
 * or belongs to a uprobe and is right.  So it goes first there; forgetting a
 * table is never refused.  Elsewhere we have to be done before nobody may arm.
 */
static int freeze_and_refuse(void)
{
	bool first = sj_backend_follows_words() && !sj_frozen();
	int error = first ? refuse_patches() : 0, r;

	if (error && error != -EOPNOTSUPP)
		return error;
	r = side_jmp_freeze();
	if (r)
		return r;
	return first ? error : refuse_patches();
}

int side_jmp_enter_integrity(unsigned flags)
{
	int saved = errno, error, r = 0;

	if (flags & ~(unsigned)SIDE_JMP_INTEGRITY_MDWE)
		return -EINVAL;
	error = freeze_and_refuse();
	if (flags & SIDE_JMP_INTEGRITY_MDWE &&
	    (!error || error == -EOPNOTSUPP))
		r = set(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN);
	errno = saved;
	return error ? error : r;
}
