/* SPDX-License-Identifier: MIT */
/* See snapshot.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tools/snapshot.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	8U
#endif

int snapshot_open_regular(const char *path)
{
	struct stat st;
	int fd;

	/* A device may not like to be opened. */
	if (stat(path, &st))
		return -1;
	fd = S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
					O_NONBLOCK) : -1;
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
	}
	if (fd < 0 && !S_ISREG(st.st_mode))
		errno = ESPIPE;
	return fd;
}

/* -1: there is none; a limit on the size of files is one for this, too. */
static int memory_file(size_t size)
{
	struct rlimit limit;
	int fd = -1;

	if (!getrlimit(RLIMIT_FSIZE, &limit) && size <= limit.rlim_cur) {
		fd = memfd_create("side-jmp", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
		if (fd < 0 && errno == EINVAL)	/* before Linux 6.3 */
			fd = memfd_create("side-jmp", MFD_CLOEXEC);
	}
	if (fd >= 0 && ftruncate(fd, (off_t)size)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What is not written to takes no memory and is zero. */
static int make_room(struct snapshot *s, char why[WHY_MAX])
{
	s->fd = memory_file(s->size);
	s->bytes = mmap(NULL, s->size, PROT_READ | PROT_WRITE, s->fd < 0 ?
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE :
			MAP_SHARED, s->fd, 0);
	if (s->bytes != MAP_FAILED)
		return 0;
	s->bytes = NULL;
	return say(why, "its %zu bytes can't be copied into memory: %s",
		   s->size, strerror(errno));
}

static int became_shorter(const struct snapshot *s, size_t size,
			  char why[WHY_MAX])
{
	return say(why, "it became shorter while it was read: %zu bytes,"
		   " expected %zu", size, s->size);
}

static int read_range(struct snapshot *s, size_t at, size_t end,
		      char why[WHY_MAX])
{
	while (at < end) {
		ssize_t n = pread(s->file, s->bytes + at, end - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return say(why, "%s", strerror(errno));
		if (!n)
			return became_shorter(s, at, why);
		at += (size_t)n;
	}
	return 0;
}

/* The ranges that are no holes, where the file system tells. */
static int read_data(struct snapshot *s, char why[WHY_MAX])
{
	size_t at = 0, end;

	while (at < s->size) {
		off_t data = lseek(s->file, (off_t)at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			return 0;
		at = data < 0 ? at : (size_t)data;
		hole = data < 0 ? -1 : lseek(s->file, data, SEEK_HOLE);
		end = hole > 0 && (size_t)hole < s->size ? (size_t)hole :
							   s->size;
		if (at < s->size && read_range(s, at, end, why))
			return -1;
		at = end;
	}
	return 0;
}

/* What is beyond its end looks like a hole. */
static int check_size(const struct snapshot *s, char why[WHY_MAX])
{
	struct stat now;

	if (fstat(s->file, &now))
		return say(why, "%s", strerror(errno));
	return now.st_size >= s->st.st_size ? 0 :
	       became_shorter(s, (size_t)now.st_size, why);
}

/* Half of the machine's memory is not taken for a file. */
static bool is_too_large(const struct stat *st)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) *
			  (uint64_t)sysconf(_SC_PAGESIZE);

	return (uint64_t)st->st_blocks * 512 > memory / 2;
}

int snapshot_of(struct snapshot *s, int file, char why[WHY_MAX])
{
	int r = -1;

	*s = (struct snapshot){ .file = file, .fd = -1 };
	if (fstat(file, &s->st))
		say(why, "%s", strerror(errno));
	else if (s->st.st_size <= 0)
		say(why, "not an ELF file: it is empty");
	else if (is_too_large(&s->st))
		say(why, "%lld bytes are too many: a file is read into memory,"
		    " of which it may take half",
		    (long long)s->st.st_blocks * 512);
	else
		r = 0;
	s->size = (size_t)s->st.st_size;
	if (!r && !make_room(s, why) && !read_data(s, why) &&
	    !check_size(s, why))
		return 0;
	snapshot_close(s);
	return -1;
}

int snapshot_open(struct snapshot *s, const char *path, char why[WHY_MAX])
{
	int file = snapshot_open_regular(path);

	if (file < 0)
		return errno == ESPIPE ? say(why, "not a regular file") :
					 say(why, "%s", strerror(errno));
	return snapshot_of(s, file, why);
}

void snapshot_close(struct snapshot *s)
{
	if (s->bytes)
		munmap(s->bytes, s->size);
	if (s->fd >= 0)
		close(s->fd);
	close(s->file);
	*s = (struct snapshot){ .file = -1, .fd = -1 };
}

bool snapshot_is_current(const struct snapshot *s)
{
	struct stat now;

	return !fstat(s->file, &now) && now.st_size == s->st.st_size &&
	       now.st_mtim.tv_sec == s->st.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == s->st.st_mtim.tv_nsec &&
	       now.st_ctim.tv_sec == s->st.st_ctim.tv_sec &&
	       now.st_ctim.tv_nsec == s->st.st_ctim.tv_nsec;
}
