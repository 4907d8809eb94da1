/* SPDX-License-Identifier: MIT */
/*
 * Functions that use general registers only.
 *
 * A call from an event's site gives back all registers (site.h, CALL).  To save
 * the vectors of a processor that has 32 of 64 bytes costs more than most of
 * what is called; so where a compiler can be told to use none, what lies on the
 * way of an event is compiled so, and saves them around what is not:
 *
 *	#include <...>			the system's headers
 *	#include "arch/general.h"
 *	SJ_GENERAL_BEGIN
 *	#include "..."			ours, for the functions in them
 *	SJ_GENERAL_END
 *
 * and so around the functions; not around those that call the C library's, which
 * _FORTIFY_SOURCE would inline and gcc refuse to.  (With gcc the functions that
 * our headers declare are so, too, wherever the file defines them: there, name
 * the __builtin_ one.)
 *
 * Nothing in between may call what may use vectors, the C library above all,
 * but through sj_keep_vectors().  tests/code/general.sh looks at the machine
 * code.  Nor by way of a PLT, behind which are the dynamic loader, its auditors
 * and interposers: so errno is saved by what may change it, after the vectors.
 *
 * Where SJ_GENERAL is 0 there is nothing to keep, or the thunk keeps all: in
 * code that is instrumented, which calls who knows what, or not optimized, which
 * calls memcpy().  Instrumentation that no macro tells of (-fprofile-generate,
 * -pg, -finstrument-functions) needs -DSJ_NOT_GENERAL.
 */
#ifndef SIDE_JMP_ARCH_GENERAL_H
#define SIDE_JMP_ARCH_GENERAL_H

#include "arch/site.h"

#define SJ_GENERAL	0
#if defined(__x86_64__) && SIDE_JMP_ARCH_HAS_CALL && \
	defined(__OPTIMIZE__) && !defined(SJ_NOT_GENERAL) && \
	!defined(SIDE_JMP_INJECT) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#undef SJ_GENERAL
#define SJ_GENERAL	1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#undef SJ_GENERAL
#define SJ_GENERAL	0
#endif
#endif
#endif

/* Nor APX's, r16 to r31, which are kept with the vectors. */
#if defined(__clang__) && defined(__EGPR__)
#define SJ_GENERAL_TARGET \
	_Pragma("clang attribute push(__attribute__((target(\"general-regs-only,no-egpr\"))), apply_to = function)")
#elif defined(__clang__)
#define SJ_GENERAL_TARGET \
	_Pragma("clang attribute push(__attribute__((target(\"general-regs-only\"))), apply_to = function)")
#elif __GNUC__ >= 14	/* which does not tell whether it uses them */
#define SJ_GENERAL_TARGET	_Pragma("GCC target(\"general-regs-only,no-apxf\")")
#else
#define SJ_GENERAL_TARGET	_Pragma("GCC target(\"general-regs-only\")")
#endif

#ifdef SJ_GENERAL_BEGIN		/* a test's */
#elif SJ_GENERAL && defined(__clang__)
#define SJ_GENERAL_BEGIN /* there may be no function, where headers came before */ \
	_Pragma("clang diagnostic push") \
	_Pragma("clang diagnostic ignored \"-Wpragma-clang-attribute\"") \
	SJ_GENERAL_TARGET
#define SJ_GENERAL_END \
	_Pragma("clang attribute pop") _Pragma("clang diagnostic pop")
#elif SJ_GENERAL
#define SJ_GENERAL_BEGIN \
	_Pragma("GCC push_options") SJ_GENERAL_TARGET
#define SJ_GENERAL_END	_Pragma("GCC pop_options")
#else
#define SJ_GENERAL_BEGIN
#define SJ_GENERAL_END
#endif

/* f(arg), and the vectors are as before. */
#if SJ_GENERAL
void sj_keep_vectors(void (*f)(void *arg), void *arg)
	__attribute__((visibility("hidden")));
#else
static inline void sj_keep_vectors(void (*f)(void *arg), void *arg)
{
	f(arg);
}
#endif

#endif
