/* SPDX-License-Identifier: MIT */
/* Which threads and processes there have been. */
#ifndef TOOLS_THREADS_H
#define TOOLS_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread {
	int64_t pid, tid;		/* tid 0: the process */
	bool taken;
};

/* { 0 } has none.  free(slots) at the end. */
struct threads {
	struct thread *slots;		/* by hash */
	size_t n, room;
};

/* False: it was there. */
bool threads_add(struct threads *threads, int64_t pid, int64_t tid);

#endif
