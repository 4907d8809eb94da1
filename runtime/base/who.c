/* SPDX-License-Identifier: MIT */
/* Which process, which thread: cached until the next fork(). */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/base/base.h"

/* The number, and how many forks it is from; 0: not asked.  Atomic. */
static uint64_t who_process;

/* Initial-exec: see tracer_frames. */
static __thread uint64_t who_thread __attribute__((tls_model("initial-exec")));

static uint64_t who_stamp(pid_t id)
{
	return (uint64_t)sj_fork_generation() << 32 | (uint32_t)id;
}

static bool who_knows(uint64_t seen)
{
	return seen && seen >> 32 == sj_fork_generation();
}

SJ_GENERAL_END
static void who_ask(void *number)
{
	pid_t *id = number;

	*id = (pid_t)syscall(*id);
}
SJ_GENERAL_BEGIN

/* Neither fails. */
static pid_t who_is(pid_t number)
{
	sj_keep_vectors(who_ask, &number);
	return number;
}

pid_t sj_tid(void)
{
	if (!who_knows(who_thread))
		who_thread = who_stamp(who_is(SYS_gettid));
	return (pid_t)(uint32_t)who_thread;
}

pid_t sj_pid(void)
{
	uint64_t seen = __atomic_load_n(&who_process, __ATOMIC_RELAXED);

	if (!who_knows(seen)) {
		seen = who_stamp(who_is(SYS_getpid));
		__atomic_store_n(&who_process, seen, __ATOMIC_RELAXED);
	}
	return (pid_t)(uint32_t)seen;
}

SJ_GENERAL_END
