/* SPDX-License-Identifier: MIT */
/* A peer of live control for the tests: what it asks, and its ring. */
#ifndef PEER_H
#define PEER_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/control/control.h"

#define PEER_RING_SIZE(lane_bits) \
	(SJ_RING_AT + ((size_t)SJ_RING_LANES << (lane_bits)))

/* A file for a ring with lanes of so many bytes, and the ring; or -1. */
__attribute__((unused))
static int peer_ring(unsigned lane_bits, struct sj_ring **ring)
{
	size_t size = PEER_RING_SIZE(lane_bits);
	int fd = memfd_create("ring", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (fd < 0 || posix_fallocate(fd, 0, (off_t)size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return -1;
	*ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *ring == MAP_FAILED ? -1 : fd;
}

/* The reply's error; 1: there is no reply.  `with`: a descriptor to send, or -1. */
__attribute__((unused))
static int peer_asked(int fd, enum sj_control_op op, const char *pattern, int with,
		      uint32_t argument)
{
	struct sj_control_request r = {
		.magic = SJ_CONTROL_MAGIC, .version = SJ_CONTROL_VERSION,
		.op = (uint16_t)op,
		.size = (uint32_t)(sizeof(r) + strlen(pattern) + 1),
		.argument = argument,
	};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec parts[2] = { { &r, sizeof(r) },
				  { (char *)pattern, strlen(pattern) + 1 } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
	struct sj_control_reply reply;

	memcpy(CMSG_DATA(&control.head), &with, sizeof(with));
	if (with >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) != sizeof(reply))
		return 1;
	return reply.error;
}

#endif
