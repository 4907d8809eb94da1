/* SPDX-License-Identifier: MIT */
/*
 * The lock, and sleeping.  Knows nothing of what it guards.  Raw system calls:
 * libc's wrappers are cancellation points.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/base.h"

/* futex(2); not every libc comes with the kernel's headers. */
enum { FUTEX_WAIT_PRIVATE = 0 | 128, FUTEX_WAKE_PRIVATE = 1 | 128 };

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

bool sj_unlock_word(uint32_t *word)
{
	int saved = errno;

	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) != 2)
		return false;
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
	return true;
}

void sj_lock(uint32_t *word)
{
	if (!sj_fork_holds())
		sj_lock_word(word);
}

bool sj_unlock(uint32_t *word)
{
	return !sj_fork_holds() && sj_unlock_word(word);
}

sigmask_t sj_enter(uint32_t *word)
{
	sigmask_t mask = sj_block_signals();

	sj_lock(word);
	return mask;
}

void sj_leave(uint32_t *word, sigmask_t mask)
{
	sj_unlock(word);
	sj_restore_signals(mask);
}

/* The kernel's timespec where pointers have 64 bits; else time32. */
struct sj_timespec {
	long sec, nsec;
};

/*
 * Looks up at times: a fork() that begins while we sleep wakes nobody.  Who
 * gives up may have been woken in another's place, so he wakes that one.
 */
bool sj_lock_unless_forking(uint32_t *word)
{
	struct sj_timespec soon = { 0, 1000000 };
	int saved = errno;
	uint32_t seen = 0;

	if (sj_fork_holds() ||
	    __atomic_compare_exchange_n(word, &seen, 1, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return true;
	while (!sj_fork_under_way()) {
		if (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) == 0)
			return true;
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 2, &soon, NULL,
			0);
	}
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
	return false;
}

enum { LOCK_SOON_NS = 1000000000 };

/*
 * By the clock: on a machine that is busy, a pause may be ten times as long.
 * And once a fork(): every file of a library has destructors of ours.
 */
bool sj_lock_soon(uint32_t *word)
{
	static uint32_t in_vain;	/* atomic; a fork's number */
	const uint64_t end = sj_now() + LOCK_SOON_NS;

	while (!sj_lock_unless_forking(word)) {
		uint32_t fork = sj_fork_number();

		if (fork == __atomic_load_n(&in_vain, __ATOMIC_RELAXED))
			return false;
		if (sj_now() >= end) {
			__atomic_store_n(&in_vain, fork, __ATOMIC_RELAXED);
			return false;
		}
		sj_pause(1000000);
	}
	return true;
}

void sj_pause(long ns)
{
#ifdef SYS_nanosleep
	struct sj_timespec pause = { 0, ns };
	int saved = errno;

	syscall(SYS_nanosleep, &pause, NULL);
	errno = saved;
#else
	(void)ns;
	sched_yield();
#endif
}
