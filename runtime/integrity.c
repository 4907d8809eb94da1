/* SPDX-License-Identifier: MIT */
/* Text that stays what the file holds, with the kernel's word for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/prctl.h>

#include "internal.h"

#ifndef PR_SET_MDWE			/* Linux 6.3 */
#define PR_SET_MDWE			65
#define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif

int side_jmp_enter_integrity(unsigned flags)
{
	int saved = errno, r, error = 0;

	if (flags & ~(unsigned)SIDE_JMP_INTEGRITY_MDWE)
		return -EINVAL;
	r = side_jmp_freeze();
	if (r)
		return r;
	if (prctl(SJ_PR_SET_CODE_INTEGRITY,
		  SJ_PR_CODE_INTEGRITY_REFUSE_PATCH, 0, 0, 0))
		error = errno == EINVAL ? -EOPNOTSUPP : -errno;
	if (flags & SIDE_JMP_INTEGRITY_MDWE &&
	    prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) && !error)
		error = errno == EINVAL ? -EOPNOTSUPP : -errno;
	errno = saved;
	return error;
}
