/* SPDX-License-Identifier: MIT */
/*
 * tools/attach.c's for x86-64: the registers of a stopped thread.
 *
 * A thread that is stopped in a system call shows it by orig_rax >= 0, and in
 * rax what the kernel will make of it when the thread goes on: begin anew (by
 * itself, or by restart_syscall(2) with what is left of a time), or fail with
 * EINTR if a handler of a signal comes first.  It decides by these two at that
 * time; so putting them back is all it takes.  Some calls (semop, epoll_wait,
 * sigtimedwait, a socket's with a time limit) say EINTR for every stop; then
 * orig_rax is still that of the call, nothing has happened yet, and
 * -ERESTARTNOHAND (anew, but EINTR for a handler) is what those that can be
 * stopped say.
 */
#ifndef SIDE_JMP_ARCH_X86_64_PTRACE_H
#define SIDE_JMP_ARCH_X86_64_PTRACE_H

#include <linux/audit.h>
#include <sys/ucontext.h>
#include <sys/user.h>

#define PORT_AUDIT	AUDIT_ARCH_X86_64
#define PORT_MACHINE	EM_X86_64

enum { PORT_XSTATE = 0x202 };		/* NT_X86_XSTATE */
enum { PORT_RESTARTSYS = -512, PORT_RESTARTNOINTR = -513,
       PORT_RESTARTNOHAND = -514, PORT_RESTART_BLOCK = -516 };

struct port_state {
	struct user_regs_struct regs;
	uint8_t vectors[SJ_ATTACH_FRAME] __attribute__((aligned(64)));
	size_t n_vectors;
};

/* Not of close(2), which has closed all the same. */
static inline bool port_was_interrupted(const struct user_regs_struct *r)
{
	return (long)r->orig_rax >= 0 && (long)r->orig_rax != SYS_close &&
	       (long)r->rax == -EINTR;
}

/*
 * Of a thread that is stopped for a signal: if that has ended a system call
 * with EINTR, it says so for a handler alone.
 */
static inline void port_begin_anew(pid_t tid)
{
	struct user_regs_struct r;
	struct iovec regs = { &r, sizeof(r) };

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &regs) ||
	    regs.iov_len != sizeof(r) || !port_was_interrupted(&r))
		return;
	r.rax = (unsigned long long)PORT_RESTARTNOHAND;
	(void)ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &regs);
}

/*
 * Of a thread that is stopped.  If it was to be told that its system call was
 * interrupted, it will not be.  was: the call that was under way when we
 * looked, and its arguments; -1: not known.
 */
static inline bool port_read(pid_t tid, struct port_state *s, long was,
			     const uint64_t arguments[6])
{
	struct iovec regs = { &s->regs, sizeof(s->regs) };
	struct iovec vectors = { s->vectors, sizeof(s->vectors) };

	(void)was;
	(void)arguments;
	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &regs))
		return false;
	if (regs.iov_len != sizeof(s->regs)) {
		s->regs.cs = 0;			/* a 32-bit program's */
		return true;
	}
	if (port_was_interrupted(&s->regs)) {
		s->regs.rax = (unsigned long long)PORT_RESTARTNOHAND;
		if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &regs))
			return false;
	}
	if (ptrace(PTRACE_GETREGSET, tid, PORT_XSTATE, &vectors))
		return false;
	s->n_vectors = vectors.iov_len;
	return true;
}

/* NULL, or why this thread can't be taken over. */
static inline const char *port_refuses(const struct port_state *s)
{
	/* __USER_CS */
	return s->regs.cs != 0x33 ? "it runs 32-bit code" :
	       s->n_vectors < 576 ? "its vector registers can't be read" : NULL;
}

static inline uint64_t port_sp(const struct port_state *s)
{
	return s->regs.rsp;
}

static inline uint64_t port_pc(const struct port_state *s)
{
	return s->regs.rip;
}

/* True: the kernel is to be asked once more (arm64). */
static inline bool port_unclear(pid_t tid, const struct port_state *s)
{
	(void)tid;
	(void)s;
	return false;
}

/* As the kernel would have them for who goes on by himself. */
static inline struct user_regs_struct port_anew(const struct port_state *s)
{
	struct user_regs_struct r = s->regs;
	long rax = (long)r.rax;

	if ((long)r.orig_rax >= 0 &&
	    ((rax <= PORT_RESTARTSYS && rax >= PORT_RESTARTNOHAND) ||
	     rax == PORT_RESTART_BLOCK)) {
		r.rax = r.orig_rax;
		r.rip -= 2;
	}
	return r;
}

/*
 * The frame: a ucontext with the vectors behind it, as the kernel's signals
 * have it (struct rt_sigframe, without its return address).  `at`: where it
 * will be.  How many bytes, 0: there is no room.
 */
static inline size_t port_frame(const struct port_state *s, uint64_t mask,
				uint64_t at, uint8_t *frame, size_t room)
{
	/* uapi/asm/sigcontext.h: struct _fpx_sw_bytes, at 464 of the vectors,
	   where ptrace(2) has which there are; FP_XSTATE_MAGIC1, 2. */
	const uint32_t magic = 0x46505853, end = 0x46505845;
	const uint32_t size = (uint32_t)s->n_vectors;
	const uint32_t extended = size + (uint32_t)sizeof(end);
	struct user_regs_struct r = port_anew(s);
	size_t begin = (sizeof(ucontext_t) + 128 + 63) / 64 * 64;
	ucontext_t uc = { .uc_flags = 7 };	/* extended vectors, ss */
	greg_t *g = uc.uc_mcontext.gregs;

	if (begin + s->n_vectors + sizeof(end) > room)
		return 0;
	g[REG_R8] = (greg_t)r.r8; g[REG_R9] = (greg_t)r.r9;
	g[REG_R10] = (greg_t)r.r10; g[REG_R11] = (greg_t)r.r11;
	g[REG_R12] = (greg_t)r.r12; g[REG_R13] = (greg_t)r.r13;
	g[REG_R14] = (greg_t)r.r14; g[REG_R15] = (greg_t)r.r15;
	g[REG_RDI] = (greg_t)r.rdi; g[REG_RSI] = (greg_t)r.rsi;
	g[REG_RBP] = (greg_t)r.rbp; g[REG_RBX] = (greg_t)r.rbx;
	g[REG_RDX] = (greg_t)r.rdx; g[REG_RAX] = (greg_t)r.rax;
	g[REG_RCX] = (greg_t)r.rcx; g[REG_RSP] = (greg_t)r.rsp;
	g[REG_RIP] = (greg_t)r.rip; g[REG_EFL] = (greg_t)r.eflags;
	g[REG_CSGSFS] = (greg_t)(r.cs | r.gs << 16 | r.fs << 32 | r.ss << 48);
	/* No change: the kernel refuses these flags, and goes on. */
	uc.uc_stack.ss_flags = 0x7fff;
	uc.uc_mcontext.fpregs = (fpregset_t)(at + begin);
	memcpy(&uc.uc_sigmask, &mask, sizeof(mask));
	memset(frame, 0, begin);
	memcpy(frame, &uc, sizeof(uc));
	memcpy(frame + begin, s->vectors, s->n_vectors);
	memset(frame + begin + 464, 0, 48);
	memcpy(frame + begin + 464, &magic, 4);
	memcpy(frame + begin + 468, &extended, 4);
	memcpy(frame + begin + 472, s->vectors + 464, 8);
	memcpy(frame + begin + 480, &size, 4);
	memcpy(frame + begin + s->n_vectors, &end, sizeof(end));
	return begin + s->n_vectors + sizeof(end);
}

/* To `entry`, its stack pointer at the frame. */
static inline bool port_put(pid_t tid, const struct port_state *s,
			    uint64_t entry, uint64_t frame)
{
	struct user_regs_struct r = s->regs;
	struct iovec regs = { &r, sizeof(r) };

	r.rip = entry;
	r.rsp = frame;
	r.rax = 0;
	r.orig_rax = (unsigned long long)-1;
	r.eflags = 0x202;		/* no trap flag, upwards */
	return !ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &regs);
}

/*
 * The system call that is about to begin is another one, of no effect.  (Not
 * none at all: seccomp filters look at it now, and kill for what they do not
 * know.)
 */
static inline bool port_replace(pid_t tid, long call)
{
	return !ptrace(PTRACE_POKEUSER, tid,
		       offsetof(struct user_regs_struct, orig_rax), call);
}

/* As it was; from the end of a system call. */
static inline bool port_restore(pid_t tid, struct port_state *s)
{
	struct iovec regs = { &s->regs, sizeof(s->regs) };
	struct iovec vectors = { s->vectors, s->n_vectors };

	return !ptrace(PTRACE_SETREGSET, tid, PORT_XSTATE, &vectors) &&
	       !ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &regs);
}

#endif
