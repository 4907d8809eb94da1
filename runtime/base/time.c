/* SPDX-License-Identifier: MIT */
/*
 * What time it is.  Asked on an event's way, so in general registers: by the
 * kernel's own function (vdso(7)), as kernels are compiled without vectors, or
 * its system call; not by the C library's, which may be compiled with them.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/base/base.h"

#if SJ_GENERAL

typedef int time_function(clockid_t clock, struct timespec *now);

/* NULL: not looked for.  Any thread stores what any other would. */
static time_function *time_of;

SJ_GENERAL_END
static void time_ask(void *now)
{
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, now);
}
SJ_GENERAL_BEGIN

static int time_by_system_call(clockid_t clock, struct timespec *now)
{
	(void)clock;
	sj_keep_vectors(time_ask, now);
	return 0;
}

SJ_GENERAL_END
struct time_vdso {
	const char *base;		/* what its addresses count from */
	const ElfW(Dyn) *dynamic;
};

static const void *time_vdso_at(const struct time_vdso *v, ElfW(Sxword) tag)
{
	for (const ElfW(Dyn) *d = v->dynamic; d->d_tag != DT_NULL; d++)
		if (d->d_tag == tag)
			return v->base + d->d_un.d_ptr;
	return NULL;
}

static bool time_vdso_read(struct time_vdso *v, const char *file)
{
	const ElfW(Ehdr) *e = (const void *)file;
	const ElfW(Phdr) *p = (const void *)(file + e->e_phoff);

	v->base = NULL;
	v->dynamic = NULL;
	for (unsigned i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type == PT_LOAD && !v->base)
			v->base = file + p[i].p_offset - p[i].p_vaddr;
		if (p[i].p_type == PT_DYNAMIC)
			v->dynamic = (const void *)(file + p[i].p_offset);
	}
	return v->base && v->dynamic;
}

/* In a table of either kind: System V gABI, 5, and that of DT_GNU_HASH. */
static uint32_t time_symbols(const struct time_vdso *v)
{
	const uint32_t *old = time_vdso_at(v, DT_HASH);
	const uint32_t *gnu = time_vdso_at(v, DT_GNU_HASH);
	const uint32_t *buckets, *chains;
	uint32_t last = 0;

	if (old)
		return old[1];
	if (!gnu)
		return 0;
	buckets = gnu + 4 + gnu[2] * (sizeof(ElfW(Addr)) / 4);
	chains = buckets + gnu[0];
	for (uint32_t i = 0; i < gnu[0]; i++)
		last = buckets[i] > last ? buckets[i] : last;
	if (last < gnu[1])
		return 0;
	while (!(chains[last - gnu[1]] & 1))
		last++;
	return last + 1;
}

static void time_find(void *arg)
{
	time_function *found = time_by_system_call;
	const char *file, *names;
	const ElfW(Sym) *symbol;
	struct time_vdso v;
	int saved = errno;

	(void)arg;
	file = (const char *)getauxval(AT_SYSINFO_EHDR);
	if (file && time_vdso_read(&v, file) &&
	    (symbol = time_vdso_at(&v, DT_SYMTAB)) &&
	    (names = time_vdso_at(&v, DT_STRTAB)))
		for (uint32_t n = time_symbols(&v); n-- > 0; symbol++)
			if (symbol->st_shndx != SHN_UNDEF &&
			    !strcmp(names + symbol->st_name,
				    "__vdso_clock_gettime"))
				found = (time_function *)(uintptr_t)
					(v.base + symbol->st_value);
	__atomic_store_n(&time_of, found, __ATOMIC_RELAXED);
	errno = saved;
}
SJ_GENERAL_BEGIN

static void time_get(struct timespec *now)
{
	time_function *f = __atomic_load_n(&time_of, __ATOMIC_RELAXED);

	if (!f) {
		sj_keep_vectors(time_find, NULL);
		f = __atomic_load_n(&time_of, __ATOMIC_RELAXED);
	}
	(void)f(CLOCK_MONOTONIC, now);
}

#else

static void time_get(struct timespec *now)
{
	clock_gettime(CLOCK_MONOTONIC, now);
}

#endif

uint64_t sj_now(void)
{
	struct timespec now;

	time_get(&now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

SJ_GENERAL_END
