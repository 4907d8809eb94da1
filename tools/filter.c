/* SPDX-License-Identifier: MIT */
/*
 * See filter.h.  A filter is a program of classic BPF (seccomp(2),
 * Documentation/ networking/filter.rst), which sees numbers and arguments of
 * system calls: here it is run on those that there will be.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tools/filter.h"

enum { FILTERS_MAX = 64, STEPS_MAX = BPF_MAXINSNS };

#define ANY	UINT64_C(0x7f0000001000)	/* an address */
#define CLONED	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
		 CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | \
		 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

struct call {
	const char *name;
	long number;
	uint64_t arguments[6];
};

#define CALL(name, ...)	{ #name, SYS_##name, { __VA_ARGS__ } }
#define PLAIN(name)	CALL(name, 0)

/* By the thread that is taken over, and by the one that serves (attach.c). */
static const struct call calls[] = {
	CALL(rt_sigprocmask, 2, ANY, 0, 8), PLAIN(getpid), PLAIN(rt_sigreturn),
	CALL(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	     0, ANY),
	CALL(mmap, 0, 65536, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0),
	CALL(mprotect, ANY, 16384, PROT_NONE),
	CALL(clone, CLONED, ANY, ANY, ANY, ANY),
	CALL(munmap, ANY, 65536), CALL(close, 3), PLAIN(exit),

	CALL(openat, (uint64_t)AT_FDCWD, ANY, O_RDONLY | O_CLOEXEC),
	CALL(openat, (uint64_t)AT_FDCWD, ANY, O_RDWR | O_CLOEXEC),
	CALL(read, 3, ANY, 4096), CALL(pwrite64, 3, ANY, 1, 4096),
	CALL(pread64, 3, ANY, 1, 4096), CALL(fcntl, 3, F_DUPFD_CLOEXEC, 900),
	CALL(fcntl, 3, F_GET_SEALS), CALL(fstat, 3, ANY),
	CALL(newfstatat, 3, ANY, ANY, AT_EMPTY_PATH),
	CALL(mmap, 0, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0),
	CALL(madvise, ANY, 4096, MADV_DONTNEED),
	CALL(recvmsg, 3, ANY, MSG_DONTWAIT | MSG_CMSG_CLOEXEC),
	CALL(sendto, 3, ANY, 240, MSG_DONTWAIT | MSG_NOSIGNAL),
	CALL(shutdown, 3, SHUT_RDWR), PLAIN(geteuid), PLAIN(gettid),
	CALL(tkill, 1, 0), CALL(membarrier, 1 << 3), CALL(membarrier, 1 << 4),
	CALL(membarrier, 1 << 5), CALL(membarrier, 1 << 6),
	CALL(futex, ANY, 128, 2), CALL(futex, ANY, 129, 1),
	CALL(nanosleep, ANY, 0), CALL(clock_gettime, 1, ANY),
	PLAIN(sched_yield),
#ifdef __x86_64__
	CALL(prctl, PR_GET_TSC, ANY),
#endif
#ifdef SYS_poll
	CALL(poll, ANY, 1, 200),
#endif
	CALL(ppoll, ANY, 1, ANY, 0, 8),
};

/* ---- running one --------------------------------------------------------- */

struct run {
	const struct sock_filter *at, *end;
	const struct seccomp_data *data;
	uint32_t a, x, memory[BPF_MEMWORDS];
};

static uint32_t arithmetic(uint16_t op, uint32_t a, uint32_t k)
{
	switch (op) {
	case BPF_ADD: return a + k;
	case BPF_SUB: return a - k;
	case BPF_MUL: return a * k;
	case BPF_DIV: return k ? a / k : 0;
	case BPF_OR: return a | k;
	case BPF_AND: return a & k;
	case BPF_XOR: return a ^ k;
	case BPF_LSH: return k < 32 ? a << k : 0;
	case BPF_RSH: return k < 32 ? a >> k : 0;
	case BPF_NEG: return -a;
	default: return a;
	}
}

static bool jumps(uint16_t op, uint32_t a, uint32_t k)
{
	return op == BPF_JEQ ? a == k : op == BPF_JGT ? a > k :
	       op == BPF_JGE ? a >= k : op == BPF_JSET && a & k;
}

static uint32_t load(const struct run *r, const struct sock_filter *f)
{
	uint32_t word = 0;

	switch (BPF_MODE(f->code)) {
	case BPF_ABS:
		if (f->k <= sizeof(*r->data) - 4)
			memcpy(&word, (const char *)r->data + f->k, 4);
		return word;
	case BPF_IMM: return f->k;
	case BPF_MEM: return f->k < BPF_MEMWORDS ? r->memory[f->k] : 0;
	default: return sizeof(*r->data);	/* BPF_LEN */
	}
}

/* A step.  True: *result is what it says. */
static bool step(struct run *r, uint32_t *result)
{
	const struct sock_filter *f = r->at++;
	uint32_t k = BPF_SRC(f->code) == BPF_X ? r->x : f->k;

	switch (BPF_CLASS(f->code)) {
	case BPF_LD: r->a = load(r, f); break;
	case BPF_LDX: r->x = load(r, f); break;
	case BPF_ST: case BPF_STX:
		if (f->k < BPF_MEMWORDS)
			r->memory[f->k] = BPF_CLASS(f->code) == BPF_ST ? r->a :
									 r->x;
		break;
	case BPF_ALU: r->a = arithmetic(BPF_OP(f->code), r->a, k); break;
	case BPF_JMP:
		r->at += BPF_OP(f->code) == BPF_JA ? f->k :
			 jumps(BPF_OP(f->code), r->a, k) ? f->jt : f->jf;
		break;
	case BPF_MISC:
		if (BPF_MISCOP(f->code) == BPF_TAX)
			r->x = r->a;
		else
			r->a = r->x;
		break;
	default:			/* BPF_RET */
		*result = BPF_RVAL(f->code) == BPF_A ? r->a : f->k;
		return true;
	}
	return false;
}

/* What it is not known to let pass it does not. */
static uint32_t run_filter(const struct sock_filter *program, size_t n,
			   const struct seccomp_data *data)
{
	struct run r = { .at = program, .end = program + n, .data = data };
	uint32_t result = SECCOMP_RET_KILL_PROCESS;

	for (unsigned i = 0; i < STEPS_MAX && r.at >= program && r.at < r.end;
	     i++)
		if (step(&r, &result))
			return result;
	return SECCOMP_RET_KILL_PROCESS;
}

/* ---- all ----------------------------------------------------------------- */

static const char *action(uint32_t result)
{
	switch (result & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_THREAD: case SECCOMP_RET_KILL_PROCESS:
		return "kills it";
	case SECCOMP_RET_TRAP: return "sends it a signal";
	case SECCOMP_RET_ERRNO: return "forbids it";
	case SECCOMP_RET_TRACE: case SECCOMP_RET_USER_NOTIF:
		return "asks somebody else";
	default: return NULL;
	}
}

static int allows(const struct sock_filter *program, size_t n, uint32_t audit,
		  char why[WHY_MAX])
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct seccomp_data data = {
			.nr = (int)calls[i].number, .arch = audit,
			.instruction_pointer = ANY,
		};
		const char *does;

		for (unsigned k = 0; k < 6; k++)
			data.args[k] = calls[i].arguments[k];
		does = action(run_filter(program, n, &data));
		if (does)
			return say(why, "a seccomp filter of it %s for %s(),"
				   " which attaching needs", does,
				   calls[i].name);
	}
	return 0;
}

/* Who may not see them may see that there are none. */
static bool has_none(pid_t tid)
{
	char path[64], line[128];
	bool none = false;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	status = fopen(path, "re");
	if (!status)
		return false;
	while (!none && fgets(line, sizeof(line), status))
		none = !strncmp(line, "Seccomp:\t0", strlen("Seccomp:\t0"));
	fclose(status);
	return none;
}

int filters_allow(pid_t tid, uint32_t audit, char why[WHY_MAX])
{
	static struct sock_filter program[BPF_MAXINSNS];

	for (unsigned i = 0; i < FILTERS_MAX; i++) {
		long n = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, i, program);

		if (n < 0 && (errno == ENOENT || errno == EINVAL))
			return 0;	/* that was the last, if any */
		if (n < 0 && !i && has_none(tid))
			return 0;
		if (n < 0)
			return say(why, "it has seccomp filters, and what they"
				   " forbid can't be seen: %s; expected to be"
				   " root (CAP_SYS_ADMIN), without filters of"
				   " one's own", strerror(errno));
		if (allows(program, (size_t)n, audit, why))
			return -1;
	}
	return say(why, "it has more than %d seccomp filters", FILTERS_MAX);
}
