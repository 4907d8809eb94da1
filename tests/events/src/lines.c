/* SPDX-License-Identifier: MIT */
/*
 * Events for the tests of where lines of text go: lines WHAT [ARGUMENT]
 *   many N       N of them; threads N: in each of 4 threads
 *   texts        what strings may hold
 *   shorten N    N of a string that another thread writes to
 *   pause N      N, a line on stdout, when stdin has one N more
 *   daemon FROM  closes all descriptors from FROM on, opens `db`, emits 4
 *   crash N      N, then SIGKILL
 *   forks N      N, in a child one more, N more
 *   starts DIR   starts it there again, as text and as CTF
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

SIDE_JMP_EVENT(lines, n, "Small", (u32, thread), (u64, n));
SIDE_JMP_EVENT(lines, s, "A string", (string, s));
SIDE_JMP_EVENT(lines, e, "A label", (enum, e, (0, "\xff\xc3\xa4")));

static uint64_t n = 10;

static void *many(void *thread)
{
	for (uint64_t i = 0; i < n; i++)
		side_jmp_event(lines, n, (uint32_t)(uintptr_t)thread, i);
	return NULL;
}

static void threads(void)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, many, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void texts(void)
{
	static const char *const texts[] = {
		"plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",	/* 2, 3, 4 bytes */
		"\xff\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80",
		"cut \xe2\x82", "\x80\xbf",
		"\x1b[2J\x7f\t\n\r\"\\",
		"\xc2\x9b" "2J\xc2\x85\xc2\xa0",		/* C1, and above */
		"\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa7",
	};
	char longest[5001];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		side_jmp_event(lines, s, texts[i]);
	side_jmp_event(lines, e, 0);
	for (size_t shift = 0; shift < 4; shift++) {
		memset(longest, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof(longest); i += 4)
			memcpy(longest + i, "\xf0\x9f\x98\x80", 4);
		longest[sizeof(longest) - 5] = '\0';
		side_jmp_event(lines, s, longest);
	}
}

static char shared[64];
static bool stop;

/* Writes ends, quotes and halves of characters all over it. */
static void *write_to_it(void *arg)
{
	static const char marks[] = { 0, '"', '\n', '\xe2', '\x82', '\xac',
				      '\\', 'x' };

	for (unsigned i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++)
		__atomic_store_n(&shared[i * 7 % 60], marks[i * 5 % 11 % 8],
				 __ATOMIC_RELAXED);
	return arg;
}

static void shorten(void)
{
	pthread_t t;

	memset(shared, 'a', 60);
	pthread_create(&t, NULL, write_to_it, NULL);
	for (uint64_t i = 0; i < n; i++)
		side_jmp_event(lines, s, (const char *)shared);
	stop = true;
	pthread_join(t, NULL);
}

static void pauses(void)
{
	many(NULL);
	puts("now");
	fflush(stdout);
	if (getchar() == EOF)
		exit(1);
	many((void *)1);
}

static int daemonize(unsigned from)
{
	int db;

	side_jmp_event(lines, n, 0, 0);
	if (close_range(from, ~0u, 0))
		return 1;
	do
		db = open("db", O_RDWR | O_CREAT, 0600);
	while (db >= 0 && db < 1000);
	n = 4;
	many(NULL);
	return 0;
}

static void forks(void)
{
	many(NULL);
	if (!fork()) {
		side_jmp_event(lines, n, 9, 0);
		exit(0);
	}
	wait(NULL);
	many((void *)1);
}

static void starts(const char *dir)
{
	char text[200], other[200];

	snprintf(text, sizeof(text), "%strace", dir);
	snprintf(other, sizeof(other), "%sx/", dir);
	printf("%d", side_jmp_trace_start("lines:*", text));
	printf(" %d", side_jmp_trace_start("lines:*", text));
	printf(" %d", side_jmp_trace_start("lines:*", NULL));
	printf(" %d", side_jmp_trace_start("lines:*", dir) == -EBUSY);
	printf(" %d", side_jmp_trace_stop());
	printf(" %d", side_jmp_trace_start("lines:*", other));
	printf(" %d", side_jmp_trace_start("lines:*", other));
	printf(" %d", side_jmp_trace_start("lines:*", dir) == -EBUSY);
	printf(" %d\n", side_jmp_trace_stop());
}

static void say_lost(void)
{
	struct side_jmp_event_info info;

	side_jmp_event_get_info(&info, sizeof(info));
	printf("%llu\n", (unsigned long long)info.lost);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (argc > 2)
		n = strtoull(argv[2], NULL, 0);
	if (!strcmp(what, "many"))
		many(NULL);
	else if (!strcmp(what, "threads"))
		threads();
	else if (!strcmp(what, "texts"))
		texts();
	else if (!strcmp(what, "shorten"))
		shorten();
	else if (!strcmp(what, "pause"))
		pauses();
	else if (!strcmp(what, "daemon"))
		return daemonize((unsigned)n);
	else if (!strcmp(what, "forks"))
		forks();
	else if (!strcmp(what, "starts"))
		starts(argv[2]);
	else if (!strcmp(what, "crash")) {
		many(NULL);
		raise(SIGKILL);
	} else {
		return 1;
	}
	say_lost();
	return 0;
}
