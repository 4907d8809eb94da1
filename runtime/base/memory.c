/* SPDX-License-Identifier: MIT */
/* Pages from the kernel. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/base/base.h"

void *sj_map_pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

uintptr_t sj_page_size(void)
{
	static uintptr_t size;		/* the same for every writer */
	uintptr_t s = __atomic_load_n(&size, __ATOMIC_RELAXED);

	if (!s) {
		s = (uintptr_t)sysconf(_SC_PAGESIZE);
		__atomic_store_n(&size, s, __ATOMIC_RELAXED);
	}
	return s;
}
