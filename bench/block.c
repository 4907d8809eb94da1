// SPDX-License-Identifier: MIT
/*
 * 256 sites in straight line, in a loop that waits for a chain and in one that
 * saturates the arithmetic units.  -DVARIANT_<name> says what a site is:
 * none, macro (with SIDE_JMP_LAYOUT_* and -DWORD64), nop5, test, c.
 */
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

#define DEFINE(name) \
	static struct side_jmp_key name __attribute__((aligned(64), unused)); \
	KEY(name)
ALL(DEFINE, key_)

/* The same cold block for all. */
extern uint64_t bench_hits __attribute__((visibility("hidden")));

#if defined(VARIANT_none)
#define SITE(name)
#elif defined(VARIANT_nop5)
#define SITE(name) \
	__extension__ ({ \
		__label__ cold, out; \
		MACHINE_NOP(cold); \
		goto out; \
	cold: __attribute__((cold)); \
		bench_hits++; \
	out:; \
	});
#elif defined(VARIANT_test)
#define SITE(name) \
	__extension__ ({ \
		__label__ cold, out; \
		MACHINE_TEST(&name.word32, cold); \
		goto out; \
	cold: __attribute__((cold)); \
		bench_hits++; \
	out:; \
	});
#elif defined(VARIANT_c)
#define SITE(name) \
	if (__builtin_expect(__atomic_load_n(&name.word32, \
					     __ATOMIC_RELAXED) != 0, 0)) \
		bench_hits++;
#else
#define SITE(name) \
	if (side_jmp_unlikely(name)) \
		bench_hits++;
#endif

#define LATENCY_STEP(name)	MACHINE_CHAIN(x); SITE(name)
#define THROUGHPUT_STEP(name)	MACHINE_ADDS(a); SITE(name)

#define LATENCY(fn, sites) \
	__attribute__((aligned(64))) \
	static uint64_t fn(uint64_t x, unsigned reps) \
	{ \
		do { \
			sites(LATENCY_STEP, key_) \
		} while (--reps); \
		return x; \
	}
#define THROUGHPUT(fn, sites) \
	__attribute__((aligned(64))) \
	static uint64_t fn(uint64_t x, unsigned reps) \
	{ \
		uint64_t a[6] = { x, x, x, x, x, x }; \
		do { \
			sites(THROUGHPUT_STEP, key_) \
		} while (--reps); \
		return a[0] + a[1] + a[2] + a[3] + a[4] + a[5]; \
	}
#define FIRST(X, n)	SIXTEEN(X, n##0)

LATENCY(latency16, FIRST)
LATENCY(latency256, ALL)
THROUGHPUT(throughput16, FIRST)
THROUGHPUT(throughput256, ALL)

static const struct bench_block block = {
	.variant = VARIANT,
	.run16 = { latency16, throughput16 },
	.run256 = { latency256, throughput256 },
};

/* Found through the bounds of its section. */
static const struct bench_block *const entry
	__attribute__((section("bench_blocks"), used)) = &block;
