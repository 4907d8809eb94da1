/* SPDX-License-Identifier: MIT */
/*
 * Linked into guests with --wrap=sj_self_write: make every write to text
 * twice, for the emulator's sake.
 *
 * QEMU 10 drops its translations of the bytes that a store changes *before*
 * the store (accel/tcg/cputlb.c: notdirty_write() is done with its lock when
 * the helper goes on to store).  Another virtual CPU that needs them in between
 * translates the old bytes again and keeps that for good: a stale instruction
 * that no synchronization brings up to date, as no machine has.  It shows with
 * thread=multi alone (up to 14 % of what the threads checked; single: none).
 *
 * After the first write the bytes in memory are new, and after the interrupt
 * that membarrier sends, no other virtual CPU is in the middle of translating
 * what was there before.  The second write changes nothing but drops such
 * translations.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

int __real_sj_self_write(int fd, uintptr_t at, const void *bytes, size_t len);
int __wrap_sj_self_write(int fd, uintptr_t at, const void *bytes, size_t len);

int __wrap_sj_self_write(int fd, uintptr_t at, const void *bytes, size_t len)
{
	int r = __real_sj_self_write(fd, at, bytes, len);

	if (r)
		return r;
	syscall(SYS_membarrier, 1 << 5 /* PRIVATE_EXPEDITED_SYNC_CORE */, 0, 0);
	return __real_sj_self_write(fd, at, bytes, len);
}
