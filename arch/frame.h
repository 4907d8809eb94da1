/* SPDX-License-Identifier: MIT */
/*
 * Chains of frame pointers.  Where one points, there stand the caller's frame
 * pointer and behind it the return address (x86-64: System V ABI, 3.2.2; arm64:
 * AAPCS64, 6.4.6), in functions that were compiled to have one; and in our thunks.
 */
#ifndef SIDE_JMP_ARCH_FRAME_H
#define SIDE_JMP_ARCH_FRAME_H

#include <stdint.h>

struct sj_frame {
	uintptr_t caller;		/* where its frame pointer points */
	uintptr_t back;			/* the return address */
};

/* Of a return address, without a signature in it (arm64, PAC). */
#if defined(__x86_64__)
#define SJ_HAS_FRAMES	1
#define SJ_FRAME_BACK(back)	(back)
#elif defined(__aarch64__)
#define SJ_HAS_FRAMES	1
#define SJ_FRAME_BACK(back)	((back) & ((UINT64_C(1) << 48) - 1))
#else
#define SJ_HAS_FRAMES	0
#define SJ_FRAME_BACK(back)	(back)
#endif

#endif
