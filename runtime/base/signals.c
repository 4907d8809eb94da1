/* SPDX-License-Identifier: MIT */
/*
 * The signal mask that locks are held under.  Raw system calls: libc's wrappers
 * leave its own signals (thread cancellation) unblocked.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/base.h"

sigmask_t sj_block_signals(void)
{
	int saved = errno;
	sigmask_t all = ~(sigmask_t)0, old = 0;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(old));
	errno = saved;
	return old;
}

void sj_restore_signals(sigmask_t mask)
{
	int saved = errno;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
	errno = saved;
}
