/* SPDX-License-Identifier: MIT */
/*
 * Cases that change a process for good run in a child, which leaves what it
 * saw in memory that the parent shares.
 */
#ifndef CHILD_H
#define CHILD_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tap.h"

/* Zeroed, and shared with every child that is forked later. */
__attribute__((unused))
static void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

/*
 * Run it in a child, which gets a minute.  Returns its exit status, or minus
 * the signal that killed it.
 */
__attribute__((unused))
static int in_child(void (*run)(void))
{
	int status = 0;
	pid_t pid;

	fflush(NULL);		/* or a child that exits says it again */
	pid = fork();
	if (pid == 0) {
		alarm(60);
		run();
		_exit(0);
	}
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * Wait for a child that may hang, even with every signal blocked: it gets two
 * minutes.  Its status as of waitpid(2).
 */
__attribute__((unused))
static int reap_or_kill(pid_t pid)
{
	int status = -1;

	for (unsigned i = 0; i < 120 * 500; i++) {
		pid_t r = waitpid(pid, &status, WNOHANG);

		if (r == pid || (r < 0 && errno != EINTR))
			return status;
		usleep(i < 100 ? 200 : 2000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return status;
}

/* A step that a case needs: without it the case would show nothing. */
__attribute__((unused))
static void must(bool ok, const char *what)
{
	if (ok)
		return;
	tap_note("%s: %s", what, strerror(errno));
	fflush(stdout);
	_exit(99);
}

/*
 * What to exec to get this program again.  Under qemu-user /proc/self/exe is
 * nothing that the host executes: SIDE_JMP_SELF names a script that does.
 */
__attribute__((unused))
static const char *own_program(void)
{
	const char *s = getenv("SIDE_JMP_SELF");

	return s ? s : "/proc/self/exe";
}

/* Answer these system calls with `action`; all others pass. */
__attribute__((unused))
static void filter_calls(const int *calls, size_t n, unsigned action)
{
	struct sock_filter code[64] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { .filter = code };
	unsigned short at = 1;

	for (size_t i = 0; i < n; i++) {
		code[at++] = (struct sock_filter)
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
				 (unsigned)calls[i], 0, 1);
		code[at++] = (struct sock_filter)
			BPF_STMT(BPF_RET | BPF_K, action);
	}
	code[at++] = (struct sock_filter)
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = at;
	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
	     "seccomp filter");
}

#endif
