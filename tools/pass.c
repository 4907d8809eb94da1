/* SPDX-License-Identifier: MIT */
/* See pass.h. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>

#include "tools/pass.h"

union pass_control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

void pass_send(int to, const void *message, size_t size, int fd)
{
	union pass_control control = { 0 };
	struct iovec what = { (void *)message, size };
	struct msghdr m = { .msg_iov = &what, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	(void)sendmsg(to, &m, MSG_NOSIGNAL);
}

bool pass_receive(int from, void *message, size_t size, int *fd)
{
	union pass_control control = { 0 };
	struct iovec what = { message, size };
	struct msghdr m = {
		.msg_iov = &what, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	*fd = -1;
	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != (ssize_t)size)
		return false;
	if (CMSG_FIRSTHDR(&m) && control.head.cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(&control.head), sizeof(*fd));
	return true;
}
