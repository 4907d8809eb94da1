/* SPDX-License-Identifier: MIT */
/*
 * main() calls middle(), that calls leaf(), which has an event, whose callback
 * prints its callers' addresses: by the tables (backtrace()), and with the
 * argument "chain" by frame pointers.  With "spin" it computes for a while, to be
 * sampled.
 */
#define _GNU_SOURCE
#include <side_jmp_event.h>

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

SIDE_JMP_EVENT(walk, leaf, "Within a leaf", (s32, x), (string, s));
SIDE_JMP_KEY(key);

int leaf(int x, const char *s);
int leaf_that_calls(int x);
int middle(int x, const char *s);
void in_callback(void);
void called(int x);

static const char *how = "";

static void by_tables(void)
{
	void *at[16];
	int n = backtrace(at, 16);

	for (int i = 0; i < n; i++)
		printf("%p\n", at[i]);
}

static void by_frame_pointers(void)
{
	void **frame = __builtin_frame_address(0);

	for (int i = 0; i < 12 && frame; i++, frame = frame[0]) {
		printf("%p\n", frame[1]);
		if ((void **)frame[0] <= frame)
			break;
	}
}

static void spin(void)
{
	clock_t end = clock() + CLOCKS_PER_SEC / 5;

	while (clock() < end)
		for (volatile int i = 0; i < 1000; i++)
			;
}

__attribute__((noinline)) void in_callback(void)
{
	if (!strcmp(how, "chain"))
		by_frame_pointers();
	else if (!strcmp(how, "spin"))
		spin();
	else
		by_tables();
	__asm__ volatile ("" : : : "memory");
}

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	in_callback();
	__asm__ volatile ("" : : : "memory");
}

void called(int x)
{
	(void)x;
	in_callback();
	__asm__ volatile ("" : : : "memory");
}

__attribute__((noinline)) int leaf(int x, const char *s)
{
	side_jmp_event(walk, leaf, x, s);
	return x + 1;
}

__attribute__((noinline)) int leaf_that_calls(int x)
{
	side_jmp_call(key, called, x);
	return x + 2;
}

/* Saves registers, so that whoever misses its frame gets lost. */
__attribute__((noinline)) int middle(int x, const char *s)
{
	int a = leaf(x, s), b = leaf(a * 3, s), c = leaf_that_calls(a ^ b);

	return a + b * c;
}

int main(int argc, char **argv)
{
	struct side_jmp_tracer *tracer;
	int r;

	if (argc > 1)
		how = argv[1];
	if (side_jmp_tracer_register(&tracer, "walk:*", callback, NULL) ||
	    side_jmp_enable(&key))
		return 2;
	r = middle(argc, "text") + 1;
	fflush(stdout);
	return r == 0;
}
