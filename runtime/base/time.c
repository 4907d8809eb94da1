/* SPDX-License-Identifier: MIT */
/* What time it is. */
#define _GNU_SOURCE
#include <time.h>

#include "runtime/base/base.h"

uint64_t sj_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
