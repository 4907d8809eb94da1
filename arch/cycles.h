/* SPDX-License-Identifier: MIT */
/*
 * A counter of the processor's that the process may read without a system call:
 * at a constant rate, whatever a processor does, and the same on all of them,
 * if the hardware says so.  Whether the kernel thinks so is not asked here.
 *
 *	uint64_t sj_cycles(void)	now; not ordered with memory
 *	bool sj_cycles_steady(void)	does the hardware say so?
 *
 * Where SJ_CYCLES is 0 there is none.
 */
#ifndef SIDE_JMP_ARCH_CYCLES_H
#define SIDE_JMP_ARCH_CYCLES_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include "arch/x86_64/cycles.h"
#else
#define SJ_CYCLES	0
#endif

#endif
