// SPDX-License-Identifier: MIT
/*
 * What it costs when the kernel patches, beside
 *
 *   bare      the stores and core synchronizations that such a batch contains,
 *             and nothing else: through a writable alias of the same code
 *   mprotect  what a process can do by itself without /proc/self/mem: for each
 *             site mprotect, store, mprotect, membarrier
 *   uprobes   what the kernel has without the series: one for each site, by
 *             perf_event_open()
 *   self      side_jmp's own other back end: in a run with
 *             SIDE_JMP_BACKEND=self
 *
 * all on copies of the same code, which runs, idle, before each sample, and one
 * after the other in each round, another one first in each.  Uprobes wait for
 * grace periods, tens of milliseconds each: they have rounds of their own, few
 * of them, and none for 4,096.  Meant for a guest: under emulation only the
 * ratios mean something, and a store to code that has run costs more than on
 * a processor.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/batches.h"

/* Numbers: include/uapi/linux/code_patch.h, which kernel-patches/ adds. */
enum { SYS_CODE_PATCH = 480, CODE_PATCH_SYNC = 2 };

struct code_patch_args {
	uint64_t addr, len;
	int32_t pidfd;
	uint32_t reserved;
	uint64_t sites, patched, skipped;
};

enum {	/* membarrier(2) */
	SYNC_CORE = 1 << 5, REGISTER_SYNC_CORE = 1 << 6,
};

enum { INT3 = 0xcc, ARMED = 0xe9, IDLE = 0xa9, MAX_SITES = 4096 };

static bool by_kernel;			/* who patches here */

/* ---- the code and its copies ------------------------------------------------ */

static struct library {
	const struct batch_sites *k;
	char path[128];
	unsigned n;
	uintptr_t site[MAX_SITES];	/* addresses */
	/* The executable segment. */
	uintptr_t text;			/* where it is */
	size_t size, offset;		/* its pages; in the file */
} lib;

static int find_text(struct dl_phdr_info *info, size_t size, void *arg)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + ph->p_vaddr;

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X) ||
		    lib.site[0] - start >= ph->p_memsz)
			continue;
		lib.text = start & ~(page - 1);
		lib.offset = ph->p_offset & ~(page - 1);
		lib.size = (start + ph->p_memsz - lib.text + page - 1) &
			   ~(page - 1);
		return 1;
	}
	return 0;
}

static void load(const char *name, unsigned sites)
{
	ssize_t n = readlink("/proc/self/exe", lib.path, 64);
	const struct side_jmp_record *r;
	void *handle;

	if (n < 0)
		bench_die("/proc/self/exe can't be read");
	lib.path[n] = '\0';
	strcpy(strrchr(lib.path, '/') + 1, name);
	handle = dlopen(lib.path, RTLD_NOW);
	lib.k = handle ? dlsym(handle, "batch_sites") : NULL;
	if (!lib.k)
		bench_die("%s", dlerror());
	lib.n = 0;
	for (r = lib.k->object->start; r < lib.k->object->stop; r++)
		lib.site[lib.n++] = (uintptr_t)&r->site +
				    (uintptr_t)(intptr_t)r->site;
	if (lib.n != sites || !dl_iterate_phdr(find_text, NULL))
		bench_die("%s has %u sites", name, lib.n);
}

/* Run the code, or the copy of it that begins at `text`. */
static void run(uintptr_t text)
{
	for (unsigned i = 0; lib.k->run[i]; i++) {
		void (*f)(void) = (void (*)(void))((uintptr_t)lib.k->run[i] -
						   lib.text + text);

		f();
	}
}

static volatile uint8_t *in_copy(void *copy, unsigned i)
{
	return (volatile uint8_t *)copy + (lib.site[i] - lib.text);
}

static void *must_map(int fd, int prot, int flags, size_t offset)
{
	void *p = mmap(NULL, lib.size, prot, flags, fd, (off_t)offset);

	if (p == MAP_FAILED)
		bench_die("mmap: %s", strerror(errno));
	return p;
}

/* ---- each way ----------------------------------------------------------------- */

static void membarrier(void)
{
	if (syscall(SYS_membarrier, SYNC_CORE, 0, 0))
		bench_die("membarrier failed");
}

/*
 * bare.  arch/x86/kernel/code_patch.c of the series stores each opcode three
 * times (the breakpoint; the new one, twice) and synchronizes twice.
 */
static char *bare_rw, *bare_rx;

static void bare_open(void)
{
	int fd = memfd_create("bare", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)lib.size))
		bench_die("memfd_create failed");
	bare_rw = must_map(fd, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	bare_rx = must_map(fd, PROT_READ | PROT_EXEC, MAP_SHARED, 0);
	close(fd);
	memcpy(bare_rw, (void *)lib.text, lib.size);
	for (unsigned i = 0; i < lib.n; i++)
		*in_copy(bare_rw, i) = IDLE;
}

static void bare_store(uint8_t byte)
{
	for (unsigned i = 0; i < lib.n; i++)
		*in_copy(bare_rw, i) = byte;
}

static void bare(void)
{
	bare_store(INT3);
	membarrier();
	bare_store(ARMED);
	bare_store(ARMED);
	membarrier();
}

static void bare_back(void)
{
	bare_store(IDLE);
}

static void bare_run(void)
{
	run((uintptr_t)bare_rx);
}

static void sync_word(uint32_t word)
{
	uint64_t key = (uintptr_t)&lib.k->key->word32;
	struct code_patch_args args = {
		.addr = (uintptr_t)&key, .len = 1, .pidfd = -1,
	};

	__atomic_store_n(&lib.k->key->word32, word, __ATOMIC_SEQ_CST);
	if (syscall(SYS_CODE_PATCH, CODE_PATCH_SYNC, &args, sizeof(args), 0) ||
	    args.patched != lib.n)
		bench_die("code_patch: %s, %llu of %u patched",
			  strerror(errno), (unsigned long long)args.patched,
			  lib.n);
}

static void patch(void)
{
	sync_word(1);
}

static void patch_back(void)
{
	sync_word(0);
}

static void enable(void)
{
	if (side_jmp_enable(lib.k->key))
		bench_die("enable failed");
}

static void disable(void)
{
	side_jmp_disable(lib.k->key);
}

static void run_itself(void)
{
	run(lib.text);
}

/* mprotect: a private mapping of the file, as the loader's */
static char *own;

static void own_open(void)
{
	int fd = open(lib.path, O_RDONLY | O_CLOEXEC);

	own = must_map(fd, PROT_READ | PROT_EXEC, MAP_PRIVATE, lib.offset);
	close(fd);
}

static void own_store(uint8_t byte)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; i < lib.n; i++) {
		volatile uint8_t *at = in_copy(own, i);
		void *page = (void *)((uintptr_t)at & ~(size - 1));

		if (mprotect(page, size, PROT_READ | PROT_WRITE | PROT_EXEC))
			bench_die("mprotect: %s", strerror(errno));
		*at = byte;
		if (mprotect(page, size, PROT_READ | PROT_EXEC))
			bench_die("mprotect: %s", strerror(errno));
		membarrier();
	}
}

static void own_arm(void)
{
	own_store(ARMED);
}

static void own_back(void)
{
	own_store(IDLE);
}

static void own_run(void)
{
	run((uintptr_t)own);
}

/* uprobes: a mapping of a file of their own */
static char *probed;
static char probed_path[160];
static int probes[MAX_SITES];
static uint32_t uprobe_type;

static bool uprobes_open(void)
{
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	bool known = f && fscanf(f, "%u", &uprobe_type) == 1;
	char command[400];
	int fd;

	if (f)
		fclose(f);
	if (!known)
		return false;
	snprintf(probed_path, sizeof(probed_path), "/tmp/uprobed-%u.so", lib.n);
	snprintf(command, sizeof(command), "cp %s %s", lib.path, probed_path);
	fd = system(command) ? -1 : open(probed_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	probed = must_map(fd, PROT_READ | PROT_EXEC, MAP_PRIVATE, lib.offset);
	close(fd);
	return true;
}

static void uprobes_arm(void)
{
	struct perf_event_attr attr = {
		.type = uprobe_type, .size = sizeof(attr),
		.uprobe_path = (uintptr_t)probed_path,
	};

	for (unsigned i = 0; i < lib.n; i++) {
		attr.probe_offset = lib.site[i] - lib.text + lib.offset;
		probes[i] = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1,
					 PERF_FLAG_FD_CLOEXEC);
		if (probes[i] < 0)
			bench_die("uprobe: %s", strerror(errno));
	}
}

static void uprobes_back(void)
{
	for (unsigned i = 0; i < lib.n; i++)
		close(probes[i]);
}

/* Its sites are as in the file, armed: what they refer to is not there. */
static void uprobes_run(void)
{
}

/* ---- rounds ---------------------------------------------------------------------- */

static const struct way {
	const char *name;
	void (*run)(void), (*there)(void), (*back)(void);
} ways[] = {
	{ "bare stores and syncs", bare_run, bare, bare_back },
	{ "code_patch", run_itself, patch, patch_back },
	{ "side_jmp_enable", run_itself, enable, disable },
	{ "mprotect", own_run, own_arm, own_back },
	{ "uprobes", uprobes_run, uprobes_arm, uprobes_back },
};
enum { BARE, PATCH, ENABLE, MPROTECT, UPROBES, WAYS };

static struct bench_series to[WAYS], from[WAYS];

static void sample(unsigned i)
{
	uint64_t t;

	ways[i].run();
	t = bench_now();
	ways[i].there();
	bench_add(&to[i], (double)(bench_now() - t));
	t = bench_now();
	ways[i].back();
	bench_add(&from[i], (double)(bench_now() - t));
}

static void measure(const char *what, unsigned rounds, unsigned long skip)
{
	memset(to, 0, sizeof(to));
	memset(from, 0, sizeof(from));
	rounds = bench_rounds(rounds);
	for (unsigned r = 0; r < rounds; r++)
		for (unsigned i = 0; i < WAYS; i++)
			if (!(skip >> (r + i) % WAYS & 1))
				sample((r + i) % WAYS);
	for (unsigned i = 0; i < WAYS; i++)
		bench_row(&to[i], "ns", "%s: %s", what, ways[i].name);
	bench_row(&from[PATCH], "ns", "%s: code_patch, back", what);
	bench_ratio(&to[PATCH], &to[BARE], "%s: code_patch / bare", what);
	bench_ratio(&to[ENABLE], &to[BARE], "%s: side_jmp_enable / bare", what);
	bench_ratio(&to[MPROTECT], &to[PATCH], "%s: mprotect / code_patch", what);
}

static void measure_uprobes(unsigned rounds)
{
	to[PATCH].n = to[UPROBES].n = from[UPROBES].n = 0;
	for (unsigned r = 0; r < bench_rounds(rounds); r++) {
		if (by_kernel)
			sample(PATCH);
		sample(UPROBES);
	}
	bench_row(&to[UPROBES], "ns", "%u: uprobes", lib.n);
	bench_row(&from[UPROBES], "ns", "%u: uprobes, back", lib.n);
	bench_ratio(&to[UPROBES], &to[PATCH], "%u: uprobes / code_patch",
		    lib.n);
}

static bool stop;			/* atomic */

static void *spin(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		;
	return arg;
}

static void idle_and_busy(unsigned rounds, unsigned long skip)
{
	pthread_t spinner;
	char what[64];

	snprintf(what, sizeof(what), "%u, idle", lib.n);
	measure(what, rounds, skip);
	snprintf(what, sizeof(what), "%u, busy", lib.n);
	stop = false;
	if (pthread_create(&spinner, NULL, spin, NULL))
		bench_die("pthread_create failed");
	measure(what, rounds, skip);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(spinner, NULL);
}

static void open_copies(void)
{
	bare_open();
	own_open();
	own_back();		/* armed in the file */
}

static void batch(const char *name, unsigned sites, unsigned rounds,
		  unsigned uprobe_rounds)
{
	unsigned long skip = 1ul << UPROBES | (by_kernel ? 0 : 1ul << PATCH);

	load(name, sites);
	open_copies();
	idle_and_busy(rounds, skip);
	if (uprobe_rounds && uprobes_open())
		measure_uprobes(uprobe_rounds);
}

int main(int argc, char **argv)
{
	struct rlimit files = { 8192, 8192 };
	struct side_jmp_info info;

	bench_open(argc, argv);
	setrlimit(RLIMIT_NOFILE, &files);
	if (syscall(SYS_membarrier, REGISTER_SYNC_CORE, 0, 0))
		bench_die("no membarrier");
	side_jmp_set_dirty_pages(UINT32_MAX);
	load("batch-1.so", 1);
	side_jmp_get_info(&info, sizeof(info));
	by_kernel = info.backend == SIDE_JMP_BACKEND_KERNEL;
	printf("back end: %s, %s\n", info.backend_name, info.backend_reason);
	batch("batch-1.so", 1, 100, 20);
	batch("batch-512.so", 512, 20, 1);
	batch("batch-4096.so", 4096, 10, 0);
	/* What the other tables cost it. */
	load("batch-1.so", 1);
	open_copies();
	measure("1 of 4609, idle", 100, ~(1ul << BARE | 1ul << ENABLE |
		(by_kernel ? 1ul << PATCH : 0)));
	return 0;
}
