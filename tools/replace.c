/* SPDX-License-Identifier: MIT */
/* See replace.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/replace.h"
#include "tools/side-jmp.h"

/* ---- bytes --------------------------------------------------------------------- */

static bool write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t r = write(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

/* ---- what belongs to a file beside its bytes ------------------------------------ */

/* These sign the bytes that were there: they would only accuse the new ones. */
static bool is_signature(const char *name)
{
	return !strcmp(name, "security.ima") || !strcmp(name, "security.evm");
}

static bool copy_attribute(int from, int to, const char *name)
{
	char value[65536];
	ssize_t n = fgetxattr(from, name, value, sizeof(value));

	return n >= 0 && !fsetxattr(to, name, value, (size_t)n, 0);
}

static void copy_attributes(const char *path, int from, int to)
{
	static char names[65536];	/* XATTR_LIST_MAX */
	ssize_t n = flistxattr(from, names, sizeof(names));

	for (const char *p = names; n > 0 && p < names + n; p += strlen(p) + 1)
		if (is_signature(p))
			tool_warn(path, "%s is of the old bytes and was left"
				  " out: sign the file again", p);
		else if (!copy_attribute(from, to, p))
			tool_warn(path, "can't keep the attribute %s: %s", p,
				  strerror(errno));
}

/*
 * Owner before mode and attributes: a change of owner takes setuid bits and
 * capabilities away.  Who may not give the file away must not pass on what
 * runs as its owner.
 */
static bool copy_status(const char *path, int from, int to)
{
	struct stat st;
	mode_t mode;

	if (fstat(from, &st))
		return false;
	mode = st.st_mode & 07777;
	if (fchown(to, st.st_uid, st.st_gid)) {
		tool_warn(path, "can't keep its owner: %s", strerror(errno));
		mode &= 01777;
	}
	if (st.st_nlink > 1)
		tool_warn(path, "has %lu names; the others keep the old file",
			  (unsigned long)st.st_nlink);
	if (fchmod(to, mode))
		return false;
	copy_attributes(path, from, to);
	return true;
}

/* ---- in one step ---------------------------------------------------------------- */

static bool sync_folder(const char *path)
{
	char *copy = tool_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && !fsync(fd);

	if (fd >= 0)
		close(fd);
	free(copy);
	return ok;
}

static bool fill(int fd, const struct image *im)
{
	int from = open(im->path, O_RDONLY | O_CLOEXEC);
	bool ok = from >= 0 && write_all(fd, im->bytes, im->size) &&
		  copy_status(im->path, from, fd) && !fsync(fd);
	int saved = errno;

	if (from >= 0)
		close(from);
	errno = saved;
	return ok;
}

static int replace(const struct image *im, const char *to, char why[WHY_MAX])
{
	char temporary[PATH_MAX + 16];
	bool ok;
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", to);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return say(why, "can't make a file beside it: %s",
			   strerror(errno));
	ok = fill(fd, im);
	if (close(fd))
		ok = false;
	if (ok && !rename(temporary, to))
		return sync_folder(to) ? 0 :
		       say(why, "written, but its folder may not be on disk"
			   " yet: %s", strerror(errno));
	say(why, "can't write it, it is as it was: %s", strerror(errno));
	unlink(temporary);
	return -1;
}

int replace_file(const struct image *im, const char *to, char why[WHY_MAX])
{
	char real[PATH_MAX];
	sigset_t all, old;
	int r;

	/* Behind a symbolic link is the file that is meant. */
	if (!to && !realpath(im->path, real))
		return say(why, "%s", strerror(errno));
	if (to && strlen(to) >= sizeof(real))
		return say(why, "%s", strerror(ENAMETOOLONG));
	if (to && !realpath(to, real))
		strcpy(real, to);
	sigfillset(&all);	/* no signal leaves a half-written file behind */
	sigprocmask(SIG_BLOCK, &all, &old);
	r = replace(im, real, why);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
