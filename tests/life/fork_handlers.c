/* SPDX-License-Identifier: MIT */
/*
 * Fork handlers of others that call us, all that there is to call: some were
 * registered before our first object came, so they run while our own hold the
 * locks; some after it.  Beside a thread that flips the same keys, and one that
 * emits events.
 */
#include <pthread.h>
#include <stdatomic.h>

#include <side_jmp_event.h>

#include "tests/child.h"
#include "tests/expect.h"

enum { FORKS = 60, PASSES = 20 };

SIDE_JMP_KEY(key);
SIDE_JMP_KEY64(key64);
SIDE_JMP_EVENT(handlers, one, "By a handler", (u32, n));
SIDE_JMP_EVENT(handlers, other, "By a thread", (u32, n));

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < PASSES; i++) {
		n += side_jmp_unlikely(key);
		n += side_jmp_unlikely(key64);
	}
	return n;
}

/* ---- what a handler does ------------------------------------------------ */

/* A bit each of what went wrong. */
enum {
	BAD_FLIP = 1, BAD_BATCH = 2, BAD_SYNC = 4, BAD_INFO = 8,
	BAD_OBJECT = 16, BAD_EACH = 32, BAD_TRACER = 64, BAD_TRACE = 128,
};

static unsigned flip(void)
{
	struct side_jmp_key *both[] = { &key, &key64 };
	bool ok = !side_jmp_enable(&key) && !side_jmp_enable(&key64) &&
		  passes() == 2 * PASSES;

	ok &= !side_jmp_disable(&key64) && !side_jmp_disable(&key);
	if (!ok)
		return BAD_FLIP;
	ok = !side_jmp_enable_many(both, 2) && passes() == 2 * PASSES;
	return ok && !side_jmp_disable_many(both, 2) ? 0 : BAD_BATCH;
}

static unsigned look(void)
{
	struct side_jmp_info info;
	unsigned bad = 0;

	bad |= side_jmp_sync(&key) ? BAD_SYNC : 0;
	bad |= side_jmp_get_info(&info, sizeof(info)) || info.objects != 1 ||
	       info.sites < 4 ? BAD_INFO : 0;
	side_jmp_set_dirty_pages(SIDE_JMP_DIRTY_PAGES_DEFAULT);
	bad |= side_jmp_object_register(&side_jmp_this_object) ?
	       BAD_OBJECT : 0;
	return bad;
}

/* A new life for the table, in a process in which no one else looks at it. */
static unsigned take_in_again(void)
{
	struct side_jmp_object *o = &side_jmp_this_object;

	return side_jmp_object_unregister(o) || side_jmp_object_register(o) ?
	       BAD_OBJECT : flip();
}

static int count_event(struct side_jmp_event *event, void *n)
{
	(void)event;
	++*(int *)n;
	return 0;
}

static void count_call(const struct side_jmp_event *event,
		       const struct side_jmp_value values[], void *n)
{
	(void)event;
	(void)values;
	__atomic_fetch_add((int *)n, 1, __ATOMIC_RELAXED);
}

static unsigned use_events(void)
{
	static int calls;
	struct side_jmp_tracer *tracer = NULL;
	struct side_jmp_event_info info;
	unsigned bad = 0;
	int n = 0;

	(void)side_jmp_event_each(count_event, &n);
	bad |= n != 2 || side_jmp_event_get_info(&info, sizeof(info)) ||
	       info.events != 2 ? BAD_EACH : 0;
	calls = 0;
	if (side_jmp_tracer_register(&tracer, "handlers:one", count_call,
				     &calls))
		return bad | BAD_TRACER;
	side_jmp_event(handlers, one, 1);
	bad |= side_jmp_tracer_unregister(tracer) || calls != 1 ?
	       BAD_TRACER : 0;
	bad |= side_jmp_trace_start("handlers:*", "/dev/null") ? BAD_TRACE : 0;
	side_jmp_event(handlers, one, 2);
	bad |= side_jmp_trace_stop() ? BAD_TRACE : 0;
	return bad;
}

/* ---- the handlers ------------------------------------------------------- */

static _Atomic unsigned bad, ran;
static bool quiet = true;

static void work(unsigned bit)
{
	if (quiet)
		return;
	bad |= flip() | look() | use_events();
	ran |= bit;
}

static void early_prepare(void) { work(1); }
static void early_parent(void) { work(2); }
static void late_prepare(void) { work(8); }
static void late_parent(void) { work(16); }

static void early_child(void)
{
	work(4);
	if (!quiet)
		bad |= take_in_again();
}

static void late_child(void)
{
	work(32);
	if (!quiet)
		bad |= take_in_again();
}

enum { ALL_OF_PARENT = 1 | 2 | 8 | 16, ALL_OF_CHILD = 1 | 8 | 4 | 32 };

static void register_early(void)
{
	pthread_atfork(early_prepare, early_parent, early_child);
}

__attribute__((used, section(".preinit_array")))
static void (*const at_preinit)(void) = register_early;

/* ---- threads meanwhile -------------------------------------------------- */

static atomic_bool stop;
static atomic_ulong flips, bad_flips;

static void *flip_always(void *arg)
{
	(void)arg;
	while (!stop) {
		bad_flips += flip() != 0;
		flips++;
	}
	return NULL;
}

static void *emit_always(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !stop; i++) {
		int n = 0;

		side_jmp_event(handlers, other, i);
		(void)side_jmp_event_each(count_event, &n);
		bad_flips += n != 2;
	}
	return NULL;
}

/* A child of a child that only ends, to see that fork() works there. */
static int fork_once(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		int status = -1;

		quiet = true;
		pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, &status, 0);
		_exit(bad || (ran & ALL_OF_CHILD) != ALL_OF_CHILD || status ||
		      flip() | look() | use_events());
	}
	return reap_or_kill(pid);
}

static int fork_often(int n)
{
	int failed = 0;

	for (int i = 0; i < n && !failed; i++) {
		ran = 0;
		failed += fork_once() != 0;
		failed += ran != ALL_OF_PARENT;
	}
	return failed;
}

/* A thread, for who hangs in a handler of ours has every signal blocked. */
static void *end_a_hang(void *arg)
{
	sleep(300);
	_exit(9);
	return arg;
}

int main(void)
{
	pthread_t threads[2];

	pthread_create(&threads[0], NULL, end_a_hang, NULL);
	pthread_atfork(late_prepare, late_parent, late_child);
	quiet = false;
	tap_equal(fork_often(2), 0, "fork_handlers_may_call_us");
	tap_equal(bad, 0, "fork_handlers_calls_work");
	pthread_create(&threads[0], NULL, flip_always, NULL);
	pthread_create(&threads[1], NULL, emit_always, NULL);
	tap_equal(fork_often(expect_rounds(FORKS)), 0,
		  "fork_handlers_may_call_us_beside_threads");
	tap_equal(bad, 0, "fork_handlers_calls_work_beside_threads");
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	tap_note("%lu flips beside %d forks", flips, expect_rounds(FORKS));
	tap_ok(flips > 0 && !bad_flips, "fork_handlers_disturb_nobody");
	tap_ok(!key.word32 && !key64.word64 && passes() == 0,
	       "fork_handlers_leave_keys_as_they_were");
	return tap_done();
}
