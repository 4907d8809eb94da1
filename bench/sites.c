// SPDX-License-Identifier: MIT
/*
 * What a site costs that nobody wants.  All variants in one process, in turn,
 * many rounds.  The same library is loaded twice: once without leave to patch
 * (its sites stay armed), once with.
 *
 * hot:  the same sites again and again.
 * cold: one pass after code and keys were flushed from the caches and other
 *       code had filled the branch predictor.
 *
 * "no site again" is the code of "no site", measured once more: what differs
 * between the two is noise.  "written" means that another thread writes to the
 * line of the flag all the while; a sample in which it did not is taken again.
 * 65,536 sites are of a library of their own, which has few variants.
 */
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <side_jmp.h>

#include "bench/bench.h"
#include "bench/block.h"
#include "bench/machine.h"

enum { IDLE, ARMED };
enum { HOT_SITES = 65536, HOT_ROUNDS = 800, COLD_ROUNDS = 150,
       FEW_ROUNDS = 100 };
/* Lines of the list that the memory-bound loop follows: 16 MiB. */
enum { CHASED = 1 << 18 };

static struct variant {
	const char *name, *code;
	int library;
	bool written;			/* by another thread */
	const struct bench_block *blocks[N_FEW];	/* none: not in there */
	struct bench_series series;
} variants[] = {
	{ .name = "no site", .code = "none" },
	{ .name = "no site again", .code = "none" },
	{ .name = "inline idle", .code = "inline" },
	{ .name = "inline armed", .code = "inline", .library = ARMED },
	{ .name = "nop idle", .code = "nop" },
	{ .name = "nop armed", .code = "nop", .library = ARMED },
	{ .name = "wide idle", .code = "wide" },
	{ .name = "wide armed", .code = "wide", .library = ARMED },
	{ .name = "wide idle (64 bits)", .code = "wide64" },
	{ .name = "wide armed (64 bits)", .code = "wide64", .library = ARMED },
	{ .name = "dense idle", .code = "dense" },
	{ .name = "dense armed", .code = "dense", .library = ARMED },
#if MACHINE_HAS_HAND_WRITTEN
	{ .name = "hand-written nop5", .code = "nop5" },
	{ .name = "hand-written test", .code = "test" },
#endif
	{ .name = "C load test branch", .code = "c" },
	{ .name = "one flag for all", .code = "shared" },
	{ .name = "one flag for all (written)", .code = "shared",
	  .written = true },
	{ .name = "call through a pointer", .code = "pointer" },
	{ .name = "sys/sdt.h", .code = "sdt" },
	{ .name = "sys/sdt.h with semaphore", .code = "sema" },
	{ .name = "XRay custom event", .code = "xray" },
};

enum { N_VARIANTS = sizeof(variants) / sizeof(*variants) };

static const unsigned counts[] = { 1, 16, BLOCK_SITES,
				   N_BLOCKS * BLOCK_SITES };
enum { N_COUNTS = sizeof(counts) / sizeof(*counts) };
static const char *const loop_names[] = {
	"latency", "throughput", "front-end", "memory"
};
static const struct bench_blocks *libraries[2];
static unsigned n_blocks;		/* of a variant */

static struct variant *by_name(const char *name)
{
	for (unsigned i = 0; i < N_VARIANTS; i++)
		if (!strcmp(variants[i].name, name))
			return &variants[i];
	return NULL;
}

/* ---- set up ---- */

/* All of them, or none: what needs a header that is not installed. */
static void find_blocks(struct variant *v)
{
	const struct bench_blocks *l = libraries[v->library];
	unsigned n = 0;

	v->blocks[0] = NULL;
	for (const struct bench_block *const *b = l->start; b != l->stop; b++)
		if (!strcmp((*b)->variant, v->code) && n < n_blocks)
			v->blocks[n++] = *b;
	if (n && n != n_blocks)
		bench_die("%s: %u blocks", v->code, n);
}

static void load(const char *armed_name, const char *idle_name, unsigned blocks)
{
	struct side_jmp_info before, armed, both;

	n_blocks = blocks;
	side_jmp_get_info(&before, sizeof(before));
	side_jmp_set_dirty_pages(0);
	libraries[ARMED] = (const void *)bench_load(armed_name);
	side_jmp_get_info(&armed, sizeof(armed));
	side_jmp_set_dirty_pages(UINT32_MAX);
	libraries[IDLE] = (const void *)bench_load(idle_name);
	side_jmp_get_info(&both, sizeof(both));
	if (armed.idle != before.idle ||
	    both.idle - armed.idle != both.sites - armed.sites)
		bench_die("%llu of %llu sites are idle, %llu should be; %s",
			  (unsigned long long)(both.idle - before.idle),
			  (unsigned long long)(both.sites - before.sites),
			  (unsigned long long)(both.sites - armed.sites),
			  both.backend_reason);
	for (unsigned i = 0; i < N_VARIANTS; i++)
		find_blocks(&variants[i]);
	if (!by_name("no site")->blocks[0])
		bench_die("%s has no blocks", idle_name);
}

/* ---- who writes to the flag's line ---- */

static struct {
	sem_t go;
	bool on;			/* atomic: who measures tells */
	uint64_t turns;			/* atomic: it answers */
	bool there;
} writer;

static void *write_on(void *arg)
{
	uint32_t *line = arg;

	for (;;) {
		while (sem_wait(&writer.go))
			;
		while (__atomic_load_n(&writer.on, __ATOMIC_RELAXED)) {
			__atomic_add_fetch(line, 1, __ATOMIC_RELAXED);
			__atomic_add_fetch(&writer.turns, 1, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

static uint64_t turns(void)
{
	return __atomic_load_n(&writer.turns, __ATOMIC_RELAXED);
}

/* False: it does not run beside us. */
static bool begin_writing(void)
{
	uint64_t before = turns(), t = bench_now();

	__atomic_store_n(&writer.on, true, __ATOMIC_RELAXED);
	sem_post(&writer.go);
	while (turns() - before < 100)
		if (bench_now() - t > 2000000000)
			return false;
	return true;
}

static void end_writing(void)
{
	__atomic_store_n(&writer.on, false, __ATOMIC_RELAXED);
}

/* On any processor but the one that we are on. */
static void start_writer(void)
{
	cpu_set_t set;
	pthread_t thread;
	int cpu = sched_getcpu();

	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) < 2)
		return;
	CPU_CLR((size_t)(cpu < 0 ? 0 : cpu), &set);
	if (sem_init(&writer.go, 0, 0) ||
	    pthread_create(&thread, NULL, write_on,
			   &libraries[IDLE]->shared->written))
		bench_die("no thread that writes");
	writer.there = !pthread_setaffinity_np(thread, sizeof(set), &set);
}

/* ---- what the memory-bound loop follows ---- */

static uint64_t chased;			/* the address of an element */

/* One ring through all lines, in an order that no prefetcher knows. */
static void make_list(void)
{
	enum { STEP = 64 / sizeof(uint64_t) };
	uint64_t *list = aligned_alloc(64, CHASED * 64);
	uint32_t *order = malloc(CHASED * sizeof(*order)), seed = 1;

	if (!list || !order)
		bench_die("no memory");
	for (uint32_t i = 0; i < CHASED; i++)
		order[i] = i;
	for (uint32_t i = CHASED - 1; i > 0; i--) {	/* Fisher and Yates */
		uint32_t j, other;

		seed = seed * 1664525 + 1013904223;
		j = (uint32_t)((uint64_t)seed * (i + 1) >> 32);
		other = order[i];
		order[i] = order[j];
		order[j] = other;
	}
	for (uint32_t i = 0; i < CHASED; i++)
		list[order[i] * STEP] =
			(uintptr_t)&list[order[(i + 1) % CHASED] * STEP];
	free(order);
	chased = (uintptr_t)list;
}

static void pin(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET((size_t)(cpu < 0 ? 0 : cpu), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* ---- one sample ---- */

static volatile uint64_t sink;

static void pass(const struct variant *v, int loop, unsigned count,
		 unsigned reps)
{
	uint64_t x = loop == LOOP_MEMORY ? chased : 1;

	if (count == 1)
		x = v->blocks[0]->run1[loop](x, reps);
	else if (count == 16)
		x = v->blocks[0]->run16[loop](x, reps);
	else if (count == BLOCK_SITES)
		x = v->blocks[0]->run256[loop](x, reps);
	else
		while (reps--)
			for (unsigned i = 0; i < count / BLOCK_SITES; i++)
				x = v->blocks[i]->run256[loop](x, 1);
	if (loop == LOOP_MEMORY)
		chased = x;		/* the next one goes on from here */
	sink = x;
}

static double hot(const struct variant *v, int loop, unsigned count)
{
	unsigned sites = bench_quick() ? 4096 : HOT_SITES;
	unsigned reps;
	uint64_t t;

	if (loop == LOOP_MEMORY)
		sites /= 16;
	reps = sites > count ? sites / count : 1;
	pass(v, loop, count, reps / 8 + 2);
	t = bench_now();
	pass(v, loop, count, reps);
	t = bench_now() - t;
	return (double)t / (double)reps / count;
}

struct flush {
	const void *inside;
};

static int flush_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	const struct flush *f = arg;
	bool found = false;

	(void)size;
	for (int pass_ = 0; pass_ < 2; pass_++) {
		for (unsigned i = 0; i < info->dlpi_phnum; i++) {
			const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
			uintptr_t at = info->dlpi_addr + ph->p_vaddr;

			if (ph->p_type != PT_LOAD)
				continue;
			found |= (uintptr_t)f->inside - at < ph->p_memsz;
			if (pass_ && found)
				machine_flush((const void *)at, ph->p_memsz);
		}
		if (!found)
			return 0;
	}
	return 1;
}

static double cold(const struct variant *v, int loop, unsigned count)
{
	const struct variant *inline_armed = by_name("inline armed");
	const struct variant *dense_armed = by_name("dense armed");
	struct flush f = { libraries[v->library] };
	uint64_t t;

	/* Other branches than those that will be timed. */
	pass(inline_armed, !loop, 4096, 2);
	pass(dense_armed, !loop, 4096, 2);
	dl_iterate_phdr(flush_object, &f);
	bench_now();
	t = bench_now();
	pass(v, loop, count, 1);
	t = bench_now() - t;
	return (double)t / count;
}

/* ---- rounds ---- */

/* No row of what has no samples. */
static void ratios(const char *where)
{
	struct variant *idle = by_name("inline idle");
	struct variant *nop = by_name("hand-written nop5");
	struct variant *test = by_name("hand-written test");

	bench_ratio(&by_name("no site again")->series,
		    &by_name("no site")->series,
		    "%s no site again / no site", where);
	bench_ratio(&idle->series, &by_name("no site")->series,
		    "%s inline idle / no site", where);
	if (nop) {
		bench_ratio(&idle->series, &nop->series,
			    "%s inline idle / nop5", where);
		bench_ratio(&by_name("nop idle")->series, &nop->series,
			    "%s nop idle / nop5", where);
	}
	bench_ratio(&by_name("nop idle")->series, &idle->series,
		    "%s nop idle / inline idle", where);
	if (test)
		bench_ratio(&by_name("wide armed")->series, &test->series,
			    "%s wide armed / test", where);
}

/* What is not there has no samples, and no row. */
static void sample(struct variant *v, int loop, unsigned count, bool is_hot)
{
	bool again = v->written;
	double took;

	if (!v->blocks[0] || (v->written && !writer.there))
		return;
	do {
		uint64_t before;

		if (v->written && !begin_writing()) {
			end_writing();
			return;
		}
		before = turns();
		took = is_hot ? hot(v, loop, count) : cold(v, loop, count);
		again = v->written && turns() == before;
		end_writing();
	} while (again);
	bench_add(&v->series, took);
}

static void measure(int loop, unsigned count, bool is_hot)
{
	unsigned rounds = bench_rounds(count > N_BLOCKS * BLOCK_SITES ? FEW_ROUNDS :
				       is_hot ? HOT_ROUNDS : COLD_ROUNDS);
	char where[64];

	for (unsigned i = 0; i < N_VARIANTS; i++)
		variants[i].series.n = 0;
	/* Each round begins with another variant. */
	for (unsigned r = 0; r < rounds; r++)
		for (unsigned i = 0; i < N_VARIANTS; i++)
			sample(&variants[(i + r) % N_VARIANTS], loop, count,
			       is_hot);
	snprintf(where, sizeof(where), "%s %s %u", loop_names[loop],
		 is_hot ? "hot" : "cold", count);
	for (unsigned i = 0; i < N_VARIANTS; i++)
		bench_row(&variants[i].series, "ns/site", "%s %s", where,
			  variants[i].name);
	ratios(where);
}

int main(int argc, char **argv)
{
	bench_open(argc, argv);
	load("blocks-armed.so", "blocks-idle.so", N_BLOCKS);
	start_writer();
	pin();
	make_list();
	for (int loop = 0; loop < N_LOOPS; loop++)
		for (unsigned c = 0; c < N_COUNTS; c++)
			measure(loop, counts[c], true);
	for (int loop = 0; loop < LOOP_FRONT_END; loop++)
		for (unsigned c = 0; c < N_COUNTS; c++)
			measure(loop, counts[c], false);
	load("few-armed.so", "few-idle.so", N_FEW);
	measure(LOOP_LATENCY, N_FEW * BLOCK_SITES, true);
	return 0;
}
