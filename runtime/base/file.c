/* SPDX-License-Identifier: MIT */
/* Descriptors of ours in a process that is somebody else's. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/base.h"

enum { ASIDE = 200 };

int sj_file_aside(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, ASIDE);

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
