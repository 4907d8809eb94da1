/* SPDX-License-Identifier: MIT */
/* See proc.h; the files and what it takes to read them are in proc(5). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/image.h"
#include "tools/proc.h"

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- files --------------------------------------------------------------- */

/* All of a file of /proc/PID, with a final 0; to be freed.  NULL: errno. */
static char *read_all(int dir, const char *name, size_t *length)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), saved;
	size_t n = 0, room = 0;
	char *text = NULL;
	ssize_t got = -1;

	if (fd < 0)
		return NULL;
	do {
		text = tool_grow(text, &room, n + 4096, 1);
		got = read(fd, text + n, room - n - 1);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	saved = errno;
	close(fd);
	errno = saved;
	text[n] = '\0';
	if (length)
		*length = n;
	if (!got)
		return text;
	free(text);
	return NULL;
}

bool process_status(const struct process *p, const char *name, char *to,
		    size_t size)
{
	size_t length = strlen(name);
	const char *line = p->status;

	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, name, length) && line[length] == ':') {
			line += length + 1;
			line += strspn(line, " \t");
			snprintf(to, size, "%.*s", (int)strcspn(line, "\n"),
				 line);
			return true;
		}
	return false;
}

bool process_variable(const struct process *p, const char *name, char *to,
		      size_t size)
{
	size_t length = strlen(name), n;
	char *all = read_all(p->dir, "environ", &n);
	bool found = false;

	for (const char *s = all; s && s < all + n; s += strlen(s) + 1)
		if (!strncmp(s, name, length) && s[length] == '=') {
			snprintf(to, size, "%s", s + length + 1);
			found = true;
			break;
		}
	free(all);
	return found;
}

/* ---- threads ------------------------------------------------------------- */

char process_state(pid_t pid, pid_t tid)
{
	char line[512], path[64], *end = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid,
		 (int)tid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f))
		end = strrchr(line, ')');
	if (f)
		fclose(f);
	return end && end[1] ? end[2] : 'X';
}

bool process_has(pid_t pid, pid_t tid)
{
	return strchr("RSDTt", process_state(pid, tid));
}

pid_t process_thread(pid_t pid)
{
	struct dirent *d;
	pid_t live = pid;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = process_state(pid, pid) == 'Z' ? opendir(path) : NULL;
	while (dir && live == pid && (d = readdir(dir)))
		if (atoi(d->d_name) > 0 &&
		    process_has(pid, (pid_t)atoi(d->d_name)))
			live = (pid_t)atoi(d->d_name);
	if (dir)
		closedir(dir);
	return live;
}

/* ---- mappings ------------------------------------------------------------ */

/* A name as `maps` shows it: a newline is \012. */
static char *unescape(const char *s)
{
	char *name = tool_strdup(s), *to = name;

	for (; *s; s++) {
		if (!strncmp(s, "\\012", 4)) {
			*to++ = '\n';
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
	return name;
}

/* start-end perms offset major:minor inode path */
static bool parse_mapping(const char *line, bool shared, struct mapping *m)
{
	static const char deleted[] = " (deleted)";
	unsigned major, minor;
	size_t length;
	char perms[5];
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64
		   " %x:%x %" SCNu64 " %n", &m->start, &m->end, perms,
		   &m->offset, &major, &minor, &m->inode, &at) < 7 ||
	    line[at] != '/' || perms[3] != (shared ? 's' : 'p'))
		return false;
	m->executable = perms[2] == 'x';
	m->device = makedev(major, minor);
	m->path = unescape(line + at);
	length = strlen(m->path);
	m->deleted = length > sizeof(deleted) - 1 &&
		!strcmp(m->path + length - (sizeof(deleted) - 1), deleted);
	if (m->deleted)
		m->path[length - (sizeof(deleted) - 1)] = '\0';
	return true;
}

static int read_maps(struct process *p)
{
	char *text = read_all(p->dir, "maps", NULL), *rest = text, *line;
	size_t room = 0;

	if (!text)
		return -1;
	while ((line = strsep(&rest, "\n"))) {
		struct mapping m;

		if (!parse_mapping(line, false, &m))
			continue;
		p->maps = tool_grow(p->maps, &room, p->n_maps + 1, sizeof(m));
		p->maps[p->n_maps++] = m;
	}
	free(text);
	return 0;
}

void process_shared_files(const struct process *p,
			  void (*visit)(const char *path, void *arg), void *arg)
{
	char *text = read_all(p->dir, "maps", NULL), *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		struct mapping m;

		if (!parse_mapping(line, true, &m))
			continue;
		if (!m.deleted)
			visit(m.path, arg);
		free(m.path);
	}
	free(text);
}

/* ---- opening ------------------------------------------------------------- */

static int refused(const struct process *p, const char *file,
		   char why[WHY_MAX])
{
	struct stat st = { 0 };
	int error = errno;

	if (error == ENOENT || error == ESRCH)
		return say(why, "process %d has ended", (int)p->pid);
	if (error != EACCES && error != EPERM)
		return say(why, "/proc/%d/%s: %s", (int)p->pid, file,
			   strerror(error));
	fstat(p->dir, &st);
	return say(why, "/proc/%d/%s: %s; expected to run as the process's"
		   " user (%u) or with CAP_SYS_PTRACE; also setuid programs,"
		   " prctl(PR_SET_DUMPABLE, 0) and kernel.yama.ptrace_scope"
		   " forbid it", (int)p->pid, file, strerror(error),
		   (unsigned)st.st_uid);
}

static int open_files(struct process *p, bool memory, char why[WHY_MAX])
{
	char path[32], thing[16];

	snprintf(path, sizeof(path), "/proc/%d", (int)p->pid);
	p->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0)
		return say(why, errno == ENOENT ? "there is no process %d" :
			   "/proc/%d can't be opened", (int)p->pid);
	p->status = read_all(p->dir, "status", NULL);
	if (!p->status)
		return refused(p, "status", why);
	if (!process_status(p, "VmSize", thing, sizeof(thing)))
		return say(why, "process %d has no memory of its own: it has"
			   " ended, or is the kernel's", (int)p->pid);
	/* First: what it executes meanwhile has other mappings, which are then
	   looked for in the memory of the one before, that is gone. */
	p->mem = openat(p->dir, "mem", O_RDWR | O_CLOEXEC);
	if (p->mem < 0)
		p->mem = openat(p->dir, "mem", O_RDONLY | O_CLOEXEC);
	if (p->mem < 0 && memory)
		return refused(p, "mem", why);
	if (read_maps(p))
		return refused(p, "maps", why);
	p->pagemap = openat(p->dir, "pagemap", O_RDONLY | O_CLOEXEC);
	p->page = tool_alloc(page_size(), 1);
	return 0;
}

static int open_all(struct process *p, pid_t pid, bool memory,
		    char why[WHY_MAX])
{
	*p = (struct process){
		.pid = pid, .dir = -1, .mem = -1, .pagemap = -1,
		.page_at = UINT64_MAX,
	};
	if (!open_files(p, memory, why))
		return 0;
	process_close(p);
	return -1;
}

int process_open(struct process *p, pid_t pid, char why[WHY_MAX])
{
	return open_all(p, pid, true, why);
}

int process_look(struct process *p, pid_t pid, char why[WHY_MAX])
{
	return open_all(p, pid, false, why);
}

void process_close(struct process *p)
{
	for (size_t i = 0; i < p->n_maps; i++)
		free(p->maps[i].path);
	free(p->maps);
	free(p->status);
	free(p->page);
	if (p->dir >= 0)
		close(p->dir);
	if (p->mem >= 0)
		close(p->mem);
	if (p->pagemap >= 0)
		close(p->pagemap);
}

bool process_ended(const struct process *p)
{
	char *text = read_all(p->dir, "maps", NULL);
	bool ended = !text || !*text;

	free(text);
	return ended;
}

/* ---- memory -------------------------------------------------------------- */

void process_forget(struct process *p)
{
	p->page_at = UINT64_MAX;
}

static bool read_page(struct process *p, uint64_t at)
{
	ssize_t got;

	if (at == p->page_at)
		return true;
	got = pread(p->mem, p->page, page_size(), (off_t)at);
	p->page_at = got > 0 ? at : UINT64_MAX;
	p->page_got = got > 0 ? (size_t)got : 0;
	return got > 0;
}

bool process_read(struct process *p, uint64_t at, void *to, size_t n)
{
	uint8_t *out = to;

	while (n) {
		uint64_t in_page = at % page_size();
		size_t part = page_size() - in_page;

		if (part > n)
			part = n;
		if (!read_page(p, at - in_page) || p->page_got < in_page + part)
			return false;
		memcpy(out, p->page + in_page, part);
		out += part;
		at += part;
		n -= part;
	}
	return true;
}

bool process_peek(const struct process *p, uint64_t at, void *to, size_t n)
{
	return pread(p->mem, to, n, (off_t)at) == (ssize_t)n;
}

bool process_poke(const struct process *p, uint64_t at, const void *from,
		  size_t n)
{
	return pwrite(p->mem, from, n, (off_t)at) == (ssize_t)n;
}

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGE_PRESENT	(UINT64_C(1) << 63)
#define PAGE_SWAPPED	(UINT64_C(1) << 62)
#define PAGE_OF_FILE	(UINT64_C(1) << 61)	/* or shared anonymous */

int64_t process_own_pages(struct process *p, uint64_t start, uint64_t end)
{
	uint64_t entries[512], first = start / page_size();
	uint64_t last = (end + page_size() - 1) / page_size();
	int64_t own = 0;

	while (first < last) {
		size_t n = last - first < 512 ? (size_t)(last - first) : 512;
		ssize_t got = pread(p->pagemap, entries, n * sizeof(*entries),
				    (off_t)(first * sizeof(*entries)));

		if (got < (ssize_t)sizeof(*entries))
			return -1;
		n = (size_t)got / sizeof(*entries);
		for (size_t i = 0; i < n; i++)
			own += entries[i] & (PAGE_PRESENT | PAGE_SWAPPED) &&
			       !(entries[i] & PAGE_OF_FILE);
		first += n;
	}
	return own;
}

/* ---- the file of a mapping ----------------------------------------------- */

int process_stat(const char *path, struct stat *st)
{
	struct statx sx;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, &sx))
		return -1;
	*st = (struct stat){
		.st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor),
		.st_ino = sx.stx_ino, .st_mode = sx.stx_mode,
	};
	return 0;
}

static bool same_file(const struct stat *st, const struct mapping *m)
{
	return st->st_ino == m->inode && st->st_dev == m->device;
}

int process_file(const struct process *p, const struct mapping *m,
		 char *path, size_t size, bool *replaced)
{
	struct stat mapped, named, exe;
	bool is_named;
	char name[64];
	int r;

	/* What has the name now? */
	snprintf(path, size, "/proc/self/fd/%d/root%s", p->dir, m->path);
	is_named = !m->deleted && !stat(path, &named);

	snprintf(name, sizeof(name), "/proc/self/fd/%d/map_files/%" PRIx64 "-%"
		 PRIx64, p->dir, m->start, m->end);
	r = process_stat(name, &mapped) ? -errno : 0;
	if (!r) {
		*replaced = !is_named || named.st_ino != mapped.st_ino ||
			    named.st_dev != mapped.st_dev;
		snprintf(path, size, "%s", name);
		return 0;
	}
	*replaced = !is_named || !same_file(&named, m);
	snprintf(name, sizeof(name), "/proc/self/fd/%d/exe", p->dir);
	if (!process_stat(name, &exe) && same_file(&exe, m)) {
		snprintf(path, size, "%s", name);
		return 0;
	}
	return *replaced ? r : 0;
}
