/* SPDX-License-Identifier: MIT */
/*
 * The back end that has the kernel patch: the system call code_patch().  Owns
 * the call and the decision whether it works here.  Knows nothing of keys.
 *
 * The kernel reads the records (struct side_jmp_record is its struct
 * code_patch_record) and the words by itself, and it patches on its own
 * account, too, when it changes the word of a user_event.  It lists tables per
 * address space, and duplicates them on fork().
 *
 * Source of all numbers: include/uapi/linux/code_patch.h, which
 * kernel-patches/ adds, and Documentation/userspace-api/code_patch.rst there.
 *
 * Trials run under sj_patch_lock, the others without: the kernel has locks of
 * its own, and a large table takes its time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/sites/sites.h"

uint64_t sj_code_patch_writes, sj_code_patch_syncs;

enum { SYS_CODE_PATCH = 480 };
enum { REGISTER = 0, UNREGISTER = 1, SYNC = 2 };

#ifdef SIDE_JMP_INJECT
/* A test's stand-in for the system call: 0 or -errno. */
long side_jmp_inject_code_patch(unsigned op, struct sj_code_patch_args *args,
				size_t size, unsigned flags)
	__attribute__((weak));
#endif

static long code_patch(unsigned op, struct sj_code_patch_args *args)
{
	long r;

#ifdef SIDE_JMP_INJECT
	if (side_jmp_inject_code_patch)
		return side_jmp_inject_code_patch(op, args, sizeof(*args), 0);
#endif
	r = syscall(SYS_CODE_PATCH, op, args, sizeof(*args), 0);
	return r < 0 ? -errno : r;
}

static int code_patch_call(unsigned op, const void *addr, size_t len)
{
	struct sj_code_patch_args args = {
		.addr = (uintptr_t)addr, .len = len, .pidfd = -1,
	};
	int r;

	/* A page of text was on the move: "try again" */
	for (int tries = 0; ; tries++) {
		r = (int)code_patch(op, &args);
		if (r != -EAGAIN || tries == 10)
			break;
	}
	if (!r && args.patched) {
		__atomic_fetch_add(&sj_code_patch_writes, args.patched,
				   __ATOMIC_RELAXED);
		__atomic_fetch_add(&sj_code_patch_syncs, 1, __ATOMIC_RELAXED);
	}
	return r;
}

int sj_code_patch_register(const struct side_jmp_record *start, size_t n)
{
	return code_patch_call(REGISTER, start, n * sizeof(*start));
}

int sj_code_patch_unregister(const struct side_jmp_record *start, size_t n)
{
	return code_patch_call(UNREGISTER, start, n * sizeof(*start));
}

int sj_code_patch_sync(const uint64_t words[], size_t n)
{
	return code_patch_call(SYNC, words, n);
}

/* ---- does it work here? ------------------------------------------------- */

/*
 * Register the probe, and have it armed again: a translator that passes the
 * call on would go on running what it translated before.  One call, through a
 * pointer, for the reason in backend_self.c.
 */
static int code_patch_run_probe(const struct side_jmp_record *record, uint32_t *word)
{
	int (*volatile run)(void) = sj_probe;
	uint64_t key = (uintptr_t)word;
	int r = 0, wrong = 0;

	for (unsigned i = 0; ; i++) {
		/* armed, idle, armed */
		wrong |= run() != (i != 1);
		if (i == 2)
			return wrong ? -ENOEXEC : 0;
		if (i == 0)
			r = sj_code_patch_register(record, 1);
		__atomic_store_n(word, i, __ATOMIC_SEQ_CST);
		if (i == 1)
			r = sj_code_patch_sync(&key, 1);
		if (r)
			return r;
	}
}

/*
 * The prctl came with the call.  It is asked first because every kernel and
 * every translator answers it (EINVAL: there is no such thing), where valgrind
 * has a lot to say about a call that it does not know.
 */
static int ask_first(void)
{
	int r;

#ifdef SIDE_JMP_INJECT
	if (side_jmp_inject_code_patch)
		return 0;
#endif
	r = prctl(SJ_PR_GET_CODE_INTEGRITY, 0, 0, 0, 0);
	if (r > 0)
		return -EPERM;
	return !r ? 0 : errno == EINVAL ? -ENOSYS : -errno;
}

/* What the answer is does not matter yet. */
bool sj_code_patch_known(void)
{
	return ask_first() != -ENOSYS;
}

static int code_patch_trial(void)
{
	const struct side_jmp_record *record;
	uint32_t *word;
	int r = ask_first(), left;

	if (r)
		return r;
	record = sj_probe_record(&word);
	r = code_patch_run_probe(record, word);
	if (r == -ENOSYS)
		return r;
	left = sj_code_patch_unregister(record, 1);
	__atomic_store_n(word, 0, __ATOMIC_SEQ_CST);
	/* EINVAL: what was refused above is not there */
	return r ? r : left;
}

/* Only a kernel without the call (ENOSYS) leaves it to others. */
int sj_code_patch_probe(bool forced, const char **why)
{
	int r = code_patch_trial();

	(void)forced;
	*why = !r ? "a trial patch by the kernel's code_patch() worked" :
	       r == -ENOSYS ? "SIDE_JMP_BACKEND=kernel, and this kernel has no"
			      " code_patch()" :
	       r == -ENOEXEC ? "code that the kernel patched is not what runs" :
	       r == -EPERM ? "the kernel refuses to patch this process"
			     " (integrity mode, MDWE or a security module)" :
	       "a trial patch by the kernel's code_patch() failed";
	return r == -ENOEXEC || r == -EPERM ? -ECANCELED : r;
}
