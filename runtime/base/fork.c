/* SPDX-License-Identifier: MIT */
/*
 * fork(): one table of hooks for all rooms, in the order of their locks, and
 * one set of handlers at libc's.  Owns the signal mask meanwhile.
 *
 * Other people's handlers run between ours, and may call us: those that were
 * registered before ours run after our prepare and before our parent or child
 * (pthread_atfork(3)).  They run in the thread that forks, which holds every
 * lock of the table then; so there sj_lock() finds that it has the lock
 * already.  That thread is told by a thread-local variable, which fork()
 * copies: it also tells the child's.
 *
 * Nothing here is undone or goes wrong if the handlers are registered twice,
 * as they are where several threads register the first object at once, or
 * where one thread forks while another does: the second set only counts.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "runtime/base/base.h"

/* Initial-exec: a signal handler may be the first to touch it. */
static __thread struct {
	unsigned depth;			/* handlers that have begun */
	unsigned taken;			/* ranks whose prepare has run, a bit each */
	bool holds;			/* all of them */
	sigmask_t mask;
} forking __attribute__((tls_model("initial-exec")));

/* Written once each; read by whoever forks. */
static const struct sj_fork_hooks *table[SJ_FORK_RANKS];
static uint32_t generation;		/* atomic; written by a lone thread */
static uint32_t under_way;		/* atomic: threads that fork */

bool sj_fork_holds(void)
{
	return forking.holds;
}

bool sj_fork_under_way(void)
{
	return __atomic_load_n(&under_way, __ATOMIC_SEQ_CST);
}

uint32_t sj_fork_generation(void)
{
	return __atomic_load_n(&generation, __ATOMIC_RELAXED);
}

/* Pairs with the release in sj_fork_add(). */
static const struct sj_fork_hooks *hooks_of(unsigned rank)
{
	return __atomic_load_n(&table[rank], __ATOMIC_ACQUIRE);
}

/* ---- libc's handlers ------------------------------------------------------ */

static void prepare(void)
{
	sigmask_t mask;

	if (forking.depth++)
		return;
	mask = sj_block_signals();
	__atomic_fetch_add(&under_way, 1, __ATOMIC_SEQ_CST);
	forking.mask = mask;
	forking.taken = 0;
	for (unsigned i = 0; i < SJ_FORK_RANKS; i++) {
		const struct sj_fork_hooks *h = hooks_of(i);

		if (!h)
			continue;
		h->prepare();
		forking.taken |= 1u << i;
	}
	forking.holds = true;
}

/* Has everybody else's set ended?  A set that did not begin has not. */
static bool ends(void)
{
	return forking.depth && !--forking.depth;
}

static void let_go(void)
{
	sigmask_t mask = forking.mask;

	forking.holds = false;
	for (unsigned i = SJ_FORK_RANKS; i-- > 0; )
		if (forking.taken & 1u << i)
			hooks_of(i)->parent();
	__atomic_fetch_sub(&under_way, 1, __ATOMIC_SEQ_CST);
	sj_restore_signals(mask);
}

static void parent(void)
{
	if (ends())
		let_go();
}

/*
 * Innermost locks last: what a room does to be right in the child may need
 * those below it, and all are still held.
 */
static void child(void)
{
	if (!ends())
		return;
	__atomic_store_n(&generation, generation + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&under_way, 1, __ATOMIC_SEQ_CST);
	sj_who_forget();
	for (unsigned i = SJ_FORK_RANKS; i-- > 0; )
		if (forking.taken & 1u << i)
			hooks_of(i)->child();
	let_go();
}

/*
 * pthread_atfork() allocates, so no lock of ours is held.  Marked as done only
 * afterwards: a child that is forked in between does it again.
 */
int sj_fork_add(enum sj_fork_rank rank, const struct sj_fork_hooks *hooks)
{
	static uint32_t installed;	/* atomic */
	int error;

	if (!__atomic_load_n(&installed, __ATOMIC_ACQUIRE)) {
		error = pthread_atfork(prepare, parent, child);
		if (error)
			return -error;
		__atomic_store_n(&installed, 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&table[rank], hooks, __ATOMIC_RELEASE);
	return 0;
}
