/* SPDX-License-Identifier: MIT */
/*
 * What a port gives to attaching (runtime/control/attach.c): how a thread that
 * a tool has taken over gets in and out, and a thread that libc has not made.
 * SJ_ATTACH is 0 where a port has none of it; then nobody can attach.
 *
 *	SJ_ATTACH_ENTRY		assembler text: defines sj_attach_entry, where
 *				the thread is put, with its stack pointer at a
 *				signal frame.  Calls sj_attach_call(), then
 *				rt_sigreturn(2), again if the tool puts another
 *				system call there
 *	sj_attach_syscall()	a raw system call: no errno
 *	sj_attach_clone()	a thread that runs sj_attach_main(): its number
 *				or -errno
 *	sj_attach_exit()	unmaps memory that the thread's stack is in, and
 *				ends the thread
 *	sj_attach_pointer()	the thread pointer
 *	sj_attach_prepare()	what libc finds a thread by, at that
 */
#ifndef SIDE_JMP_ARCH_ATTACH_H
#define SIDE_JMP_ARCH_ATTACH_H

#include <stddef.h>
#include <stdint.h>

/* What is instrumented wants to know its threads. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SJ_ATTACH	0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define SJ_ATTACH	0
#endif
#endif

#ifdef SJ_ATTACH
#elif defined(__x86_64__) && !defined(__ILP32__)
#include "arch/x86_64/attach.h"
#elif defined(__aarch64__) && defined(__AARCH64EL__) && !defined(__ILP32__)
#include "arch/arm64/attach.h"
#endif

#ifndef SJ_ATTACH
#define SJ_ATTACH	0
#endif

#endif
