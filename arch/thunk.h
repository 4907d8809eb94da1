/* SPDX-License-Identifier: MIT */
/*
 * The thunks that sites call (site.h, CALL), for whoever has the function that
 * they are to call: SJ_EVENT_THUNKS("function") defines side_jmp_event_<n>().
 * To no effect where the port makes ordinary calls.  From the function's frame
 * SJ_THUNK_CALLS more lead to the one that returns to the site.
 */
#ifndef SIDE_JMP_ARCH_THUNK_H
#define SIDE_JMP_ARCH_THUNK_H

#include "arch/site.h"

/* A thunk's symbol is hidden where the interface is. */
#ifdef SIDE_JMP_HIDDEN_API_
#define SJ_THUNK_SEEN(name)	"	.hidden	" name "\n"
#else
#define SJ_THUNK_SEEN(name)
#endif

#if SIDE_JMP_ARCH_HAS_CALL && defined(__x86_64__)
#include "arch/x86_64/thunk.h"
#elif SIDE_JMP_ARCH_HAS_CALL && defined(__aarch64__)
#include "arch/arm64/thunk.h"
#elif SIDE_JMP_ARCH_HAS_CALL && defined(__riscv)
#include "arch/riscv64/thunk.h"
#elif SIDE_JMP_ARCH_HAS_CALL && defined(__s390x__)
#include "arch/s390x/thunk.h"
#elif SIDE_JMP_ARCH_HAS_CALL && defined(__powerpc64__)
#include "arch/ppc64le/thunk.h"
#else
#define SJ_EVENT_THUNKS(function)
#endif

/* Of a port whose stacks nobody reads (arch/frame.h). */
#ifndef SJ_THUNK_CALLS
#define SJ_THUNK_CALLS	0
#endif

/* What thunks need in a child of fork(). */
#ifndef SJ_CALL_AFTER_FORK
#define SJ_CALL_AFTER_FORK()	((void)0)
#endif

#endif
