/* SPDX-License-Identifier: MIT */
/*
 * A handler strikes who disables many keys right when he has his claims, and
 * disables the same keys, or forks, or both: claims are taken away and given
 * back as those of a stack, and in the child they are still this thread's.
 */
#include <signal.h>

#include <side_jmp.h>

#include "runtime/base/base.h"
#include "tests/child.h"

enum { CLAIMS = 0x7ff00000 };

SIDE_JMP_KEY(a);
SIDE_JMP_KEY(b);

static struct side_jmp_key *const both[] = { &a, &b };

__attribute__((noinline)) static int passes(void)
{
	return side_jmp_unlikely(a) + 2 * side_jmp_unlikely(b);
}

/* ---- when: both claimed, the lock about to be let go -------------------- */

static bool at_work, struck;

static bool claimed(const struct side_jmp_key *key)
{
	return key->word32 & CLAIMS;
}

/* Signals are blocked here; it strikes when they are not any more. */
bool side_jmp_inject(enum inject_step step)
{
	if (step == INJECT_BEFORE_UNLOCK && at_work && claimed(&a) &&
	    claimed(&b)) {
		at_work = false;
		raise(SIGUSR1);
	}
	return false;
}

/* ---- what the handler does ---------------------------------------------- */

static bool disables, forks, deeper;
static int result;
static pid_t child = -1;

static void on_signal(int signal_)
{
	(void)signal_;
	struck = claimed(&a) && claimed(&b);
	if (disables) {
		at_work = deeper;	/* strike this call, too */
		deeper = false;
		result |= side_jmp_disable_many(both, 2);
	}
	if (forks) {
		forks = false;
		child = fork();
	}
}

static void users(int n)
{
	while (n--)
		must(!side_jmp_enable_many(both, 2), "enable");
}

/* In the child of a handler's fork, too, which returns here. */
static void expect_users(uint32_t n)
{
	must(a.word32 == n && b.word32 == n, "users and claims are right");
	must(passes() == (n ? 3 : 0), "sites agree");
	while (n--)
		must(!side_jmp_disable_many(both, 2), "disable");
	must(side_jmp_disable_many(both, 2) == -EINVAL, "nobody is left");
	users(1);
	must(passes() == 3 && !side_jmp_disable_many(both, 2) && !passes(),
	     "keys work");
	if (child == 0)
		_exit(0);
	if (child > 0)
		must(reap_or_kill(child) == 0, "the child's are, too");
}

static void strike(void)
{
	at_work = true;
	must(!side_jmp_disable_many(both, 2), "the struck one disables");
	must(struck, "it was struck");
}

/* ---- cases -------------------------------------------------------------- */

static void one_in_one(void)
{
	disables = true;
	users(3);
	strike();
	must(!result, "the handler's disables");
	expect_users(1);
}

static void one_in_one_in_one(void)
{
	disables = deeper = true;
	users(3);
	strike();
	must(!result, "the handlers' disable");
	expect_users(0);
}

/* The only user is spoken for. */
static void nothing_left_for_the_handler(void)
{
	disables = true;
	users(1);
	strike();
	must(result == -EINVAL, "the handler's is refused");
	expect_users(0);
}

static void fork_in_it(void)
{
	forks = true;
	users(2);
	strike();
	expect_users(1);
}

static void fork_in_one_in_one(void)
{
	forks = disables = deeper = true;
	users(4);
	strike();
	must(!result, "the handlers' disable");
	expect_users(1);
}

int main(void)
{
	struct sigaction action = {
		.sa_handler = on_signal, .sa_flags = SA_NODEFER,
	};

	sigaction(SIGUSR1, &action, NULL);
	tap_equal(in_child(one_in_one), 0, "keys_nested_disable");
	tap_equal(in_child(one_in_one_in_one), 0, "keys_nested_twice");
	tap_equal(in_child(nothing_left_for_the_handler), 0,
		  "keys_nested_disable_that_is_refused");
	tap_equal(in_child(fork_in_it), 0, "keys_nested_fork");
	tap_equal(in_child(fork_in_one_in_one), 0,
		  "keys_nested_disables_and_fork");
	return tap_done();
}
