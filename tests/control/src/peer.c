// SPDX-License-Identifier: MIT
/*
 * A hostile peer: peer SOCKET.  Does what nobody should to a controlled process,
 * which must hang up or say no, and must not be hurt; prints TAP without a plan.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/control/control.h"

static const char *path;
static int failed;

static void result(bool ok, const char *name)
{
	printf("%s - %s\n", ok ? "ok" : "not ok", name);
	failed |= !ok;
}

static int connected(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct timeval limit = { 60, 0 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (fd < 0 || connect(fd, (void *)&name, sizeof(name))) {
		perror("connect");
		exit(1);
	}
	return fd;
}

/* Nothing comes but the end. */
static bool hung_up(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	close(fd);
	return n == 0 || (n < 0 && errno == ECONNRESET);
}

static bool message_hangs_up(const void *bytes, size_t n)
{
	int fd = connected();

	return send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n && hung_up(fd);
}

static struct sj_control_request request(enum sj_control_op op, uint32_t more)
{
	return (struct sj_control_request){
		.magic = SJ_CONTROL_MAGIC, .version = SJ_CONTROL_VERSION,
		.op = (uint16_t)op, .size = (uint32_t)sizeof(struct
			sj_control_request) + more,
	};
}

static bool garbage(void)
{
	bool ok = true;

	for (unsigned seed = 0; seed < 200 && ok; seed++) {
		char bytes[600];

		srand(seed);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)rand();
		ok = message_hangs_up(bytes, 1 + (size_t)rand() % sizeof(bytes));
	}
	return ok;
}

static bool halves(void)
{
	static char big[SJ_CONTROL_MESSAGE + 100];
	struct sj_control_request r = request(SJ_CONTROL_HELLO, 0);
	bool ok = message_hangs_up(&r, sizeof(r) - 1) &&
		  message_hangs_up(&r, 1);

	r.size++;
	ok &= message_hangs_up(&r, sizeof(r));
	r.size = 0;
	ok &= message_hangs_up(&r, sizeof(r));
	r = request(SJ_CONTROL_HELLO, sizeof(big) - sizeof(r));
	memcpy(big, &r, sizeof(r));
	return ok && message_hangs_up(big, sizeof(big));
}

/* The error of the reply; 1: it hung up. */
static int asked_with(int fd, const struct sj_control_request *r,
		      const char *text, const int *areas, size_t n)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = { 0 };
	struct iovec parts[2] = {
		{ (void *)r, sizeof(*r) }, { (void *)text, r->size - sizeof(*r) },
	};
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
	struct sj_control_hello reply;

	if (n) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.head), areas, n * sizeof(int));
	}
	if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) <= 0)
		return 1;
	return reply.reply.error;
}

static int asked(enum sj_control_op op, uint32_t argument, const char *text,
		 int area)
{
	struct sj_control_request r = request(op, (uint32_t)strlen(text) + 1);
	int fd = connected(), e;

	r.argument = argument;
	e = asked_with(fd, &r, text, &area, area >= 0);
	close(fd);
	return e;
}

static int area(size_t size, bool sealed, bool filled)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) ||
	    (filled && posix_fallocate(fd, 0, (off_t)size)) ||
	    (sealed && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)))
		abort();
	return fd;
}

static bool areas(void)
{
	static const enum sj_control_op ops[] = {
		SJ_CONTROL_LIST, SJ_CONTROL_TRACE, SJ_CONTROL_COUNT,
	};
	int null = open("/dev/null", O_RDWR), file = open("/proc/self/exe", 0);
	bool ok = true;

	for (unsigned i = 0; i < 3; i++)
		ok &= asked(ops[i], 14, "*:*", -1) == -EINVAL &&
		      asked(ops[i], 14, "*:*", null) == -EINVAL &&
		      asked(ops[i], 14, "*:*", file) == -EINVAL &&
		      asked(ops[i], 14, "*:*", area(1 << 20, false, true)) ==
			-EINVAL &&
		      asked(ops[i], 14, "*:*", area(1 << 20, true, false)) ==
			-EINVAL;
	ok &= asked(SJ_CONTROL_TRACE, 18, "*:*", area(1 << 20, true, true)) ==
		-EINVAL;
	ok &= asked(SJ_CONTROL_TRACE, 63, "*:*", area(1 << 20, true, true)) ==
		-EINVAL;
	ok &= asked(SJ_CONTROL_COUNT, UINT32_MAX, "*:*", area(1 << 20, true, true))
		== -EINVAL;
	return ok && asked(SJ_CONTROL_LIST, 0, "", area(16, true, true)) == -EINVAL;
}

/* Of several that come along, the process keeps none. */
static bool descriptors(void)
{
	struct sj_control_request r = request(SJ_CONTROL_HELLO, 0);
	int four[4] = { 0, 0, 0, 0 };
	bool ok = true;

	for (unsigned i = 0; i < 100; i++) {
		int fd = connected();

		ok &= asked_with(fd, &r, "", four, 4) == 1;
		close(fd);
		fd = connected();
		ok &= asked_with(fd, &r, "", four, 1) == 0;
		close(fd);
	}
	return ok;
}

static bool words(void)
{
	static char many[3000];
	struct sj_control_request r = request(SJ_CONTROL_HELLO, 0);
	int fd = connected(), version, op;

	r.version = 77;
	version = asked_with(fd, &r, "", NULL, 0);
	r = request(99, 0);
	op = asked_with(fd, &r, "", NULL, 0);
	close(fd);
	for (size_t i = 0; i + 3 < sizeof(many); i += 2)
		memcpy(many + i, "a,", 3);
	return version == -EPROTO && op == -ENOSYS &&
	       asked(SJ_CONTROL_ENABLE, 0, many, -1) == -E2BIG &&
	       asked(SJ_CONTROL_ENABLE, 0, "\033[2J", -1) == -EINVAL &&
	       asked(SJ_CONTROL_ENABLE, 0, "", -1) == -EINVAL &&
	       asked(SJ_CONTROL_STOP, 0, "", -1) == -EINVAL &&
	       asked(SJ_CONTROL_RECLAIM, 0, "", -1) == -EINVAL;
}

/* Who takes no reply is let go. */
static bool flood(void)
{
	struct sj_control_request r = request(SJ_CONTROL_HELLO, 0);
	struct timeval soon = { 0, 100000 };
	int fd = connected();
	bool over = false;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	for (unsigned i = 0; i < 100000 && !over; i++)
		over = send(fd, &r, sizeof(r), MSG_NOSIGNAL) < 0 &&
		       errno != EAGAIN;
	close(fd);
	return over;
}

/* More than it takes at once: each of them connects, is answered or hung up on. */
static bool crowd(void)
{
	struct sj_control_request r = request(SJ_CONTROL_HELLO, 0);
	int fds[400];
	unsigned answered = 0, refused = 0;

	for (unsigned i = 0; i < 400; i++)
		fds[i] = connected();
	for (unsigned i = 0; i < 400; i++) {
		int e = asked_with(fds[i], &r, "", NULL, 0);

		answered += e == 0;
		refused += e == 1;
	}
	for (unsigned i = 0; i < 400; i++)
		close(fds[i]);
	printf("# of 400: %u answered, %u hung up on\n", answered, refused);
	return answered >= 16 && answered + refused == 400;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	path = argv[1];
	result(garbage(), "garbage");
	result(halves(), "halves");
	result(areas(), "areas");
	result(descriptors(), "descriptors");
	result(words(), "words");
	result(flood(), "flood");
	result(crowd(), "crowd");
	return failed;
}
