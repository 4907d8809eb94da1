/* SPDX-License-Identifier: MIT */
/*
 * fork() beside the registration of the very first object, of sites and of
 * events: at every registration of fork handlers, right before libc has them
 * and right after, another thread forks.  The child takes the tables in by
 * itself, and forks again.
 */
#include <dlfcn.h>
#include <pthread.h>

#include <side_jmp_event.h>

#include "tests/child.h"

enum { PASSES = 10, MOST = 16 };

SIDE_JMP_KEY(key);
SIDE_JMP_EVENT(first, one, "In the child", (u32, n));

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++)
		n += side_jmp_unlikely(key);
	return n;
}

static void count(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *n)
{
	(void)event;
	(void)values;
	++*(int *)n;
}

static bool works(void)
{
	struct side_jmp_tracer *tracer;
	int n = 0;
	bool ok = !side_jmp_enable(&key) && passes() == PASSES;

	ok &= !side_jmp_disable(&key) && passes() == 0;
	if (side_jmp_tracer_register(&tracer, "first:one", count, &n))
		return false;
	side_jmp_event(first, one, 1);
	return ok && !side_jmp_tracer_unregister(tracer) && n == 1;
}

/* ---- the child -------------------------------------------------------------- */

static bool fork_works(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(works() ? 0 : 1);
	return pid > 0 && reap_or_kill(pid) == 0;
}

/* As the constructors of another library would. */
static int of_child(void)
{
	int n = 0;

	if (side_jmp_object_register(&side_jmp_this_object))
		return 1;
	side_jmp_these_events_start();
	if (!fork_works() || !fork_works())
		return 2;
	side_jmp_event(first, one, n);
	return works() ? 0 : 3;
}

static int statuses[MOST];
static unsigned forks;

static void *fork_beside(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(of_child());
	if (forks < MOST)
		statuses[forks] = pid < 0 ? -1 : reap_or_kill(pid);
	forks++;
	return NULL;
}

static void let_fork(void)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, fork_beside, NULL))
		pthread_join(thread, NULL);
}

/* ---- libc's, with a window on both sides ------------------------------------- */

static bool in_child_already;

int __register_atfork(void (*prepare)(void), void (*parent)(void),
		      void (*child)(void), void *dso);

int __register_atfork(void (*prepare)(void), void (*parent)(void),
		      void (*child)(void), void *dso)
{
	int (*real)(void (*)(void), void (*)(void), void (*)(void), void *);
	static pid_t self;
	int r;

	*(void **)&real = dlsym(RTLD_NEXT, "__register_atfork");
	self = self ? self : getpid();
	in_child_already |= self != getpid();
	if (!in_child_already)
		let_fork();
	r = real(prepare, parent, child, dso);
	if (!in_child_already)
		let_fork();
	return r;
}

int main(void)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < forks && i < MOST; i++) {
		if (statuses[i])
			tap_note("fork %u: status %#x", i,
				 (unsigned)statuses[i]);
		failed += statuses[i] != 0;
	}
	tap_ok(forks >= 2, "fork_first_forks_beside_a_registration");
	tap_equal(failed, 0, "fork_first_children_work_and_fork");
	tap_ok(works() && fork_works(), "fork_first_parent_works_and_forks");
	return tap_done();
}
