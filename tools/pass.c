/* SPDX-License-Identifier: MIT */
/* See pass.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/pass.h"

enum { PASS_LOOK_MS = 100 };		/* at a child that says nothing */

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

/* ---- one that may be stuck ---------------------------------------------- */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Who waits for the end of our output does not wait for a child of ours. */
static void keep_only(int to)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null < 0 ? to : null, fd);
	if (to > 3)
		(void)syscall(SYS_close_range, 3, to - 1, 0);
	(void)syscall(SYS_close_range, to + 1, ~0u, 0);
}

int pass_begin(struct pass_child *c, int *to)
{
	int pair[2], saved;

	*c = (struct pass_child){ .from = -1, .since = now() };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	fflush(NULL);
	c->pid = fork();
	if (!c->pid) {
		/* Above those that it gives to others. */
		*to = fcntl(pair[1], F_DUPFD_CLOEXEC, 3);
		if (*to < 0)
			_exit(1);
		keep_only(*to);
		return 0;
	}
	saved = errno;
	close(pair[1]);
	c->from = pair[0];
	if (c->pid > 0)
		return 1;
	close(pair[0]);
	errno = saved;
	return -1;
}

/* proc(5): it is not asleep now, or has not been so all the time. */
static bool has_run(struct pass_child *c)
{
	uint64_t sleeps = c->sleeps;
	char path[64], line[128], state = 'X';
	bool ran;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)c->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		(void)sscanf(line, "State: %c", &state);
		(void)sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &sleeps);
	}
	if (f)
		fclose(f);
	ran = !strchr("SD", state) || sleeps != c->sleeps;
	c->sleeps = sleeps;
	return ran;
}

enum pass_said pass_wait(struct pass_child *c, void *message, size_t size,
			 int *fd, unsigned ms)
{
	struct pollfd from = { c->from, POLLIN, 0 };

	*fd = -1;
	while (poll(&from, 1, PASS_LOOK_MS) <= 0) {
		if (has_run(c))
			c->since = now();
		else if (now() - c->since > ms * UINT64_C(1000000))
			return PASS_STUCK;
	}
	c->since = now();
	return pass_receive(c->from, message, size, fd) ? PASS_SAID : PASS_ENDED;
}

void pass_end(struct pass_child *c, bool stuck)
{
	close(c->from);
	if (stuck)
		kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, stuck ? WNOHANG : 0) < 0 && errno == EINTR)
		;
}
