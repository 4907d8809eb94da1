/* SPDX-License-Identifier: MIT */
/*
 * What the benchmark of sites needs of the machine.  A port adds its own; the
 * generic one has no hand-written sites and flushes by walking a buffer.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)

#define MACHINE_HAS_HAND_WRITTEN	1

/* A chain: two cycles that the next one has to wait for. */
#define MACHINE_CHAIN(x) \
	__asm__ volatile ("add $3, %0\n\txor $5, %0" : "+r" (x) : : "cc")

/* Six adds that nothing waits for. */
#define MACHINE_ADDS(a) \
	__asm__ volatile ("add $1, %0\n\tadd $1, %1\n\tadd $1, %2\n\t" \
			  "add $1, %3\n\tadd $1, %4\n\tadd $1, %5" \
			  : "+r" ((a)[0]), "+r" ((a)[1]), "+r" ((a)[2]), \
			    "+r" ((a)[3]), "+r" ((a)[4]), "+r" ((a)[5]) \
			  : : "cc")

/* Six instructions to fetch, decode and retire, and nothing to do. */
#define MACHINE_NOPS() \
	__asm__ volatile (".rept 6\n\t" \
			  ".byte 0x0f, 0x1f, 0x80, 0, 0, 0, 0\n\t.endr")

/* x: the address of the next one's. */
#define MACHINE_CHASE(x) \
	__asm__ volatile ("mov (%0), %0" : "+r" (x) : : "memory")

/* Both with the cold block of a site behind `cold`. */
#define MACHINE_NOP(cold) \
	__asm__ goto (".byte 0x0f, 0x1f, 0x44, 0x00, 0x00" : : : : cold)
#define MACHINE_TEST(word, cold) \
	__asm__ goto ("cmpl $0, %c0(%%rip)\n\tjne %l1" \
		      : : "i" (word) : "cc" : cold)

/* Out of every cache: data, instructions, decoded instructions. */
static inline void machine_flush(const void *from, size_t size)
{
	const char *p = from;

	for (size_t i = 0; i < size; i += 64)
		__asm__ volatile ("clflush %0" : : "m" (p[i]));
	__asm__ volatile ("mfence" : : : "memory");
}

#else

#define MACHINE_HAS_HAND_WRITTEN	0
#define MACHINE_CHAIN(x) \
	__asm__ volatile ("" : "+r" (x))
#define MACHINE_ADDS(a) \
	do { \
		for (int i_ = 0; i_ < 6; i_++) { \
			(a)[i_]++; \
			__asm__ volatile ("" : "+r" ((a)[i_])); \
		} \
	} while (0)

#define MACHINE_NOPS() \
	__asm__ volatile (".rept 6\n\tnop\n\t.endr")
#define MACHINE_CHASE(x) \
	do { \
		(x) = *(const volatile uint64_t *)(uintptr_t)(x); \
	} while (0)

static inline void machine_flush(const void *from, size_t size)
{
	static volatile char buffer[64 * 1024 * 1024];

	(void)from;
	(void)size;
	for (size_t i = 0; i < sizeof(buffer); i += 64)
		buffer[i]++;
}

#endif

#endif
