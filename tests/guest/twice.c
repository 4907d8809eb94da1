/* SPDX-License-Identifier: MIT */
/*
 * Linked into what runs in guests, or into their library, with
 * --wrap=sj_self_write,--wrap=sj_self_sync: make every write to text twice, for
 * the emulator's sake.
 *
 * QEMU 10 drops its translations of the bytes that a store changes *before*
 * the store (accel/tcg/cputlb.c: notdirty_write() is done with its lock when
 * the helper goes on to store).  Another virtual CPU that needs them in between
 * translates the old bytes again and keeps that for good: a stale instruction
 * that no synchronization brings up to date, as no machine has.  It shows with
 * thread=multi alone (up to 14 % of what the threads checked; single: none).
 *
 * After the first writes the bytes in memory are new, and after the interrupt
 * that membarrier sends, no other virtual CPU is in the middle of translating
 * what was there before.  The second writes change nothing but drop such
 * translations.  All of a batch at once, before its synchronization, so that a
 * flip takes two interrupts however many sites it has.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

int sj_self_open(void);
void sj_self_close(int fd);
int __real_sj_self_write(int fd, uintptr_t at, const void *bytes, size_t len);
int __wrap_sj_self_write(int fd, uintptr_t at, const void *bytes, size_t len);
int __real_sj_self_sync(void);
int __wrap_sj_self_sync(void);

enum { WRITES = 1024, LONGEST = 4096 };

/* Since the last synchronization.  The library's patch lock. */
static struct {
	uintptr_t at;
	size_t len;
} written[WRITES];
static size_t n_written;

static void interrupt_all(void)
{
	syscall(SYS_membarrier, 1 << 5 /* PRIVATE_EXPEDITED_SYNC_CORE */, 0, 0);
}

/*
 * What stands there, once more.  Between two slices of a walk, a library may
 * have been unloaded: nothing stands there any more.
 */
static void write_again(void)
{
	unsigned char bytes[LONGEST];
	int fd = sj_self_open();

	for (size_t i = 0; fd >= 0 && i < n_written; i++)
		if (syscall(SYS_pread64, fd, bytes, written[i].len,
			    (off_t)written[i].at) == (long)written[i].len)
			(void)__real_sj_self_write(fd, written[i].at, bytes,
						   written[i].len);
	if (fd >= 0)
		sj_self_close(fd);
	n_written = 0;
}

int __wrap_sj_self_write(int fd, uintptr_t at, const void *bytes, size_t len)
{
	int r = __real_sj_self_write(fd, at, bytes, len);

	if (r)
		return r;
	if (n_written == WRITES) {
		interrupt_all();
		write_again();
	}
	if (len <= LONGEST) {
		written[n_written].at = at;
		written[n_written++].len = len;
		return 0;
	}
	interrupt_all();
	return __real_sj_self_write(fd, at, bytes, len);
}

int __wrap_sj_self_sync(void)
{
	if (n_written) {
		interrupt_all();
		write_again();
	}
	return __real_sj_self_sync();
}
