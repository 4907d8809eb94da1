/* SPDX-License-Identifier: MIT */
/*
 * The lock, and the signal mask it is held under.  Knows nothing of what it
 * guards.  Raw system calls: libc's wrappers leave its own signals (thread
 * cancellation) unblocked, and are cancellation points themselves.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/base.h"

/* futex(2); not every libc comes with the kernel's headers. */
enum { FUTEX_WAIT_PRIVATE = 0 | 128, FUTEX_WAKE_PRIVATE = 1 | 128 };

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

/* Keeps errno, as all of these: callers may be signal handlers. */
void sj_lock_word(uint32_t *word)
{
	int saved = errno;
	uint32_t seen = 0;

	if (__atomic_compare_exchange_n(word, &seen, 1, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
	errno = saved;
}

void sj_unlock_word(uint32_t *word)
{
	int saved = errno;

	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
		syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
}

void sj_lock(uint32_t *word)
{
	if (!sj_fork_holds())
		sj_lock_word(word);
}

void sj_unlock(uint32_t *word)
{
	if (!sj_fork_holds())
		sj_unlock_word(word);
}
