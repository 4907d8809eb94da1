/* SPDX-License-Identifier: MIT */
/*
 * Two fences that order what two sides do, where one side comes by often and
 * the other one seldom (sj_fence_often(), sj_fence_seldom()): when the seldom
 * side asks, the kernel makes every thread of the process pass a barrier
 * (membarrier(2), PRIVATE_EXPEDITED), so the often side needs none.  Owns the
 * decision whether that works here.
 *
 *	often				seldom
 *	O1 store X			S1 store Y
 *	O2 if fence_mode: fence		S2 fence; unless ALWAYS: membarrier
 *	O3 load Y			S3 load X
 *
 * Promised: O3 sees Y, or S3 sees X.  In every mode that is because of a fence
 * of O's own, or of a barrier B that O's thread was made to pass within S2:
 *
 *  1. O2 saw a mode other than LIGHT: two fences, of both sides.
 *  2. O2 saw LIGHT, and S2 is a membarrier.  If B is before O3 in O's thread,
 *     O3 sees Y, for S1 is before S2.  Else O1, too, is before B, and S3, which
 *     is after it, sees X.  (A thread that the kernel need not interrupt was
 *     not running; being put on and off a processor is such a barrier.)
 *  3. O2 saw LIGHT, and S2 saw ALWAYS.  TURNING was stored before a barrier B
 *     of O's thread that was over before ALWAYS was stored.  O2 did not see it:
 *     it is before B, and so is O1, and S3 sees X.
 *
 * The mode goes UNDECIDED, LIGHT, TURNING, ALWAYS, may leave out any, and never
 * goes back.  While it is UNDECIDED and after TURNING the often side fences by
 * itself; so whatever moment it sees the change at is right.
 *
 * TURNING is for a process that lost its right to membarrier, to a seccomp
 * filter.  What is left is to unmap a page: the kernel stops the processors
 * that may know of it, on architectures that say so (shootdown_serializes) by
 * an interrupt, whose end is a barrier.  Where an AMD processor broadcasts that
 * without an interrupt (INVLPGB, Linux 6.15) it is time that does it: stores
 * leave a processor's buffer by themselves, within microseconds.
 *
 * fork(): the child inherits the kernel's registration, and no thread that is
 * in between.  Each copy of the library in a process decides for itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/arch.h"
#include "runtime/base/base.h"

uint32_t sj_fence_mode;

static uint32_t fence_mode(void)
{
	return __atomic_load_n(&sj_fence_mode, __ATOMIC_SEQ_CST);
}

/* Unless somebody has been faster. */
static void fence_turn(uint32_t from, uint32_t to)
{
	__atomic_compare_exchange_n(&sj_fence_mode, &from, to, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

long sj_membarrier(enum sj_membarrier command)
{
	long r = syscall(SYS_membarrier, command, 0, 0);

	return r < 0 ? -errno : r;
}

int sj_membarrier_registered(enum sj_membarrier command,
			     enum sj_membarrier registering)
{
	long r = sj_membarrier(command);

	if (r == -EPERM) {
		r = sj_membarrier(registering);
		if (!r)
			r = sj_membarrier(command);
	}
	return (int)r;
}

/* In a process of several threads, the first time takes milliseconds. */
static int fence_all_threads(void)
{
	return sj_membarrier_registered(SJ_MEMBARRIER_ALL,
					SJ_MEMBARRIER_REGISTER_ALL);
}

/* It must have been there for somebody. */
static int fence_shoot_down(void)
{
	size_t size = sj_page_size();
	volatile char *page;
	int r;

	if (!side_jmp_arch_host()->shootdown_serializes)
		return -EOPNOTSUPP;
	page = sj_map_pages(size);
	if (!page)
		return -ENOMEM;
	*page = 1;
	r = munmap((void *)page, size) ? -errno : 0;
	sj_pause(10000000);
	return r;
}

void sj_fence_begin(void)
{
	int saved = errno;

	if (fence_mode() == SJ_FENCE_UNDECIDED)
		fence_turn(SJ_FENCE_UNDECIDED, fence_all_threads() ?
			   SJ_FENCE_ALWAYS : SJ_FENCE_LIGHT);
	errno = saved;
}

int sj_fence_seldom(void)
{
	int saved = errno, r;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (fence_mode() == SJ_FENCE_ALWAYS)
		return 0;
	r = fence_all_threads();
	if (r) {
		fence_turn(SJ_FENCE_LIGHT, SJ_FENCE_TURNING);
		if (!fence_shoot_down()) {
			fence_turn(SJ_FENCE_TURNING, SJ_FENCE_ALWAYS);
			r = 0;
		}
	}
	errno = saved;
	return r;
}

void sj_fence_always(void)
{
	int saved = errno;

	fence_turn(SJ_FENCE_UNDECIDED, SJ_FENCE_ALWAYS);
	fence_turn(SJ_FENCE_LIGHT, SJ_FENCE_TURNING);
	if (fence_mode() == SJ_FENCE_TURNING && !fence_all_threads())
		fence_turn(SJ_FENCE_TURNING, SJ_FENCE_ALWAYS);
	errno = saved;
}
