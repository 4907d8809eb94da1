/* SPDX-License-Identifier: MIT */
/*
 * fork(): one table of hooks for all rooms, in the order of their locks, and
 * one set of handlers at libc's.  Owns the signal mask meanwhile.
 *
 * Other people's handlers run between ours, and may call us: those that were
 * registered before ours run after our prepare and before our parent or child
 * (pthread_atfork(3)).  They run in the thread that forks, which holds every
 * lock of the table then; so there sj_lock() finds that it has the lock
 * already.  pthread_self() tells that thread, and it is the same in the child.
 * Not by a thread-local variable: a copy of the runtime in a library that is
 * loaded again and again would use up what libc has set aside for those.
 *
 * Nothing here is undone or goes wrong if the handlers are registered twice,
 * as they are where several threads register the first object at once, or
 * where one thread forks while another does: the second set only counts.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "arch/thunk.h"
#include "runtime/base/base.h"

/*
 * Of the thread that forks and has all locks (holder, 0: none): by those, two
 * never have it at once.
 */
static struct {
	uintptr_t holder;		/* atomic */
	unsigned depth;			/* handlers that have begun */
	unsigned taken;			/* ranks whose prepare has run, a bit each */
	unsigned children;		/* calls of child() */
	uint32_t number;		/* atomic; of those that had a holder */
} forking SJ_WRITTEN_BY_FORK;

/* Written once each; read by whoever forks. */
static const struct sj_fork_hooks *table[SJ_FORK_RANKS];
static uint32_t sets;			/* atomic; of handlers, at libc's */
/* Atomic; written by a lone thread. */
uint32_t sj_fork_count SJ_WRITTEN_BY_FORK;

bool sj_fork_holds(void)
{
	return __atomic_load_n(&forking.holder, __ATOMIC_ACQUIRE) ==
	       sj_thread();
}

bool sj_fork_under_way(void)
{
	return __atomic_load_n(&forking.holder, __ATOMIC_SEQ_CST);
}

uint32_t sj_fork_number(void)
{
	return __atomic_load_n(&forking.number, __ATOMIC_RELAXED);
}

/* Pairs with the release in sj_fork_add(). */
static const struct sj_fork_hooks *hooks_of(unsigned rank)
{
	return __atomic_load_n(&table[rank], __ATOMIC_ACQUIRE);
}

/* ---- libc's handlers ------------------------------------------------------ */

static unsigned take_all(void)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < SJ_FORK_RANKS; i++) {
		const struct sj_fork_hooks *h = hooks_of(i);

		if (!h)
			continue;
		h->prepare();
		taken |= 1u << i;
	}
	return taken;
}

/*
 * Signals are blocked while locks are taken and let go, and not between: other
 * people's handlers run there, who may start threads.  A handler of a signal
 * has the locks, as they have.
 */
static void prepare(void)
{
	sigmask_t mask;
	unsigned taken;

	if (sj_fork_holds()) {
		forking.depth++;
		return;
	}
	mask = sj_block_signals();
	taken = take_all();
	if (taken) {
		forking.depth = 1;
		forking.children = 0;
		forking.taken = taken;
		__atomic_store_n(&forking.number, forking.number + 1,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&forking.holder, sj_thread(),
				 __ATOMIC_SEQ_CST);
	}
	sj_restore_signals(mask);
}

/* The last set of handlers that ends lets go. */
static void end(void)
{
	sigmask_t mask = sj_block_signals();
	unsigned taken = forking.taken;

	if (--forking.depth == 0) {
		__atomic_store_n(&forking.holder, 0, __ATOMIC_RELEASE);
		for (unsigned i = SJ_FORK_RANKS; i-- > 0; )
			if (taken & 1u << i)
				hooks_of(i)->parent();
	}
	sj_restore_signals(mask);
}

static void parent(void)
{
	if (sj_fork_holds())
		end();
}

/*
 * Innermost locks first: what a room does to be right in the child may need
 * those below it to be so; all are held.
 */
static void begin_anew(void)
{
	__atomic_fetch_add(&sj_fork_count, 1, __ATOMIC_RELAXED);
	SJ_CALL_AFTER_FORK();
	sj_now_after_fork();
	for (unsigned i = SJ_FORK_RANKS; i-- > 0; )
		if (forking.taken & 1u << i)
			hooks_of(i)->child();
}

/*
 * Once a fork(), however many sets there are; a handler may fork itself, and
 * then there are twice as many calls in its child.
 */
static void child(void)
{
	if (!sj_fork_holds())
		return;
	if (forking.children++ % __atomic_load_n(&sets, __ATOMIC_RELAXED) == 0)
		begin_anew();
	end();
}

bool sj_fork_begun(void)
{
	return __atomic_load_n(&sets, __ATOMIC_ACQUIRE);
}

/*
 * pthread_atfork() allocates, so no lock of ours is held.  Marked as done only
 * afterwards: a child that is forked in between does it again.
 */
int sj_fork_add(enum sj_fork_rank rank, const struct sj_fork_hooks *hooks)
{
	int error;

	if (!__atomic_load_n(&sets, __ATOMIC_ACQUIRE)) {
		error = pthread_atfork(prepare, parent, child);
		if (error)
			return -error;
		__atomic_fetch_add(&sets, 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&table[rank], hooks, __ATOMIC_RELEASE);
	return 0;
}
