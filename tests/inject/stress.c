// SPDX-License-Identifier: MIT
/*
 * The guarantee under load: 8 threads pass over 4,096 sites in all layouts
 * while others flip their keys one by one and in batches, fork, and load and
 * unload instrumented libraries, with a yield, a spin or a sleep at random at
 * every step of a patch.
 *
 *	stress [SECONDS [SEED]]		the run, and one with a planted bug that
 *					it has to catch
 *	stress --plant [SECONDS [SEED]]	the planted bug alone: fails
 *
 * How a violation is certain.  Every flipper has, for every key, a phase that
 * it alone changes: off, enabling, on, disabling, off...  It announces
 * `enabling` before it calls enable, `on` after that has returned, and the
 * same for disable.  A worker reads the phases of a key before and after a
 * pass over its sites.  A flipper whose phase is `on` both times and has not
 * changed had the key enabled all the while: every site must have taken the
 * enabled path.  If every flipper's is `off` and has not changed, no site may
 * have.  Otherwise either path is right.
 *
 * This shows nothing about a missing synchronization of the cores: x86 fetches
 * the new bytes soon enough without.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/sites/sites.h"
#include "tests/inject/stress/sites.h"
#include "tests/tap.h"

#define DEFINE_SHARED(n, w)	SIDE_JMP_KEY##w##_EXPORT(key_##n);
#define DEFINE_LOCAL(n, w)	SIDE_JMP_KEY##w(key_##n);
SHARED_KEYS(DEFINE_SHARED)
LOCAL_KEYS(DEFINE_LOCAL)

#define ADDRESS(n, w)		&key_##n,
static struct side_jmp_key *const keys[N_KEYS] = { ALL_KEYS(ADDRESS) };

enum {
	N_WORKERS = 8,
	N_FLIPPERS = 3,
	FORKER = N_FLIPPERS,	/* flips too, keys that nobody else touches */
	N_SLOTS,
	FORKER_FIRST = 60,	/* its keys: from here on */
	N_STEPS = INJECT_UNREGISTERED + 1,
};

enum { OFF, ENABLING, ON, DISABLING };		/* phase modulo 4 */

/* phases[k].of[s]: written by slot s alone; read by everyone. */
static struct {
	_Alignas(64) _Atomic uint32_t of[N_SLOTS];
} phases[N_KEYS];

static struct side_jmp_key *slot_keys[N_SLOTS][N_KEYS];	/* scratch */

static atomic_bool running, stop, plant;
static _Atomic uint64_t steps[N_STEPS];
static _Atomic uint64_t passes, sure_on, sure_off, flips, batches, forks,
			dlopens, violations, errors;
/* What any worker saw of a key's 64 sites, in either state. */
static _Atomic uint64_t seen_on[N_KEYS], seen_off[N_KEYS];

/* ---- chance, and the hook ------------------------------------------------ */

static _Thread_local uint64_t chance_state;
static uint64_t seed;		/* changes what is chosen: an argument */

/* xorshift64; every thread has its own. */
static uint32_t chance(uint32_t below)
{
	uint64_t x = chance_state;

	if (!x)
		x = (uintptr_t)&chance_state ^ UINT64_C(0x9e3779b97f4a7c15);
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	chance_state = x;
	return (uint32_t)(x >> 32) % below;
}

static void nap(long ns)
{
	struct timespec t = { 0, ns };

	nanosleep(&t, NULL);
}

static void dawdle(void)
{
	switch (chance(4)) {
	case 0:
		nap(1000 + chance(60000));
		break;
	case 1:
		for (uint32_t n = chance(3000); n; n--)
			atomic_signal_fence(memory_order_seq_cst);
		break;
	default:
		sched_yield();
	}
}

/* A batch passes the steps of a write for every site: there, dawdle rarely. */
bool side_jmp_inject(enum inject_step step)
{
	bool often = step != INJECT_BEFORE_WRITE && step != INJECT_AFTER_WRITE;

	if (!atomic_load_explicit(&running, memory_order_relaxed))
		return false;
	atomic_fetch_add_explicit(&steps[step], 1, memory_order_relaxed);
	if (chance(often ? 6 : 200) == 0)
		dawdle();
	return step == INJECT_LOCKED && plant && chance(4) == 0;
}

/* ---- the protocol --------------------------------------------------------- */

struct sample {
	uint32_t of[N_SLOTS];
};

static struct sample sample(unsigned k)
{
	struct sample s;

	for (unsigned i = 0; i < N_SLOTS; i++)
		s.of[i] = atomic_load(&phases[k].of[i]);
	return s;
}

static void announce(unsigned slot, unsigned k)
{
	atomic_fetch_add(&phases[k].of[slot], 1);
}

static unsigned phase(unsigned slot, unsigned k)
{
	return atomic_load(&phases[k].of[slot]) % 4;
}

static void violation(const char *who, unsigned k, const char *was,
		      uint64_t sites)
{
	if (atomic_fetch_add(&violations, 1) >= 5)
		return;
	flockfile(stdout);
	tap_note("violation: %s: key %u was %s, and sites %#llx took the other"
		 " path", who, k, was, (unsigned long long)sites);
	funlockfile(stdout);
}

/* `taken`: which of the sites `all` took the enabled path between a and b. */
static void judge(const char *who, unsigned k, const struct sample *a,
		  uint64_t taken, uint64_t all, const struct sample *b)
{
	bool on = false, off = true;

	for (unsigned i = 0; i < N_SLOTS; i++) {
		bool same = a->of[i] == b->of[i];

		on |= same && a->of[i] % 4 == ON;
		off &= same && a->of[i] % 4 == OFF;
	}
	atomic_fetch_add_explicit(&sure_on, on, memory_order_relaxed);
	atomic_fetch_add_explicit(&sure_off, off, memory_order_relaxed);
	if (on && taken != all)
		violation(who, k, "on", all & ~taken);
	if (off && taken)
		violation(who, k, "off", taken);
}

static uint64_t pass(unsigned k)
{
	return stress_inline[k]() |
	       stress_wide[k]() << N_PER_LAYOUT |
	       stress_dense[k]() << 2 * N_PER_LAYOUT |
	       stress_nop[k]() << 3 * N_PER_LAYOUT;
}

/* Nearly always nothing is new, and nothing is written. */
static void note_seen(_Atomic uint64_t *seen, uint64_t sites)
{
	if (sites & ~atomic_load_explicit(seen, memory_order_relaxed))
		atomic_fetch_or_explicit(seen, sites, memory_order_relaxed);
}

static void *worker(void *arg)
{
	uint64_t n = 0;

	chance_state = (uintptr_t)arg + 1 + seed;
	/* Of this thread alone: those who flip sleep often and must wake up. */
	setpriority(PRIO_PROCESS, 0, 10);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		unsigned k = chance(N_KEYS);
		struct sample a = sample(k), b;
		uint64_t taken = pass(k);

		atomic_thread_fence(memory_order_seq_cst);
		b = sample(k);
		judge("worker", k, &a, taken, ALL_SITES, &b);
		note_seen(&seen_on[k], taken);
		note_seen(&seen_off[k], ~taken);
		n++;
	}
	atomic_fetch_add(&passes, n);
	return NULL;
}

/* ---- flippers ---- */

static void expect_ok(int r, const char *what)
{
	if (r && atomic_fetch_add(&errors, 1) < 5)
		tap_note("%s: error %d", what, -r);
}

static void flip(unsigned slot, unsigned k)
{
	bool on = phase(slot, k) == ON;

	announce(slot, k);
	if (on)
		expect_ok(side_jmp_disable(keys[k]), "disable");
	else
		expect_ok(side_jmp_enable(keys[k]), "enable");
	announce(slot, k);
	atomic_fetch_add_explicit(&flips, 1, memory_order_relaxed);
}

static bool owns(unsigned slot, unsigned k)
{
	return slot == FORKER ? k >= FORKER_FIRST :
	       k < FORKER_FIRST && k % N_FLIPPERS == slot;
}

/* Of those own keys that are in this phase, each with a chance of 1 in `of`. */
static void flip_batch(unsigned slot, unsigned from, uint32_t of)
{
	struct side_jmp_key **batch = slot_keys[slot];
	unsigned index[N_KEYS];
	size_t n = 0;
	int r;

	for (unsigned k = 0; k < N_KEYS; k++)
		if (owns(slot, k) && phase(slot, k) == from && !chance(of)) {
			index[n] = k;
			batch[n++] = keys[k];
		}
	for (size_t i = 0; i < n; i++)
		announce(slot, index[i]);
	r = from == ON ? side_jmp_disable_many(batch, n) :
			 side_jmp_enable_many(batch, n);
	expect_ok(r, "batch");
	for (size_t i = 0; i < n; i++)
		announce(slot, index[i]);
	atomic_fetch_add_explicit(&batches, n > 0, memory_order_relaxed);
}

/* Want somebody else's key for a moment, and look at once. */
static void visit(unsigned slot)
{
	unsigned k = chance(FORKER_FIRST);
	uint64_t taken;

	if (owns(slot, k))
		return;
	flip(slot, k);
	for (int i = 0; i < 3; i++) {
		taken = pass(k);
		if (taken != ALL_SITES)
			violation("flipper", k, "on", ~taken);
	}
	flip(slot, k);
}

static void *flipper(void *arg)
{
	unsigned slot = (unsigned)(uintptr_t)arg;

	chance_state = slot + 100 + seed;
	while (!stop) {
		unsigned k = chance(FORKER_FIRST);

		switch (chance(4)) {
		case 0:
			flip_batch(slot, chance(2) ? ON : OFF, 1 + chance(3));
			break;
		case 1:
			visit(slot);
			break;
		default:
			if (owns(slot, k))
				flip(slot, k);
		}
		if (!chance(8))
			nap(20000);
	}
	flip_batch(slot, ON, 1);
	return NULL;
}

/*
 * Not while a fork is on its way may a copy of the runtime come or go (the
 * second library is one): libc calls a fork handler without holding anything
 * that keeps its library in place.  [0] is for nothing.
 */
static pthread_mutex_t coming_or_going[2] = {
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
};

/* ---- forks ---- */

/*
 * The child.  Only the forker's keys are in a state that it can be sure of:
 * fork() copies the phases of others at one moment and their words at
 * another.  Then it flips every key by itself.  Returns the number of
 * violations.
 */
static int child(void)
{
	int bad = 0;

	running = chance(2);	/* or nothing is disturbed, and quickly done */
	for (unsigned k = FORKER_FIRST; k < N_KEYS; k++)
		bad += pass(k) != (phase(FORKER, k) == ON ? ALL_SITES : 0);
	for (unsigned k = 0; k < N_KEYS; k++) {
		bad += side_jmp_enable(keys[k]) != 0;
		bad += pass(k) != ALL_SITES;
		bad += side_jmp_disable(keys[k]) != 0;
		if (!side_jmp_enabled(keys[k]))
			bad += pass(k) != 0;
	}
	bad += side_jmp_enable_many(keys, N_KEYS) != 0;
	for (unsigned k = 0; k < N_KEYS; k++)
		bad += pass(k) != ALL_SITES;
	return bad;
}

/* Wait, but not for ever: a child that hangs is a finding. */
static void reap(pid_t pid)
{
	int status = 0, patience = 120000;
	pid_t r;

	while ((r = waitpid(pid, &status, WNOHANG)) == 0 && patience-- > 0)
		nap(1000000);
	if (r == 0) {
		tap_note("child %d hangs", (int)pid);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		atomic_fetch_add(&forks, 1);
	else if (WIFEXITED(status))
		violation("child", 0, "flipped", (uint64_t)WEXITSTATUS(status));
	else
		expect_ok(-WTERMSIG(status), "child ended by a signal");
}

static void *forker(void *arg)
{
	(void)arg;
	chance_state = 200 + seed;
	while (!stop) {
		pid_t pid;

		flip(FORKER, FORKER_FIRST + chance(N_KEYS - FORKER_FIRST));
		if (!chance(4))
			flip_batch(FORKER, chance(2) ? ON : OFF, 2);
		pthread_mutex_lock(&coming_or_going[true]);
		pid = fork();
		if (pid)
			pthread_mutex_unlock(&coming_or_going[true]);
		if (pid == 0) {
			int bad = child();

			_exit(bad < 100 ? bad : 100);
		}
		if (pid < 0)
			expect_ok(-errno, "fork");
		else
			reap(pid);
		nap(1000000);
	}
	flip_batch(FORKER, ON, 1);
	return NULL;
}

/* ---- libraries that come and go ---- */

static void library_passes(const struct stress_library *l)
{
	for (int i = 0; i < 200; i++) {
		unsigned k = chance(N_SHARED);
		struct sample a = sample(k), b;
		uint64_t taken = l->shared[k]();

		atomic_thread_fence(memory_order_seq_cst);
		b = sample(k);
		judge("library", k, &a, taken, LIBRARY_SITES, &b);
		if (i % 50 == 0)
			nap(50000);
	}
	if (l->own())
		violation("library's own", 0, "off", l->own());
	expect_ok(side_jmp_enable(l->own_key), "enable the library's own");
	if (l->own() != LIBRARY_SITES)
		violation("library's own", 0, "on", ~l->own());
	if (chance(2))	/* or unload it enabled */
		expect_ok(side_jmp_disable(l->own_key),
			  "disable the library's own");
}

static char library_paths[2][4096];	/* shared runtime, own runtime */

static void visit_library(bool own)
{
	const struct stress_library *l;
	void *handle;

	pthread_mutex_lock(&coming_or_going[own]);
	handle = dlopen(library_paths[own], RTLD_NOW | RTLD_LOCAL);
	pthread_mutex_unlock(&coming_or_going[own]);
	l = handle ? dlsym(handle, "stress_library") : NULL;
	if (!l) {
		if (atomic_fetch_add(&errors, 1) < 5)
			tap_note("%s", dlerror());
		return;
	}
	library_passes(l);
	pthread_mutex_lock(&coming_or_going[own]);
	dlclose(handle);
	pthread_mutex_unlock(&coming_or_going[own]);
	atomic_fetch_add(&dlopens, 1);
}

static bool find_libraries(void)
{
	char self[4000];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return false;
	self[n] = '\0';
	snprintf(library_paths[0], sizeof(library_paths[0]), "%s_shared.so",
		 self);
	snprintf(library_paths[1], sizeof(library_paths[1]), "%s_own.so",
		 self);
	return true;
}

static void *librarian(void *arg)
{
	(void)arg;
	chance_state = 300 + seed;
	while (!stop)
		visit_library(chance(2));
	return NULL;
}

/* ---- the run ---- */

static unsigned sites_not_seen(void)
{
	unsigned n = 0;

	for (unsigned k = 0; k < N_KEYS; k++)
		n += (unsigned)__builtin_popcountll(~(seen_on[k] &
						      seen_off[k]));
	return n;
}

static bool everything_ran(unsigned seconds)
{
	return flips > 10 * seconds && batches > 2 * seconds && forks > 1 &&
	       dlopens > 2 && sure_on > 100 * seconds &&
	       sure_off > 100 * seconds;
}

/* Longer on a busy machine, until all was seen; there is an end. */
static void run(unsigned seconds)
{
	pthread_t threads[N_WORKERS + N_FLIPPERS + 2];
	unsigned n = 0;

	running = true;
	for (uintptr_t i = 0; i < N_WORKERS; i++)
		pthread_create(&threads[n++], NULL, worker, (void *)i);
	for (uintptr_t i = 0; i < N_FLIPPERS; i++)
		pthread_create(&threads[n++], NULL, flipper, (void *)i);
	pthread_create(&threads[n++], NULL, forker, NULL);
	pthread_create(&threads[n++], NULL, librarian, NULL);
	sleep(seconds);
	for (unsigned i = 0; i < 60 * seconds &&
	     (sites_not_seen() || !everything_ran(seconds)); i++)
		sleep(1);
	stop = true;
	while (n)
		pthread_join(threads[--n], NULL);
	running = false;
}

static void report(const char *what)
{
	tap_note("%s: %llu passes (%llu surely enabled, %llu surely disabled),"
		 " %llu flips, %llu batches, %llu forks, %llu dlopens,"
		 " %llu violations, %llu errors", what,
		 (unsigned long long)passes, (unsigned long long)sure_on,
		 (unsigned long long)sure_off, (unsigned long long)flips,
		 (unsigned long long)batches, (unsigned long long)forks,
		 (unsigned long long)dlopens, (unsigned long long)violations,
		 (unsigned long long)errors);
}

static bool every_step_taken(void)
{
	bool all = true;

	for (unsigned i = 0; i < N_STEPS; i++)
		all &= steps[i] > 0;
	return all;
}

/* Nobody wants anything any more; then everything is wanted. */
static bool ends_as_it_should(void)
{
	struct side_jmp_info info;
	unsigned bad = 0;

	side_jmp_get_info(&info, sizeof(info));
	tap_note("at the end: %llu sites, %llu idle, %llu refused, %llu pages,"
		 " %llu core synchronizations", (unsigned long long)info.sites,
		 (unsigned long long)info.idle,
		 (unsigned long long)info.refused,
		 (unsigned long long)info.pages_dirtied,
		 (unsigned long long)info.syncs);
	bad += info.sites != N_KEYS * 64 || info.refused;
	bad += info.backend != SIDE_JMP_BACKEND_NONE && info.idle != info.sites;
	for (unsigned k = 0; k < N_KEYS; k++)
		bad += pass(k) != 0;
	bad += side_jmp_enable_many(keys, N_KEYS) != 0;
	for (unsigned k = 0; k < N_KEYS; k++)
		bad += pass(k) != ALL_SITES;
	return !bad;
}

/* Run ourselves with the bug planted.  True if that failed as it should. */
static bool plant_is_caught(void)
{
	char line[512];
	bool counted = false;
	FILE *f = popen("exec /proc/$PPID/exe --plant 2", "r");
	int status;

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		counted |= strstr(line, "violations") && !strstr(line, " 0 viol");
		fputs(line, stdout);
	}
	status = pclose(f);
	return counted && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static bool patching(void)
{
	struct side_jmp_info info;

	side_jmp_get_info(&info, sizeof(info));
	return info.backend != SIDE_JMP_BACKEND_NONE;
}

static unsigned seconds_of(const char *arg)
{
	const char *s = arg ? arg : getenv("SECONDS_");
	int n = s ? atoi(s) : 0;

	return n > 0 ? (unsigned)n : 5;
}

int main(int argc, char **argv)
{
	unsigned seconds;

	if (!find_libraries())
		return 1;
	plant = argc > 1 && !strcmp(argv[1], "--plant");
	seconds = seconds_of(argc > 1 + plant ? argv[1 + plant] : NULL);
	if (argc > 2 + plant)
		seed = strtoull(argv[2 + plant], NULL, 0) << 10;
	run(seconds);
	report(plant ? "planted bug" : "stress");
	if (plant)
		return violations ? 1 : 0;
	tap_ok(!violations && !errors, "stress_guarantee_holds");
	tap_ok(everything_ran(seconds), "stress_everything_ran");
	tap_equal(sites_not_seen(), 0, "stress_every_site_in_both_states");
	tap_ok(ends_as_it_should(), "stress_ends_as_it_should");
	if (!patching()) {
		tap_skip("stress_every_step_disturbed", "nothing is patched");
		tap_skip("stress_catches_planted_bug", "nothing is patched");
	} else {
		tap_ok(every_step_taken(), "stress_every_step_disturbed");
		tap_ok(plant_is_caught(), "stress_catches_planted_bug");
	}
	return tap_done();
}
