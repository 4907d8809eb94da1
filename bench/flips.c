// SPDX-License-Identifier: MIT
/*
 * What it costs to enable and to disable: one site in an idle process and in
 * one whose other threads run, beside the bare membarrier that no patcher can
 * do without and beside the usual way to patch (mprotect, store, mprotect;
 * which synchronizes nothing); beside 1 to 16 threads; how long another thread
 * is kept from its work meanwhile; and batches.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <side_jmp.h>

#include "bench/bench.h"

enum { SYNC_CORE = 1 << 5 };	/* MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE */

SIDE_JMP_KEY(one);
SIDE_JMP_KEY(spun);

enum { N_SPINNERS = 2, MOST_SPINNERS = 16 };

static atomic_bool stop;
static uint64_t hits;
/* Each written by its spinner, read by the one who measures. */
static struct {
	_Alignas(64) _Atomic uint64_t turns;
} spinners[MOST_SPINNERS];

__attribute__((noinline))
static void site(void)
{
	if (side_jmp_unlikely(one))
		hits++;
}

static void *spin(void *arg)
{
	_Atomic uint64_t *turns = arg;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		if (side_jmp_unlikely(spun))
			return NULL;
		atomic_store_explicit(turns, atomic_load_explicit(turns,
				memory_order_relaxed) + 1, memory_order_relaxed);
	}
	return NULL;
}

static uint64_t turns(void)
{
	uint64_t n = 0;

	for (int i = 0; i < MOST_SPINNERS; i++)
		n += spinners[i].turns;
	return n;
}

/* ---- one site ---- */

static struct bench_series membarriers, enables, disables, mprotects;

static void bare_membarrier(void)
{
	if (syscall(SYS_membarrier, SYNC_CORE, 0, 0))
		bench_die("membarrier failed");
}

/* A page of code in a mapping of a file's kind: private, not writable. */
static char *page_of_code(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 3 * size, PROT_READ | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bench_die("mmap failed");
	return p + size;	/* its neighbours make mprotect() split */
}

static void by_mprotect(volatile char *page)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	if (mprotect((void *)page, size, PROT_READ | PROT_WRITE | PROT_EXEC))
		return;		/* a policy may forbid it */
	*page = (char)~*page;
	mprotect((void *)page, size, PROT_READ | PROT_EXEC);
}

/* And was another thread running meanwhile? */
static double timed(void (*f)(void), bool *busy)
{
	uint64_t before = turns(), t = bench_now();

	f();
	t = bench_now() - t;
	*busy &= turns() != before;
	return (double)t;
}

static void enable_one(void)
{
	if (side_jmp_enable(&one))
		bench_die("enable failed");
}

static void disable_one(void)
{
	if (side_jmp_disable(&one))
		bench_die("disable failed");
}

static char *page;

static void mprotect_one(void)
{
	by_mprotect(page);
}

/*
 * One of each.  In a busy process it counts only if another thread ran all the
 * while: beside other programs, none may have had a CPU.
 */
static void round_of_all(bool is_busy)
{
	double m, e, d, p;
	bool busy = true;

	m = timed(bare_membarrier, &busy);
	e = timed(enable_one, &busy);
	site();
	d = timed(disable_one, &busy);
	site();
	p = timed(mprotect_one, &busy);
	if (busy != is_busy)
		return;
	bench_add(&membarriers, m);
	bench_add(&enables, e);
	bench_add(&disables, d);
	bench_add(&mprotects, p);
}

static void one_site(const char *where, bool is_busy)
{
	unsigned rounds = bench_rounds(2000);

	if (!page)
		page = page_of_code();
	membarriers.n = enables.n = disables.n = mprotects.n = 0;
	for (unsigned i = 0; membarriers.n < rounds && i < 100000; i++)
		round_of_all(is_busy);
	bench_row(&membarriers, "ns", "flip %s: bare membarrier", where);
	bench_row(&enables, "ns", "flip %s: enable", where);
	bench_row(&disables, "ns", "flip %s: disable", where);
	bench_row(&mprotects, "ns", "flip %s: mprotect store mprotect", where);
	bench_ratio(&enables, &membarriers, "flip %s: enable / membarrier",
		    where);
	bench_ratio(&disables, &membarriers, "flip %s: disable / membarrier",
		    where);
}

static void busy(const char *where, int n)
{
	pthread_t threads[MOST_SPINNERS];

	stop = false;
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, spin,
				   &spinners[i].turns))
			bench_die("pthread_create failed");
	one_site(where, true);
	stop = true;
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* ---- who is disturbed ---- */

/*
 * A thread that does nothing but look at the clock: its longest time between
 * two looks is what it was kept from them by a flip, by a bare membarrier, or
 * by neither: interrupts, the hypervisor, others who have its processor.
 */
static _Atomic uint64_t longest;	/* it writes, who measures resets */
static _Atomic uint64_t looks;

static void *watch(void *arg)
{
	uint64_t last = bench_now();

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		uint64_t now = bench_now();

		if (now - last > longest)
			longest = now - last;
		last = now;
		looks++;
	}
	return arg;
}

static void nothing(void)
{
	uint64_t t = bench_now();

	while (bench_now() - t < 10000)
		;
}

/* It looks `n` times, soon: it has a processor. */
static bool it_looks(unsigned n)
{
	uint64_t before = looks, t = bench_now();

	while (looks - before < n)
		if (bench_now() - t > 1000000)
			return false;
	return true;
}

/* Only if it had a processor before and has one behind. */
static void sample_pause(struct bench_series *s, void (*f)(void))
{
	bool there = it_looks(10);

	longest = 0;
	f();
	if (it_looks(3) && there)
		bench_add(s, (double)longest);
}

static void disturbed(void)
{
	static struct bench_series by_nothing, by_membarrier, by_enable;
	unsigned rounds = bench_rounds(2000);
	pthread_t thread;

	stop = false;
	if (pthread_create(&thread, NULL, watch, NULL))
		bench_die("pthread_create failed");
	for (unsigned i = 0; by_enable.n < rounds && i < 10 * rounds; i++) {
		sample_pause(&by_nothing, nothing);
		sample_pause(&by_membarrier, bare_membarrier);
		sample_pause(&by_enable, enable_one);
		disable_one();
	}
	stop = true;
	pthread_join(thread, NULL);
	bench_row(&by_nothing, "ns", "pause of another thread: no flip");
	bench_row(&by_membarrier, "ns", "pause of another thread: membarrier");
	bench_row(&by_enable, "ns", "pause of another thread: enable");
}

/* ---- batches ---- */

static struct side_jmp_info info(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	return i;
}

static void batch(const char *library, unsigned sites, unsigned rounds)
{
	struct side_jmp_info before = info(), loaded, then;
	const struct bench_library *l = bench_load(library);

	loaded = info();
	if (loaded.sites - before.sites != sites)
		bench_die("%s has other than %u sites", library, sites);
	enables.n = disables.n = 0;
	rounds = bench_rounds(rounds);
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t t = bench_now();

		if (side_jmp_enable(l->key))
			bench_die("enable failed");
		bench_add(&enables, (double)(bench_now() - t) / sites);
		if (i == 0)
			then = info();
		t = bench_now();
		side_jmp_disable(l->key);
		bench_add(&disables, (double)(bench_now() - t) / sites);
	}
	bench_row(&enables, "ns/site", "batch of %u: enable", sites);
	bench_row(&disables, "ns/site", "batch of %u: disable", sites);
	bench_count((double)(then.syncs - loaded.syncs), "membarriers",
		    "batch of %u: core synchronizations", sites);
	bench_count((double)(then.writes - loaded.writes), "writes",
		    "batch of %u: writes", sites);
	bench_count((double)(loaded.pages_dirtied - before.pages_dirtied),
		    "pages", "batch of %u: pages", sites);
}

int main(int argc, char **argv)
{
	bench_open(argc, argv);
	if (info().backend == SIDE_JMP_BACKEND_NONE)
		bench_die("nothing is patched: %s", info().backend_reason);
	side_jmp_set_dirty_pages(UINT32_MAX);
	one_site("idle", false);
	busy("busy", N_SPINNERS);
	for (int n = 1; n <= MOST_SPINNERS; n *= 4) {
		char where[32];

		snprintf(where, sizeof(where), "beside %d", n);
		busy(where, n);
	}
	disturbed();
	batch("many-100.so", 100, 200);
	batch("many-10000.so", 10000, 40);
	batch("many-100000.so", 100000, 15);
	return 0;
}
