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
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/replace.h"
#include "tools/side-jmp.h"

/* ---- bytes --------------------------------------------------------------------- */

enum { BLOCK = 4096 };

static bool write_at(int fd, const uint8_t *p, size_t n, size_t at)
{
	while (n) {
		ssize_t r = pwrite(fd, p, n, (off_t)at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		p += r;
		at += (size_t)r;
		n -= (size_t)r;
	}
	return true;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

/* From `at` to `end`, but for blocks that are zero. */
static bool write_blocks(int fd, const uint8_t *bytes, size_t at, size_t end)
{
	size_t from = at;

	for (size_t n; at < end; at += n) {
		n = end - at < BLOCK ? end - at : BLOCK;
		if (!is_zero(bytes + at, n))
			continue;
		if (!write_at(fd, bytes + from, at - from, from))
			return false;
		from = at + n;
	}
	return write_at(fd, bytes + from, end - from, from);
}

/* The file has holes: what of the copy was never written to is not looked at. */
static bool write_sparse(int fd, const struct snapshot *s)
{
	off_t at = 0, end = (off_t)s->size, hole;

	for (; at < end; at = hole) {
		hole = end;
		if (s->fd >= 0 && (at = lseek(s->fd, at, SEEK_DATA)) < 0)
			return errno == ENXIO;
		if (s->fd >= 0 && (hole = lseek(s->fd, at, SEEK_HOLE)) < 0)
			return false;
		if (!write_blocks(fd, s->bytes, (size_t)at, (size_t)hole))
			return false;
	}
	return true;
}

static bool write_bytes(int fd, const struct snapshot *s)
{
	bool sparse = s->st.st_blocks * 512 < s->st.st_size;

	return (sparse ? write_sparse(fd, s) :
			 write_at(fd, s->bytes, s->size, 0)) &&
	       !ftruncate(fd, (off_t)s->size);
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

/* ---- where to -------------------------------------------------------------------- */

/*
 * A name in a folder, which stays that folder whatever becomes of its own name.
 * Somebody else may be at work in it: what the name is has to be what it was.
 */
struct place {
	int folder;
	char name[NAME_MAX + 1];
	bool there;
	struct stat st;			/* if there */
};

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static const char *kind_of(const struct stat *st)
{
	return S_ISLNK(st->st_mode) ? "a symbolic link" :
	       S_ISDIR(st->st_mode) ? "a folder" :
	       S_ISFIFO(st->st_mode) ? "a FIFO" :
	       S_ISSOCK(st->st_mode) ? "a socket" : "a device";
}

static int look(struct place *p, char why[WHY_MAX])
{
	p->there = !fstatat(p->folder, p->name, &p->st, AT_SYMLINK_NOFOLLOW);
	if (!p->there && errno != ENOENT)
		return say(why, "%s", strerror(errno));
	return p->there && !S_ISREG(p->st.st_mode) ?
		say(why, "is %s, expected a regular file or none",
		    kind_of(&p->st)) : 0;
}

static int place_open(struct place *p, const char *path, char why[WHY_MAX])
{
	char *folder = tool_strdup(path), *name = tool_strdup(path);
	char *last = basename(name);
	int r = -1;

	p->folder = -1;
	snprintf(p->name, sizeof(p->name), "%s", last);
	if (strlen(last) > NAME_MAX)
		say(why, "%s", strerror(ENAMETOOLONG));
	else if ((p->folder = open(dirname(folder), O_RDONLY | O_DIRECTORY |
				   O_CLOEXEC)) < 0)
		say(why, "its folder can't be opened: %s", strerror(errno));
	else
		r = look(p, why);
	free(folder);
	free(name);
	return r;
}

/* As it was when it was looked at?  Otherwise says so. */
static bool is_untouched(const struct place *p, char why[WHY_MAX])
{
	struct place now = *p;

	if (look(&now, why))
		return false;
	if (now.there == p->there && (!now.there || is_same(&now.st, &p->st)))
		return true;
	say(why, "somebody else has replaced it meanwhile: it is left alone");
	return false;
}

/* ---- in one step ---------------------------------------------------------------- */

static int make_temporary(const struct place *p, char name[NAME_MAX + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	unsigned char random[6];
	int n, fd;

	do {
		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			return -1;
		n = snprintf(name, NAME_MAX + 1, "%s.", p->name);
		if (n + (int)sizeof(random) > NAME_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		for (size_t i = 0; i < sizeof(random); i++)
			name[n++] = letters[random[i] % 32];
		name[n] = '\0';
		fd = openat(p->folder, name, O_WRONLY | O_CREAT | O_EXCL |
			    O_NOFOLLOW | O_CLOEXEC, 0600);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

static int fill(int fd, const struct image *im, char why[WHY_MAX])
{
	bool ok = write_bytes(fd, im->file) &&
		  copy_status(im->path, im->file->file, fd) && !fsync(fd);

	if (close(fd) || !ok)
		return say(why, "can't write it, it is as it was: %s",
			   strerror(errno));
	return 0;
}

static int replace(const struct image *im, const struct place *p,
		   char why[WHY_MAX])
{
	char temporary[NAME_MAX + 1];
	int fd = make_temporary(p, temporary), r;

	if (fd < 0)
		return say(why, "can't make a file beside it: %s",
			   strerror(errno));
	r = fill(fd, im, why);
	if (!r && !is_untouched(p, why))
		r = -1;
	if (!r && !snapshot_is_current(im->file))
		r = say(why, "was changed while it was prepared: it is as it"
			" is");
	if (!r && renameat(p->folder, temporary, p->folder, p->name))
		r = say(why, "can't replace it, it is as it was: %s",
			strerror(errno));
	if (r)
		unlinkat(p->folder, temporary, 0);
	else if (fsync(p->folder))
		r = say(why, "written, but its folder may not be on disk yet:"
			" %s", strerror(errno));
	return r;
}

/* Where it was read from: behind a symbolic link is the file that is meant. */
static int place_of(const struct image *im, struct place *p, char why[WHY_MAX])
{
	char real[PATH_MAX];

	p->folder = -1;
	if (!realpath(im->path, real))
		return say(why, "%s", strerror(errno));
	if (place_open(p, real, why))
		return -1;
	return p->there && is_same(&p->st, &im->file->st) ? 0 :
		say(why, "its name is another file's by now: it is left alone");
}

int replace_file(const struct image *im, const char *to, char why[WHY_MAX])
{
	sigset_t all, old;
	struct place p;
	int r;

	sigfillset(&all);	/* no signal leaves a half-written file behind */
	sigprocmask(SIG_BLOCK, &all, &old);
	r = to ? place_open(&p, to, why) : place_of(im, &p, why);
	if (!r)
		r = replace(im, &p, why);
	if (p.folder >= 0)
		close(p.folder);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
