/* SPDX-License-Identifier: MIT */
/*
 * copies LIBRARY: the executable and the library are each linked with the
 * library's static form, and share a key.  Whoever enables it reaches the
 * sites of both; a freeze of one freezes the other.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "shared.h"
#include "tests/child.h"
#include "tests/expect.h"

enum { FORKS = 300, LOADS = 300 };

SIDE_JMP_KEY_EXPORT(shared_key);
DEFINE_HITS(shared_hits, shared_key)

SIDE_JMP_EXPORTED int early_flips, late_flips, wrong_flips;

static const char *path;
static void *handle;
static const struct library *other;

static struct side_jmp_info others_info(void)
{
	struct side_jmp_info i;

	other->get_info(&i, sizeof(i));
	return i;
}

static void load(void)
{
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		printf("# %s\n", dlerror());
		exit(1);
	}
	other = dlsym(handle, "library");
}

static bool all_hit(int hits)
{
	return shared_hits() == hits && other->shared_hits() == hits;
}

static bool all_idle(void)
{
	return info().idle == 1 && others_info().idle == 2;
}

static void test_two(void)
{
	tap_ok(other->enable != side_jmp_enable, "life_copies_are_two");
	tap_ok(info().sites == 1 && info().objects == 1 &&
	       others_info().sites == 2 && others_info().objects == 1,
	       "life_copies_know_their_own_sites_alone");
	tap_ok(all_idle() && all_hit(0), "life_copies_start_idle");
}

static void test_flips(void)
{
	tap_ok(!side_jmp_enable(&shared_key) && all_hit(PASSES),
	       "life_copies_executable_enables_both");
	tap_ok(!other->enable(&shared_key) && !side_jmp_disable(&shared_key) &&
	       all_hit(PASSES), "life_copies_count_together");
	tap_ok(!other->disable(&shared_key) && all_hit(0) && all_idle(),
	       "life_copies_last_user_decides");
	tap_ok(!other->enable(&shared_key) && all_hit(PASSES),
	       "life_copies_library_enables_both");
	tap_ok(!side_jmp_disable(&shared_key) && all_hit(0) && all_idle(),
	       "life_copies_executable_disables_both");
	tap_ok(!other->enable(other->own) && other->own_hits() == PASSES &&
	       !side_jmp_disable(other->own) && other->own_hits() == 0 &&
	       others_info().idle == 2, "life_copies_flip_the_others_key");
}

/* ---- children ------------------------------------------------------------ */

static void flip_as_child(void)
{
	must(!side_jmp_enable(&shared_key) && shared_hits() == PASSES &&
	     other->shared_hits() == PASSES, "enable by the executable's");
	must(!other->enable(&shared_key) && shared_hits() == PASSES &&
	     other->shared_hits() == PASSES, "enable by the library's");
	must(!side_jmp_disable(&shared_key) && !other->disable(&shared_key),
	     "disable");
	must(!other->enable(other->own) && other->own_hits() == PASSES,
	     "enable the library's own");
}

static bool both_frozen(void)
{
	return info().backend == SIDE_JMP_BACKEND_NONE && info().armed == 1 &&
	       others_info().backend == SIDE_JMP_BACKEND_NONE &&
	       others_info().armed == 2;
}

static void expect_frozen(void)
{
	must(both_frozen() && all_hit(0), "both are frozen");
	must(!side_jmp_enable(&shared_key) && all_hit(PASSES), "enable");
	must(!other->disable(&shared_key) && all_hit(0), "disable");
	must(both_frozen(), "both stay frozen");
}

static void freeze_by_executable(void)
{
	must(!side_jmp_freeze(), "freeze");
	expect_frozen();
}

static void freeze_by_library(void)
{
	must(!other->freeze(), "freeze");
	expect_frozen();
}

static void load_when_frozen(void)
{
	must(!side_jmp_freeze(), "freeze");
	load();
	must(all_hit(0) && info().armed == 1, "starts disabled");
	must(!side_jmp_enable(&shared_key) && all_hit(PASSES), "enable");
	must(!other->disable(&shared_key) && all_hit(0), "disable");
	must(!other->enable(&shared_key) && all_hit(PASSES), "enable");
}

static void lose_all_means(void)
{
	static const int calls[] = {
		SYS_open, SYS_openat, SYS_pwrite64, SYS_madvise,
	};

	filter_calls(calls, 4, SECCOMP_RET_ERRNO | EPERM);
	must(side_jmp_enable(&shared_key) == -EPERM && all_hit(0) &&
	     !side_jmp_enabled(&shared_key), "the executable's says so");
	must(other->enable(&shared_key) == -EPERM && all_hit(0) &&
	     !side_jmp_enabled(&shared_key), "the library's says so");
	must(side_jmp_freeze() < 0 && other->freeze() < 0, "no freeze");
}

static void test_children(void)
{
	tap_equal(in_child(flip_as_child), 0, "life_copies_fork");
	tap_equal(in_child(freeze_by_executable), 0,
		  "life_copies_executable_freezes_both");
	tap_equal(in_child(freeze_by_library), 0,
		  "life_copies_library_freezes_both");
	tap_equal(in_child(lose_all_means), 0,
		  "life_copies_enable_fails_as_one");
	tap_ok(all_idle() && all_hit(0), "life_copies_children_are_apart");
}

/* ---- threads on both sides ---------------------------------------------- */

static atomic_bool stop;
static atomic_ulong flips, bad;

static void *flip_ours(void *arg)
{
	(void)arg;
	while (!stop) {
		bool ok = !side_jmp_enable(&shared_key);

		ok &= shared_hits() == PASSES;
		ok &= !side_jmp_disable(&shared_key);
		bad += !ok;
		flips++;
	}
	return NULL;
}

static void *flip_theirs(void *arg)
{
	(void)arg;
	while (!stop) {
		bool ok = !other->enable(&shared_key) && all_hit(PASSES);

		ok &= !other->enable(other->own) && !side_jmp_disable(other->own);
		ok &= !other->disable(&shared_key);
		bad += !ok;
		flips++;
	}
	return NULL;
}

static int fork_often(void)
{
	int failed = 0;

	for (int i = 0; i < FORKS; i++)
		failed += in_child(flip_as_child) != 0;
	return failed;
}

static void test_threads(void)
{
	pthread_t ours, theirs;
	int failed;

	pthread_create(&ours, NULL, flip_ours, NULL);
	pthread_create(&theirs, NULL, flip_theirs, NULL);
	failed = fork_often();
	stop = true;
	pthread_join(ours, NULL);
	pthread_join(theirs, NULL);
	tap_note("%lu flips beside %d forks", flips, FORKS);
	tap_ok(flips > 0 && bad == 0, "life_copies_flip_at_the_same_time");
	tap_equal(failed, 0, "life_copies_fork_beside_flips");
	tap_ok(all_idle() && all_hit(0), "life_copies_end_idle");
}

static void test_unload(void)
{
	struct side_jmp_subscriber *before;
	pthread_t ours;
	int missed = 0;

	dlclose(handle);
	before = shared_key.subscribers;
	stop = false;
	flips = 0;
	pthread_create(&ours, NULL, flip_ours, NULL);
	for (int i = 0; i < LOADS; i++) {
		load();
		missed += side_jmp_enable(&shared_key) || !all_hit(PASSES);
		missed += other->disable(&shared_key) != 0;
		dlclose(handle);
	}
	stop = true;
	pthread_join(ours, NULL);
	tap_note("%lu flips beside %d loads", flips, LOADS);
	tap_ok(flips > 0 && bad == 0,
	       "life_copies_flip_while_the_other_comes_and_goes");
	tap_equal(missed, 0, "life_copies_reach_one_that_has_just_come");
	tap_ok(shared_key.subscribers == before && info().idle == 1,
	       "life_copies_leave_nothing_behind");
	tap_equal(in_child(load_when_frozen), 0,
		  "life_copies_one_that_comes_to_a_frozen_one");
}

int main(int argc, char **argv)
{
	path = argc > 1 ? argv[1] : "./library.so";
	load();
	test_two();
	test_flips();
	test_children();
	test_threads();
	test_unload();
	tap_ok(wrong_flips == 0 && early_flips == LOADS + 1 &&
	       late_flips == LOADS + 1, "life_copies_flip_early_and_late");
	return tap_done();
}
