// SPDX-License-Identifier: MIT
/*
 * 256 sites in straight line, in each of the loops of block.h.
 * -DVARIANT_<name> says what a site is: none, macro (with SIDE_JMP_LAYOUT_* and
 * -DWORD64), nop5, test, c, shared, pointer, sdt, sema, xray.  -DFEW: one loop.
 */
#ifdef VARIANT_sema
#define _SDT_HAS_SEMAPHORES	1
#endif
#if defined(VARIANT_sdt) || defined(VARIANT_sema)
#include <sys/sdt.h>
#endif
#include <side_jmp.h>

#include "bench/block.h"
#include "bench/machine.h"

#ifdef WORD64
#define KEY(name)	SIDE_JMP_KEY64_STATIC(name);
#else
#define KEY(name)	SIDE_JMP_KEY_STATIC(name);
#endif

#define SIXTEEN(X, n) \
	X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7) \
	X(n##8) X(n##9) X(n##a) X(n##b) X(n##c) X(n##d) X(n##e) X(n##f)
#define ALL(X, n) \
	SIXTEEN(X, n##0) SIXTEEN(X, n##1) SIXTEEN(X, n##2) SIXTEEN(X, n##3) \
	SIXTEEN(X, n##4) SIXTEEN(X, n##5) SIXTEEN(X, n##6) SIXTEEN(X, n##7) \
	SIXTEEN(X, n##8) SIXTEEN(X, n##9) SIXTEEN(X, n##a) SIXTEEN(X, n##b) \
	SIXTEEN(X, n##c) SIXTEEN(X, n##d) SIXTEEN(X, n##e) SIXTEEN(X, n##f)

/* Used: a compiler that sees nobody write to a word has it be 0 for ever. */
#define DEFINE(name) \
	static struct side_jmp_key name __attribute__((aligned(64), used)); \
	KEY(name)
ALL(DEFINE, key_)


#if defined(VARIANT_none)
#define SITE(name)
#elif defined(VARIANT_nop5)
#define SITE(name) \
	__extension__ ({ \
		__label__ cold, out; \
		MACHINE_NOP(cold); \
		goto out; \
	cold: BENCH_COLD; \
		bench_hits++; \
	out:; \
	});
#elif defined(VARIANT_test)
#define SITE(name) \
	__extension__ ({ \
		__label__ cold, out; \
		MACHINE_TEST(&name.word32, cold); \
		goto out; \
	cold: BENCH_COLD; \
		bench_hits++; \
	out:; \
	});
#elif defined(VARIANT_c)
#define SITE(name) \
	if (__builtin_expect(__atomic_load_n(&name.word32, \
					     __ATOMIC_RELAXED) != 0, 0)) \
		bench_hits++;
#elif defined(VARIANT_shared)	/* one word for all: bench_shared.flag */
#define SITE(name) \
	if (__builtin_expect(__atomic_load_n(&bench_shared.flag, \
					     __ATOMIC_RELAXED) != 0, 0)) \
		bench_hits++;
#elif defined(VARIANT_pointer)	/* to a function that returns */
#define POINTER(name) \
	static void (*name##_call)(void) __attribute__((aligned(64), used)) = \
		bench_nothing;
ALL(POINTER, key_)
#define SITE(name)	name##_call();
#elif defined(VARIANT_sdt)
#define SITE(name)	STAP_PROBE(side_jmp_bench, name);
#elif defined(VARIANT_sema)
#define SEMAPHORE(name) \
	static unsigned short side_jmp_bench_##name##_semaphore \
		__attribute__((aligned(64), used, section(".probes")));
ALL(SEMAPHORE, key_)
#define SITE(name) \
	if (__builtin_expect(__atomic_load_n(&side_jmp_bench_##name##_semaphore, \
					     __ATOMIC_RELAXED) != 0, 0)) \
		STAP_PROBE(side_jmp_bench, name);
#elif defined(VARIANT_xray)
#define SITE(name)	__xray_customevent(VARIANT, sizeof(VARIANT));
#else
#define SITE(name) \
	if (side_jmp_unlikely(name)) \
		bench_hits++;
#endif

#ifdef VARIANT_xray		/* all of it: it is not a short function */
#define INSTRUMENTED	__attribute__((xray_always_instrument))
#else
#define INSTRUMENTED
#endif

#define LATENCY_STEP(name)	MACHINE_CHAIN(x); SITE(name)
#define THROUGHPUT_STEP(name)	MACHINE_ADDS(a); SITE(name)
#define FRONT_END_STEP(name)	MACHINE_NOPS(); SITE(name)
#define MEMORY_STEP(name)	MACHINE_CHASE(x); SITE(name)

#define LOOP(fn, sites, step) \
	INSTRUMENTED __attribute__((aligned(64))) \
	static uint64_t fn(uint64_t x, unsigned reps) \
	{ \
		do { \
			sites(step, key_) \
		} while (--reps); \
		return x; \
	}
#define THROUGHPUT(fn, sites) \
	INSTRUMENTED __attribute__((aligned(64))) \
	static uint64_t fn(uint64_t x, unsigned reps) \
	{ \
		uint64_t a[6] = { x, x, x, x, x, x }; \
		do { \
			sites(THROUGHPUT_STEP, key_) \
		} while (--reps); \
		return a[0] + a[1] + a[2] + a[3] + a[4] + a[5]; \
	}
#define ONE(X, n)	X(n##00)
#define FIRST(X, n)	SIXTEEN(X, n##0)

LOOP(latency256, ALL, LATENCY_STEP)
#ifndef FEW
LOOP(latency1, ONE, LATENCY_STEP)
LOOP(latency16, FIRST, LATENCY_STEP)
THROUGHPUT(throughput1, ONE)
THROUGHPUT(throughput16, FIRST)
THROUGHPUT(throughput256, ALL)
LOOP(front_end1, ONE, FRONT_END_STEP)
LOOP(front_end16, FIRST, FRONT_END_STEP)
LOOP(front_end256, ALL, FRONT_END_STEP)
LOOP(memory1, ONE, MEMORY_STEP)
LOOP(memory16, FIRST, MEMORY_STEP)
LOOP(memory256, ALL, MEMORY_STEP)
#endif

static const struct bench_block block = {
	.variant = VARIANT,
#ifdef FEW
	.run256 = { latency256 },
#else
	.run1 = { latency1, throughput1, front_end1, memory1 },
	.run16 = { latency16, throughput16, front_end16, memory16 },
	.run256 = { latency256, throughput256, front_end256, memory256 },
#endif
};

/* Found through the bounds of its section. */
static const struct bench_block *const entry
	__attribute__((section("bench_blocks"), used)) = &block;
