// SPDX-License-Identifier: MIT
/*
 * again N PID...: attaches to each of these processes N times, and lets it go
 * each time as soon as it has answered.  Says how long one takes.
 *
 * again try N PID...: the same, whether it works or not.
 *
 * again die PID...: the same, but the tracer dies at its first step, a call of
 * ptrace(2) or a write to the process's memory, then at its second, and so on,
 * until it comes to its end.
 *
 * Linked with --wrap=ptrace,--wrap=process_poke.  By that, the call that the
 * process makes has other things in the vector registers, too: what it may leave
 * there.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <time.h>
#include <unistd.h>

#include "runtime/control/control.h"
#include "tests/control/src/tool.h"
#include "tools/proc.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int answers(int fd)
{
	struct sj_control_request r = {
		.magic = SJ_CONTROL_MAGIC, .version = SJ_CONTROL_VERSION,
		.op = SJ_CONTROL_HELLO, .size = sizeof(r),
	};
	struct timeval limit = { 60, 0 };
	struct sj_control_hello hello;
	ssize_t n = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (send(fd, &r, sizeof(r), MSG_NOSIGNAL) == sizeof(r))
		for (int i = 0; i < 60000 &&
		     (n = recv(fd, &hello, sizeof(hello), MSG_DONTWAIT)) < 0;
		     i++)
			usleep(1000);
	return n == sizeof(hello);
}

static unsigned dies_at;	/* which step; 0: it lives */

static void step(void)
{
	static unsigned steps;		/* the tracer is a child */

	if (++steps == dies_at)
		_exit(0);
}

bool __real_process_poke(const struct process *p, uint64_t at, const void *from,
			 size_t n);
bool __wrap_process_poke(const struct process *p, uint64_t at, const void *from,
			 size_t n);
bool __wrap_process_poke(const struct process *p, uint64_t at, const void *from,
			 size_t n)
{
	bool r = __real_process_poke(p, at, from, n);

	step();
	return r;
}

long __real_ptrace(int request, pid_t pid, void *at, void *data);
long __wrap_ptrace(int request, pid_t pid, void *at, void *data);
static void spoil_vectors(pid_t pid)
{
#ifdef __x86_64__
	struct user_fpregs_struct v;
	void *all = v.xmm_space;
	const size_t size = sizeof(v.xmm_space);
#else
	struct user_fpsimd_struct v;
	void *all = v.vregs;
	const size_t size = sizeof(v.vregs);
#endif
	struct iovec io = { &v, sizeof(v) };

	if (__real_ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRFPREG, &io))
		abort();
	memset(all, 0xa5, size);
	if (__real_ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRFPREG, &io))
		abort();
}

long __wrap_ptrace(int request, pid_t pid, void *at, void *data)
{
	long r = __real_ptrace(request, pid, at, data);
	int saved = errno;

	/* The last before the call: all signals are blocked. */
	if (request == PTRACE_SETSIGMASK && ~*(uint64_t *)data <= UINT64_C(1) << 30)
		spoil_vectors(pid);
	step();
	errno = saved;
	return r;
}

static int once(pid_t pid, unsigned i)
{
	char why[WHY_MAX] = "it does not answer";
	int fds[4], n = attach_open(pid, fds, 4, why), good = n > 0;

	for (int k = 0; k < n; k++) {
		good &= answers(fds[k]);
		close(fds[k]);
	}
	if (!good)
		printf("process %d, round %u: %s\n", (int)pid, i, why);
	return good;
}

/* How often; 0: never to its end. */
static unsigned die_everywhere(pid_t pid)
{
	char why[WHY_MAX];
	int fds[4], n;

	for (dies_at = 1; dies_at < 10000; dies_at++) {
		n = attach_open(pid, fds, 4, why);
		for (int k = 0; k < n; k++)
			close(fds[k]);
		if (n > 0)
			return dies_at - 1;
		if (strcmp(why, "it can't be attached to"))
			printf("process %d, call %u: %s\n", (int)pid, dies_at,
			       why);
	}
	return 0;
}

int main(int argc, char **argv)
{
	bool tries = argc > 3 && !strcmp(argv[1], "try");
	unsigned rounds, done = 0;
	double began = now();

	if (argc > 2 && !strcmp(argv[1], "die")) {
		for (int k = 2; k < argc; k++) {
			unsigned n = die_everywhere(atoi(argv[k]));

			printf("process %s: died %u times\n", argv[k], n);
			done += n > 20;
		}
		return done != (unsigned)argc - 2;
	}
	rounds = argc > 2 ? (unsigned)atoi(argv[1 + tries]) : 0;
	for (unsigned i = 0; i < rounds; i++)
		for (int k = 2 + tries; k < argc; k++, done++)
			if (!once(atoi(argv[k]), i) && !tries)
				return 1;
	printf("%u times, %.3f ms each\n", done, (now() - began) / done * 1e3);
	return !done;
}
