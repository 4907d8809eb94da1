// SPDX-License-Identifier: MIT
/*
 * odd KIND FILE: a program that does one thing over and over that is touchy,
 * until there is such a file, and then says whether each time it went as it has
 * to: "KIND: ok".  It has sites, and does not ask to be controlled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/control/src/uring.h"

SIDE_JMP_EVENT(odd, tick, "It goes on", (u32, n));

static const char *file;
static char **arguments;

static bool went(void)
{
	return !access(file, F_OK);
}

/* For the child of which this is the parent. */
static void while_parent(pid_t parent, int sig)
{
	while (getppid() == parent) {
		if (sig)
			kill(parent, sig);
		usleep(50);
	}
	_exit(0);
}

/* ---- signals of which it need not know ------------------------------------ */

static void *sleeps(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

/*
 * Nobody handles them; so nothing may be interrupted by them, whichever thread
 * the kernel has take them.
 */
static bool ignored(int sig)
{
	int fd = epoll_create1(EPOLL_CLOEXEC), n = 0;
	struct epoll_event e;
	pid_t parent = getpid();
	pthread_t thread;

	if (!fork())
		while_parent(parent, sig);
	if (pthread_create(&thread, NULL, sleeps, NULL))
		return false;
	for (unsigned i = 0; n == 0 && !went(); i++) {
		side_jmp_event(odd, tick, i);
		n = epoll_wait(fd, &e, 1, 100);
	}
	return n == 0;
}

static bool do_ignored(void)
{
	return ignored(SIGWINCH);
}

static void *polls(void *bad)
{
	int fd = epoll_create1(EPOLL_CLOEXEC), n = 0;
	struct epoll_event e;

	while (n == 0 && !went())
		n = epoll_wait(fd, &e, 1, 100);
	return n == 0 ? NULL : bad;
}

/* The others wait in what says EINTR, and the first in what does not. */
static bool do_ignored_by_all(void)
{
	pthread_t threads[4];
	pid_t parent = getpid();
	static char bad;
	bool ok = true;
	int gate[2];

	side_jmp_event(odd, tick, 0);
	for (unsigned i = 0; i < 4; i++)
		ok &= !pthread_create(&threads[i], NULL, polls, &bad);
	/*
	 * Now: while the first blocks all, as pthread_create() does and fork(), from
	 * glibc 2.41 on, others are woken.
	 */
	if (pipe(gate))
		return false;
	if (!fork()) {
		close(gate[1]);
		ok = !read(gate[0], &bad, 1);	/* the parent has come back */
		while_parent(parent, SIGWINCH);
	}
	close(gate[0]);
	close(gate[1]);
	for (unsigned i = 0; ok && i < 4; i++) {
		void *what = NULL;

		ok = !pthread_join(threads[i], &what) && !what;
	}
	return ok;
}

static unsigned ticks;

static void tick(int sig)
{
	(void)sig;
	ticks++;
}

/* A profiler's: handled, with restart: read() does not see them. */
static bool do_profiled(void)
{
	struct itimerval every = { { 0, 200 }, { 0, 200 } };
	struct sigaction act = { .sa_handler = tick, .sa_flags = SA_RESTART };
	int p[2];
	bool ok = true;

	if (pipe(p))
		return false;
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	while (ok && !went()) {
		char c = 0;

		if (!fork()) {
			struct itimerval none = { 0 };

			setitimer(ITIMER_REAL, &none, NULL);
			usleep(20000);
			_exit(write(p[1], "x", 1) != 1);
		}
		ok = read(p[0], &c, 1) == 1 && c == 'x' && wait(NULL) > 0;
	}
	return ok && ticks;
}

/* ---- children, other programs --------------------------------------------- */

static bool do_spawn(void)
{
	char *const argv[] = { "true", NULL }, *const env[] = { NULL };
	bool ok = true;

	while (ok && !went()) {
		int status;
		pid_t pid;

		ok = !posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env) &&
		     waitpid(pid, &status, 0) == pid && status == 0;
	}
	return ok;
}

/* With its parent's memory: a child stays at each step of what such a child does. */
static void borrow(unsigned step, const int p[2])
{
	uint64_t all = ~UINT64_C(0);
	char c;

	switch (step) {
	case 0: break;
	case 1: side_jmp_event(odd, tick, step); break;
	case 2: syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8); break;
	case 3: close(p[1]); break;
	case 4: dup2(p[0], 77); setsid(); break;
	}
	if (step % 2)
		usleep(200000);
	else if (step)
		poll(NULL, 0, 200);
	else
		for (volatile unsigned i = 0; i < 50000000; i++)
			;
	if (step == 3 && read(p[0], &c, 1) < 0)
		_exit(9);
}

static pid_t lend(unsigned i, const int p[2])
{
	static char *const argv[] = { "true", NULL }, *const env[] = { NULL };
	pid_t pid = vfork();

	if (pid)
		return pid;
	borrow(i % 5, p);
	if (i / 5 % 2)
		execve("/bin/true", argv, env);
	_exit(7);
}

static bool do_vfork(void)
{
	bool ok = true;
	int p[2];

	if (pipe2(p, O_NONBLOCK))
		return false;
	for (unsigned i = 0; ok && !went(); i++) {
		int status;
		pid_t pid;
		char c;

		ok = write(p[1], "x", 1) == 1;
		pid = lend(i, p);
		ok = ok && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		     WEXITSTATUS(status) == (i / 5 % 2 ? 0 : 7) &&
		     (i % 5 == 3 || read(p[0], &c, 1) == 1);
	}
	return ok;
}

static bool do_exec(void)
{
	unsigned n = getenv("ROUND") ? (unsigned)atoi(getenv("ROUND")) : 0;
	char number[16];

	if (n > 3 && went()) {
		puts("ok");
		exit(0);
	}
	usleep(n * 37 % 1000);
	snprintf(number, sizeof(number), "%u", n + 1);
	setenv("ROUND", number, 1);
	execv("/proc/self/exe", arguments);
	return false;
}

static void *execs(void *arg)
{
	(void)arg;
	usleep(500);
	do_exec();
	exit(1);
}

static bool do_exec_thread(void)
{
	pthread_t t;

	if (getenv("ROUND") && atoi(getenv("ROUND")) > 3 && went())
		return true;
	pthread_create(&t, NULL, execs, NULL);
	for (;;)
		pause();
}

/* ---- descriptors ----------------------------------------------------------- */

/* The lowest that is free is what it counts on. */
static bool do_lowest(void)
{
	bool ok = true;

	while (ok && !went()) {
		close(0);
		for (volatile unsigned i = 0; i < 20000; i++)
			;
		ok = open("/dev/null", O_RDONLY) == 0;
	}
	return ok;
}

/* Nobody writes a part. */
/* Until it is in that call. */
static void wait_for_call(pid_t pid, int call)
{
	char path[64];
	int now = -1;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	while (now != call) {
		FILE *f = fopen(path, "re");

		if (!f)
			_exit(1);
		if (fscanf(f, "%d", &now) != 1)
			now = -1;
		fclose(f);
		usleep(1000);
	}
}

/* Submits and waits: who stops it makes it say that it has submitted, now. */
static bool do_uring(void)
{
	pid_t parent = getpid();
	struct uring u;
	char c = 0;
	int p[2];

	if (pipe(p) || !uring_of_read(&u, p[0], &c))
		return false;
	if (!fork()) {
		wait_for_call(parent, SYS_io_uring_enter);
		puts("it sleeps");
		while (!went())
			usleep(20000);
		_exit(write(p[1], "x", 1) != 1);
	}
	return uring_enter(&u, 1, 1) == 1 && *u.done == 1 && c == 'x';
}

static bool do_write(void)
{
	enum { BIG = 1 << 20 };
	char *big = calloc(BIG, 1);
	int p[2];
	bool ok = true;

	if (pipe(p))
		return false;
	if (!fork()) {
		close(p[1]);
		for (unsigned i = 0; read(p[0], big, 4096) > 0; i++) {
			if (i == 32)
				puts("it sleeps");
			usleep(200);
		}
		_exit(0);
	}
	while (ok && !went())
		ok = write(p[1], big, BIG) == BIG;
	return ok;
}

/* ---- system calls that are looked at -------------------------------------- */

static int strict_pipe[2];
static pid_t strict_tid;

static void *strict(void *arg)
{
	char c;

	(void)arg;
	strict_tid = (pid_t)syscall(SYS_gettid);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	for (;;)
		if (read(strict_pipe[0], &c, 1) == 1)
			syscall(SYS_write, strict_pipe[1], &c, 1);
	return NULL;
}

/* Another thread is, which sleeps more than the first. */
static bool do_strict_thread(void)
{
	char task[64];
	pthread_t t;

	if (pipe(strict_pipe) || pthread_create(&t, NULL, strict, NULL))
		return false;
	usleep(100000);
	snprintf(task, sizeof(task), "/proc/self/task/%d", (int)strict_tid);
	while (!went())
		;
	return !access(task, F_OK);
}

#ifdef __x86_64__
static volatile unsigned char selector;
static volatile unsigned caught;

static void on_sys(int sig)
{
	selector = 0;
	(void)sig;
	caught++;
}

/* As Wine does: all system calls but some are somebody else's. */
static bool do_dispatch(void)
{
	struct sigaction act = { .sa_handler = on_sys };
	bool ok = true;

	sigaction(SIGSYS, &act, NULL);
	if (prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &selector))
		return false;
	while (ok && !went()) {
		unsigned before = caught;

		selector = 1;
		for (volatile unsigned i = 0; i < 100000; i++)
			;
		ok = caught == before && selector == 1;
		selector = 0;
		syscall(SYS_getppid);
	}
	return ok;
}
#endif

/* ---- all ------------------------------------------------------------------- */

static const struct kind {
	const char *name;
	bool (*run)(void);
} kinds[] = {
	{ "ignored", do_ignored },
	{ "ignored_by_all", do_ignored_by_all },
	{ "profiled", do_profiled },
	{ "spawn", do_spawn },
	{ "vfork", do_vfork },
	{ "exec", do_exec },
	{ "exec_thread", do_exec_thread },
	{ "lowest", do_lowest },
	{ "write", do_write },
	{ "uring", do_uring },
	{ "strict_thread", do_strict_thread },
#ifdef __x86_64__
	{ "dispatch", do_dispatch },
#endif
};

static int run(const struct kind *kind)
{
	bool ok;

	if (!getenv("ROUND"))
		puts("here");
	ok = kind->run();
	printf("%s: %s (%s)\n", kind->name, ok ? "ok" : "WRONG",
	       strerror(errno));
	return !ok;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	arguments = argv;
	file = argv[argc - 1];
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (argc < 2)
			puts(kinds[i].name);
		else if (argc == 3 && !strcmp(argv[1], kinds[i].name))
			return run(&kinds[i]);
	return argc >= 2;
}
