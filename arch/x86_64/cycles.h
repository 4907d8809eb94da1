/* SPDX-License-Identifier: MIT */
/*
 * cycles.h for x86-64: the time-stamp counter (Intel SDM vol. 3, 18.17; AMD APM
 * vol. 3, RDTSC).  CPUID.80000007H:EDX[8], invariant TSC.
 */
#ifndef SIDE_JMP_ARCH_X86_64_CYCLES_H
#define SIDE_JMP_ARCH_X86_64_CYCLES_H

#define SJ_CYCLES	1

static inline uint64_t sj_cycles(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a" (low), "=d" (high));
	return (uint64_t)high << 32 | low;
}

static inline uint32_t sj_cpuid_edx(uint32_t leaf, uint32_t *eax)
{
	uint32_t a, b, c, d;

	__asm__ volatile("cpuid" : "=a" (a), "=b" (b), "=c" (c), "=d" (d)
			 : "a" (leaf), "c" (0));
	*eax = a;
	return d;
}

static inline bool sj_cycles_steady(void)
{
	uint32_t last;

	(void)sj_cpuid_edx(0x80000000, &last);
	return last >= 0x80000007 &&
	       (sj_cpuid_edx(0x80000007, &last) & 1 << 8);
}

#endif
