/* SPDX-License-Identifier: MIT */
/* A ring of io_uring(7) for one read, by system calls alone. */
#ifndef TESTS_CONTROL_URING_H
#define TESTS_CONTROL_URING_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct uring {
	int fd;
	uint32_t *done;			/* how many have completed */
};

/* With one read of a byte in it, to be submitted.  False: there are no rings. */
static bool uring_of_read(struct uring *u, int from, char *to)
{
	struct io_uring_params p = { 0 };
	struct io_uring_sqe *sqe;
	size_t size;
	char *at;

	u->fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	if (u->fd < 0)
		return false;
	size = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
	if (size < p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe))
		size = p.cq_off.cqes +
		       p.cq_entries * sizeof(struct io_uring_cqe);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd,
		  IORING_OFF_SQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE,
		   MAP_SHARED, u->fd, IORING_OFF_SQES);
	if (!(p.features & IORING_FEAT_SINGLE_MMAP) || at == MAP_FAILED ||
	    sqe == MAP_FAILED)
		return false;
	*sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .fd = from,
		.addr = (uint64_t)(uintptr_t)to, .len = 1,
	};
	*(uint32_t *)(at + p.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(at + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	u->done = (uint32_t *)(at + p.cq_off.tail);
	return true;
}

static long uring_enter(const struct uring *u, unsigned submit, unsigned wait)
{
	return syscall(SYS_io_uring_enter, u->fd, submit, wait,
		       wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

#endif
