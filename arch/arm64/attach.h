/* SPDX-License-Identifier: MIT */
/*
 * attach.h's for arm64.  rt_sigreturn(2) takes its frame from the stack
 * pointer. x28, which sj_attach_call() keeps, is what the call's first argument
 * was: the kernel notes x0 at the call's start as that of the system call to be
 * begun anew, and the tool lets it be that of another one
 * (arch/arm64/ptrace.h).
 */
#ifndef SIDE_JMP_ARCH_ARM64_ATTACH_H
#define SIDE_JMP_ARCH_ARM64_ATTACH_H

#define SJ_ATTACH	1

#define SJ_ATTACH_ENTRY \
	"	.type	sj_attach_entry, %function\n" \
	"sj_attach_entry:\n" \
	"	bl	sj_attach_call\n" \
	"1:	mov	x0, x28\n" \
	"	mov	x8, #139\n" \
	"	svc	#0\n" \
	"	b	1b\n" \
	"	.size	sj_attach_entry, . - sj_attach_entry\n"

static inline long sj_attach_syscall(long n, long a, long b, long c, long d,
				     long e, long f)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc	#0" : "+r" (x0) : "r" (x8), "r" (x1), "r" (x2),
			 "r" (x3), "r" (x4), "r" (x5) : "memory");
	return x0;
}

/* `thread` is the fourth argument here, the number's second place the last. */
static inline long sj_attach_clone(unsigned long flags, void *stack,
				   uint32_t *tid, void *thread)
{
	register long x8 __asm__("x8") = 220;
	register long x0 __asm__("x0") = (long)flags;
	register void *x1 __asm__("x1") = stack;
	register void *x2 __asm__("x2") = tid;
	register void *x3 __asm__("x3") = thread;
	register void *x4 __asm__("x4") = tid;

	__asm__ volatile(
		"svc	#0\n"
		"	cbnz	x0, 1f\n"
		"	mov	x29, xzr\n"
		"	mov	x30, xzr\n"
		"	bl	sj_attach_main\n"
		"	brk	#1\n"
		"1:" : "+r" (x0) : "r" (x8), "r" (x1), "r" (x2), "r" (x3),
		"r" (x4) : "memory");
	return x0;
}

__attribute__((__noreturn__))
static inline void sj_attach_exit(void *memory, size_t size)
{
	register long x8 __asm__("x8") = 215;
	register void *x0 __asm__("x0") = memory;
	register size_t x1 __asm__("x1") = size;

	__asm__ volatile(
		"svc	#0\n"
		"	mov	x8, #93\n"
		"	mov	x0, xzr\n"
		"	svc	#0\n"
		"	brk	#1" : "+r" (x0), "+r" (x8) : "r" (x1) :
		"memory");
	__builtin_unreachable();
}

static inline char *sj_attach_pointer(void)
{
	char *thread;

	__asm__("mrs	%0, tpidr_el0" : "=r" (thread));
	return thread;
}

/* libc knows a thread by the address alone. */
static inline void sj_attach_prepare(void *thread)
{
	(void)thread;
}

#endif
