// SPDX-License-Identifier: MIT
/*
 * rounds SOCKET N: connects, traces, sees an event, and goes, with a word or
 * without one, N times.  Says how long a round took.  rounds PID N: attaches,
 * with -DATTACH and what tools/attach.c takes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/control/src/peer.h"

enum { BITS = 13 };

static struct sj_ring *ring;
static int area;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

#ifdef ATTACH

#include "tests/control/src/tool.h"

static int connected(const char *pid)
{
	char why[WHY_MAX];
	int fd;

	if (attach_open(atoi(pid), &fd, 1, why) == 1) {
		fcntl(fd, F_SETFL, 0);
		return fd;
	}
	puts(why);
	return -1;
}

#else

static int connected(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	return connect(fd, (void *)&name, sizeof(name)) ? -1 : fd;
}

#endif

static bool asked(int fd, enum sj_control_op op, int with)
{
	return !peer_asked(fd, op, "server:*", with, BITS);
}

static bool event_seen(void)
{
	uint64_t end = now() + 60000000000;

	while (now() < end) {
		for (unsigned i = 0; i < SJ_RING_LANES; i++)
			if (__atomic_load_n(&ring->lanes[i].head, __ATOMIC_ACQUIRE))
				return true;
		usleep(50);
	}
	return false;
}

static bool one_round(const char *path, bool stops)
{
	int fd = connected(path);
	bool ok;

	/* Nobody writes: the process has unmapped the last one, or it is another. */
	close(area);
	munmap(ring, PEER_RING_SIZE(BITS));
	area = peer_ring(BITS, &ring);
	if (area < 0)
		return false;
	ok = fd >= 0 && asked(fd, SJ_CONTROL_TRACE, area) && event_seen() &&
	     (!stops || asked(fd, SJ_CONTROL_STOP, -1));
	close(fd);
	return ok;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	unsigned n = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	uint64_t *took = calloc(n + 1, sizeof(*took));

	area = -1;
	ring = mmap(NULL, PEER_RING_SIZE(BITS), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < n; i++) {
		uint64_t began = now();

		if (!one_round(argv[1], i % 2)) {
			printf("round %u failed\n", i);
			return 1;
		}
		took[i] = now() - began;
	}
	qsort(took, n, sizeof(*took), by_size);
	printf("%u rounds: median %.3f ms, worst %.3f ms\n", n,
	       (double)took[n / 2] / 1e6, n ? (double)took[n - 1] / 1e6 : 0);
	return n ? 0 : 2;
}
