/* SPDX-License-Identifier: MIT */
/*
 * Sparse files in shared mappings, and locks in shared memory.  Knows what no
 * packet is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/general.h"
#include "runtime/events/ctf.h"
#include "runtime/events/events.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* madvise(2), Linux 5.14 */
#endif

/* ---- files ---------------------------------------------------------------- */

/*
 * Older kernels: a page that can't be had is an error where they write to it,
 * and a signal only where we do.
 */
static bool file_touch(char *at, size_t n)
{
	for (size_t i = 0; i < n; i += sj_page_size()) {
		if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, at + i))
			return false;
		*(struct timespec *)(void *)(at + i) = (struct timespec){ 0 };
	}
	return true;
}

bool sj_ctf_allocate(char *at, size_t n)
{
	int saved = errno;
	bool done = !syscall(SYS_madvise, at, n, MADV_POPULATE_WRITE) ||
		    (errno == EINVAL && file_touch(at, n));

	errno = saved;
	return done;
}

size_t sj_ctf_bounded(size_t size, size_t n)
{
	struct rlimit limit;

	/* Beyond it ftruncate() is SIGXFSZ. */
	if (!getrlimit(RLIMIT_FSIZE, &limit) && size > limit.rlim_cur)
		size = limit.rlim_cur;
	if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY &&
	    size > limit.rlim_cur / 4 / n)
		size = limit.rlim_cur / 4 / n;
	return size & ~(size_t)(sj_page_size() - 1);
}

int sj_ctf_reserve(size_t size, char **base)
{
	void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -errno;
	*base = at;
	return 0;
}

static int file_map(int fd, size_t size, size_t first, char *at)
{
	if (ftruncate(fd, (off_t)size) ||
	    mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == MAP_FAILED)
		return -errno;
	/* Or what follows a byte that is asked for is read ahead, and is zeros. */
	(void)madvise(at, size, MADV_RANDOM);
	return sj_ctf_allocate(at, first) ? 0 : -ENOSPC;
}

int sj_ctf_create(int dir, const char *name, size_t size, size_t first, char *at)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int r;

	if (fd < 0)
		return -errno;
	r = file_map(fd, size, first, at);
	close(fd);
	return r;
}

/* ---- locks ---------------------------------------------------------------- */

#define FILE_ELSEWHERE	0x80000000u	/* of a word: never taken for dead */

static uint32_t file_elsewhere;

void sj_ctf_locks_after_fork(void)
{
	/* The first of a namespace has a parent that it does not see. */
	if (getpid() == 1 || !getppid())
		file_elsewhere = FILE_ELSEWHERE;
}

bool sj_ctf_inherit(uint32_t *word, uint32_t me)
{
	uint32_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);
	int saved = errno;
	bool dead = seen && !((seen | me) & FILE_ELSEWHERE) && seen != me &&
		    syscall(SYS_tkill, seen, 0) && errno == ESRCH;

	errno = saved;
	return dead && __atomic_compare_exchange_n(word, &seen, me, false,
						   __ATOMIC_ACQUIRE,
						   __ATOMIC_RELAXED);
}

SJ_GENERAL_BEGIN

uint32_t sj_ctf_me(void)
{
	return (uint32_t)sj_tid() | file_elsewhere;
}

/*
 * Ours, in an event that is no other's handler: a handler left the event that took
 * it, by siglongjmp().
 */
static bool file_left(uint32_t seen, uint32_t me)
{
	return seen == me && !(me & FILE_ELSEWHERE) && sj_tracer_alone();
}

bool sj_ctf_try(uint32_t *word, uint32_t me)
{
	uint32_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);

	return (!seen || file_left(seen, me)) && __atomic_compare_exchange_n(word, &seen, me, false,
						    __ATOMIC_ACQUIRE,
						    __ATOMIC_RELAXED);
}

bool sj_ctf_mine(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED) == sj_ctf_me();
}

void sj_ctf_let_go(uint32_t *word)
{
	if (sj_ctf_mine(word))
		__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

SJ_GENERAL_END
