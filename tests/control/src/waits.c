// SPDX-License-Identifier: MIT
/*
 * waits KIND FILE: a program of one thread that is in one state, until there is
 * such a file or a time is over, and then says whether everything was as it has
 * to be: "KIND: ok".  It has sites, and does not ask to be controlled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/control/src/uring.h"

SIDE_JMP_EVENT(waits, tick, "It goes on", (u32, n));

#ifndef LONG_S
#define LONG_S	6
#endif
enum { LONG = LONG_S };			/* seconds of what ends by itself */

/* Shared with the child that lets it go. */
static struct shared {
	int word;			/* futex; 1: go */
	pid_t pid;
	int sem;
	struct sockaddr_un name;
} *shared;
static int out[2];			/* to read from, to write to */
static volatile sig_atomic_t handled;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool went(void)
{
	return __atomic_load_n(&shared->word, __ATOMIC_SEQ_CST);
}

/* ---- system calls: true, if it was right --------------------------------- */

static bool timed(double began, double limit)
{
	double took = now() - began;

	printf("took %.3f s; ", took);
	/* Had it begun anew whenever it was stopped, it had been longer. */
	return took >= LONG && took < limit;
}

static bool wait_nanosleep(void)
{
	double began = now();
	struct timespec t = { LONG, 0 };

	return !syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL) &&
	       timed(began, 1.5 * LONG);
}

static bool wait_poll_timed(void)
{
	double began = now();
	struct pollfd p = { -1, POLLIN, 0 };

	return poll(&p, 1, LONG * 1000) == 0 && timed(began, 1.5 * LONG);
}

static bool wait_futex_timed(void)
{
	double began = now();
	struct timespec t = { LONG, 0 };
	int mine = 0;

	return syscall(SYS_futex, &mine, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0) &&
	       errno == ETIMEDOUT && timed(began, 1.5 * LONG);
}

static bool wait_futex(void)
{
	return !syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static bool wait_read(void)
{
	char c;

	return read(out[0], &c, 1) == 1 && c == 'x';
}

static bool wait_poll(void)
{
	struct pollfd p = { out[0], POLLIN, 0 };

	return poll(&p, 1, -1) == 1;
}

static bool epoll(int ms)
{
	struct epoll_event e = { .events = EPOLLIN };
	int fd = epoll_create1(0);

	return !epoll_ctl(fd, EPOLL_CTL_ADD, out[0], &e) &&
	       epoll_wait(fd, &e, 1, ms) == 1;
}

static bool wait_epoll(void)
{
	return epoll(-1);
}

static bool wait_epoll_timed(void)
{
	return epoll(600000);
}

static bool sigwait_for(const struct timespec *t)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, t) == SIGUSR2;
}

static bool wait_sigwait(void)
{
	return sigwait_for(NULL);
}

static bool wait_sigtimedwait(void)
{
	return sigwait_for(&(struct timespec){ 600, 0 });
}

static bool wait_accept(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), got;
	socklen_t size = sizeof(sa_family_t);

	if (bind(fd, (void *)&(sa_family_t){ AF_UNIX }, size) || listen(fd, 1))
		return false;
	size = sizeof(shared->name);
	if (getsockname(fd, (void *)&shared->name, &size))
		return false;
	got = accept(fd, NULL, NULL);
	return got >= 0;
}

static bool wait_receive(void)
{
	struct timeval t = { 600, 0 };
	int pair[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
	    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) ||
	    dup2(pair[1], out[1]) < 0)
		return false;
	/* The child has the old one: it is told by the word, this by itself. */
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!went())
			usleep(1000);
		_exit(write(pair[1], "x", 1) != 1);
	}
	return recv(pair[0], &c, 1, 0) == 1;
}

static bool wait_semop(void)
{
	struct sembuf down = { 0, -1, 0 };

	return !semop(shared->sem, &down, 1);
}

static bool wait_uring(void)
{
	struct uring u;
	char c = 0;

	/* Where there are no rings, it is as good as right. */
	if (!uring_of_read(&u, out[0], &c))
		return wait_read();
	return uring_enter(&u, 1, 0) == 1 && uring_enter(&u, 0, 1) == 0 &&
	       *u.done == 1 && c == 'x';
}

static void handler(int sig)
{
	(void)sig;
	handled++;
}

/* A signal of the program's own does end it. */
static bool wait_pause(void)
{
	return pause() == -1 && errno == EINTR && handled == 1;
}

static bool wait_read_signal(void)
{
	char c;

	return read(out[0], &c, 1) == -1 && errno == EINTR && handled == 1;
}

static bool wait_semop_signal(void)
{
	struct sembuf down = { 0, -1, 0 };

	return semop(shared->sem, &down, 1) == -1 && errno == EINTR &&
	       handled == 1;
}

static bool wait_blocked(void)
{
	uint64_t all = ~UINT64_C(0), before, after;
	bool ok;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
	ok = wait_read();
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, &after, 8);
	/* But those that can't be. */
	return ok && (after | 1 << (SIGKILL - 1) | 1 << (SIGSTOP - 1)) == all;
}

/* ---- at work ------------------------------------------------------------- */

/* In the red zone, with flags, and in vectors: nothing may change. */
__attribute__((noinline))
static bool busy_once(void)
{
#ifdef __x86_64__
	uint64_t left = 100000, bad = 0;

	__asm__ volatile(
		"	mov	$0x1122334455667788, %%rax\n"
		"	movq	%%rax, %%xmm15\n"
		"	punpcklqdq %%xmm15, %%xmm15\n"
		"	movdqa	%%xmm15, %%xmm7\n"
		"1:	mov	%0, -8(%%rsp)\n"
		"	mov	%0, -128(%%rsp)\n"
		"	stc\n"
		"	jnc	2f\n"
		"	paddq	%%xmm15, %%xmm7\n"
		"	psubq	%%xmm15, %%xmm7\n"
		"	cmp	%0, -8(%%rsp)\n"
		"	jne	2f\n"
		"	cmp	%0, -128(%%rsp)\n"
		"	jne	2f\n"
		"	movq	%%xmm7, %%rcx\n"
		"	cmp	%%rax, %%rcx\n"
		"	jne	2f\n"
		"	dec	%0\n"
		"	jnz	1b\n"
		"	jmp	3f\n"
		"2:	inc	%1\n"
		"3:" : "+r" (left), "+r" (bad) : : "rax", "rcx", "xmm7",
		"xmm15", "cc", "memory");
	return !bad;
#else
	volatile double d = 1;
	double sum = 0;

	for (unsigned i = 0; i < 100000; i++)
		sum += d;
	return sum == 100000;
#endif
}

static bool wait_busy(void)
{
	bool ok = true;

	for (uint32_t n = 0; ok && !went(); n++) {
		side_jmp_event(waits, tick, n);
		ok = busy_once();
	}
	return ok;
}

/* With little left of its stack, and that full of what must stay. */
static bool fill_and_wait(size_t bytes)
{
	volatile unsigned char mine[bytes];
	bool ok = true;

	for (size_t i = 0; i < bytes; i++)
		mine[i] = (unsigned char)i;
	while (!went())
		ok &= busy_once();
	for (size_t i = 0; i < bytes; i++)
		ok &= mine[i] == (unsigned char)i;
	return ok;
}

static void *on_small_stack(void *arg)
{
	bool ok = fill_and_wait((size_t)sysconf(_SC_THREAD_STACK_MIN) - 6144);

	printf("%s: %s\n", (const char *)arg, ok ? "ok" : "WRONG");
	exit(!ok);
}

/* The first thread is no more. */
static bool wait_small_stack(void)
{
	static char name[] = "small_stack";
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)sysconf(_SC_THREAD_STACK_MIN));
	if (pthread_create(&thread, &attr, on_small_stack, name))
		return false;
	pthread_exit(NULL);
}

static bool on_alternate;
static int stack_in_use;		/* what sigaltstack(2) says of it then */

static void alternate(int sig)
{
	stack_t now;

	(void)sig;
	on_alternate = fill_and_wait(1024) && !sigaltstack(NULL, &now) &&
		       now.ss_flags == stack_in_use;
}

static bool on_alternate_stack(int flags)
{
	size_t size = (size_t)sysconf(_SC_MINSIGSTKSZ) + 2048;
	stack_t stack = {
		.ss_sp = malloc(size), .ss_size = size, .ss_flags = flags,
	}, after;
	struct sigaction act = {
		.sa_handler = alternate, .sa_flags = SA_ONSTACK,
	};

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	sigaltstack(NULL, &after);
	return on_alternate && after.ss_sp == stack.ss_sp &&
	       after.ss_flags == flags;
}

static bool wait_alternate_stack(void)
{
	stack_in_use = SS_ONSTACK;
	return on_alternate_stack(0);
}

/* The kernel has forgotten the stack while it is in use: SS_AUTODISARM. */
static bool wait_disarmed_stack(void)
{
	stack_in_use = SS_DISABLE;
	return on_alternate_stack((int)(1U << 31));
}

/* ---- all ----------------------------------------------------------------- */

static const struct kind {
	const char *name;
	bool (*wait)(void);
	int signal;			/* that lets it go */
} kinds[] = {
	{ "nanosleep", wait_nanosleep, 0 },
	{ "poll_timed", wait_poll_timed, 0 },
	{ "futex_timed", wait_futex_timed, 0 },
	{ "futex", wait_futex, 0 },
	{ "read", wait_read, 0 },
	{ "poll", wait_poll, 0 },
	{ "epoll", wait_epoll, 0 },
	{ "epoll_timed", wait_epoll_timed, 0 },
	{ "sigwait", wait_sigwait, SIGUSR2 },
	{ "sigtimedwait", wait_sigtimedwait, SIGUSR2 },
	{ "accept", wait_accept, 0 },
	{ "receive", wait_receive, 0 },
	{ "semop", wait_semop, 0 },
	{ "pause", wait_pause, SIGUSR1 },
	{ "read_signal", wait_read_signal, SIGUSR1 },
	{ "semop_signal", wait_semop_signal, SIGUSR1 },
	{ "blocked", wait_blocked, 0 },
	{ "busy", wait_busy, 0 },
	{ "small_stack", wait_small_stack, 0 },
	{ "alternate_stack", wait_alternate_stack, 0 },
	{ "disarmed_stack", wait_disarmed_stack, 0 },
	{ "uring", wait_uring, 0 },
};

/* In a child: when there is the file, everything that lets it go. */
static void let_go(const struct kind *kind, const char *file)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sembuf up = { 0, 1, 0 };

	/* Not PR_SET_PDEATHSIG: that is of a thread, and the first may end. */
	while (access(file, F_OK) && !kill(shared->pid, 0))
		usleep(20000);
	__atomic_store_n(&shared->word, 1, __ATOMIC_SEQ_CST);
	if (kind->signal) {
		kill(shared->pid, kind->signal);
		_exit(0);
	}
	syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0);
	(void)!write(out[1], "x", 1);
	(void)!connect(fd, (void *)&shared->name, sizeof(sa_family_t) + 6);
	semop(shared->sem, &up, 1);
	_exit(0);
}

static void run(const struct kind *kind, const char *file)
{
	sigset_t set;
	bool ok;

	shared->pid = getpid();
	shared->sem = semget(IPC_PRIVATE, 1, 0600);
	if (pipe(out))
		abort();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = handler }, NULL);
	if (!fork())
		let_go(kind, file);
	puts("here");
	ok = kind->wait();
	semctl(shared->sem, 0, IPC_RMID);
	printf("%s: %s (%s)\n", kind->name, ok ? "ok" : "WRONG",
	       strerror(errno));
	exit(!ok);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (argc < 2)
			puts(kinds[i].name);
		else if (argc == 3 && !strcmp(argv[1], kinds[i].name))
			run(&kinds[i], argv[2]);
	return argc >= 2;
}
