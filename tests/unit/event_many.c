/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand events, and what must not take longer for them: fork(), and how
 * long signals are blocked while tracers and objects come and go.  The events
 * have keys without sites: this is about the events' own room.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "runtime/events/events.h"
#include "tests/folder.h"
#include "tests/tap.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

SIDE_JMP_EVENT(many, one, "What all of them look like", (u32, n));

enum { EVENTS = 10000, TRACERS = 4 };

struct many {
	struct side_jmp_event_object object;
	struct side_jmp_event events[EVENTS];
	struct side_jmp_key keys[EVENTS];
};

static int find(struct side_jmp_event *event, void *arg)
{
	*(struct side_jmp_event **)arg = event;
	return 1;
}

/* An object that may be unloaded: not of the executable's memory. */
static struct many *make_many(void)
{
	struct side_jmp_event *model = NULL;
	struct many *m = calloc(1, sizeof(*m));

	side_jmp_event_each(find, &model);
	m->object.version = SIDE_JMP_EVENT_VERSION;
	m->object.event_size = sizeof(struct side_jmp_event);
	m->object.start = m->events;
	m->object.stop = m->events + EVENTS;
	for (size_t i = 0; i < EVENTS; i++) {
		m->keys[i].version = model->key->version;
		m->keys[i].width = model->key->width;
		m->events[i].version = model->version;
		m->events[i].desc = model->desc;
		m->events[i].key = &m->keys[i];
	}
	return m;
}

static int called;

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	called++;
}

/* All events once; how many calls. */
static int calls(struct many *m)
{
	uint64_t value = 0;

	called = 0;
	for (size_t i = 0; i < EVENTS; i++)
		if (side_jmp_enabled(&m->keys[i]))
			side_jmp_event_fire(&m->events[i], &value);
	return called;
}

static double now_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* ---- fork ---------------------------------------------------------------- */

/* What the child has used when fork() returns, us: the least of several. */
static double child_costs(void)
{
	double least = 1e9;

	for (int i = 0; i < 20; i++) {
		double used = 1e9;
		int fds[2];
		pid_t pid;

		if (pipe(fds))
			return 1e9;
		pid = fork();
		if (!pid) {
			used = now_of(CLOCK_PROCESS_CPUTIME_ID);
			_exit(write(fds[1], &used, sizeof(used)) < 0);
		}
		if (read(fds[0], &used, sizeof(used)) == sizeof(used) &&
		    used < least)
			least = used;
		waitpid(pid, NULL, 0);
		close(fds[0]);
		close(fds[1]);
	}
	return least;
}

static void forks(void)
{
	struct side_jmp_tracer *tracers[TRACERS];
	struct many *m = make_many();
	double few = child_costs(), many;

	side_jmp_event_register(&m->object);
	for (int i = 0; i < TRACERS; i++)
		if (side_jmp_tracer_register(&tracers[i], "many:*", callback,
					     NULL))
			exit(1);
	many = child_costs();
	tap_note("child of a fork: %.0f us; with %d slots %.0f us", few,
		 TRACERS * EVENTS, many);
	tap_ok(many < few + 400, "many_events_fork_costs_a_constant");
	for (int i = 0; i < TRACERS; i++)
		side_jmp_tracer_unregister(tracers[i]);
	side_jmp_event_unload(&m->object);
	free(m);
}

/* ---- signals ------------------------------------------------------------- */

/* The longest that a signal every 0.2 ms waited, in this thread's CPU time. */
static double last, longest;

static void tick(int signo)
{
	double now = now_of(CLOCK_THREAD_CPUTIME_ID);

	(void)signo;
	if (now - last > longest)
		longest = now - last;
	last = now;
}

static timer_t timer;

static void start_timer(void)
{
	struct itimerspec every = { { 0, 200000 }, { 0, 200000 } };
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1,
	};

	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	signal(SIGUSR1, tick);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &every, NULL))
		exit(1);
}

/*
 * What is found of several runs: the least time, for a busy machine takes
 * thousands of us at any place; and whatever was wrong in any of them.
 */
static struct result {
	const char *name;
	double blocked, total;
	int wrong;
} results[32];

static struct result *result(const char *name)
{
	struct result *r = results;

	while (r->name && strcmp(r->name, name))
		r++;
	if (!r->name)
		*r = (struct result){ name, 1e9, 1e9, 0 };
	return r;
}

static void equal(int seen, int expected, const char *name)
{
	if (seen == expected) {
		(void)result(name);
		return;
	}
	tap_note("%s: seen %d, expected %d", name, seen, expected);
	result(name)->wrong++;
}

static void report(void)
{
	for (struct result *r = results; r->name; r++) {
		if (r->total < 1e9)
			tap_note("%s: %.2f ms, signals blocked %.2f ms",
				 r->name, r->total / 1e3, r->blocked / 1e3);
		tap_ok(!r->wrong && (r->total == 1e9 || r->blocked < 2000),
		       r->name);
	}
}

static double begun;

static void begin(void)
{
	begun = last = now_of(CLOCK_THREAD_CPUTIME_ID);
	longest = 0;
}

static void end(const char *name)
{
	double total = now_of(CLOCK_THREAD_CPUTIME_ID) - begun;
	struct result *r = result(name);

	tick(0);
	if (longest < r->blocked)
		r->blocked = longest;
	if (total < r->total)
		r->total = total;
}

static void tracers_come_and_go(void)
{
	struct many *m = make_many(), *n = make_many();
	struct side_jmp_tracer *tracers[TRACERS];
	int seen;

	side_jmp_event_register(&m->object);
	begin();
	for (int i = 0; i < TRACERS; i++)
		side_jmp_tracer_register(&tracers[i], "many:*", callback, NULL);
	end("many_events_register_lets_signals_through");
	equal(calls(m), TRACERS * EVENTS, "many_events_all_are_attached");
	begin();
	side_jmp_event_register(&n->object);
	end("many_events_load_lets_signals_through");
	equal(calls(n), TRACERS * EVENTS, "many_events_new_are_attached");
	begin();
	side_jmp_event_unload(&n->object);
	end("many_events_unload_lets_signals_through");
	seen = 0;
	for (size_t i = 0; i < EVENTS; i++)
		seen += n->keys[i].word32 || n->events[i].slots;
	equal(seen, 0, "many_events_unloaded_are_let_go");
	begin();
	for (int i = 0; i < TRACERS; i++)
		side_jmp_tracer_unregister(tracers[i]);
	end("many_events_unregister_lets_signals_through");
	equal(calls(m), 0, "many_events_none_is_attached");
	side_jmp_event_unload(&m->object);
	free(m);
	free(n);
}

/* One key that can't be enabled: its count is full. */
static void all_or_none(void)
{
	struct many *m = make_many();
	struct side_jmp_tracer *tracer;
	int r, seen = 0;

	m->keys[EVENTS - 1].word32 = UINT32_MAX >> 1;
	side_jmp_event_register(&m->object);
	called = 0;
	begin();
	r = side_jmp_tracer_register(&tracer, "many:*", callback, NULL);
	end("many_events_refusal_lets_signals_through");
	equal(r, -EOVERFLOW, "many_events_one_that_cannot_be_enabled");
	for (size_t i = 0; i < EVENTS - 1; i++)
		seen += m->keys[i].word32 != 0;
	equal(seen + calls(m), 0, "many_events_all_or_none");
	m->keys[EVENTS - 1].word32 = 0;
	side_jmp_event_unload(&m->object);
	free(m);
}

/* ---- user_events --------------------------------------------------------- */

static int registered;

static int open_(const char *path)
{
	(void)path;
	return memfd_create("user_events_data", MFD_CLOEXEC);
}

/* About what a kernel takes. */
static int ioctl_(int fd, unsigned long request, void *arg)
{
	double until = now_of(CLOCK_THREAD_CPUTIME_ID) + 20;

	(void)fd;
	(void)arg;
	while (now_of(CLOCK_THREAD_CPUTIME_ID) < until)
		;
	registered += (request & 0xff) == 0 ? 1 : -1;
	return 0;
}

static long writev_(int fd, const struct iovec *iov, int n)
{
	(void)fd;
	(void)iov;
	return n;
}

static void close_(int fd)
{
	close(fd);
}

static void user_events(void)
{
	static const struct sj_user_events_ops ops = {
		open_, ioctl_, writev_, close_,
	};
	struct many *m = make_many(), *n = make_many();

	sj_user_events_ops = &ops;
	side_jmp_event_register(&m->object);
	begin();
	side_jmp_user_events_start(0);
	end("many_user_events_start_lets_signals_through");
	begin();
	side_jmp_event_register(&n->object);
	end("many_user_events_load_lets_signals_through");
	equal(registered, 2 * EVENTS + 1, "many_user_events_registered");
	begin();
	side_jmp_event_unload(&n->object);
	end("many_user_events_unload_lets_signals_through");
	equal(registered, EVENTS + 1, "many_user_events_unregistered");
	begin();
	side_jmp_user_events_stop();
	end("many_user_events_stop_lets_signals_through");
	equal(registered, 0, "many_user_events_none_is_left");
	side_jmp_event_unload(&m->object);
	free(m);
	free(n);
}

/* ---- the built-in tracer ------------------------------------------------- */

static bool start_now;
static int start_within, stop_within;

/*
 * One that strikes too early, before the call that it is to strike, takes longer
 * than a tick: who is struck gets ever more ticks for himself.
 */
static void start_at_tick(int signo)
{
	static unsigned early, pass;

	tick(signo);
	if (!start_now || pass-- > 0)
		return;
	pass = 1u << (early++ % 12);
	start_within = side_jmp_trace_start("many:*", NULL);
	stop_within = side_jmp_trace_stop();
	start_now = start_within == 0;
}

/* How many of its events the metadata has. */
static int described(const struct many *m)
{
	int n = 0;

	for (unsigned i = 0; i < EVENTS; i++)
		n += m->events[i].id != 0;
	return n;
}

static void traces(void)
{
	struct many *m = make_many(), *n = make_many();
	char dir[64] = "/tmp/event_many.XXXXXX";
	int r;

	if (!mkdtemp(dir))
		exit(1);
	strcat(dir, "/");
	side_jmp_event_register(&m->object);
	signal(SIGUSR1, start_at_tick);
	start_now = true;
	begin();
	r = side_jmp_trace_start("many:*", dir);
	end("many_trace_start_lets_signals_through");
	equal(r, 0, "many_trace_starts");
	equal(start_now ? 0 : start_within, -EDEADLK,
	      "many_trace_start_within_a_start");
	equal(stop_within, -EDEADLK, "many_trace_stop_within_a_start");
	signal(SIGUSR1, tick);
	begin();
	side_jmp_event_register(&n->object);
	end("many_trace_load_lets_signals_through");
	equal(described(m) + described(n), 2 * EVENTS,
	      "many_trace_describes_all");
	side_jmp_event_unload(&n->object);
	begin();
	r = side_jmp_trace_stop();
	end("many_trace_stop_lets_signals_through");
	equal(r, 0, "many_trace_stops");
	if (remove_folder(dir))
		exit(1);
	side_jmp_event_unload(&m->object);
	free(m);
	free(n);
}

/* ---- two threads --------------------------------------------------------- */

static bool stop;

static void *load_and_unload(void *arg)
{
	struct many *m = make_many();

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		side_jmp_event_register(&m->object);
		side_jmp_event_unload(&m->object);
		/* Its memory is somebody else's now. */
		m->object.next = (void *)8;
		m->object.start = m->object.stop = (void *)8;
		usleep(100);
		m->object.start = m->events;
		m->object.stop = m->events + EVENTS;
	}
	for (size_t i = 0; i < EVENTS; i++)
		if (m->keys[i].word32 || m->events[i].slots)
			return m;
	free(m);
	return NULL;
}

/* Slices of one in the midst of another's: nothing is left, nothing missed. */
static void beside_each_other(void)
{
	struct many *m = make_many();
	struct side_jmp_tracer *tracer;
	pthread_t threads[2];
	void *left[2] = { NULL, NULL };
	int wrong = 0, rounds = 0, seen = 0;
	double until = now_of(CLOCK_MONOTONIC) + 1.5e6;

	side_jmp_event_register(&m->object);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, load_and_unload, NULL);
	for (; now_of(CLOCK_MONOTONIC) < until; rounds++) {
		if (side_jmp_tracer_register(&tracer, "many:*", callback, NULL))
			wrong++;
		wrong += calls(m) != EVENTS;
		wrong += side_jmp_tracer_unregister(tracer) != 0;
		wrong += calls(m) != 0;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], &left[i]);
	for (size_t i = 0; i < EVENTS; i++)
		seen += m->keys[i].word32 != 0;
	tap_note("%d rounds, %d wrong, %d left enabled", rounds, wrong, seen);
	tap_ok(rounds && !wrong && !seen && !left[0] && !left[1],
	       "many_events_tracers_and_objects_beside_each_other");
	side_jmp_event_unload(&m->object);
	free(m);
}

/* ---- fork in the midst --------------------------------------------------- */

static void count(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	++*(int *)data;
}

static struct many *shared;

static void *register_and_unregister(void *arg)
{
	struct side_jmp_tracer *tracer;

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		if (side_jmp_tracer_register(&tracer, "many:*", callback,
					     NULL) ||
		    side_jmp_tracer_unregister(tracer))
			return shared;
	return NULL;
}

/* The child's threads get the stacks of those that it does not have. */
static void *scribble(void *arg)
{
	char a[100000];

	memset(a, 0xaa, sizeof(a));
	__asm__ volatile("" : : "r"(a) : "memory");
	return arg;
}

/* Whatever other threads were in the midst of, all works in the child. */
static int works_in_the_child(void)
{
	struct many *m = make_many();
	struct side_jmp_tracer *tracer;
	pthread_t threads[3];
	int n = 0;

	alarm(300);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, scribble, NULL))
			return 6;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	if (side_jmp_tracer_register(&tracer, "many:*", count, &n))
		return 1;
	calls(shared);
	if (n != EVENTS)
		return 2;
	side_jmp_event_register(&m->object);
	calls(m);
	if (n != 2 * EVENTS)
		return 3;
	side_jmp_event_unload(&m->object);
	if (side_jmp_tracer_unregister(tracer))
		return 4;
	calls(shared);
	return n == 2 * EVENTS ? 0 : 5;
}

static void forks_beside(void)
{
	pthread_t threads[2];
	int status, wrong = 0;
	void *r = NULL;

	stop = false;
	shared = make_many();
	side_jmp_event_register(&shared->object);
	pthread_create(&threads[0], NULL, register_and_unregister, NULL);
	pthread_create(&threads[1], NULL, load_and_unload, NULL);
	for (int i = 0; i < 40; i++) {
		pid_t pid;

		usleep(1000);
		pid = fork();
		if (!pid)
			_exit(works_in_the_child());
		waitpid(pid, &status, 0);
		if (status && !wrong++)
			tap_note("a child: %#x", (unsigned)status);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(threads[0], &r);
	pthread_join(threads[1], NULL);
	tap_ok(!wrong && !r, "many_events_fork_in_the_midst_of_others");
	side_jmp_event_unload(&shared->object);
}

static bool in_slow, let_go;

static void slow(const struct side_jmp_event *event,
		 const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	__atomic_store_n(&in_slow, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&let_go, __ATOMIC_SEQ_CST))
		usleep(100);
}

static void *fire(void *arg)
{
	side_jmp_event(many, one, 1);
	return arg;
}

static void *unregister(void *tracer)
{
	return side_jmp_tracer_unregister(tracer) ? tracer : NULL;
}

/* It waits for a callback: in the child there is neither. */
static void forks_while_another_unregisters(void)
{
	struct side_jmp_tracer *tracer;
	pthread_t threads[2];
	void *left;
	int status;
	pid_t pid;

	side_jmp_tracer_register(&tracer, "many:one", slow, NULL);
	pthread_create(&threads[0], NULL, fire, NULL);
	while (!__atomic_load_n(&in_slow, __ATOMIC_SEQ_CST))
		usleep(100);
	pthread_create(&threads[1], NULL, unregister, tracer);
	while (side_jmp_event_enabled(many, one))
		usleep(100);
	pid = fork();
	if (!pid) {
		alarm(300);
		_exit(side_jmp_tracer_unregister(tracer) ? 1 :
		      side_jmp_tracer_unregister(tracer) != -EINVAL);
	}
	waitpid(pid, &status, 0);
	__atomic_store_n(&let_go, true, __ATOMIC_SEQ_CST);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], &left);
	tap_ok(!status && !left, "many_events_fork_while_another_unregisters");
}

static bool fork_now, is_child;
static int failed;		/* the child's status */

static void fork_at_tick(int signo)
{
	pid_t pid;
	int status;

	(void)signo;
	if (!fork_now)
		return;
	fork_now = false;
	pid = fork();
	is_child = !pid;
	if (is_child)
		alarm(300);
	else if (waitpid(pid, &status, 0) != pid || status)
		failed = status;
}

/* Once, with a signal that forks, maybe, in the one or in the other. */
static bool fork_within(struct many *m, bool in_register, bool *struck)
{
	struct side_jmp_tracer *tracer;
	bool right;
	int n = 0;

	fork_now = in_register;
	right = !side_jmp_tracer_register(&tracer, "many:*", count, &n);
	*struck = in_register && !fork_now;
	fork_now = false;
	calls(m);
	right = right && n == EVENTS;
	fork_now = !in_register;
	right = right && !side_jmp_tracer_unregister(tracer);
	*struck = *struck || (!in_register && !fork_now);
	fork_now = false;
	calls(m);
	if (is_child)
		_exit(!right || n != EVENTS);
	return right && n == EVENTS && !failed;
}

/* The handler of a signal between two slices forks: both go on. */
static void forks_within(void)
{
	struct many *m = make_many();
	bool right = true;

	side_jmp_event_register(&m->object);
	signal(SIGUSR1, fork_at_tick);
	for (int i = 0; i < 2; i++) {
		bool struck = false;

		for (int tries = 0; tries < 50 && right && !struck; tries++)
			right = fork_within(m, i, &struck);
		right = right && struck;
	}
	tap_note("a child ended with %#x", (unsigned)failed);
	tap_ok(right, "many_events_fork_between_two_slices");
	signal(SIGUSR1, tick);
	side_jmp_event_unload(&m->object);
	free(m);
}

int main(void)
{
	forks();
	beside_each_other();
	forks_beside();
	forks_while_another_unregisters();
	start_timer();
	forks_within();
	for (int i = 0; i < 3; i++) {
		tracers_come_and_go();
		all_or_none();
		traces();
		user_events();
	}
	report();
	return tap_done();
}
