/* SPDX-License-Identifier: MIT */
/* A peer of live control for the tests: what it asks, and its ring. */
#ifndef PEER_H
#define PEER_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/control/control.h"

#define PEER_RING_SIZE(lane_bits) \
	(SJ_RING_AT + ((size_t)SJ_RING_LANES << (lane_bits)))

__attribute__((unused))
static bool peer_connect(int fd, const char *folder)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	DIR *dir = opendir(folder);
	struct dirent *d;
	char prefix[20];
	bool found = false;

	snprintf(prefix, sizeof(prefix), "%d-", (int)getpid());
	while (dir && !found && (d = readdir(dir))) {
		if (strncmp(d->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(name.sun_path, sizeof(name.sun_path), "%s/%.40s",
			 folder, d->d_name);
		found = !connect(fd, (void *)&name, sizeof(name));
	}
	if (dir)
		closedir(dir);
	return found;
}

/* A connection to this process itself. */
__attribute__((unused))
static int peer_connected(void)
{
	static const char *const folders[] = { SJ_CONTROL_FOLDERS };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	for (unsigned i = 0; i < 3; i++) {
		char folder[60];

		snprintf(folder, sizeof(folder), folders[i], geteuid());
		if (peer_connect(fd, folder))
			return fd;
	}
	abort();
}

/* A file for an area of so many bytes, and the area; or -1. */
__attribute__((unused))
static int peer_area(size_t size, void **at)
{
	int fd = memfd_create("area", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (fd < 0 || posix_fallocate(fd, 0, (off_t)size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return -1;
	*at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *at == MAP_FAILED ? -1 : fd;
}

/* The same for a ring with lanes of so many bytes. */
__attribute__((unused))
static int peer_ring(unsigned lane_bits, struct sj_ring **ring)
{
	return peer_area(PEER_RING_SIZE(lane_bits), (void **)ring);
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
