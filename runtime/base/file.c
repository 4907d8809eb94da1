/* SPDX-License-Identifier: MIT */
/* Descriptors of ours in a process that is somebody else's. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/base.h"

enum { FILE_ASIDE = 200 };

int sj_file_aside(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FILE_ASIDE);

	if (high < 0)
		return fd;
	close(fd);
	return high;
}

bool sj_file_note(int fd, struct sj_file *file)
{
	struct stat now;

	if (fstat(fd, &now))
		return false;
	*file = (struct sj_file){ now.st_dev, now.st_ino };
	return true;
}

bool sj_file_still(int fd, const struct sj_file *file)
{
	struct sj_file now;

	return sj_file_note(fd, &now) && now.device == file->device &&
	       now.inode == file->inode;
}

long sj_file_write(int fd, const void *bytes, size_t n)
{
	return syscall(SYS_write, fd, bytes, n);
}

/*
 * A pipe whose reader has gone sends SIGPIPE, and a file that has reached
 * RLIMIT_FSIZE SIGXFSZ, which is not for the program: it did not write.
 */
long sj_file_write_quietly(int fd, const void *bytes, size_t n)
{
	struct timespec now = { 0, 0 };
	sigset_t ours, pending, old;
	long done;

	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	sigaddset(&ours, SIGXFSZ);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &ours, &old);
	done = sj_file_write(fd, bytes, n);
	if (sigismember(&pending, SIGPIPE))	/* that one is the program's */
		sigdelset(&ours, SIGPIPE);
	if (sigismember(&pending, SIGXFSZ))
		sigdelset(&ours, SIGXFSZ);
	if (done != (long)n)
		syscall(SYS_rt_sigtimedwait, &ours, NULL, &now,
			sizeof(sigmask_t));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return done;
}
