/* SPDX-License-Identifier: MIT */
/*
 * Callbacks that come and go, and keys that flip, while THREADS threads fire
 * EVENTS events each: stress [events [plant]].  Built by stress.sh, with
 * sanitizers and without.
 *
 *   - a callback that is registered the whole time sees every event;
 *   - no callback begins or runs after its unregistration returned: its data
 *     is poisoned and freed right then;
 *   - one that comes and goes sees every event that its own thread fires
 *     while it is registered, and callbacks unregister themselves.
 *
 * plant: leave a step of the library out, and the test has to notice.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "runtime/sites/sites.h"
#include "tests/tap.h"

enum { THREADS = 8, CHURNERS = 3, ALIVE = 0x600d, DEAD = 0xdead,
       REFUSED = 0xbad };

SIDE_JMP_EVENT(stress, hot, "Fired by all", (u32, thread), (u64, n));
SIDE_JMP_EVENT(stress, warm, "Fired by churners, too", (u32, thread), (u64, n));
SIDE_JMP_EVENT(stress, signal, "Fired in signal handlers", (u64, n));

static uint64_t events = 1000000;
static uint64_t counted[THREADS];	/* each by its own thread */
static uint64_t handled, signals;
static uint64_t too_late, lost_own, refused, rounds, self_removed;
static int done;
static enum inject_step plant = (enum inject_step)-1;

bool side_jmp_inject(enum inject_step step)
{
	return step == plant;
}

static void must(int r, const char *what)
{
	if (!r)
		return;
	fprintf(stderr, "%s: error %d\n", what, -r);
	abort();
}

/* ---- callbacks ---------------------------------------------------------- */

static void count_all(const struct side_jmp_event *event,
		      const struct side_jmp_value values[], void *data)
{
	(void)event;
	if (data != counted)
		__atomic_fetch_add(&too_late, 1, __ATOMIC_RELAXED);
	counted[values[0].u64]++;
}

static void count_signal(const struct side_jmp_event *event,
			 const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	__atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);
}

struct guest {
	uint32_t state;			/* ALIVE while registered */
	uint32_t churner;
	uint64_t own;			/* calls for this thread's events */
	struct side_jmp_tracer *tracer;
	uint32_t once;			/* who takes it wins */
};

static void look(struct guest *guest)
{
	if (__atomic_load_n(&guest->state, __ATOMIC_RELAXED) != ALIVE)
		__atomic_fetch_add(&too_late, 1, __ATOMIC_RELAXED);
}

static void visit(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	struct guest *guest = data;

	(void)event;
	look(guest);
	if (values[0].u64 == guest->churner)
		guest->own++;
	look(guest);
}

/* The first call unregisters it; the data is never freed. */
static void visit_once(const struct side_jmp_event *event,
		       const struct side_jmp_value values[], void *data)
{
	struct guest *guest = data;
	struct side_jmp_tracer *tracer;
	int r;

	(void)event;
	(void)values;
	tracer = __atomic_load_n(&guest->tracer, __ATOMIC_ACQUIRE);
	if (!tracer || __atomic_exchange_n(&guest->once, 1, __ATOMIC_ACQ_REL))
		return;
	r = side_jmp_tracer_unregister(tracer);
	__atomic_store_n(&guest->state, r ? REFUSED : DEAD, __ATOMIC_RELEASE);
	if (r == -EDEADLK)		/* allowed; the churner does it */
		__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
	else if (!r)
		__atomic_fetch_add(&self_removed, 1, __ATOMIC_RELAXED);
}

/* ---- threads ------------------------------------------------------------ */

static void handler(int signo)
{
	(void)signo;
	__atomic_fetch_add(&signals, 1, __ATOMIC_RELAXED);
	side_jmp_event(stress, signal, 1);
}

static void *fire(void *arg)
{
	uint32_t thread = (uint32_t)(uintptr_t)arg;

	/* On a loaded machine it would be done before the first signal. */
	while (thread == 0 && !__atomic_load_n(&signals, __ATOMIC_RELAXED))
		usleep(100);
	for (uint64_t i = 0; i < events; i++) {
		side_jmp_event(stress, hot, thread, i);
		if (i % 4 == 0)
			side_jmp_event(stress, warm, 1000, i);
	}
	return NULL;
}

static void visit_guest(uint32_t churner)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	guest->state = ALIVE;
	guest->churner = churner;
	must(side_jmp_tracer_register(&guest->tracer, "stress:hot,stress:warm",
				      visit, guest), "register");
	for (uint64_t i = 0; i < 10; i++)
		side_jmp_event(stress, warm, churner, i);
	must(side_jmp_tracer_unregister(guest->tracer), "unregister");
	if (guest->own != 10)
		__atomic_fetch_add(&lost_own, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&guest->state, DEAD, __ATOMIC_RELAXED);
	memset(guest, 0xdd, sizeof(*guest));
	free(guest);
}

static void visit_guest_once(struct guest *guest)
{
	struct side_jmp_tracer *tracer;

	memset(guest, 0, sizeof(*guest));
	guest->state = ALIVE;
	must(side_jmp_tracer_register(&tracer, "stress:*", visit_once, guest),
	     "register once");
	__atomic_store_n(&guest->tracer, tracer, __ATOMIC_RELEASE);
	side_jmp_event(stress, warm, 2000, 1);
	while (!__atomic_load_n(&guest->once, __ATOMIC_ACQUIRE))
		side_jmp_event(stress, warm, 2000, 2);
	while (__atomic_load_n(&guest->state, __ATOMIC_ACQUIRE) == ALIVE)
		usleep(10);
	if (guest->state == REFUSED)
		must(side_jmp_tracer_unregister(tracer), "unregister once");
}

static void *churn(void *arg)
{
	uint32_t churner = 3000 + (uint32_t)(uintptr_t)arg;
	static struct guest once;

	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		visit_guest(churner);
		if (churner == 3000)
			visit_guest_once(&once);
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *flip(void *arg)
{
	struct side_jmp_key *key = &stress_side_jmp_warm_side_jmp_key;

	(void)arg;
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		must(side_jmp_enable(key), "enable");
		must(side_jmp_disable(key), "disable");
		usleep(100);
	}
	return NULL;
}

static void *interrupt(void *threads)
{
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		pthread_kill(((pthread_t *)threads)[0], SIGUSR1);
		usleep(500);
	}
	return NULL;
}

/* ---- all of it ---------------------------------------------------------- */

static void run(void)
{
	pthread_t threads[THREADS], others[CHURNERS + 1], interrupter;

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, fire, (void *)i);
	for (uintptr_t i = 0; i < CHURNERS; i++)
		pthread_create(&others[i], NULL, churn, (void *)i);
	pthread_create(&others[CHURNERS], NULL, flip, NULL);
	pthread_create(&interrupter, NULL, interrupt, threads);
	for (int i = 1; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&done, 1, __ATOMIC_RELAXED);
	pthread_join(interrupter, NULL);
	pthread_join(threads[0], NULL);
	for (int i = 0; i < CHURNERS + 1; i++)
		pthread_join(others[i], NULL);
}

int main(int argc, char **argv)
{
	struct side_jmp_tracer *all, *in_handler;
	struct side_jmp_info info;
	uint64_t sum = 0;

	signal(SIGUSR1, handler);
	if (argc > 1)
		events = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		plant = !strcmp(argv[2], "wait") ? INJECT_EVENT_WAIT :
						   INJECT_EVENT_RECHECK;
	side_jmp_tracer_register(&all, "stress:hot", count_all, counted);
	side_jmp_tracer_register(&in_handler, "stress:signal", count_signal,
				 NULL);
	run();
	tap_equal(side_jmp_tracer_unregister(all), 0, "stress_unregister");
	side_jmp_tracer_unregister(in_handler);
	side_jmp_event(stress, hot, 0, 0);
	for (int i = 0; i < THREADS; i++)
		sum += counted[i];
	side_jmp_get_info(&info, sizeof(info));
	tap_note("back end %s; %llu events, %llu rounds of registration, %llu"
		 " self-removals (%llu refused), %llu of %llu signals",
		 info.backend_name, (unsigned long long)sum,
		 (unsigned long long)rounds, (unsigned long long)self_removed,
		 (unsigned long long)refused, (unsigned long long)handled,
		 (unsigned long long)signals);
	tap_equal((long long)sum, (long long)(THREADS * events),
		  "stress_permanent_callback_sees_every_event");
	tap_equal((long long)too_late, 0,
		  "stress_nothing_called_after_unregistration");
	tap_equal((long long)lost_own, 0,
		  "stress_registered_callback_sees_its_threads_events");
	tap_ok(handled == signals && signals > 0,
	       "stress_events_of_signal_handlers_arrive");
	tap_ok(rounds > 0 && self_removed > 0, "stress_callbacks_came_and_went");
	return tap_done();
}
