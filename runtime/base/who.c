/* SPDX-License-Identifier: MIT */
/* Which process, which thread, what time; and to let some pass. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/base.h"

/* Initial-exec: see tracer_frames. */
static __thread pid_t who_tid __attribute__((tls_model("initial-exec")));
static pid_t who_pid;			/* atomic */

uint64_t sj_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

pid_t sj_tid(void)
{
	if (!who_tid)
		who_tid = (pid_t)syscall(SYS_gettid);
	return who_tid;
}

pid_t sj_pid(void)
{
	pid_t p = __atomic_load_n(&who_pid, __ATOMIC_RELAXED);

	if (!p) {
		p = getpid();
		__atomic_store_n(&who_pid, p, __ATOMIC_RELAXED);
	}
	return p;
}

void sj_who_forget(void)
{
	who_tid = 0;
	__atomic_store_n(&who_pid, 0, __ATOMIC_RELAXED);
}

/* Raw: libc's nanosleep() is a cancellation point. */
void sj_sleep(long ns)
{
#ifdef SYS_nanosleep
	struct { long sec, nsec; } pause = { 0, ns };

	syscall(SYS_nanosleep, &pause, NULL);
#else
	(void)ns;
	sched_yield();
#endif
}
