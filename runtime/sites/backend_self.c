/* SPDX-License-Identifier: MIT */
/*
 * The back end that patches this very process: stores through /proc/.../mem,
 * core synchronization by membarrier.  Owns the decision whether that works
 * here.  Knows nothing of keys and tables.
 *
 * The kernel makes such a store to a private mapping of a file, read-only and
 * executable as it is (FOLL_FORCE, proc(5)): no mapping is ever writable and
 * executable, and nothing has to be protected back.
 *
 * By the name of the thread, /proc/thread-self: /proc/self is the process's
 * first thread, and when that has called pthread_exit() there is nothing behind
 * it any more.
 *
 * All of it runs under sj_patch_lock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/sites/sites.h"

/* Newer than some libc's headers: prctl(2), madvise(2). */
#ifndef PR_GET_MDWE
#define PR_GET_MDWE			66
#define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED		24
#endif

uint64_t sj_self_syncs;			/* sj_patch_lock */

static long self_call(long r)
{
	return r < 0 ? -errno : r;
}

/*
 * The descriptor belongs to the address space that opened it (proc(5)), so it
 * is opened for each batch: one kept over fork() would write to the parent.
 * Raw system calls, because libc's are cancellation points.
 */
int sj_self_open(void)
{
	return (int)self_call(syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/mem",
				O_RDWR | O_CLOEXEC));
}

void sj_self_close(int fd)
{
	syscall(SYS_close, fd);
}

int sj_self_write(int fd, uintptr_t at, const void *bytes, size_t len)
{
	long r = self_call(syscall(SYS_pwrite64, fd, bytes, len, (off_t)at));

	if (r >= 0 && (size_t)r != len)
		r = -EIO;
	return r < 0 ? (int)r : 0;
}

/*
 * Returns once every thread of the process has executed a core serializing
 * instruction (membarrier(2), PRIVATE_EXPEDITED_SYNC_CORE).
 */
int sj_self_sync(void)
{
	int r = sj_membarrier_registered(SJ_MEMBARRIER_SYNC_CORE,
					 SJ_MEMBARRIER_REGISTER_SYNC_CORE);

	if (!r)
		sj_self_syncs++;
	return r;
}

/*
 * Is the page of a private mapping of a file, so that dropping it brings the
 * file's bytes back?  Asked without /proc, which may be out of reach:
 * MADV_WIPEONFORK is for private anonymous memory alone and refuses all else
 * with EINVAL, before it changes anything (madvise(2); Linux 4.14, older than
 * the membarrier this back end needs).  Memory shared with a file never held
 * a patch: the kernel does not let text in it be written.
 */
static bool page_is_of_file(uintptr_t page)
{
	int r = madvise((void *)page, sj_page_size(), MADV_WIPEONFORK);

	if (r == 0)
		madvise((void *)page, sj_page_size(), MADV_KEEPONFORK);
	return r != 0 && errno == EINVAL;
}

int sj_self_drop(uintptr_t page, bool textrel)
{
	int saved = errno, r = -ENOTSUP;

	if (!textrel && page_is_of_file(page)) {
		r = madvise((void *)page, sj_page_size(), MADV_DONTNEED);
		if (r && errno == EINVAL)	/* mlocked */
			r = madvise((void *)page, sj_page_size(),
				    MADV_DONTNEED_LOCKED);
		r = r ? -errno : 0;
	}
	errno = saved;
	return r;
}

/* ---- does it work here? ------------------------------------------------- */

static int self_probe_write(int fd, const struct side_jmp_insn *insn,
		       enum side_jmp_state to)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	unsigned off = arch->patch_offset(insn);
	int r;

	if (!arch->encode(insn, to, bytes))
		return -EILSEQ;
	r = sj_self_write(fd, (uintptr_t)insn->site + off, bytes + off,
		       arch->patch_len);
	return r ? r : sj_self_sync();
}

/*
 * Under a translator that presents addresses other than the real ones, a
 * write through /proc would land somewhere else: what the descriptor reads
 * has to be what is there.
 */
static bool sees_our_memory(int fd, const struct side_jmp_insn *insn)
{
	uint8_t bytes[SIDE_JMP_INSN_MAX];

	return self_call(syscall(SYS_pread64, fd, bytes, sizeof(bytes),
			   (off_t)insn->site)) == sizeof(bytes) &&
	       !memcmp(bytes, (void *)(uintptr_t)insn->site, sizeof(bytes));
}

/*
 * Run it as it is, idle, and armed again.  One call, through a pointer that
 * the compiler can't see through: a translator that follows direct calls (as
 * valgrind does) would translate the probe anew for each place it is called
 * from, and see the patches that it misses everywhere else.
 */
static int self_run_probe(int fd, const struct side_jmp_insn *insn)
{
	static const enum side_jmp_state then[] = {
		SIDE_JMP_IDLE, SIDE_JMP_ARMED,
	};
	int (*volatile run)(void) = sj_probe;
	int r, wrong = 0;

	for (unsigned i = 0; ; i++) {
		wrong |= run() != (sj_insn_state(insn) == SIDE_JMP_ARMED);
		if (i == 2)
			return wrong ? -ENOEXEC : 0;
		r = self_probe_write(fd, insn, then[i]);
		if (r || sj_insn_state(insn) != then[i])
			return r ? r : -EIO;
	}
}

static int self_trial(void)
{
	struct side_jmp_insn insn;
	uint32_t *word;
	int fd = sj_self_open(), r = -EFAULT;

	if (fd < 0)
		return fd;
	sj_record_insn(sj_probe_record(&word), &insn);
	if (sees_our_memory(fd, &insn))
		r = sj_insn_state(&insn) == SIDE_JMP_ARMED ?
			self_run_probe(fd, &insn) : -EILSEQ;
	sj_self_close(fd);
	return r;
}

static int register_membarrier(void)
{
	long have = sj_membarrier(SJ_MEMBARRIER_QUERY);

	if (have < 0)
		return (int)have;
	if (!(have & SJ_MEMBARRIER_SYNC_CORE))
		return -EOPNOTSUPP;
	return (int)sj_membarrier(SJ_MEMBARRIER_REGISTER_SYNC_CORE);
}

/* What forbids it, before anything is tried; or NULL. */
static const char *forbidden(bool forced)
{
	const char *off = side_jmp_arch_host()->self_off;

	if (off && !forced)
		return off;
	if (prctl(PR_GET_MDWE, 0, 0, 0, 0) > 0)
		return "the process refuses changes of executable memory"
		       " (PR_SET_MDWE)";
	if (prctl(SJ_PR_GET_CODE_INTEGRITY, 0, 0, 0, 0) > 0)
		return "the process refuses patching (PR_SET_CODE_INTEGRITY)";
	return NULL;
}

int sj_self_probe(bool forced, const char **why)
{
	int r;

	*why = forbidden(forced);
	if (*why)
		return -ECANCELED;
	*why = "the kernel has no membarrier(PRIVATE_EXPEDITED_SYNC_CORE)";
	r = register_membarrier();
	if (r)
		return r == -ENOSYS ? -EOPNOTSUPP : r;
	r = self_trial();
	*why = r == -ENOEXEC || r == -EFAULT ? "patched code is not what runs"
	       " (under valgrind, qemu-user or the like?)" :
	       r ? "a trial patch through /proc/self/mem failed" :
	       forced ? "asked for by SIDE_JMP_BACKEND; a trial patch worked" :
	       "a trial patch through /proc/self/mem worked";
	return r == -ENOEXEC || r == -EFAULT ? -ECANCELED :
	       r == -ENOSYS ? -EOPNOTSUPP : r;
}
