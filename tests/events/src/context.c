/* SPDX-License-Identifier: MIT */
/*
 * Events in places that their context can be compared with: context WHAT
 *   stack    main, outer, middle, inner;  garbage: with no frame pointer
 *   names    of threads;  odd: that are no text;  time: of a thread, between two looks at its clock
 *   cpus     two threads, each on a CPU of its own
 *   big      20 that no packet holds with 20 bytes of context, 12 that one does
 *   said     one, and what the library has said
 *   many N   N small ones
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <side_jmp_event.h>

SIDE_JMP_EVENT(ctx, at, "Somewhere", (u64, n));
SIDE_JMP_EVENT(ctx, seven, "With more fields than a thunk has", (u8, a), (u8, b),
	(u8, c), (u8, d), (u8, e), (u8, f), (u8, g));
SIDE_JMP_EVENT(ctx, large, "Bytes", (byte_seq, bytes));

#define APART __attribute__((noinline))
/* No call is the last thing that a function does. */
#define STAY __asm__ volatile ("" : : : "memory")

static APART void inner(void)
{
	side_jmp_event(ctx, at, 1);
	side_jmp_event(ctx, seven, 1, 2, 3, 4, 5, 6, 7);
	STAY;
}

static APART void middle(void)
{
	inner();
	STAY;
}

static APART void outer(void)
{
	middle();
	STAY;
}

/* What stands in the register is not the thunk's business, nor the walk's. */
static APART void garbage(void)
{
#ifdef __x86_64__
	static const uintptr_t bases[] = {
		0, 1, 8, 4096, (uintptr_t)-8, (uintptr_t)-16, UINT64_C(1) << 63,
		UINT64_C(0x0000800000000000), UINT64_C(0xffff800000000000),
		1 << 19, (1 << 20) - 4096,	/* above the stack's end */
	};
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) & -(uintptr_t)16;

	for (size_t i = 0; i < 2 * sizeof(bases) / sizeof(bases[0]); i++) {
		uintptr_t base = i % 2 ? here + bases[i / 2] : bases[i / 2];

		__asm__ volatile (
			"sub $128, %%rsp\n\tpush %%rbp\n\tmov %%rsp, %%rbx\n\t"
			"and $-16, %%rsp\n\tmov %0, %%rbp\n\tcall *%1\n\t"
			"mov %%rbx, %%rsp\n\tpop %%rbp\n\tadd $128, %%rsp"
			: : "r" (base), "r" (inner)
			: "rbx", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
			  "r10", "r11", "memory", "cc");
	}
#endif
}

static void *renamed(void *arg)
{
	side_jmp_event(ctx, at, 1);
	prctl(PR_SET_NAME, arg);
	side_jmp_event(ctx, at, 2);
	return NULL;
}

static void names(void)
{
	pthread_t t;

	prctl(PR_SET_NAME, "first");
	pthread_create(&t, NULL, renamed, (void *)"a \"15\" of them");
	pthread_join(t, NULL);
	side_jmp_event(ctx, at, 3);
}

static void odd(void)
{
	prctl(PR_SET_NAME, "\n} \033[1m\xff\xc3");
	side_jmp_event(ctx, at, 1);
	prctl(PR_SET_NAME, "fifteen bytes, cut");
	side_jmp_event(ctx, at, 2);
	prctl(PR_SET_NAME, "");
	side_jmp_event(ctx, at, 3);
}

static uint64_t thread_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The first's field is a time before its own, the second's one behind it. */
static void *timed(void *arg)
{
	while (thread_clock() < 1000000)
		;
	side_jmp_event(ctx, at, thread_clock());
	side_jmp_event(ctx, at, thread_clock());
	return arg;
}

static void in_a_thread(void *(*f)(void *), void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, f, arg);
	pthread_join(t, NULL);
}

static void *on_cpu(void *arg)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)(uintptr_t)arg, &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		side_jmp_event(ctx, at, (uintptr_t)arg);
	return NULL;
}

static void cpus(void)
{
	int left = 2;
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (uintptr_t i = 0; i < CPU_SETSIZE && left; i++)
		if (CPU_ISSET(i, &set)) {
			in_a_thread(on_cpu, (void *)i);
			left--;
		}
}

static void big(void)
{
	static uint8_t bytes[65536];

	for (int i = 0; i < 32; i++)
		side_jmp_event(ctx, large, side_jmp_seq(bytes, (size_t)
						(i < 20 ? 65429 : 65428)));
	side_jmp_event(ctx, at, 1);
}

static void said(void)
{
	struct side_jmp_event_info info;

	side_jmp_event(ctx, at, 1);
	side_jmp_event_get_info(&info, sizeof(info));
	puts(info.said);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "stack"))
		outer();
	else if (!strcmp(what, "garbage"))
		garbage();
	else if (!strcmp(what, "names"))
		names();
	else if (!strcmp(what, "odd"))
		odd();
	else if (!strcmp(what, "time"))
		in_a_thread(timed, NULL);
	else if (!strcmp(what, "cpus"))
		cpus();
	else if (!strcmp(what, "big"))
		big();
	else if (!strcmp(what, "said"))
		said();
	else if (!strcmp(what, "many"))
		for (int i = 0; i < atoi(argv[2]); i++)
			side_jmp_event(ctx, at, (unsigned)i);
	else
		return 2;
	STAY;
	return 0;
}
