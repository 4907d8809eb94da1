/* SPDX-License-Identifier: MIT */
/*
 * The executable and library.so, which it is linked with, each have a copy of
 * the runtime, and share a key.  Fork handlers registered before the library's
 * copy, between the two, and after both, flip it by either, while threads do.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "shared.h"
#include "tests/child.h"

enum { FORKS = 60 };

SIDE_JMP_KEY_EXPORT(shared_key);
DEFINE_HITS(shared_hits, shared_key)

SIDE_JMP_EXPORTED int early_flips, late_flips, wrong_flips;

extern const struct library library;

static bool all_hit(void)
{
	return shared_hits() == PASSES && library.shared_hits() == PASSES;
}

static bool flip(int (*enable)(struct side_jmp_key *key),
		 int (*disable)(struct side_jmp_key *key))
{
	bool ok = !enable(&shared_key) && all_hit();

	return !disable(&shared_key) && ok;
}

static bool flip_all_ways(void)
{
	struct side_jmp_info info;
	bool ok = flip(side_jmp_enable, side_jmp_disable);

	ok &= flip(library.enable, library.disable);
	ok &= flip(side_jmp_enable, library.disable);
	ok &= flip(library.enable, side_jmp_disable);
	ok &= !side_jmp_sync(&shared_key);
	return ok && !side_jmp_get_info(&info, sizeof(info)) &&
	       !library.get_info(&info, sizeof(info));
}

/* ---- the handlers ------------------------------------------------------- */

static _Atomic unsigned ran, bad;
static bool quiet = true, freezes, naps;

static void work(unsigned bit)
{
	if (quiet)
		return;
	bad += !flip_all_ways();
	ran |= bit;
}

static void work_in_child(unsigned bit)
{
	work(bit);
	if (freezes)
		bad += (bit & 4 ? side_jmp_freeze() : library.freeze()) != 0;
}

static void first_prepare(void) { work(1); }
static void first_parent(void) { work(2); }
static void first_child(void) { work_in_child(4); }
static void between_prepare(void)
{
	work(010);
	if (naps)
		usleep(5000);
}
static void between_parent(void) { work(020); }
static void between_child(void) { work_in_child(040); }
static void last_prepare(void) { work(0100); }
static void last_parent(void) { work(0200); }
static void last_child(void) { work_in_child(0400); }

enum { ALL_OF_PARENT = 0333, ALL_OF_CHILD = 0555 };

static void register_first(void)
{
	pthread_atfork(first_prepare, first_parent, first_child);
}

static void register_between(void)
{
	pthread_atfork(between_prepare, between_parent, between_child);
}

__attribute__((used, section(".preinit_array")))
static void (*const at_preinit)(void) = register_first;
__attribute__((used, section(".init_array.00050")))
static void (*const at_init)(void) = register_between;

/* ---- threads meanwhile -------------------------------------------------- */

static atomic_bool stop;
static atomic_ulong flips, bad_flips;

static void *flip_ours(void *arg)
{
	(void)arg;
	for (; !stop; flips++)
		bad_flips += !flip(side_jmp_enable, side_jmp_disable);
	return NULL;
}

static void *flip_theirs(void *arg)
{
	(void)arg;
	for (; !stop; flips++)
		bad_flips += !flip(library.enable, library.disable);
	return NULL;
}

/*
 * A fork that has the locks of our copy, and a while later those of the
 * library's, beside threads that freeze by the one and by the other: each asks the
 * other copy, with locks of its own held.
 */
static void *freeze_ours(void *arg)
{
	bad += side_jmp_freeze() != 0;
	return arg;
}

static void *freeze_theirs(void *arg)
{
	bad += library.freeze() != 0;
	return arg;
}

static void fork_beside_freezes(void)
{
	pthread_t threads[2];
	pid_t pid;

	quiet = naps = true;
	pthread_create(&threads[0], NULL, freeze_ours, NULL);
	pthread_create(&threads[1], NULL, freeze_theirs, NULL);
	pid = fork();
	if (pid == 0)
		_exit(!flip_all_ways() || side_jmp_freeze() ||
		      library.freeze() || !flip_all_ways());
	must(reap_or_kill(pid) == 0, "the child works, and freezes");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	must(!bad && flip_all_ways(), "the parent freezes, and works");
}

/* Freezing is for ever: each time in a process of its own. */
static int freeze_often(int n)
{
	int failed = 0;

	while (n-- && !failed) {
		pid_t pid = fork();

		if (pid == 0) {
			fork_beside_freezes();
			_exit(0);
		}
		failed += reap_or_kill(pid) != 0;
	}
	return failed;
}

/* Who hangs in one of our handlers has every signal blocked. */
static void *end_a_hang(void *arg)
{
	sleep(300);
	_exit(9);
	return arg;
}

static int fork_often(int n)
{
	int failed = 0;

	for (int i = 0; i < n && !failed; i++) {
		pid_t pid;

		ran = 0;
		pid = fork();
		if (pid == 0) {
			quiet = true;
			_exit(bad || ran != ALL_OF_CHILD || !flip_all_ways());
		}
		failed += reap_or_kill(pid) != 0 || ran != ALL_OF_PARENT;
	}
	return failed;
}

int main(void)
{
	pthread_t threads[2];

	pthread_create(&threads[0], NULL, end_a_hang, NULL);
	pthread_atfork(last_prepare, last_parent, last_child);
	tap_ok(library.enable != side_jmp_enable, "fork_copies_are_two");
	tap_equal(freeze_often(20), 0, "fork_copies_freeze_beside_fork");
	quiet = false;
	tap_equal(fork_often(2), 0, "fork_copies_handlers_may_call_both");
	pthread_create(&threads[0], NULL, flip_ours, NULL);
	pthread_create(&threads[1], NULL, flip_theirs, NULL);
	tap_equal(fork_often(FORKS), 0,
		  "fork_copies_handlers_may_call_both_beside_threads");
	freezes = true;
	tap_equal(fork_often(5), 0, "fork_copies_handlers_may_freeze");
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	tap_note("%lu flips", flips);
	tap_ok(flips > 0 && !bad_flips && !bad, "fork_copies_disturb_nobody");
	tap_ok(!shared_key.word32 && !shared_hits() && !library.shared_hits(),
	       "fork_copies_leave_the_key_as_it_was");
	return tap_done();
}
