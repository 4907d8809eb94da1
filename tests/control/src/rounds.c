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

#include "runtime/control/control.h"

enum { BITS = 13, SIZE = SJ_RING_AT + (SJ_RING_LANES << BITS) };

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
	static const char pattern[] = "server:*";
	struct sj_control_request r = {
		.magic = SJ_CONTROL_MAGIC, .version = SJ_CONTROL_VERSION,
		.op = (uint16_t)op, .size = sizeof(r) + sizeof(pattern),
		.argument = BITS,
	};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec parts[2] = { { &r, sizeof(r) },
				  { (char *)pattern, sizeof(pattern) } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
	struct sj_control_reply reply;

	memcpy(CMSG_DATA(&control.head), &with, sizeof(with));
	if (with >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) > 0 &&
	       recv(fd, &reply, sizeof(reply), 0) == sizeof(reply) && !reply.error;
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
	munmap(ring, SIZE);
	area = memfd_create("rounds", MFD_ALLOW_SEALING);
	if (area < 0 || posix_fallocate(area, 0, SIZE) ||
	    fcntl(area, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return false;
	ring = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, area, 0);
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
	ring = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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
