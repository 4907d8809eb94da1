// SPDX-License-Identifier: MIT
/*
 * silent FILE FOLDER: a file system in user space, mounted on that folder, which has
 * two files, `file` and `unread`: the same as that one.  Says "here".  After SIGUSR1 it reads what
 * is asked of it, and never answers any more: then not even SIGKILL ends who asked.
 * Root's; the mount goes with this process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THE_FILE = FUSE_ROOT_ID + 1, UNREAD, BIG = 1 << 20 };

static volatile sig_atomic_t silent;
static int fuse, file;

static void on_usr1(int sig)
{
	(void)sig;
	silent = 1;
}

static void answer(const struct fuse_in_header *in, int error, const void *what,
		   size_t n)
{
	static char all[sizeof(struct fuse_out_header) + BIG];
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + n), .error = -error,
		.unique = in->unique,
	};

	memcpy(all, &out, sizeof(out));
	if (n)
		memcpy(all + sizeof(out), what, n);
	if (!silent && write(fuse, all, out.len) < 0 && errno != ENOENT)
		exit(1);
}

/* Nothing of it is valid any longer than this. */
static struct fuse_attr attributes(uint64_t node)
{
	struct fuse_attr a = { .ino = node, .mode = S_IFDIR | 0755, .nlink = 2 };
	struct stat st;

	if (node != FUSE_ROOT_ID && !fstat(file, &st)) {
		a.mode = S_IFREG | 0755;
		a.size = (uint64_t)st.st_size;
		a.blocks = (a.size + 511) / 512;
		a.nlink = 1;
	}
	return a;
}

static void begin(const struct fuse_in_header *in, const void *rest)
{
	const struct fuse_init_in *wanted = rest;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = wanted->max_readahead, .max_write = 65536,
		.time_gran = 1,
	};

	answer(in, 0, &out, sizeof(out));
}

static void look_up(const struct fuse_in_header *in, const void *name)
{
	uint64_t node = strcmp(name, "unread") ? THE_FILE : UNREAD;
	struct fuse_entry_out out = { .nodeid = node, .attr = attributes(node) };

	if (node == THE_FILE && strcmp(name, "file"))
		answer(in, ENOENT, NULL, 0);
	else
		answer(in, 0, &out, sizeof(out));
}

static void read_file(const struct fuse_in_header *in, const void *rest)
{
	const struct fuse_read_in *r = rest;
	static char bytes[BIG];
	ssize_t n = pread(file, bytes, r->size < BIG ? r->size : BIG,
			  (off_t)r->offset);

	answer(in, n < 0 ? EIO : 0, bytes, n < 0 ? 0 : (size_t)n);
}

static void serve(const struct fuse_in_header *in, const void *rest)
{
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_open_out opened = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_INIT: begin(in, rest); break;
	case FUSE_LOOKUP: look_up(in, rest); break;
	case FUSE_GETATTR: answer(in, 0, &attr, sizeof(attr)); break;
	case FUSE_OPEN: answer(in, 0, &opened, sizeof(opened)); break;
	case FUSE_READ: read_file(in, rest); break;
	case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT: break;
	case FUSE_FLUSH: case FUSE_RELEASE: answer(in, 0, NULL, 0); break;
	default: answer(in, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_usr1 };
	static char request[BIG] __attribute__((aligned(8)));
	char options[64];
	ssize_t n;

	if (argc != 3)
		return 2;
	file = open(argv[1], O_RDONLY | O_CLOEXEC);
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,"
		 "group_id=0", fuse);
	if (file < 0 || fuse < 0 ||
	    mount("silent", argv[2], "fuse", MS_NODEV, options)) {
		perror("silent");
		return 1;
	}
	sigaction(SIGUSR1, &act, NULL);
	puts("here");
	fflush(stdout);
	while ((n = read(fuse, request, sizeof(request))) > 0 || errno == EINTR ||
	       errno == ENOENT)
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			serve((void *)request,
			      request + sizeof(struct fuse_in_header));
	return 0;
}
