/* SPDX-License-Identifier: MIT */
/*
 * What a flip by the kernel costs, beside its parts and its alternatives, in
 * one interleaved run; for a kernel with code_patch(), which so far means an
 * emulated machine.  Prints TAP, with the figures as notes.
 *
 *   code_patch   word, code_patch(SYNC)
 *   bare         the stores and core synchronizations that this contains, in
 *                text that is writable: on x86-64 two stores a site and two
 *                membarriers, elsewhere one of each
 *   mprotect     writable, a store a site, executable again, one membarrier
 *   self         a write to /proc/self/mem a site, one membarrier
 *   uprobes      a uprobe a site, made and enabled in tracefs, and removed (a
 *                flip is half of that; from 64 sites on by extrapolation)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <side_jmp.h>

#include "tests/tap.h"

#define TRACING	"/sys/kernel/tracing/"

SIDE_JMP_KEY_STATIC(key1);
SIDE_JMP_KEY_STATIC(key512);
SIDE_JMP_KEY_STATIC(key4096);

#define X8(s)	s s s s s s s s
#define X64(s)	X8(X8(s))
#define X512(s)	X8(X64(s))
#define SITE(k)	if (side_jmp_unlikely(k)) n++;

static unsigned run1(void) { unsigned n = 0; SITE(key1) return n; }
static unsigned run512(void) { unsigned n = 0; X512(SITE(key512)) return n; }
static unsigned run4096(void) { unsigned n = 0; X8(X512(SITE(key4096))) return n; }

static const struct size {
	unsigned n;
	struct side_jmp_key *key;
	unsigned (*run)(void);
} sizes[] = {
	{ 1, &key1, run1 }, { 512, &key512, run512 }, { 4096, &key4096, run4096 },
};

extern const struct side_jmp_record __start_side_jmp[], __stop_side_jmp[]
	__attribute__((visibility("hidden")));

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void synchronize(void)
{
	if (syscall(SYS_membarrier, 1 << 5, 0, 0)) {	/* ..._SYNC_CORE */
		syscall(SYS_membarrier, 1 << 6, 0, 0);
		syscall(SYS_membarrier, 1 << 5, 0, 0);
	}
}

/* ---- text of our own: functions that do nothing but return -------------- */

#if defined(__x86_64__)
enum { STRIDE = 64, PASSES = 2 };
static const uint8_t function[] = { 0xa9, 0, 0, 0, 0, 0xc3 };
typedef uint8_t unit;
static const unit forms[] = { 0xa9, 0xe9 };	/* test, or jmp to the next */
#elif defined(__aarch64__)
enum { STRIDE = 64, PASSES = 1 };
static const uint32_t function[] = { 0xd503201f, 0xd65f03c0 };
typedef uint32_t unit;
static const unit forms[] = { 0xd503201f, 0x14000001 };
#else
#error "no text for this architecture"
#endif

static uint8_t *text_of(unsigned n, int prot)
{
	uint8_t *p = mmap(NULL, n * STRIDE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned i = 0; i < n; i++)
		memcpy(p + i * STRIDE, function, sizeof(function));
	mprotect(p, n * STRIDE, prot);
	__builtin___clear_cache((char *)p, (char *)p + n * STRIDE);
	return p;
}

static void run_text(uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		void (*f)(void);
		void *at = p + i * STRIDE;

		memcpy(&f, &at, sizeof(f));
		f();
	}
}

static void store(uint8_t *p, unsigned n, unit to)
{
	for (unsigned i = 0; i < n; i++)
		__atomic_store_n((unit *)(void *)(p + i * STRIDE), to,
				 __ATOMIC_RELAXED);
}

/* ---- the contestants: microseconds of one flip --------------------------- */

static uint8_t *writable[3], *readable[3];
static bool failed;

static double by_kernel(unsigned s, bool on)
{
	uint64_t key = (uintptr_t)sizes[s].key;
	uint64_t args[6] = { (uintptr_t)&key, 1, UINT32_MAX };
	double t = now();

	__atomic_store_n(&sizes[s].key->word32, on, __ATOMIC_SEQ_CST);
	if (syscall(480, 2, args, sizeof(args), 0) || args[4] != sizes[s].n)
		failed = true;
	t = now() - t;
	if (sizes[s].run() != (on ? sizes[s].n : 0))
		failed = true;
	return t;
}

static double bare(unsigned s, bool on)
{
	double t = now();

	for (int pass = 0; pass < PASSES; pass++) {
		store(writable[s], sizes[s].n, forms[pass ^ on]);
		synchronize();
	}
	t = now() - t;
	run_text(writable[s], sizes[s].n);
	return t;
}

static double by_mprotect(unsigned s, bool on)
{
	size_t len = sizes[s].n * STRIDE;
	double t = now();

	mprotect(readable[s], len, PROT_READ | PROT_WRITE);
	store(readable[s], sizes[s].n, forms[on]);
	mprotect(readable[s], len, PROT_READ | PROT_EXEC);
	synchronize();
	t = now() - t;
	run_text(readable[s], sizes[s].n);
	return t;
}

static double by_self(unsigned s, bool on)
{
	double t = now();
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	for (unsigned i = 0; i < sizes[s].n; i++)
		if (pwrite(fd, &forms[on], sizeof(unit), (off_t)(uintptr_t)
			   (readable[s] + i * STRIDE)) != sizeof(unit))
			failed = true;
	close(fd);
	synchronize();
	t = now() - t;
	run_text(readable[s], sizes[s].n);
	return t;
}

static void tracefs(const char *file, int flags, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), TRACING "%s", file);
	fd = open(path, O_WRONLY | flags | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		failed = true;
	if (fd >= 0)
		close(fd);
}

/* Offsets of sites in the file: what uprobes want */
static uint64_t file_offset(uintptr_t addr)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long lo, hi, offset;
	uint64_t found = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %*s %lx", &lo, &hi, &offset) == 3 &&
		    addr >= lo && addr < hi)
			found = addr - lo + offset;
	if (f)
		fclose(f);
	return found;
}

enum { UPROBES = 64 };		/* of a size, at most: each takes milliseconds */

static double by_uprobe(unsigned s)
{
	const struct side_jmp_record *r = __start_side_jmp;
	char path[256], line[512];
	uint64_t base = 0;
	unsigned n = 0;
	double t;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[len > 0 ? len : 0] = '\0';
	base = file_offset((uintptr_t)&run1) - (uintptr_t)&run1;
	t = now();
	for (; r < __stop_side_jmp && n < UPROBES; r++) {
		uintptr_t key = (uintptr_t)&r->key + (uintptr_t)(intptr_t)r->key;
		uintptr_t site = (uintptr_t)&r->site + (uintptr_t)(intptr_t)r->site;

		if (key != (uintptr_t)sizes[s].key)
			continue;
		snprintf(line, sizeof(line), "p:bench/s%u %s:0x%llx\n", n++,
			 path, (unsigned long long)(site + base));
		tracefs("uprobe_events", O_APPEND, line);
	}
	tracefs("events/bench/enable", 0, "1");
	tracefs("events/bench/enable", 0, "0");
	tracefs("uprobe_events", O_TRUNC, "");
	return (now() - t) / 2 / n * sizes[s].n;
}

/* ---- the run ------------------------------------------------------------ */

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

enum { ROUNDS = 41 };

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), ascending);
	return v[n / 2];
}

int main(void)
{
	static double (*const contestants[])(unsigned, bool) = {
		by_kernel, bare, by_mprotect, by_self,
	};
	static double t[4][ROUNDS];
	struct side_jmp_info info;

	side_jmp_get_info(&info, sizeof(info));
	if (info.backend != SIDE_JMP_BACKEND_KERNEL) {
		printf("1..0 # SKIP the kernel does not patch: %s\n",
		       info.backend_reason);
		return 4;
	}
	for (unsigned s = 0; s < 3; s++) {
		double m[4], uprobe;

		writable[s] = text_of(sizes[s].n, PROT_READ | PROT_WRITE | PROT_EXEC);
		readable[s] = text_of(sizes[s].n, PROT_READ | PROT_EXEC);
		for (unsigned i = 0; i < ROUNDS; i++)
			for (unsigned c = 0; c < 4; c++)
				t[c][i] = contestants[c](s, !(i & 1));
		by_kernel(s, false);
		for (unsigned c = 0; c < 4; c++)
			m[c] = median(t[c], ROUNDS);
		uprobe = by_uprobe(s);
		tap_note("%4u sites, us a flip: code_patch %.0f, bare %.0f,"
			 " mprotect %.0f, self %.0f, uprobes %.0f", sizes[s].n,
			 m[0], m[1], m[2], m[3], uprobe);
		tap_note("%4u sites, code_patch is: %.2f of bare (goal 3),"
			 " %.2f of mprotect, %.2f of self, %.4f of uprobes",
			 sizes[s].n, m[0] / m[1], m[0] / m[2], m[0] / m[3],
			 m[0] / uprobe);
	}
	tap_ok(!failed, "bench_every_flip_took");
	return tap_done();
}
