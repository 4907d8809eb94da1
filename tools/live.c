/* SPDX-License-Identifier: MIT */
/* See live.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/base.h"
#include "tools/attach.h"
#include "tools/image.h"
#include "tools/live.h"
#include "tools/pass.h"
#include "tools/proc.h"

enum { ROOT_SILENT_MS = 2000 };		/* a child of ours has slept in it */

#define LIVE_LIST_MAX	(UINT64_C(128) << 20)	/* bytes that a process lists */

/* ---- who it is ---------------------------------------------------------------- */

/* As far as a process may be looked into from outside. */
enum { ROOT = 4 };

struct place {
	pid_t pid;			/* ours for it */
	pid_t inner;			/* its own for itself */
	uint32_t uids[ROOT + 1];	/* its own; the last is root */
	bool other_users;		/* a user namespace of its own */
	uint32_t inner_uid;		/* there */
	uint64_t until;			/* it is waited for; sj_now() */
};

static uint64_t deadline(void)
{
	return sj_now() + LIVE_SECONDS * UINT64_C(1000000000);
}

/* How long it still is; at least 0. */
static struct timespec time_left(uint64_t until)
{
	uint64_t now = sj_now(), left = until > now ? until - now : 0;

	return (struct timespec){ (time_t)(left / 1000000000),
				  (long)(left % 1000000000) };
}

/* Of what is outside, inside: user_namespaces(7).  UINT32_MAX: nobody. */
static uint32_t map_uid(pid_t pid, uint32_t outer)
{
	char path[64], line[128];
	uint32_t found = UINT32_MAX;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		uint32_t inside, outside, n;

		if (sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside,
			   &outside, &n) == 3 && outer - outside < n)
			found = inside + (outer - outside);
	}
	if (f)
		fclose(f);
	return found;
}

static bool other_user_namespace(pid_t pid)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) &&
	       (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev);
}

static void read_ids(struct place *p, const char *line)
{
	uint32_t u[4];

	if (sscanf(line, "Uid: %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32,
		   &u[0], &u[1], &u[2], &u[3]) == 4)
		for (unsigned i = 0; i < ROOT; i++)
			p->uids[i] = map_uid(p->pid, u[i]);
	if (!strncmp(line, "NSpid:", 6)) {
		const char *last = strrchr(line, '\t');

		p->inner = last ? (pid_t)atoi(last + 1) : p->pid;
	}
}

static int find_place(struct place *p, pid_t pid, char why[WHY_MAX])
{
	char path[64], line[256];
	FILE *f;

	*p = (struct place){ .pid = pid, .inner = pid, .until = deadline() };
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return say(why, "there is no process %d", (int)pid);
	while (fgets(line, sizeof(line), f))
		read_ids(p, line);
	fclose(f);
	p->other_users = other_user_namespace(pid);
	p->inner_uid = p->uids[1];
	return 0;
}

/* ---- the socket ------------------------------------------------------------------ */

int open_in_root(int root, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return (int)fd;
}

static bool is_socket(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISSOCK(st.st_mode);
}

/* The socket that `file` is an O_PATH descriptor of.  -1: errno. */
static int connect_here(const struct place *p, int file)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct timespec left = time_left(p->until);
	/* 0 would be for ever. */
	struct timeval limit = { left.tv_sec, left.tv_nsec / 1000 + 1 };
	int fd, saved;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d", file);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (!connect(fd, (const struct sockaddr *)&name, sizeof(name)))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/*
 * In another user namespace we are nobody, root or not.  So a child of ours goes
 * there, becomes the process's own user and connects; that takes CAP_SYS_ADMIN
 * over the namespace.
 */
static void connect_as(const struct place *p, int namespace, int file, int to)
{
	int fd = -1, error;

	if (!setns(namespace, CLONE_NEWUSER) &&
	    !setresuid(p->inner_uid, p->inner_uid, p->inner_uid))
		fd = connect_here(p, file);
	error = fd < 0 ? errno : 0;
	pass_send(to, &error, sizeof(error), fd);
	_exit(0);
}

static int connect_there(const struct place *p, int file)
{
	char path[64];
	int pair[2], fd = -1, namespace, saved = EIO;
	pid_t child;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)p->pid);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0)
		return -1;
	if (!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		child = fork();
		if (!child)
			connect_as(p, namespace, file, pair[1]);
		close(pair[1]);
		if (child > 0)
			(void)pass_receive(pair[0], &saved, sizeof(saved), &fd);
		close(pair[0]);
		while (child > 0 && waitpid(child, NULL, 0) < 0 &&
		       errno == EINTR)
			;
		errno = saved;
	}
	close(namespace);
	return fd;
}

static int connect_to(const struct place *p, int file)
{
	return p->other_users && !geteuid() ? connect_there(p, file) :
					      connect_here(p, file);
}

/* Whoever put a name there: it is the process that listens. */
static bool is_process(int fd, pid_t pid)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) &&
	       who.pid == pid;
}

/* ---- messages ------------------------------------------------------------------------ */

enum { HUNG_UP = -2 };			/* as -1 */

static int hung_up(char why[WHY_MAX], const char *error)
{
	(void)say(why, "it hung up%s%s", error ? ": " : "", error ? error : "");
	return HUNG_UP;
}

/* Something is there to be read.  Else a dead one has children that have fd. */
static bool wait_reply(const struct live_copy *copy, uint64_t until)
{
	struct pollfd fds[2] = {
		{ copy->fd, POLLIN, 0 }, { copy->process, POLLIN, 0 },
	};
	struct timespec left;
	int n;

	do {
		left = time_left(until);
		n = ppoll(fds, 2, &left, NULL);
	} while (n < 0 && errno == EINTR);
	return n > 0 && fds[0].revents;
}

/* Late ones.  False: there are more to come, or an end. */
static bool drop_owed(struct live_copy *copy)
{
	char byte;

	while (copy->owed &&
	       recv(copy->fd, &byte, sizeof(byte), MSG_DONTWAIT) > 0)
		copy->owed--;
	return !copy->owed;
}

static int say_error(const struct sj_control_reply *r, char why[WHY_MAX])
{
	const char *means = r->error > -4096 ? strerror(-r->error) :
					       "an unknown error";
	size_t n = strlen(r->text);

	if (!n || r->text[n - 1] == ':')
		return say(why, "%s%s%s", r->text, n ? " " : "", means);
	return say(why, "%s", r->text);
}

/* A reply and no other: `size` bytes.  0, -1 or HUNG_UP. */
static int read_reply(struct live_copy *copy, enum sj_control_op op, void *to,
		      size_t size, uint64_t until, char why[WHY_MAX])
{
	struct sj_control_reply *r = to;
	ssize_t n;

	if (!wait_reply(copy, until)) {
		copy->owed++;
		return say(why, "it does not answer");
	}
	n = recv(copy->fd, to, size, MSG_DONTWAIT);
	if (n <= 0)
		return hung_up(why, n ? strerror(errno) : NULL);
	if (n < (ssize_t)sizeof(*r) || r->magic != SJ_CONTROL_MAGIC ||
	    r->size != (uint64_t)n || r->op != op)
		return say(why, "it answers what is no answer");
	r->text[sizeof(r->text) - 1] = '\0';
	if (r->version != SJ_CONTROL_VERSION)
		return say(why, "it speaks version %u of control, and this"
			   " version %u", r->version, SJ_CONTROL_VERSION);
	if (r->error)
		return say_error(r, why);
	return n == (ssize_t)size ? 0 : say(why, "its answer has %zd bytes, not"
					    " %zu", n, size);
}

static int send_request(int fd, enum sj_control_op op, const char *text,
			int area, uint32_t argument, char why[WHY_MAX])
{
	size_t length = text ? strlen(text) + 1 : 0;
	struct sj_control_request r = {
		.magic = SJ_CONTROL_MAGIC, .version = SJ_CONTROL_VERSION,
		.op = (uint16_t)op, .size = (uint32_t)(sizeof(r) + length),
		.argument = argument,
	};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec parts[2] = { { &r, sizeof(r) }, { (char *)text, length } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };

	if (r.size > SJ_CONTROL_MESSAGE)
		return say(why, "%zu bytes of patterns are too many", length);
	if (area >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.head), &area, sizeof(area));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)r.size ?
	       0 : hung_up(why, strerror(errno));
}

static int ask_until(struct live_copy *copy, enum sj_control_op op,
		     const char *patterns, int area, uint32_t argument,
		     struct sj_control_reply *reply, uint64_t until,
		     char why[WHY_MAX])
{
	int r = drop_owed(copy) ? send_request(copy->fd, op, patterns, area,
					       argument, why) :
				  say(why, "it does not answer");

	return r ? r : read_reply(copy, op, reply, sizeof(*reply), until, why);
}

int live_ask(struct live_copy *copy, enum sj_control_op op,
	     const char *patterns, int area, uint32_t argument,
	     struct sj_control_reply *reply, char why[WHY_MAX])
{
	return ask_until(copy, op, patterns, area, argument, reply, deadline(),
			 why) ? -1 : 0;
}

void live_tell(struct live_copy *copy, enum sj_control_op op, uint32_t argument)
{
	char why[WHY_MAX];

	if (drop_owed(copy) &&
	    !send_request(copy->fd, op, NULL, -1, argument, why))
		copy->owed++;
}

void live_settle(struct live_copy *copy, uint64_t since)
{
	const uint64_t until = since + LIVE_SECONDS * UINT64_C(1000000000);

	while (!drop_owed(copy) && wait_reply(copy, until)) {
		struct pollfd fd = { copy->fd, POLLIN, 0 };

		if (poll(&fd, 1, 0) == 1 && live_ended(copy, fd.revents))
			break;
	}
}

bool live_ended(struct live_copy *copy, short revents)
{
	char byte;

	if (!(revents & POLLIN))
		return revents;
	if (copy->owed && drop_owed(copy))
		return false;
	/* It has said something else, or owes more and has not ended yet. */
	return recv(copy->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
	       errno != EAGAIN;
}

static int say_hello(struct live_copy *copy, uint64_t until, char why[WHY_MAX])
{
	struct sj_control_hello *h = &copy->hello;
	int r = send_request(copy->fd, SJ_CONTROL_HELLO, NULL, -1, live_mark(),
			     why);

	if (!r)
		r = read_reply(copy, SJ_CONTROL_HELLO, h, sizeof(*h), until, why);
	if (r)
		return r;
	h->backend[sizeof(h->backend) - 1] = '\0';
	h->backend_reason[sizeof(h->backend_reason) - 1] = '\0';
	h->program[sizeof(h->program) - 1] = '\0';
	return 0;
}

/* ---- finding it ----------------------------------------------------------------------- */

/* For the sockets of a process. */
struct search {
	struct live *l;
	struct place place;
	bool there;			/* it has one, whatever came of it */
	bool hung_up;
	char why[WHY_MAX];		/* it did not go well */
};

/* Why something could not be opened, if it is for want of something of ours. */
static void note_want(struct search *s)
{
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM)
		return;
	s->there = true;
	say(s->why, "%s", strerror(errno));
}

/* A socket of that name: one more copy; nothing; or why not. */
static void try_socket(struct search *s, int folder, const char *name)
{
	struct live_copy *copy = &s->l->copies[s->l->n];
	int file = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), r;

	if (file < 0) {
		note_want(s);
		return;
	}
	if (s->l->n == LIVE_COPIES || !is_socket(file)) {
		close(file);
		return;
	}
	*copy = (struct live_copy){ .fd = connect_to(&s->place, file),
				    .process = s->l->process };
	if (copy->fd < 0 && errno == ECONNREFUSED)
		(void)unlinkat(folder, name, 0);	/* a dead one's */
	else if (copy->fd < 0)
		s->there = true, say(s->why, "%s", errno == EAGAIN ?
				     "it does not answer" : strerror(errno));
	close(file);
	if (copy->fd < 0)
		return;
	if (is_process(copy->fd, s->place.pid)) {
		s->there = true;
		r = say_hello(copy, s->place.until, s->why);
		if (!r) {
			s->l->n++;
			return;
		}
		s->hung_up |= r == HUNG_UP;
	}
	close(copy->fd);
}

/* Anybody can make a folder of that name, and shut it. */
static bool is_of(const struct search *s, int folder, uint32_t uid)
{
	struct stat st;

	return !fstat(folder, &st) && map_uid(s->place.pid, st.st_uid) == uid;
}

/* uid: whose it is, if the process's; perhaps: of a user that it may have been */
static void try_folder(struct search *s, int folder, uint32_t uid, bool perhaps)
{
	char path[40], prefix[24];
	struct dirent *d;
	DIR *dir;
	int error;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/.", folder);
	snprintf(prefix, sizeof(prefix), "%d-", (int)s->place.inner);
	dir = opendir(path);
	error = errno;
	/* Where we may not look nobody waits for us, unless it is his own. */
	if (!dir && (error != EACCES || (!perhaps && is_of(s, folder, uid)))) {
		s->there = true;
		say(s->why, "its sockets' folder: %s", strerror(error));
	}
	while (dir && (d = readdir(dir)) && sj_now() < s->place.until)
		if (!strncmp(d->d_name, prefix, strlen(prefix)))
			try_socket(s, folder, d->d_name);
	if (dir)
		closedir(dir);
}

static bool tried(const struct place *p, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (p->uids[k] == p->uids[i])
			return true;
	return p->uids[i] == UINT32_MAX;
}

/* -1: errno. */
static int open_folder(const struct place *p, int root, unsigned i, unsigned k)
{
	static const char *const folders[] = { SJ_CONTROL_FOLDERS };
	char path[64];

	snprintf(path, sizeof(path), folders[k], p->uids[i]);
	return open_in_root(root, path, O_DIRECTORY);
}

static void try_root(struct search *s, int root)
{
	for (unsigned i = 0; i <= ROOT; i++)
		for (unsigned k = 0; k < 3 && !tried(&s->place, i); k++) {
			int folder = open_folder(&s->place, root, i, k);

			if (folder < 0) {
				note_want(s);
				continue;
			}
			try_folder(s, folder, s->place.uids[i], i == ROOT);
			close(folder);
		}
}

/* In a child: if it comes back from there, so will we. */
__attribute__((noreturn))
static void go_there(const struct place *p, const char *path, int to)
{
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; i <= ROOT; i++)
		for (unsigned k = 0; k < 3 && !tried(p, i); k++)
			close(open_folder(p, root, i, k));
	pass_send(to, "", 1, -1);
	_exit(0);
}

/* Does the file system of its root, which is not ours, answer? */
static bool answers(struct search *s, const char *path)
{
	struct pass_child child;
	enum pass_said said;
	int to, fd, r;
	struct stat st;
	char byte;

	if (process_stat(path, &st))
		return true;		/* it is shut to us */
	r = pass_begin(&child, &to);
	if (r < 0) {
		note_want(s);
		return true;
	}
	if (!r)
		go_there(&s->place, path, to);
	said = pass_wait(&child, &byte, 1, &fd, ROOT_SILENT_MS);
	pass_end(&child, said == PASS_STUCK);
	if (said != PASS_STUCK)
		return true;
	s->there = true;
	say(s->why, "its root is on a file system that does not answer");
	return false;
}

static int not_there(pid_t pid, char why[WHY_MAX])
{
	return say(why, "process %d is not controlled: it has no socket in the"
		   " folders that control uses; expected a program of side_jmp"
		   " that was started with SIDE_JMP_CONTROL=1 or calls"
		   " side_jmp_control_start()", (int)pid);
}

static bool is_ours(const struct search *s, const char *link, const char *own)
{
	struct stat theirs, ours;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)s->place.pid, link);
	return !process_stat(path, &theirs) && !process_stat(own, &ours) &&
	       theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

static void try_root_at(struct search *s, const char *path)
{
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0) {
		note_want(s);
		return;
	}
	try_root(s, root);
	close(root);
}

/* Its root; and ours, for a process whose root we may not see, or that left it. */
static bool open_once(struct search *s)
{
	bool same_root = is_ours(s, "root", "/");
	char path[64];

	s->hung_up = false;
	snprintf(path, sizeof(path), "/proc/%d/root", (int)s->place.pid);
	if ((same_root && is_ours(s, "ns/mnt", "/proc/self/ns/mnt")) ||
	    answers(s, path))
		try_root_at(s, path);
	if (!s->l->n && !same_root)
		try_root_at(s, "/");
	return s->l->n;
}

/*
 * A program may close the descriptors of its socket: then who connects is hung up
 * on, and has woken the thread that makes a new one.
 */
static int search(struct search *s, char why[WHY_MAX])
{
	for (unsigned i = 0; i < 3; i++) {
		if (i)
			nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
		if (open_once(s))
			return 0;
		if (!s->hung_up)
			break;
	}
	return s->there ? say(why, "process %d can't be controlled: %s",
			      (int)s->place.pid, *s->why ? s->why :
			      "it is not known why") :
			  not_there(s->place.pid, why);
}

int live_open(struct live *l, pid_t pid, bool *there, char why[WHY_MAX])
{
	struct search s = { .l = l };
	int r;

	*l = (struct live){ .pid = pid, .road = "control", .process = -1 };
	*there = false;
	if (find_place(&s.place, pid, why))
		return -1;
	l->process = (int)syscall(SYS_pidfd_open, pid, 0);
	r = search(&s, why);
	*there = s.there;
	if (r)
		live_close(l);
	return r;
}

static int attach_to(struct live *l, pid_t pid, char why[WHY_MAX])
{
	int fds[LIVE_COPIES], n = attach_open(pid, fds, LIVE_COPIES, why);

	*l = (struct live){ .pid = pid, .road = "attach", .process = -1 };
	if (n > 0)
		l->process = (int)syscall(SYS_pidfd_open, pid, 0);
	for (int i = 0; i < n; i++) {
		struct live_copy *copy = &l->copies[l->n];

		*copy = (struct live_copy){ .fd = fds[i],
					    .process = l->process };
		if (say_hello(copy, deadline(), why))
			close(copy->fd);
		else
			l->n++;
	}
	if (!l->n)
		live_close(l);
	return l->n ? 0 : -1;
}

int live_reach(struct live *l, pid_t pid, bool all, bool *there,
	       char why[WHY_MAX])
{
	char said[WHY_MAX];

	if (!live_open(l, pid, there, why))
		return 0;
	if (all || *there || (kill(pid, 0) && errno == ESRCH))
		return -1;
	if (!attach_to(l, pid, said))
		return 0;
	return say(why, "process %d did not ask to be controlled"
		   " (SIDE_JMP_CONTROL=1), and %s", (int)pid, said);
}

void live_close(struct live *l)
{
	for (size_t i = 0; i < l->n; i++)
		close(l->copies[i].fd);
	if (l->process >= 0)
		close(l->process);
	l->n = 0;
	l->process = -1;
}

/* ---- what there is ------------------------------------------------------------------------ */

uint32_t live_mark(void)
{
	static uint32_t mark;

	while (!mark)
		if (getrandom(&mark, sizeof(mark), 0) < 0)
			mark = (uint32_t)getpid();
	return mark;
}

int live_area(size_t size, void **at)
{
	struct rlimit limit;
	int fd;

	/* Beyond it ftruncate() is SIGXFSZ. */
	if (!getrlimit(RLIMIT_FSIZE, &limit) && size > limit.rlim_cur) {
		errno = EFBIG;
		return -1;
	}
	fd = memfd_create("side-jmp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (!ftruncate(fd, (off_t)size) &&
	    !(errno = posix_fallocate(fd, 0, (off_t)size)) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		*at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
		if (*at != MAP_FAILED)
			return fd;
	}
	close(fd);
	return -1;
}

/* False: that is no entry. */
static bool take_entry(struct live_entry *entry, const char *at, uint64_t left)
{
	struct sj_control_entry *e = &entry->e;
	uint64_t desc;

	if (left < sizeof(*e))
		return false;
	memcpy(e, at, sizeof(*e));
	desc = (sizeof(*e) + (uint64_t)e->name + 7) / 8 * 8;
	if (e->size > left || e->size % 8 || !e->name ||
	    desc + e->desc > e->size)
		return false;
	entry->name = at + sizeof(*e);
	entry->desc = (const uint8_t *)at + desc;
	return !entry->name[e->name - 1] &&
	       strlen(entry->name) + 1 == e->name;
}

static int by_name(const void *a, const void *b)
{
	const struct live_entry *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->e.key > y->e.key) - (x->e.key < y->e.key);
}

/* Sorted, and what came twice once. */
static size_t sort_entries(struct live_entry *entries, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(entries, n, sizeof(*entries), by_name);
	for (size_t i = 0; i < n; i++)
		if (!kept || by_name(&entries[i], &entries[kept - 1]) ||
		    entries[i].e.number != entries[kept - 1].e.number)
			entries[kept++] = entries[i];
	return kept;
}

static int take_list(struct live_list *list, uint64_t used, char why[WHY_MAX])
{
	size_t keys = 0, events = 0;
	struct live_entry entry;

	for (uint64_t at = sizeof(struct sj_control_list); at < used;
	     at += entry.e.size) {
		bool key;

		if (!take_entry(&entry, list->memory + at, used - at))
			return say(why, "what it lists is damaged");
		key = entry.e.kind == SJ_CONTROL_KEY;
		if (key) {
			list->keys = tool_grow(list->keys, &keys,
				list->n_keys + 1, sizeof(entry));
			list->keys[list->n_keys++] = entry;
		} else if (entry.e.kind == SJ_CONTROL_EVENT) {
			list->events = tool_grow(list->events, &events,
				list->n_events + 1, sizeof(entry));
			list->events[list->n_events++] = entry;
		}
	}
	list->n_keys = sort_entries(list->keys, list->n_keys);
	list->n_events = sort_entries(list->events, list->n_events);
	return 0;
}

/* 1: more memory is wanted, *size of it. */
static int list_into(struct live_copy *copy, struct live_list *list,
		     size_t *size, uint64_t until, char why[WHY_MAX])
{
	struct sj_control_reply reply;
	struct sj_control_list head;
	const size_t mapped = *size;
	int fd, r;
	void *at;

	fd = live_area(mapped, &at);
	if (fd < 0)
		return say(why, "%zu bytes of memory to share: %s", *size,
			   strerror(errno));
	r = ask_until(copy, SJ_CONTROL_LIST, NULL, fd, 0, &reply, until, why);
	memcpy(&head, at, sizeof(head));
	if (!r && head.wanted > *size) {
		if (head.wanted > LIVE_LIST_MAX)
			r = say(why, "it lists too much");
		else
			r = 1, *size = head.wanted + head.wanted / 4;
	} else if (!r) {
		/* Once more than it says, and from here on it is ours. */
		list->memory = tool_alloc(*size, 1);
		memcpy(list->memory, at, *size);
		r = take_list(list, head.used < *size ? head.used : *size, why);
	}
	munmap(at, mapped);
	close(fd);
	return r;
}

int live_list(struct live_copy *copy, struct live_list *list,
	      char why[WHY_MAX])
{
	const uint64_t until = deadline();
	size_t size = 1 << 20;
	int r;

	*list = (struct live_list){ 0 };
	do {
		live_list_free(list);
		r = list_into(copy, list, &size, until, why);
	} while (r == 1);
	if (r)
		live_list_free(list);
	return r ? -1 : 0;
}

void live_list_free(struct live_list *list)
{
	free(list->memory);
	free(list->keys);
	free(list->events);
	*list = (struct live_list){ 0 };
}

int live_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC);
}
