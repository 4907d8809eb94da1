// SPDX-License-Identifier: MIT
/*
 * locked HOW: a program with sites that can't be attached to, or can all the
 * same, and prints a number now and then, as long as it is well.
 *
 *	strict		seccomp's strict mode
 *	kill, errno	a filter that kills for socketpair(), or forbids it
 *	allow		one that kills for everything but what attaching needs
 *			and this program does
 *	undumpable	prctl(PR_SET_DUMPABLE, 0)
 *	ptracer		prctl(PR_SET_PTRACER): anybody, as far as Yama lets it say
 *	traced		by a child of its own
 *	vfork		a child that has its memory; prints that one's number
 *			first
 *	maps		FILE of the environment, and reads none of it
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

SIDE_JMP_EVENT(locked, tick, "It goes on", (u32, n));

static void say(const char *s)
{
	syscall(SYS_write, 1, s, strlen(s));
}

static void filter(const struct sock_filter *program, size_t n)
{
	struct sock_fprog f = {
		(unsigned short)n, (struct sock_filter *)program,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &f))
		abort();
}

#define NUMBER \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define IS(n, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, n, yes, no)
#define ANSWER(a)	BPF_STMT(BPF_RET | BPF_K, a)

static void but_socketpair(uint32_t answer)
{
	const struct sock_filter program[] = {
		NUMBER, IS(SYS_socketpair, 0, 1), ANSWER(answer),
		ANSWER(SECCOMP_RET_ALLOW),
	};

	filter(program, sizeof(program) / sizeof(*program));
}

static void only_what_is_needed(void)
{
	static const int allowed[] = {
		/* ours */
		SYS_write, SYS_clock_nanosleep, SYS_restart_syscall,
		/* tools/filter.c's */
		SYS_rt_sigprocmask, SYS_getpid, SYS_rt_sigreturn,
		SYS_socketpair, SYS_mmap, SYS_mprotect, SYS_clone, SYS_munmap,
		SYS_close, SYS_exit, SYS_openat, SYS_read, SYS_pwrite64,
		SYS_pread64, SYS_fcntl, SYS_fstat, SYS_newfstatat, SYS_madvise,
		SYS_recvmsg, SYS_sendto, SYS_shutdown, SYS_geteuid, SYS_gettid,
		SYS_tkill, SYS_membarrier,
		SYS_futex, SYS_nanosleep, SYS_clock_gettime, SYS_sched_yield,
#ifdef __x86_64__
		SYS_prctl,
#endif
#ifdef SYS_poll
		SYS_poll,
#endif
		SYS_ppoll,
	};
	enum { N = sizeof(allowed) / sizeof(*allowed) };
	struct sock_filter program[2 * N + 2];
	unsigned n = 0;

	program[n++] = (struct sock_filter)NUMBER;
	for (unsigned i = 0; i < N; i++) {
		program[n++] = (struct sock_filter)IS((uint32_t)allowed[i], 0,
						      1);
		program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
	}
	program[n++] = (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS);
	filter(program, n);
}

static void be_traced(void)
{
	pid_t parent = getpid(), child = fork();

	if (child) {
		usleep(100000);
		return;
	}
	if (ptrace(PTRACE_SEIZE, parent, 0, 0))
		abort();
	while (!kill(parent, 0)) {
		int status;

		if (waitpid(parent, &status, WNOHANG) > 0 && WIFSTOPPED(status))
			ptrace(PTRACE_CONT, parent, 0, WSTOPSIG(status));
		usleep(10000);
	}
	_exit(0);
}

static void lend_memory(void)
{
	static char number[16];

	if (vfork())
		return;
	snprintf(number, sizeof(number), "%d\n", (int)getpid());
	say(number);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void map_file(void)
{
	int fd = open(getenv("FILE"), O_RDONLY);

	if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		abort();
	close(fd);
}

int main(int argc, char **argv)
{
	const char *how = argc == 2 ? argv[1] : "";
	struct timespec pause = { 0, 20000000 };

	if (!strcmp(how, "strict"))
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	else if (!strcmp(how, "kill"))
		but_socketpair(SECCOMP_RET_KILL_PROCESS);
	else if (!strcmp(how, "errno"))
		but_socketpair(SECCOMP_RET_ERRNO | 1);
	else if (!strcmp(how, "allow"))
		only_what_is_needed();
	else if (!strcmp(how, "undumpable"))
		prctl(PR_SET_DUMPABLE, 0);
	else if (!strcmp(how, "ptracer"))
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	else if (!strcmp(how, "traced"))
		be_traced();
	else if (!strcmp(how, "vfork"))
		lend_memory();
	else if (!strcmp(how, "maps"))
		map_file();
	for (uint32_t n = 0;; n++) {
		side_jmp_event(locked, tick, n);
		say("1\n");
		if (strcmp(how, "strict"))
			syscall(SYS_clock_nanosleep, 1, 0, &pause, NULL);
		else
			for (volatile int i = 0; i < 20000000; i++)
				;
	}
}
