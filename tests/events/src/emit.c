/* SPDX-License-Identifier: MIT */
/*
 * Events for the tests of the built-in tracer: emit WHAT [N]
 *   types     one of every type;  flags: an enum with a label of 2^31
 *   many N    N small ones;  threads N: in each of 4 threads
 *   paced N   threads 2500, N times, each when the FIFO written to is empty
 *   blocks N  N of 2 kB
 *   big       one larger than a packet, and a small one
 *   lost N    N small ones, and how many the tracer says it lost
 *   pauses N  N small ones, a line on stdout, when stdin has one one more
 *   crash     some, then SIGKILL;  fork: one in parent and child each
 *   closefds  closes every descriptor, opens files, emits
 *   apart     a thread whose clock is ahead and we, on one CPU, and we on another
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>
#include "runtime/base/base.h"

enum mood { SAD = -3, GLAD = 12 };
enum flags { LOW = 1, HIGH = 0x80000000u };

SIDE_JMP_EVENT(emit, ints, "Integers", (u8, a), (u16, b), (u32, c), (u64, d),
	(s8, e), (s16, f), (s32, g), (s64, h));
SIDE_JMP_EVENT(emit, rest, "Others", (float, f), (double, d), (pointer, p),
	(enum, m, (SAD, "sad"), (GLAD, "very \"glad\"")), (enum, n, (0, "no")));
SIDE_JMP_EVENT(emit, text, "Text", (string, s), (string, t), (chars, c, 6),
	(bytes, b, 3), (byte_seq, q));
SIDE_JMP_EVENT(emit, arrays, "Arrays", (array, a, u16, 3), (array, f, float, 2),
	(seq, q, s64), (seq, d, double), (seq, none, u8));
SIDE_JMP_EVENT(emit, flags, "Labels above INT_MAX",
	(enum, e, (LOW, "low"), (HIGH, "high")));
SIDE_JMP_EVENT(emit, small, "Small", (u32, thread), (u64, n));
SIDE_JMP_EVENT(emit, block, "Large", (seq, bytes, u8), (u64, n));

static void types(void)
{
	static const char b[3] = { 1, 2, (char)0xff };
	static const uint16_t a[3] = { 1, 2, 65535 };
	static const float f[2] = { 0.1f, -2.5f };
	static const int64_t q[2] = { INT64_MIN, 7 };
	static const double d[3] = { 1e300, 0.1, -0.0 };

	side_jmp_event(emit, ints, 255, 65535, 4294967295u, UINT64_MAX, -128,
		       -32768, INT32_MIN, INT64_MIN);
	side_jmp_event(emit, rest, 0.5f, 0.25, (void *)0xabcdef, GLAD, 5);
	side_jmp_event(emit, rest, -1.0f, 1e100, (void *)0, SAD, 0);
	side_jmp_event(emit, text, "a \"b\"\n\x01\\", "", "too long",
		       b, side_jmp_seq("\xfe\x03", 2));
	side_jmp_event(emit, arrays, a, f, side_jmp_seq(q, 2),
		       side_jmp_seq(d, 3), side_jmp_seq((uint8_t *)0, 0));
}

static void flags(void)
{
	side_jmp_event(emit, flags, LOW);
	side_jmp_event(emit, flags, HIGH);
	side_jmp_event(emit, flags, 0xffffffffu);
}

static uint64_t n = 10;

static void *many(void *arg)
{
	for (uint64_t i = 0; i < n; i++)
		side_jmp_event(emit, small, (uint32_t)(uintptr_t)arg, i);
	return NULL;
}

static void say_lost(void)
{
	struct side_jmp_event_info info;

	many(NULL);
	side_jmp_event_get_info(&info, sizeof(info));
	printf("%llu\n", (unsigned long long)info.lost);
}

static void pauses(void)
{
	many(NULL);
	puts("full");
	fflush(stdout);
	getchar();
	n = 1;
	many(NULL);
}

static void threads(void)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, many, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void paced(void)
{
	int fifo = open(getenv("SIDE_JMP_OUTPUT"), O_RDONLY | O_NONBLOCK), unread;

	for (uint64_t left = n; left; left--) {
		n = 2500;
		threads();
		do {
			usleep(200);
			if (ioctl(fifo, FIONREAD, &unread))
				abort();
		} while (unread);
	}
}

static void blocks(void)
{
	static const uint8_t bytes[2048];

	for (uint64_t i = 0; i < n; i++)
		side_jmp_event(emit, block, side_jmp_seq(bytes, 2048), i);
}

static void big(void)
{
	char *s = malloc(100000);

	memset(s, 'x', 99999);
	s[99999] = '\0';
	for (int i = 0; i < 300; i++)
		side_jmp_event(emit, text, s, "", "", s, side_jmp_seq(s, 1));
	side_jmp_event(emit, small, 1, 1);
	free(s);
}

static void closefds(const char *path)
{
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
	for (int i = 0; i < 1000; i++)
		if (open(path, O_RDWR | O_CREAT, 0600) < 0)
			break;
	n = 5000;
	many(NULL);
}

static void forks(void)
{
	side_jmp_event(emit, small, 1, 1);
	if (!fork()) {
		side_jmp_event(emit, small, 2, 2);
		exit(0);
	}
	wait(NULL);
	side_jmp_event(emit, small, 3, 3);
}

static cpu_set_t all;

/* On the first or the last CPU that we may have. */
static void move(bool last)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && (last || !CPU_COUNT(&one))) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
		}
	if (sched_setaffinity(0, sizeof(one), &one))
		abort();
}

static void *ahead(void *arg)
{
	move(false);
	sj_now_was(sj_now() + 900000);	/* ns */
	side_jmp_event(emit, small, 1, 0);
	return arg;
}

static void apart(void)
{
	pthread_t t;

	if (sched_getaffinity(0, sizeof(all), &all))
		abort();
	side_jmp_event(emit, small, 0, 0);
	move(false);
	pthread_create(&t, NULL, ahead, NULL);
	pthread_join(t, NULL);
	side_jmp_event(emit, small, 0, 1);
	move(true);
	side_jmp_event(emit, small, 0, 2);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc > 2)
		n = strtoull(argv[2], NULL, 0);
	if (!strcmp(what, "types"))
		types();
	else if (!strcmp(what, "flags"))
		flags();
	else if (!strcmp(what, "many"))
		many(NULL);
	else if (!strcmp(what, "pauses"))
		pauses();
	else if (!strcmp(what, "lost"))
		say_lost();
	else if (!strcmp(what, "threads"))
		threads();
	else if (!strcmp(what, "paced"))
		paced();
	else if (!strcmp(what, "blocks"))
		blocks();
	else if (!strcmp(what, "big"))
		big();
	else if (!strcmp(what, "fork"))
		forks();
	else if (!strcmp(what, "closefds"))
		closefds(argv[2]);
	else if (!strcmp(what, "apart"))
		apart();
	else if (!strcmp(what, "crash")) {
		many(NULL);
		raise(SIGKILL);
	}
	return 0;
}
