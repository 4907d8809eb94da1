/* SPDX-License-Identifier: MIT */
/*
 * attach.h's for x86-64.  rt_sigreturn(2) takes its frame from where the stack
 * pointer is, less the return address that a handler would have returned by.
 */
#ifndef SIDE_JMP_ARCH_X86_64_ATTACH_H
#define SIDE_JMP_ARCH_X86_64_ATTACH_H

#define SJ_ATTACH	1

#define SJ_ATTACH_ENTRY \
	"	.type	sj_attach_entry, @function\n" \
	"sj_attach_entry:\n" \
	"	call	sj_attach_call\n" \
	"1:	mov	$15, %eax\n" \
	"	syscall\n" \
	"	jmp	1b\n" \
	"	.size	sj_attach_entry, . - sj_attach_entry\n"

static inline long sj_attach_syscall(long n, long a, long b, long c, long d,
				     long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall" : "+a" (n) : "D" (a), "S" (b), "d" (c),
			 "r" (r10), "r" (r8), "r" (r9) :
			 "rcx", "r11", "memory");
	return n;
}

static inline long sj_attach_clone(unsigned long flags, void *stack,
				   uint32_t *tid, void *thread)
{
	register void *r10 __asm__("r10") = tid;
	register void *r8 __asm__("r8") = thread;
	long r = 56;

	__asm__ volatile(
		"syscall\n"
		"	test	%%rax, %%rax\n"
		"	jnz	1f\n"
		"	xor	%%ebp, %%ebp\n"
		"	call	sj_attach_main\n"
		"	hlt\n"
		"1:" : "+a" (r) : "D" (flags), "S" (stack), "d" (tid),
		"r" (r10), "r" (r8) : "rcx", "r11", "memory");
	return r;
}

__attribute__((__noreturn__))
static inline void sj_attach_exit(void *memory, size_t size)
{
	long munmap = 11;

	__asm__ volatile(
		"syscall\n"
		"	mov	$60, %%eax\n"
		"	xor	%%edi, %%edi\n"
		"	syscall\n"
		"	hlt" : "+a" (munmap) : "D" (memory), "S" (size)
		: "rcx", "r11", "memory");
	__builtin_unreachable();
}

static inline char *sj_attach_pointer(void)
{
	char *thread;

	__asm__("mov	%%fs:0, %0" : "=r" (thread));
	return thread;
}

/* Itself, at 0 and, as glibc's `self`, at 16. */
static inline void sj_attach_prepare(void *thread)
{
	void **words = thread;

	words[0] = words[2] = thread;
}

#endif
