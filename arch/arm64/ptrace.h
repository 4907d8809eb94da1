/* SPDX-License-Identifier: MIT */
/*
 * tools/attach.c's for arm64: the registers of a stopped thread.
 *
 * The kernel decides what becomes of a system call that was stopped before
 * ptrace(2) sees the thread: where it is to begin anew, x0 has its first
 * argument again and pc is at the svc; what it would have done for a signal's
 * handler is not shown.  So what we put back, at the end of another system
 * call, is what the kernel had then: the number, -ERESTART* in x0, pc behind
 * the svc; the first argument is what it noted at the start of that other call,
 * which sj_attach_entry gave it (x28).  Then it decides once more.  Which
 * -ERESTART* is what the call says in the kernel's source: those with a time
 * limit of their own ERESTART_RESTARTBLOCK, and ppoll, pselect6 and
 * rt_sigsuspend ERESTARTNOHAND.
 *
 * A sleep is not told apart from one that is about to begin: so the thread goes
 * on once; if it was in one, x8 is restart_syscall(2)'s number when it is
 * stopped again.
 *
 * EINTR, of calls that say so for every stop: x0 is that, pc behind the svc.
 * That the call was under way when we looked, and no signal came since, is what
 * tells that it is our doing; the first argument is from that look.
 */
#ifndef SIDE_JMP_ARCH_ARM64_PTRACE_H
#define SIDE_JMP_ARCH_ARM64_PTRACE_H

#include <asm/sigcontext.h>
#include <linux/audit.h>
#include <sys/ucontext.h>
#include <sys/user.h>

#define PORT_AUDIT	AUDIT_ARCH_AARCH64
#define PORT_MACHINE	EM_AARCH64

enum {
	PORT_NUMBER = 0x404,		/* NT_ARM_SYSTEM_CALL */
	PORT_SVE = 0x405,		/* NT_ARM_SVE */
	PORT_GCS = 0x410,		/* NT_ARM_GCS */
	PORT_RESTARTSYS = -512, PORT_RESTARTNOHAND = -514,
	PORT_RESTART_BLOCK = -516,
};

struct port_state {
	struct user_regs_struct regs;
	struct user_fpsimd_struct vectors;
	/* NT_ARM_SVE: longer vectors, which a system call would lose; n_sve: 0:
	   they are not in use. */
	uint8_t sve[SJ_ATTACH_FRAME];
	size_t n_sve;
	bool in_call;			/* pc is at its svc, x0 its argument */
	bool gcs;
};

static inline bool port_svc_at(pid_t tid, uint64_t at)
{
	const uint32_t svc = 0xd4000001;
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, tid, at & ~UINT64_C(7), 0);
	return !errno && (uint32_t)((uint64_t)word >> (at % 8 * 8)) == svc;
}

/* uapi/asm/ptrace.h: struct user_sve_header; behind it the registers. */
struct port_sve {
	uint32_t size, max_size;
	uint16_t length, max_length, flags, reserved;
};

static inline void port_read_sve(pid_t tid, struct port_state *s)
{
	struct iovec all = { s->sve, sizeof(s->sve) };
	struct port_sve h = { .flags = 0 };

	if (!ptrace(PTRACE_GETREGSET, tid, PORT_SVE, &all))
		memcpy(&h, s->sve, sizeof(h));
	s->n_sve = h.flags & 1 ? all.iov_len : 0;
}

static inline bool port_uses_gcs(pid_t tid)
{
	uint64_t gcs[3] = { 0 };
	struct iovec all = { gcs, sizeof(gcs) };

	return !ptrace(PTRACE_GETREGSET, tid, PORT_GCS, &all) && gcs[0] & 1;
}

/* See arch/x86_64: here its first argument is lost by then. */
static inline void port_begin_anew(pid_t tid)
{
	(void)tid;
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
	struct iovec vectors = { &s->vectors, sizeof(s->vectors) };

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &regs) ||
	    ptrace(PTRACE_GETREGSET, tid, NT_PRFPREG, &vectors))
		return false;
	/* Not of close(2), which has closed all the same. */
	if (was >= 0 && was != SYS_close && (long)s->regs.regs[8] == was &&
	    (long)s->regs.regs[0] == -EINTR &&
	    port_svc_at(tid, s->regs.pc - 4)) {
		s->regs.regs[0] = arguments[0];
		s->regs.pc -= 4;
		if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &regs))
			return false;
	}
	s->in_call = port_svc_at(tid, s->regs.pc);
	port_read_sve(tid, s);
	s->gcs = port_uses_gcs(tid);
	return regs.iov_len == sizeof(s->regs);
}

/* Of the records of a frame: less the one of the short vectors, and the end. */
enum { PORT_RECORDS = 4096 - sizeof(struct fpsimd_context) - 16 };

/*
 * uapi/asm/sigcontext.h: struct sve_context; behind it what ptrace(2) has
 * behind its header, but for the last two.  How many bytes; 0: there is no
 * room.  to: or NULL.
 */
static inline size_t port_sve_record(const struct port_state *s, uint8_t *to,
				     size_t room)
{
	struct port_sve h;
	struct sve_context c = { .head = { SVE_MAGIC, 0 } };
	size_t n;

	memcpy(&h, s->sve, sizeof(h));
	n = h.length / 8 * (8 * 32 + 16 + 1);	/* z, p, ffr */
	n = (sizeof(c) + n + 15) / 16 * 16;
	if (n > room || n > s->n_sve)
		return 0;
	c.vl = h.length;
	c.head.size = (uint32_t)n;
	if (to) {
		memcpy(to, s->sve, n);
		memcpy(to, &c, sizeof(c));
	}
	return n;
}

/* NULL, or why this thread can't be taken over. */
static inline const char *port_refuses(const struct port_state *s)
{
	return s->n_sve && !port_sve_record(s, NULL, PORT_RECORDS) ?
	       "its vectors are longer than a signal frame has room for" :
	       s->regs.pstate & 0x10 ? "it runs 32-bit code" :
	       s->gcs ? "it has a guarded control stack" : NULL;
}

static inline uint64_t port_sp(const struct port_state *s)
{
	return s->regs.sp;
}

static inline uint64_t port_pc(const struct port_state *s)
{
	return s->regs.pc;
}

static inline bool port_sleeps(const struct port_state *s)
{
	switch ((long)s->regs.regs[8]) {
	case SYS_nanosleep: return true;
	case SYS_clock_nanosleep: return !s->regs.regs[1];
	case SYS_futex: return s->regs.regs[3] &&
		((s->regs.regs[1] & 127) == 0 || (s->regs.regs[1] & 127) == 9);
	default: return false;
	}
}

/*
 * Is it to go on for a moment, and then to be looked at again?  Twice is enough
 * for a sleep: one that is stopped as soon as it begins begins anew, and loses
 * nothing.
 */
static inline bool port_unclear(pid_t tid, const struct port_state *s)
{
	static pid_t last;
	static unsigned times;

	if (!s->in_call || !port_sleeps(s))
		return false;
	times = last == tid ? times + 1 : 1;
	last = tid;
	return times < 2;
}

static inline long port_restart_of(const struct port_state *s)
{
	switch ((long)s->regs.regs[8]) {
	case SYS_restart_syscall: return PORT_RESTART_BLOCK;
	case SYS_ppoll: case SYS_pselect6: case SYS_rt_sigsuspend:
	case SYS_clock_nanosleep: case SYS_epoll_pwait: case SYS_semtimedop:
	case SYS_semop: case SYS_rt_sigtimedwait: case SYS_io_getevents:
	case SYS_epoll_pwait2: return PORT_RESTARTNOHAND;
	default: return PORT_RESTARTSYS;
	}
}

/*
 * The frame: the kernel's struct rt_sigframe, a siginfo and a ucontext, in
 * which the vectors are the first record.  How many bytes, 0: there is no room.
 */
static inline size_t port_frame(const struct port_state *s, uint64_t mask,
				uint64_t at, uint8_t *frame, size_t room)
{
	enum { SIGINFO = 128 };
	ucontext_t uc;
	struct fpsimd_context v = {
		.head = { FPSIMD_MAGIC, sizeof(v) },
		.fpsr = s->vectors.fpsr, .fpcr = s->vectors.fpcr,
	};
	const size_t records = SIGINFO + offsetof(ucontext_t, uc_mcontext) +
			       offsetof(mcontext_t, __reserved);

	(void)at;
	if (SIGINFO + sizeof(uc) > room)
		return 0;
	memset(&uc, 0, sizeof(uc));
	memcpy(uc.uc_mcontext.regs, s->regs.regs, sizeof(s->regs.regs));
	uc.uc_mcontext.sp = s->regs.sp;
	uc.uc_mcontext.pc = s->regs.pc;
	uc.uc_mcontext.pstate = s->regs.pstate;
	/* No change: the kernel refuses these flags, and goes on. */
	uc.uc_stack.ss_flags = 0x7fff;
	memcpy(&uc.uc_sigmask, &mask, sizeof(mask));
	memcpy(v.vregs, s->vectors.vregs, sizeof(v.vregs));
	memset(frame, 0, SIGINFO);
	memcpy(frame + SIGINFO, &uc, sizeof(uc));
	memcpy(frame + records, &v, sizeof(v));	/* and at the end zeros */
	if (s->n_sve && !port_sve_record(s, frame + records + sizeof(v),
					 PORT_RECORDS))
		return 0;
	return SIGINFO + sizeof(uc);
}

/* To `entry`, its stack pointer at the frame. */
static inline bool port_put(pid_t tid, const struct port_state *s,
			    uint64_t entry, uint64_t frame)
{
	struct user_regs_struct r = s->regs;
	struct iovec regs = { &r, sizeof(r) };

	r.pc = entry;
	r.sp = frame;
	r.regs[28] = s->regs.regs[0];
	/* BTYPE, and a step that a debugger may have wanted. */
	r.pstate &= ~(UINT64_C(3) << 10 | UINT64_C(1) << 21);
	return !ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &regs);
}

static inline bool port_set_number(pid_t tid, long call)
{
	int number = (int)call;
	struct iovec all = { &number, sizeof(number) };

	return !ptrace(PTRACE_SETREGSET, tid, PORT_NUMBER, &all);
}

/*
 * The system call that is about to begin is another one, of no effect.  (Not
 * none at all: seccomp filters look at it now, and kill for what they do not
 * know.)
 */
static inline bool port_replace(pid_t tid, long call)
{
	return port_set_number(tid, call);
}

/* As it was; from the end of a system call. */
static inline bool port_restore(pid_t tid, struct port_state *s)
{
	struct user_regs_struct r = s->regs;
	struct iovec regs = { &r, sizeof(r) };
	struct iovec vectors = { &s->vectors, sizeof(s->vectors) };
	struct iovec sve = { s->sve, s->n_sve };

	if (s->in_call) {
		r.pc += 4;
		r.regs[0] = (uint64_t)port_restart_of(s);
	}
	return !ptrace(PTRACE_SETREGSET, tid, NT_PRFPREG, &vectors) &&
	       (!s->n_sve || !ptrace(PTRACE_SETREGSET, tid, PORT_SVE, &sve)) &&
	       port_set_number(tid, s->in_call ? (long)r.regs[8] : -1) &&
	       !ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &regs);
}

#endif
