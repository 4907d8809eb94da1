/* SPDX-License-Identifier: MIT */
/* Descriptors of ours in a process that is somebody else's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/base.h"

int sj_file_aside(int fd)
{
	int high = fd >= SJ_FILE_ASIDE_OF_FEW ? -1 :
		   fcntl(fd, F_DUPFD_CLOEXEC, SJ_FILE_ASIDE);

	if (high < 0 && fd < SJ_FILE_ASIDE_OF_FEW)
		high = fcntl(fd, F_DUPFD_CLOEXEC, SJ_FILE_ASIDE_OF_FEW);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

int sj_file_make_folders(const char *path)
{
	char folder[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, n + 1);
	for (size_t i = 1; i < n; i++) {
		if (folder[i] != '/')
			continue;
		folder[i] = '\0';
		if (mkdir(folder, 0777) && errno != EEXIST)
			return -errno;
		folder[i] = '/';
	}
	return 0;
}

void sj_file_from_root(const char *name, char *path, size_t size)
{
	size_t at = 0, n = strlen(name);

	path[0] = '\0';
	if (n >= size)
		return;
	if (*name != '/') {
		if (!getcwd(path, size - n - 1))
			return;
		at = strlen(path);
		path[at++] = '/';
	}
	memcpy(path + at, name, n + 1);
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
	int why;

	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	sigaddset(&ours, SIGXFSZ);
	sigemptyset(&pending);
	pthread_sigmask(SIG_BLOCK, &ours, &old);
	if (sigismember(&old, SIGPIPE) || sigismember(&old, SIGXFSZ))
		sigpending(&pending);
	done = sj_file_write(fd, bytes, n);
	why = errno;
	if (sigismember(&pending, SIGPIPE))	/* that one is the program's */
		sigdelset(&ours, SIGPIPE);
	if (sigismember(&pending, SIGXFSZ))
		sigdelset(&ours, SIGXFSZ);
	if (done != (long)n)
		syscall(SYS_rt_sigtimedwait, &ours, NULL, &now,
			sizeof(sigmask_t));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = why;			/* no signal was there: EAGAIN */
	return done;
}
