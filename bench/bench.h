/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share: a clock, samples, and rows.  A row goes to the
 * screen and to a CSV file: name, arch, CPU, samples, min, median, p99, unit.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* QUICK=1 in the environment: every row, hardly any samples. */
bool bench_quick(void);
/* `rounds`, or next to none if quick; at most BENCH_SAMPLES. */
unsigned bench_rounds(unsigned rounds);
void bench_open(int argc, char **argv);	/* argv[1]: the CSV file */
uint64_t bench_now(void);		/* ns */

#define BENCH_SAMPLES	4096

struct bench_series {
	unsigned n;
	double sample[BENCH_SAMPLES];
};

void bench_add(struct bench_series *s, double sample);
void bench_row(const struct bench_series *s, const char *unit,
	       const char *name, ...) __attribute__((format(printf, 3, 4)));
/* Sample by sample: one row of a / b. */
void bench_ratio(const struct bench_series *a, const struct bench_series *b,
		 const char *name, ...) __attribute__((format(printf, 3, 4)));
/* A number that is counted, not sampled. */
void bench_count(double n, const char *unit, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
__attribute__((noreturn, format(printf, 1, 2)))
void bench_die(const char *format, ...);

/* A library of sites (many.c), its key and its table. */
struct side_jmp_key;
struct side_jmp_object;
struct bench_library {
	struct side_jmp_key *key;
	struct side_jmp_object *object;
};

const struct bench_library *bench_load(const char *name);

#endif
