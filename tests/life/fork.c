/* SPDX-License-Identifier: MIT */
/*
 * Processes that begin while other threads are in the middle of a flip: the
 * child has one thread, its parent's text, and must be able to go on.
 */
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>

#include <side_jmp.h>

#include "tests/child.h"
#include "tests/expect.h"

enum { FLIPPERS = 2, FORKERS = 3, FORKS = 700, SPAWNS = 100, PASSES = 100 };

SIDE_JMP_KEY(busy_a);		/* what the flippers flip */
SIDE_JMP_KEY(busy_b);
SIDE_JMP_KEY(childs);		/* what nobody else does */

extern char **environ;

static _Atomic bool stop;
static atomic_ulong flips, bad_flips;

#define COUNT_PASSES(key) \
	__attribute__((noinline)) static int key##_passes(void) \
	{ \
		int n = 0; \
		for (int i = 0; i < PASSES; i++) \
			n += side_jmp_unlikely(key); \
		return n; \
	}
COUNT_PASSES(busy_a)
COUNT_PASSES(busy_b)
COUNT_PASSES(childs)

static void *flip_both(void *arg)
{
	struct side_jmp_key *both[] = { &busy_a, &busy_b };

	(void)arg;
	while (!stop) {
		bool ok = !side_jmp_enable_many(both, 2);

		ok &= busy_a_passes() == PASSES && busy_b_passes() == PASSES;
		ok &= !side_jmp_disable(&busy_a) && !side_jmp_disable(&busy_b);
		bad_flips += !ok;
		flips++;
	}
	return NULL;
}

/*
 * What a child can know: its own key, and that an enabled one is enabled.  The
 * counts of the others are as some thread that is gone left them.
 */
static bool child_works(void)
{
	struct side_jmp_key *all[] = { &busy_a, &busy_b, &childs };
	struct side_jmp_info info;
	bool ok = childs_passes() == 0;

	ok &= !side_jmp_enable(&childs) && childs_passes() == PASSES;
	ok &= !side_jmp_disable(&childs) && childs_passes() == 0;
	ok &= !side_jmp_enable_many(all, 3);
	ok &= busy_a_passes() == PASSES && busy_b_passes() == PASSES &&
	      childs_passes() == PASSES;
	ok &= !side_jmp_disable_many(all, 3) && childs_passes() == 0;
	ok &= !side_jmp_get_info(&info, sizeof(info)) && !info.foreign &&
	      info.backend == expect_backend();
	return ok;
}

static atomic_int bad_children, children;

static void reap(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	bad_children += status != 0;
	children++;
}

static void *fork_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < expect_rounds(FORKS); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(60);
			_exit(child_works() ? 0 : 1);
		}
		if (pid > 0)
			reap(pid);
	}
	return NULL;
}

/* A child whose child does the same: the state is inherited twice. */
static void *fork_deep(void *arg)
{
	(void)arg;
	for (int i = 0; i < expect_rounds(SPAWNS); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(60);
			pid = fork();
			if (pid == 0)
				_exit(child_works() ? 0 : 1);
			reap(pid);
			_exit(child_works() && !bad_children ? 0 : 1);
		}
		if (pid > 0)
			reap(pid);
	}
	return NULL;
}

static char *const again[] = { "life_fork", "work", NULL };

/* In a frame of its own, for the child writes to it. */
__attribute__((noinline)) static pid_t vfork_again(const char *program)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execv(program, again);
		_exit(98);
	}
	return pid;
}

static void *vfork_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < expect_rounds(SPAWNS); i++) {
		pid_t pid = vfork_again(own_program());

		if (pid > 0)
			reap(pid);
	}
	return NULL;
}

static void *spawn_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < expect_rounds(SPAWNS); i++) {
		pid_t pid;

		if (!posix_spawn(&pid, own_program(), NULL, NULL, again,
				 environ))
			reap(pid);
	}
	return NULL;
}

/* FLIPPERS flip while n threads run; the names of what has to hold after. */
static void run_beside_flips(void *(*run)(void *), int n, int expected,
			     const char *all, const char *right)
{
	pthread_t flippers[FLIPPERS], threads[FORKERS];

	stop = false;
	bad_children = children = 0;
	for (int i = 0; i < FLIPPERS; i++)
		pthread_create(&flippers[i], NULL, flip_both, NULL);
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	stop = true;
	for (int i = 0; i < FLIPPERS; i++)
		pthread_join(flippers[i], NULL);
	tap_equal(children, expected, all);
	tap_equal(bad_children, 0, right);
}

/* exec in the middle of flips: every thread and lock is gone, at once. */
static void exec_beside_flips(void)
{
	pthread_t thread;

	alarm(0);
	for (int i = 0; i < FLIPPERS; i++)
		pthread_create(&thread, NULL, flip_both, NULL);
	while (flips < 20)
		sched_yield();
	execv(own_program(), again);
	must(false, "exec");
}

static void test_exec(void)
{
	int bad = 0;

	flips = 0;
	for (int i = 0; i < 20; i++)
		bad += in_child(exec_beside_flips) != 0;
	tap_equal(bad, 0, "life_exec_while_flipping");
}

static void start_enabled(void)
{
	must(childs_passes() == PASSES, "begins as its parent");
	must(!side_jmp_disable(&childs) && !childs_passes(), "disables");
}

static void start_frozen(void)
{
	must(!side_jmp_freeze(), "freezes");
	must(in_child(start_enabled) == 0, "child of a frozen process");
	must(childs_passes() == PASSES, "stays enabled");
}

static void test_inheritance(void)
{
	side_jmp_enable(&childs);
	tap_equal(in_child(start_enabled), 0, "life_fork_inherits_enabled");
	tap_equal(in_child(start_frozen), 0, "life_fork_inherits_frozen");
	tap_equal(childs_passes(), PASSES, "life_fork_leaves_parent_as_it_was");
	side_jmp_disable(&childs);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return child_works() ? 0 : 1;
	test_inheritance();
	test_exec();
	run_beside_flips(fork_often, FORKERS, FORKERS * expect_rounds(FORKS),
			 "life_fork_from_several_threads",
			 "life_fork_children_all_work");
	run_beside_flips(fork_deep, 1, expect_rounds(SPAWNS), "life_fork_in_a_fork",
			 "life_fork_grandchildren_all_work");
	run_beside_flips(vfork_often, 1, expect_rounds(SPAWNS), "life_vfork_and_exec",
			 "life_vfork_children_all_work");
	run_beside_flips(spawn_often, 1, expect_rounds(SPAWNS), "life_posix_spawn",
			 "life_posix_spawn_children_all_work");
	tap_note("%lu flips beside all that", flips);
	tap_ok(flips > 0 && !bad_flips, "life_fork_flips_beside_are_right");
	tap_ok(!busy_a_passes() && !busy_b_passes() && !childs_passes(),
	       "life_fork_leaves_all_disabled");
	return tap_done();
}
