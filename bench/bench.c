// SPDX-License-Identifier: MIT
/* Clock, samples, rows.  Knows nothing of sites. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"

static FILE *csv;
static char arch[66], cpu[128];

void bench_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "bench: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

bool bench_quick(void)
{
	const char *s = getenv("QUICK");

	return s && *s && strcmp(s, "0");
}

unsigned bench_rounds(unsigned rounds)
{
	if (bench_quick() && rounds > 3)
		return 3;
	return rounds < BENCH_SAMPLES ? rounds : BENCH_SAMPLES;
}

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void find_cpu(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(cpu, sizeof(cpu), "unknown");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(cpu, sizeof(cpu), "%.120s",
				 strchr(line, ':') + 2);
			break;
		}
	if (f)
		fclose(f);
	for (char *p = cpu; *p; p++)	/* the file's separator */
		if (*p == ',' || *p == '"')
			*p = ' ';
}

void bench_open(int argc, char **argv)
{
	struct utsname u;

	uname(&u);
	snprintf(arch, sizeof(arch), "%.64s", u.machine);
	find_cpu();
	if (argc > 1) {
		csv = fopen(argv[1], "a");
		if (!csv)
			bench_die("%s: can't be written", argv[1]);
		fseek(csv, 0, SEEK_END);
		if (ftell(csv) == 0)
			fprintf(csv, "name,arch,cpu,samples,min,median,p99,"
				"unit\n");
	}
	printf("\n%s, %s%s\n", arch, cpu, bench_quick() ?
	       " (QUICK: the numbers mean nothing)" : "");
	printf("%-46s %7s %11s %11s %11s  %s\n", "name", "samples", "min",
	       "median", "p99", "unit");
}

void bench_add(struct bench_series *s, double sample)
{
	if (s->n < BENCH_SAMPLES)
		s->sample[s->n++] = sample;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void row(const struct bench_series *s, const char *unit,
		const char *format, va_list args)
{
	static struct bench_series sorted;
	char name[128];
	double min, median, p99;

	if (!s->n)
		return;
	sorted = *s;
	qsort(sorted.sample, sorted.n, sizeof(double), compare);
	min = sorted.sample[0];
	median = (sorted.sample[(sorted.n - 1) / 2] +
		  sorted.sample[sorted.n / 2]) / 2;
	p99 = sorted.sample[(sorted.n - 1) * 99 / 100];
	vsnprintf(name, sizeof(name), format, args);
	printf("%-46s %7u %11.3f %11.3f %11.3f  %s\n", name, s->n, min, median,
	       p99, unit);
	fflush(stdout);
	if (csv)
		fprintf(csv, "%s,%s,%s,%u,%.4f,%.4f,%.4f,%s\n", name, arch,
			cpu, s->n, min, median, p99, unit);
}

void bench_row(const struct bench_series *s, const char *unit,
	       const char *name, ...)
{
	va_list args;

	va_start(args, name);
	row(s, unit, name, args);
	va_end(args);
}

void bench_ratio(const struct bench_series *a, const struct bench_series *b,
		 const char *name, ...)
{
	static struct bench_series ratio;
	va_list args;

	ratio.n = 0;
	for (unsigned i = 0; i < a->n && i < b->n; i++)
		bench_add(&ratio, a->sample[i] / b->sample[i]);
	va_start(args, name);
	row(&ratio, "ratio", name, args);
	va_end(args);
}

void bench_count(double n, const char *unit, const char *name, ...)
{
	static struct bench_series one;
	va_list args;

	one.n = 0;
	bench_add(&one, n);
	va_start(args, name);
	row(&one, unit, name, args);
	va_end(args);
}

/* Beside the program. */
const struct bench_library *bench_load(const char *name)
{
	const struct bench_library *l = NULL;
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	void *handle;

	if (n < 0)
		bench_die("/proc/self/exe can't be read");
	path[n] = '\0';
	snprintf(strrchr(path, '/') + 1, 64, "%s", name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle)
		l = dlsym(handle, "bench_library");
	if (!l)
		bench_die("%s", dlerror());
	return l;
}
