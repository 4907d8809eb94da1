// SPDX-License-Identifier: MIT
/*
 * What a site costs that nobody wants.  All variants in one process, in turn,
 * many rounds.  The same library is loaded twice: once without leave to patch
 * (its sites stay armed), once with.
 *
 * hot:  the same sites again and again.
 * cold: one pass after code and keys were flushed from the caches and other
 *       code had filled the branch predictor.
 */
#include <link.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <side_jmp.h>

#include "bench/bench.h"
#include "bench/block.h"
#include "bench/machine.h"

enum { IDLE, ARMED };
enum { HOT_SITES = 65536, HOT_ROUNDS = 800, COLD_ROUNDS = 150 };

static struct variant {
	const char *name, *code;
	int library;
	const struct bench_block *blocks[N_BLOCKS];
	struct bench_series series;
} variants[] = {
	{ .name = "no site", .code = "none" },
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
};

enum { N_VARIANTS = sizeof(variants) / sizeof(*variants) };

static const unsigned counts[] = { 16, 256, 4096 };
static const char *const loop_names[] = { "latency", "throughput" };
static const struct bench_blocks *libraries[2];

static struct variant *by_name(const char *name)
{
	for (unsigned i = 0; i < N_VARIANTS; i++)
		if (!strcmp(variants[i].name, name))
			return &variants[i];
	return NULL;
}

/* ---- set up ---- */

static void find_blocks(struct variant *v)
{
	const struct bench_blocks *l = libraries[v->library];
	unsigned n = 0;

	for (const struct bench_block *const *b = l->start; b != l->stop; b++)
		if (!strcmp((*b)->variant, v->code) && n < N_BLOCKS)
			v->blocks[n++] = *b;
	if (n != N_BLOCKS)
		bench_die("%s: %u blocks", v->code, n);
}

static void load(void)
{
	struct side_jmp_info armed, both;

	side_jmp_set_dirty_pages(0);
	libraries[ARMED] = (const void *)bench_load("blocks-armed.so");
	side_jmp_get_info(&armed, sizeof(armed));
	side_jmp_set_dirty_pages(UINT32_MAX);
	libraries[IDLE] = (const void *)bench_load("blocks-idle.so");
	side_jmp_get_info(&both, sizeof(both));
	if (armed.idle || both.idle != both.sites - armed.sites)
		bench_die("%llu of %llu sites are idle, %llu should be; %s",
			  (unsigned long long)both.idle,
			  (unsigned long long)both.sites,
			  (unsigned long long)(both.sites - armed.sites),
			  both.backend_reason);
	for (unsigned i = 0; i < N_VARIANTS; i++)
		find_blocks(&variants[i]);
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
	uint64_t x = 1;

	if (count == 16)
		x = v->blocks[0]->run16[loop](x, reps);
	else if (count == BLOCK_SITES)
		x = v->blocks[0]->run256[loop](x, reps);
	else
		while (reps--)
			for (unsigned i = 0; i < N_BLOCKS; i++)
				x = v->blocks[i]->run256[loop](x, 1);
	sink = x;
}

static double hot(const struct variant *v, int loop, unsigned count)
{
	unsigned reps = (bench_quick() ? 4096u : HOT_SITES) / count;
	uint64_t t;

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

static void ratios(const char *where)
{
	struct variant *idle = by_name("inline idle");
	struct variant *nop = by_name("hand-written nop5");
	struct variant *test = by_name("hand-written test");

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

static void measure(int loop, unsigned count, bool is_hot)
{
	unsigned rounds = bench_rounds(is_hot ? HOT_ROUNDS : COLD_ROUNDS);
	char where[64];

	for (unsigned i = 0; i < N_VARIANTS; i++)
		variants[i].series.n = 0;
	/* Each round begins with another variant. */
	for (unsigned r = 0; r < rounds; r++)
		for (unsigned i = 0; i < N_VARIANTS; i++) {
			struct variant *v = &variants[(i + r) % N_VARIANTS];

			bench_add(&v->series, is_hot ? hot(v, loop, count) :
						       cold(v, loop, count));
		}
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
	pin();
	load();
	for (int is_hot = 1; is_hot >= 0; is_hot--)
		for (int loop = 0; loop < N_LOOPS; loop++)
			for (unsigned c = 0; c < 3; c++)
				measure(loop, counts[c], is_hot);
	return 0;
}
