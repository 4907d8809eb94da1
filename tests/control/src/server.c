// SPDX-License-Identifier: MIT
/*
 * A server: THREADS threads that work until standard input ends, and count what
 * they do.  It obeys lines of standard input, and answers each with a line:
 *
 *	count		how many passes there were, and how many took the path of
 *			the key `check`, and that of the event being enabled
 *	state		descriptors, mappings, threads, armed sites, tracers
 *	load FILE	dlopen() it; `unload`: dlclose()
 *	fork		a child that goes on as the server does: its pid
 *	close		every descriptor but the first three
 *	start, stop	control
 *	own, disown	the server itself enables `check`, and no more
 *	user NUMBER	go on as that one
 *
 * With DROP in its environment it goes on as that user; with ORPHAN its children
 * outlive it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

SIDE_JMP_KEY(check);
SIDE_JMP_KEY(log_level);

SIDE_JMP_EVENT(server, pass, "A thread has done a piece of work",
	(u32, thread), (u64, pass), (string, name));
SIDE_JMP_EVENT(server, rare, "One pass in 1024", (u32, thread));
SIDE_JMP_EVENT(server, types, "One of each field",
	(s8, a), (u64, b), (float, c), (double, d), (pointer, e),
	(enum, f, (1, "one"), (2, "two\n")), (string, g), (chars, h, 8),
	(bytes, i, 3), (byte_seq, j), (array, k, s16, 2), (seq, l, u32),
	(text, m));

enum { THREADS = 8 };

static struct {
	uint64_t passes, checked, evaluated;
	char room[40];
} per_thread[THREADS] __attribute__((aligned(64)));

static int failures;

static const char *evaluate(unsigned i)
{
	per_thread[i].evaluated++;
	return "a \"name\"\033[2J";
}

static void types(void)
{
	static const uint32_t l[3] = { 7, 8, 9 };
	static const int16_t k[2] = { -1, 2 };
	const char *none = NULL;

	side_jmp_event(server, types, -8, UINT64_MAX, 0.5f, -2.25, &l[0], 2,
		       none, "longer than eight", (const void *)"\1\2\3",
		       side_jmp_seq("ab", 2), k, side_jmp_seq(l, 3),
		       side_jmp_text("text", 2));
}

static void *work(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	long pause = getenv("PAUSE_US") ? atol(getenv("PAUSE_US")) : 0;

	for (uint64_t n = 0;; n++) {
		if (side_jmp_unlikely(check))
			per_thread[i].checked++;
		side_jmp_event(server, pass, i, n, evaluate(i));
		if (n % 1024 == 0) {
			side_jmp_event(server, rare, i);
			types();
			/* What no tool may make fail. */
			if (write(STDERR_FILENO, "", 0) || usleep(1))
				__atomic_add_fetch(&failures, 1,
						   __ATOMIC_RELAXED);
		}
		__atomic_store_n(&per_thread[i].passes, n, __ATOMIC_RELAXED);
		if (pause)
			usleep((useconds_t)pause);
	}
	return NULL;
}

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static unsigned maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned n = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static void say_state(void)
{
	struct side_jmp_event_info e;
	struct side_jmp_info s;

	side_jmp_get_info(&s, sizeof(s));
	side_jmp_event_get_info(&e, sizeof(e));
	printf("fds %u maps %u threads %u armed %u tracers %u failures %d\n",
	       entries("/proc/self/fd"), maps(), entries("/proc/self/task"),
	       (unsigned)s.armed, (unsigned)e.tracers, failures);
}

static void say_count(void)
{
	uint64_t passes = 0, checked = 0, evaluated = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		passes += per_thread[i].passes;
		checked += per_thread[i].checked;
		evaluated += per_thread[i].evaluated;
	}
	printf("passes %llu checked %llu evaluated %llu\n",
	       (unsigned long long)passes, (unsigned long long)checked,
	       (unsigned long long)evaluated);
}

static void start(void)
{
	unsigned n = getenv("THREADS") ? (unsigned)atoi(getenv("THREADS")) :
					 THREADS;

	for (uintptr_t i = 0; i < n; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, (void *)i))
			abort();
	}
}

static void say_fork(void)
{
	pid_t pid = fork();

	if (pid) {
		printf("%d\n", (int)pid);
		return;
	}
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (!getenv("ORPHAN"))
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	unsetenv("THREADS");
	start();
	for (;;)
		pause();
}

static void obey(char *line)
{
	static void *library;
	char *argument = strchr(line, ' ');

	if (argument)
		*argument++ = '\0';
	if (!strcmp(line, "count"))
		say_count();
	else if (!strcmp(line, "state"))
		say_state();
	else if (!strcmp(line, "fork"))
		say_fork();
	else if (!strcmp(line, "start"))
		printf("%d\n", side_jmp_control_start());
	else if (!strcmp(line, "stop"))
		printf("%d\n", side_jmp_control_stop());
	else if (!strcmp(line, "own"))
		printf("%d\n", side_jmp_enable(&check));
	else if (!strcmp(line, "disown"))
		printf("%d\n", side_jmp_disable(&check));
	else if (!strcmp(line, "user") && argument)
		printf("%d\n", setuid((uid_t)atoi(argument)));
	else if (!strcmp(line, "load") && argument)
		printf("%s\n", (library = dlopen(argument, RTLD_NOW)) ? "loaded" :
		       dlerror());
	else if (!strcmp(line, "unload"))
		printf("%d\n", dlclose(library));
	else if (!strcmp(line, "close")) {
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
		puts("closed");
	} else {
		puts("what?");
	}
}

int main(void)
{
	char line[512];

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGCHLD, SIG_IGN);
	start();
	if (getenv("DROP") && setuid((uid_t)atoi(getenv("DROP"))))
		return 1;
	puts("here");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		obey(line);
	}
	return 0;
}
