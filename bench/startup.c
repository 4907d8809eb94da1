// SPDX-License-Identifier: MIT
/*
 * What an object costs when it is loaded: taking in its table, and making its
 * sites idle, on pages that nothing has written to yet.  Beside it what the
 * kernel asks for a private copy of each of those pages: one store a page.
 *
 *	startup CSV		both
 *	startup CSV register	the first alone; in SIDE_JMP_BACKEND=none
 */
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp.h>

#include "bench/bench.h"

static const struct many {
	const char *library;
	unsigned sites, rounds;
} many[] = {
	{ "many-10000.so", 10000, 40 },
	{ "many-100000.so", 100000, 15 },
};

static struct bench_series with, without, copies, beyond;

static struct side_jmp_info info(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	return i;
}

/* ---- text ---- */

struct text {
	const void *inside;
	char *start;
	size_t size;
};

static int find_text(struct dl_phdr_info *i, size_t size, void *arg)
{
	struct text *t = arg;
	bool found = false;

	(void)size;
	for (unsigned n = 0; n < i->dlpi_phnum; n++) {
		const ElfW(Phdr) *ph = &i->dlpi_phdr[n];
		uintptr_t at = i->dlpi_addr + ph->p_vaddr;

		if (ph->p_type != PT_LOAD)
			continue;
		found |= (uintptr_t)t->inside - at < ph->p_memsz;
		if (ph->p_flags & PF_X) {
			t->start = (char *)at;
			t->size = ph->p_memsz;
		}
	}
	return found;
}

/* Give the file's own pages back, and have them all mapped. */
static void refresh(const struct text *t)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t at = (uintptr_t)t->start & ~(page - 1);
	size_t size = (uintptr_t)t->start + t->size - at;

	if (madvise((void *)at, size, MADV_DONTNEED))
		bench_die("madvise failed");
	for (size_t i = 0; i < size; i += page)
		(void)*(volatile char *)(at + i);
}

/* One byte to each of n fresh pages, in one go. */
static double copy_pages(const struct text *t, uint64_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t at = ((uintptr_t)t->start + page - 1) & ~(page - 1);
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	uint64_t start;

	refresh(t);
	start = bench_now();
	for (uint64_t i = 0; i < n; i++, at += page)
		if (pwrite(fd, (void *)at, 1, (off_t)at) != 1)
			break;
	start = bench_now() - start;
	close(fd);
	return (double)start;
}

/* ---- the two measurements ---- */

static double registering(const struct bench_library *l)
{
	uint64_t t;
	int r;

	side_jmp_object_unregister(l->object);
	t = bench_now();
	r = side_jmp_object_register(l->object);
	t = bench_now() - t;
	if (r)
		bench_die("%s", info().reject_reason);
	return (double)t;
}

static void register_only(const struct many *m)
{
	const struct bench_library *l = bench_load(m->library);

	without.n = 0;
	for (unsigned i = 0; i < bench_rounds(m->rounds); i++)
		bench_add(&without, registering(l) / m->sites);
	bench_row(&without, "ns/site", "start %u: register", m->sites);
}

/* Half as many keys as sites, each in a cache line of its own. */
static void register_many_keys(void)
{
	struct side_jmp_info before = info(), then;
	const struct bench_library *l = bench_load("blocks-idle.so");

	then = info();
	without.n = 0;
	for (unsigned i = 0; i < bench_rounds(40); i++)
		bench_add(&without, registering(l) /
			  (double)(then.sites - before.sites));
	bench_row(&without, "ns/site", "start %u of %u keys: register",
		  (unsigned)(then.sites - before.sites),
		  (unsigned)(then.keys - before.keys));
}

/* With sites; they are all idle. */
static uint64_t pages_of(const struct bench_library *l)
{
	uint64_t before;

	side_jmp_object_unregister(l->object);
	before = info().pages_dirtied;
	side_jmp_object_register(l->object);
	return info().pages_dirtied - before;
}

static void load(const struct many *m, const char *where)
{
	const struct bench_library *l = bench_load(m->library);
	struct text text = { .inside = l };
	uint64_t pages = pages_of(l);

	if (!dl_iterate_phdr(find_text, &text))
		bench_die("no text");
	with.n = copies.n = beyond.n = 0;
	for (unsigned i = 0; i < bench_rounds(m->rounds); i++) {
		double whole, bare;

		side_jmp_object_unregister(l->object);
		bare = copy_pages(&text, pages);
		refresh(&text);
		whole = registering(l);
		bench_add(&with, whole / m->sites);
		bench_add(&copies, bare / (double)pages);
		bench_add(&beyond, (whole - bare) / m->sites);
	}
	bench_row(&with, "ns/site", "start %u%s: register and idle", m->sites,
		  where);
	bench_row(&copies, "ns/page", "start %u%s: copies of pages", m->sites,
		  where);
	bench_row(&beyond, "ns/site", "start %u%s: beyond the copies",
		  m->sites, where);
	if (!*where)
		bench_count((double)m->sites / (double)pages, "sites/page",
			    "start %u: density", m->sites);
	side_jmp_object_unregister(l->object);
	refresh(&text);
	side_jmp_object_register(l->object);
}

static void again_without_patching(int argc, char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char *args[] = { argv[0], argc > 1 ? argv[1] : "/dev/null",
				 "register", NULL };

		setenv("SIDE_JMP_BACKEND", "none", 1);
		execv("/proc/self/exe", args);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		bench_die("can't run once more without patching");
}

static void *sleeper(void *arg)
{
	pause();
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 2 && !strcmp(argv[2], "register")) {
		bench_open(argc, argv);
		for (unsigned i = 0; i < 2; i++)
			register_only(&many[i]);
		register_many_keys();
		return 0;
	}
	again_without_patching(argc, argv);
	bench_open(argc, argv);
	side_jmp_set_dirty_pages(UINT32_MAX);
	for (unsigned i = 0; i < 2; i++)
		load(&many[i], "");
	/* With a second thread, sites are written one by one. */
	if (pthread_create(&thread, NULL, sleeper, NULL))
		bench_die("pthread_create failed");
	load(&many[0], " beside a thread");
	return 0;
}
