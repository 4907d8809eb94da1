/* SPDX-License-Identifier: MIT */
/*
 * fork() by another thread at every step of a registration, an unregistration,
 * an unload, an enable, a disable and a freeze.  Where a step holds no lock the
 * fork happens right there; where it does, the fork waits, and happens as soon
 * as it can.  The child has to agree with its words at its first instruction,
 * and then can do everything, also with an object that was half there.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include <side_jmp.h>

#include "runtime/sites/sites.h"
#include "tests/child.h"

enum { N_SITES = 1200, N_KEYS = 100 };

/* ---- an object by hand: many sites, on many pages ----------------------- */

extern struct side_jmp_key hand_keys[N_KEYS];
struct side_jmp_key hand_keys[N_KEYS];
static struct side_jmp_key *all[N_KEYS];

/* hand_pass() returns how many sites took the enabled path. */
__asm__(
"	.text\n"
"	.balign 4096\n"
"	.globl hand_pass\n"
"	.type hand_pass, @function\n"
"hand_pass:\n"
"	xorl %eax, %eax\n"
"	.set hand_key, 0\n"
"	.rept 1200\n"
"0:	.byte 0xe9\n"
"	.long 2f - . - 4\n"
"1:	jmp 3f\n"
"2:	cmpl $0, hand_keys + hand_key(%rip)\n"
"	je 1b\n"
"	incl %eax\n"
"	jmp 1b\n"
"	.balign 128, 0x90\n"
"3:\n"
"	.pushsection .data.hand_table, \"aw\", @progbits\n"
"	.balign 4\n"
"	.long 0b - .\n"
"	.long 2b - .\n"
"	.long hand_keys + hand_key - .\n"
"	.byte 1, 0, 0, 0\n"
"	.popsection\n"
"	.set hand_key, (hand_key + 32) % (100 * 32)\n"
"	.endr\n"
"	ret\n"
"	.size hand_pass, . - hand_pass\n"
"	.pushsection .data.hand_table, \"aw\", @progbits\n"
"	.globl hand_table\n"
"	.set hand_table, . - 1200 * 16\n"
"	.popsection\n");

int hand_pass(void);
extern const struct side_jmp_record hand_table[N_SITES];

static struct side_jmp_object object = {
	.version = SIDE_JMP_OBJECT_VERSION,
	.record_size = sizeof(struct side_jmp_record),
	.start = hand_table, .stop = hand_table + N_SITES,
};

/* A site of the program's own, so that there is more than this object. */
SIDE_JMP_KEY(own);

__attribute__((noinline)) static int own_pass(void)
{
	return side_jmp_unlikely(own);
}

/* As if it were a library's, which may be unloaded. */
static int unload(void)
{
	struct object *o = object.priv;

	if (o)
		o->executable = false;
	return side_jmp_object_unload(&object);
}

/* ---- the child ---------------------------------------------------------- */

static bool site_armed(const struct side_jmp_record *r)
{
	return *((const unsigned char *)&r->site + r->site) == 0xe9;
}

static bool word_set(const struct side_jmp_record *r)
{
	const void *key = (const char *)&r->key + r->key;

	return ((const struct side_jmp_key *)key)->word32;
}

static unsigned sites_against_words(void)
{
	const struct object *o = object.priv;
	unsigned n = 0;

	for (unsigned i = 0; o && o->live && i < N_SITES; i++)
		n += word_set(&hand_table[i]) && !site_armed(&hand_table[i]);
	return n + (own.word32 && !own_pass());
}

/* Of threads that are gone: nobody would ever give them back. */
static unsigned claims(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N_KEYS; i++)
		n += (hand_keys[i].word32 & 0x7ff00000) != 0;
	return n;
}

static int users_of_all(void)
{
	int n = 0;

	for (unsigned i = 0; i < N_KEYS; i++)
		n += hand_keys[i].word32 != 0;
	return n;
}

static bool unwanted_sites_are_idle(void)
{
	struct side_jmp_info info;
	bool idle = true;

	side_jmp_get_info(&info, sizeof(info));
	for (unsigned i = 0; i < N_SITES; i++)
		idle &= word_set(&hand_table[i]) || !site_armed(&hand_table[i]);
	return idle || info.backend == SIDE_JMP_BACKEND_NONE;	/* frozen */
}

/* Every site on, and off again, wherever nobody else wants it. */
static bool keys_work(void)
{
	int others = users_of_all() * (N_SITES / N_KEYS);
	bool ok = !side_jmp_enable_many(all, N_KEYS) && hand_pass() == N_SITES;

	ok &= !side_jmp_disable_many(all, N_KEYS) && hand_pass() == others;
	ok &= unwanted_sites_are_idle();
	ok &= !side_jmp_enable(&own) && own_pass() == 1;
	return ok && !side_jmp_disable(&own);
}

static bool comes_and_goes(int (*go)(void))
{
	bool ok = !side_jmp_object_register(&object) && object.priv;

	ok &= keys_work();
	ok &= !go() && !object.priv;
	for (unsigned i = 0; i < N_KEYS; i++)
		ok &= !hand_keys[i].subscribers;
	return ok;
}

static int unregister(void)
{
	return side_jmp_object_unregister(&object);
}

static bool child_forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(keys_work() ? 0 : 1);
	return pid > 0 && reap_or_kill(pid) == 0;
}

static bool freezes(void)
{
	bool ok = !side_jmp_object_register(&object) && !side_jmp_freeze();

	for (unsigned i = 0; i < N_SITES; i++)
		ok &= site_armed(&hand_table[i]);
	return ok && keys_work();
}

/* What does not hold, or 0. */
static int of_child(bool thoroughly)
{
	if (sites_against_words() || claims())
		return 1;
	if (side_jmp_object_register(&object))
		return 2;
	if (!keys_work())
		return 3;
	if (!thoroughly)
		return !unload() && !object.priv ? 0 : 5;
	if (!child_forks())
		return 4;
	if (!comes_and_goes(unload) || !comes_and_goes(unregister))
		return 5;
	return freezes() ? 0 : 6;
}

/* ---- steps -------------------------------------------------------------- */

#define STEPS	(INJECT_UNREGISTERED + 1)
#define NOWHERE	INJECT_EVENT_LEFT
enum { OFTEN = 3, SLICES = 8 };

static const char *const names[STEPS] = {
	[INJECT_WORD_CHANGED] = "word changed", [INJECT_LOCKED] = "locked",
	[INJECT_SYNC_KEY] = "sync key", [INJECT_BEFORE_WRITE] = "before write",
	[INJECT_AFTER_WRITE] = "after write",
	[INJECT_BEFORE_CORE_SYNC] = "before core sync",
	[INJECT_BEFORE_UNLOCK] = "before unlock", [INJECT_CLAIMED] = "claimed",
	[INJECT_GROUPING] = "grouping", [INJECT_GROUPED] = "grouped",
	[INJECT_REGISTERED] = "registered", [INJECT_SUBSCRIBED] = "subscribed",
	[INJECT_BETWEEN_SLICES] = "between slices", [INJECT_DEAD] = "dead",
	[INJECT_UNSUBSCRIBED] = "unsubscribed",
	[INJECT_UNREGISTERED] = "unregistered",
};

static _Thread_local bool at_work;	/* whose steps count */
static enum inject_step fork_at = NOWHERE;
static unsigned nth, reached[STEPS];
static sem_t begin;
static atomic_bool forked, in_step;
static bool forked_inside, thorough, asked;
static volatile int failed;

static void *fork_when_told(void *arg)
{
	for (;;) {
		pid_t pid;

		sem_wait(&begin);
		pid = fork();
		if (pid == 0)
			_exit(of_child(thorough));
		forked_inside = in_step;
		if (pid < 0)
			failed = -1;
		forked = true;
		if (pid > 0) {
			int status = reap_or_kill(pid);

			failed = WIFSIGNALED(status) ? -WTERMSIG(status) :
				 WEXITSTATUS(status);
		}
		sem_post(arg);
	}
	return NULL;
}

static bool lock_free(enum inject_step step)
{
	return step == INJECT_CLAIMED || step == INJECT_GROUPED ||
	       step == INJECT_REGISTERED || step == INJECT_SUBSCRIBED ||
	       step == INJECT_BETWEEN_SLICES || step == INJECT_DEAD ||
	       step == INJECT_UNREGISTERED;
}

/* Under a lock there is nothing to wait for but that the fork has begun. */
static void let_fork(enum inject_step step)
{
	unsigned ms = lock_free(step) ? 20000 : 10;

	asked = in_step = true;
	sem_post(&begin);
	for (unsigned i = 0; i < ms && !forked; i++)
		usleep(1000);
	in_step = false;
}

/* Slices are of half a millisecond: here that is a few writes. */
static void dawdle(enum inject_step step)
{
	uint64_t until = sj_now();

	until += step == INJECT_GROUPING ? 600000 :
		 step == INJECT_BEFORE_WRITE ? 5000 : 0;
	while (sj_now() < until)
		;
}

bool side_jmp_inject(enum inject_step step)
{
	if (!at_work || step >= STEPS)
		return false;
	dawdle(step);
	if (reached[step]++ == nth && step == fork_at)
		let_fork(step);
	return false;
}

/* ---- what is under way meanwhile ---------------------------------------- */

static int do_register(void) { return side_jmp_object_register(&object); }
static int do_enable(void) { return side_jmp_enable_many(all, N_KEYS); }
static int do_disable(void) { return side_jmp_disable_many(all, N_KEYS); }
static int do_freeze(void) { return side_jmp_freeze(); }

static void be_registered(void)
{
	must(!side_jmp_object_register(&object), "register");
}

static void be_enabled(void)
{
	be_registered();
	must(!side_jmp_enable_many(all, N_KEYS), "enable");
}

static void be_wanted(void)
{
	must(!side_jmp_enable_many(all, N_KEYS / 2), "enable");
}

static void be_as_before(void)
{
}

static const struct work {
	const char *name;
	void (*before)(void);
	int (*run)(void);
	bool is_registered;	/* afterwards */
} works[] = {
	{ "register", be_as_before, do_register, true },
	{ "register_wanted", be_wanted, do_register, true },
	{ "unregister", be_registered, unregister, false },
	{ "unload", be_enabled, unload, false },
	{ "enable", be_registered, do_enable, true },
	{ "disable", be_enabled, do_disable, true },
	{ "freeze", be_registered, do_freeze, true },
};

/* In memory that all cases share. */
static struct totals {
	unsigned reached[STEPS], inside[STEPS], forks;
} *totals;

static sem_t reaped;

static void work_once(const struct work *w)
{
	pthread_t thread;
	int r;

	sem_init(&begin, 0, 0);
	sem_init(&reaped, 0, 0);
	must(!pthread_create(&thread, NULL, fork_when_told, &reaped), "thread");
	w->before();
	at_work = true;
	r = w->run();
	at_work = false;
	if (asked)
		sem_wait(&reaped);
	must(r == 0, "what the parent did works");
}

/* Everything goes on in the parent. */
static void clean_up(const struct work *w)
{
	must((object.priv != NULL) == w->is_registered, "object is there");
	must(!sites_against_words(), "sites agree with their words");
	while (!side_jmp_disable_many(all, N_KEYS))
		;
	while (!side_jmp_disable_many(all, N_KEYS / 2))
		;
	must(users_of_all() == 0, "users are counted off");
	must(comes_and_goes(unload) && comes_and_goes(unregister),
	     "object comes and goes");
}

static const struct work *the_work;

static void count_steps(void)
{
	work_once(the_work);
	for (unsigned i = 0; i < STEPS; i++)
		totals->reached[i] = reached[i];
}

static void fork_in_it(void)
{
	work_once(the_work);
	if (failed)
		tap_note("%s, forked at \"%s\" %u: child says %d",
			 the_work->name, names[fork_at], nth, failed);
	must(!failed, "the child works");
	must(asked || nth, "the step is reached");
	totals->inside[fork_at] += asked && forked_inside;
	totals->forks += asked;
	clean_up(the_work);
}

/*
 * At the first time, the last, and some in the middle.  How many slices there
 * are is the machine's business: the last may not come again.
 */
static int fork_at_step(enum inject_step step, unsigned total)
{
	unsigned often = step == INJECT_BETWEEN_SLICES ? SLICES : OFTEN;
	int bad = 0;

	often = often < total ? often : total;
	fork_at = step;
	for (unsigned i = 0; i < often; i++) {
		nth = often < 2 ? 0 : i * (total - 1) / (often - 1);
		thorough = i == 0;
		bad += in_child(fork_in_it) != 0;
	}
	fork_at = NOWHERE;
	return bad;
}

static void test_work(const struct work *w, unsigned ever[STEPS])
{
	char name[64];
	int bad;

	the_work = w;
	snprintf(name, sizeof(name), "fork_steps_%s", w->name);
	memset(totals->reached, 0, sizeof(totals->reached));
	bad = in_child(count_steps) != 0;
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned n = totals->reached[i];

		ever[i] += n;
		bad += fork_at_step(i, n);
	}
	tap_equal(bad, 0, name);
}

int main(void)
{
	unsigned ever[STEPS] = { 0 }, never = 0, outside = 0;

	totals = shared_memory(sizeof(*totals));
	for (unsigned i = 0; i < N_KEYS; i++) {
		hand_keys[i] = (struct side_jmp_key)
			SIDE_JMP_KEY_INIT_(hand_key, 32);
		all[i] = &hand_keys[i];
	}
	for (unsigned i = 0; i < sizeof(works) / sizeof(*works); i++)
		test_work(&works[i], ever);
	for (unsigned i = 0; i < STEPS; i++) {
		tap_note("%s: %u times, %u forks inside%s", names[i], ever[i],
			 totals->inside[i],
			 lock_free(i) ? "" : ", under a lock");
		never += !ever[i];
		outside += lock_free(i) && !totals->inside[i];
	}
	tap_note("%u forks", totals->forks);
	tap_equal(never, 0, "fork_steps_are_all_reached");
	tap_equal(outside, 0, "fork_steps_without_a_lock_are_forked_in");
	return tap_done();
}
