/* SPDX-License-Identifier: MIT */
/* Memory that a request brings along.  Must not know what is put there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "runtime/control/agent.h"

enum { AREA_MAX = 1 << 30 };

#define AREA_SEALS	(F_SEAL_SHRINK | F_SEAL_GROW)

/* A page that is missing might not be had when it is written to: SIGBUS. */
static bool area_is_safe(int fd, const struct stat *st)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & AREA_SEALS) == AREA_SEALS &&
	       st->st_size > 0 && st->st_size <= AREA_MAX &&
	       st->st_blocks >= st->st_size / 512;
}

int sj_control_map(int fd, struct control_area *area)
{
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st) || !area_is_safe(fd, &st))
		return -EINVAL;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		  fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	area->at = at;
	area->size = (uint64_t)st.st_size;
	return 0;
}

void sj_control_unmap(struct control_area *area)
{
	void *at = area->at;

	area->at = NULL;	/* first: a child that is forked goes by it */
	if (at)
		munmap(at, (size_t)area->size);
}
