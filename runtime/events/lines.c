/* SPDX-License-Identifier: MIT */
/*
 * Where the built-in tracer's lines go: a descriptor in a process that is
 * somebody else's.  Owns the file, what is lost, and the buffer, if one is asked
 * for; must not know what a line says.
 *
 *
 * ONE SYSTEM CALL
 *
 * A line is one write(2) where that neither waits nor signals: to a plain file,
 * or to a device like /dev/null.  A pipe of ours costs two more, around it, for
 * the signal that a reader who has gone would send; where the descriptor may
 * block, one for asking.
 *
 * THE RIGHT FILE.  A daemon closes descriptors that it does not know, and what
 * it opens next gets the lowest numbers.  So ours is out of the way (file.c),
 * and which file it is is looked at before a line when the last look is older
 * than LINES_LOOK: in less a process does not open as many files as there are
 * numbers before ours.  Number 2 is the first that a daemon opens again: there
 * we look before each line.
 *
 * RENAMED.  At every LINES_LOOK_PATH a look goes to the path, too: if it does not
 * lead to our file any more, it is opened again (logrotate(8)), in the same
 * number; and so is one that was closed.  Where that can't be had, as after
 * chroot() or setuid(), lines go on to the old one.
 *
 * PIECES. A file that a look finds long or old enough is renamed by us, and the
 * older ones before it: to path.1, and so on. Of several processes the one does
 * it that has a lock on the file (of fcntl(2): a child does not have its
 * parent's) and then still finds it at the path; to the others it has been
 * renamed.
 *
 * THE BUFFER is flushed when it is full, when the line comes that finds its
 * oldest a second old, and at the end.  Who can't have it at once (another thread
 * has it, or this one, which our signal handler struck) writes his line by
 * himself: nobody waits.  `used` is always the end of a whole line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "runtime/events/events.h"
#include "runtime/events/lines.h"
#include "runtime/events/sink.h"

/* ns */
enum { LINES_LOOK = 1000000, LINES_LOOK_PATH = 1000000000,
       LINES_OLD = 1000000000 };
enum { LINES_BUFFER = 64 * 1024, LINES_TRIES = 64 };
enum { LINES_MEMORY_DEVICES = 1 };	/* null(4); Linux, devices.txt */

/* Set by open and not changed until close, but where it says so. */
static struct {
	int fd;				/* atomic */
	bool named;			/* not stderr */
	bool plain;			/* never waits, never signals */
	bool ready;			/* never waits */
	bool again;			/* may be opened again, by `path` */
	uint32_t buffered;		/* atomic; a truth */
	bool there;			/* atomic; by the last look */
	/* Which file it is: of two the one that `file` says. */
	const struct sj_file *file;	/* atomic */
	struct sj_file files[2];	/* lines_opening */
	uint64_t looked, looked_path;	/* atomic; when */
	unsigned pieces;		/* 0: it is never renamed by us */
	off_t piece_size;
	uint64_t period, began;		/* ns; began: lines_opening */
	const char *name;
	char path[PATH_MAX];
} lines;

static uint32_t lines_opening;		/* atomic: acquire, release */
static char lines_from[PATH_MAX + 4], lines_to[PATH_MAX + 4];	/* its */
static uint64_t lines_unsaid;		/* atomic; events lost */
static uint64_t lines_dropped;		/* atomic; of those that were taken */
static uint32_t lines_torn;		/* atomic; half a line stands there */

static struct {
	uintptr_t owner;		/* atomic: acquire, release */
	uint64_t since;			/* the owner's: when its first came */
	size_t used;			/* the owner's */
	char bytes[LINES_BUFFER];
} lines_buffer;

/* ---- which file ---------------------------------------------------------- */

static int lines_fd(void)
{
	return __atomic_load_n(&lines.fd, __ATOMIC_RELAXED);
}

static bool lines_still(void)
{
	return sj_file_still(lines_fd(),
			     __atomic_load_n(&lines.file, __ATOMIC_ACQUIRE));
}

/* Has it been so long?  Threads' clocks may be read in any order. */
static bool lines_due(const uint64_t *last, uint64_t now, uint64_t every)
{
	int64_t since = (int64_t)(now -
				  __atomic_load_n(last, __ATOMIC_RELAXED));

	return since >= (int64_t)every;
}

static bool lines_path_leads_here(void)
{
	struct stat st;

	return !stat(lines.path, &st) && st.st_dev == lines.file->device &&
	       st.st_ino == lines.file->inode;
}

static int lines_open_path(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
		    O_NOCTTY | O_NONBLOCK, 0666);
}

/*
 * Into the same number, so that who is about to write does; unless that is not
 * ours any more.
 */
static bool lines_open_again(bool still)
{
	int fd = lines_open_path(lines.path);
	struct sj_file *file = &lines.files[lines.file == lines.files];
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    !sj_file_note(fd, file) ||
	    (still && dup3(fd, lines.fd, O_CLOEXEC) < 0)) {
		close(fd);
		return false;
	}
	if (still)
		close(fd);
	else
		__atomic_store_n(&lines.fd, sj_file_aside(fd),
				 __ATOMIC_RELAXED);
	__atomic_store_n(&lines.file, file, __ATOMIC_RELEASE);
	__atomic_store_n(&lines.began, sj_now(), __ATOMIC_RELAXED);
	return true;
}

static bool lines_is_whole_piece(uint64_t now)
{
	struct stat st;

	return lines.pieces && lines.again && !fstat(lines_fd(), &st) &&
	       st.st_size && (st.st_size >= lines.piece_size ||
			      (lines.period &&
			       lines_due(&lines.began, now, lines.period)));
}

/* The file is the newest, 0. */
static void lines_name_piece(char name[PATH_MAX + 4], unsigned n)
{
	struct sj_text t = { name, name + PATH_MAX + 3, false };

	sj_text_string(&t, lines.path);
	if (n) {
		sj_text_char(&t, '.');
		sj_text_unsigned(&t, n);
	}
	*t.at = '\0';
}

/* The last one is written over. */
static void lines_rename_pieces(void)
{
	for (unsigned n = lines.pieces - 1; n; n--) {
		lines_name_piece(lines_from, n - 1);
		lines_name_piece(lines_to, n);
		(void)rename(lines_from, lines_to);
	}
}

/* False: it is not ours to do, or not to be done. */
static bool lines_end_piece(uint64_t now)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(lines_fd(), F_SETLK, &all))
		return false;
	if (lines_path_leads_here() && lines_is_whole_piece(now))
		lines_rename_pieces();
	/* Which closes the old one, and so ends the lock. */
	if (!lines_path_leads_here() && lines_open_again(true))
		return true;
	all.l_type = F_UNLCK;
	(void)fcntl(lines_fd(), F_SETLK, &all);
	return false;
}

/* Signals blocked; one thread at a time, and who finds one at it goes on. */
static void lines_look_closely(uint64_t now)
{
	sigmask_t mask = sj_block_signals();
	bool still;

	if (!__atomic_exchange_n(&lines_opening, 1, __ATOMIC_ACQUIRE)) {
		still = lines_still();
		if (lines.again && !(still && lines_path_leads_here()))
			still = lines_open_again(still) || still;
		else if (lines_is_whole_piece(now))
			still = lines_end_piece(now) || still;
		__atomic_store_n(&lines.there, still, __ATOMIC_RELAXED);
		__atomic_store_n(&lines_opening, 0, __ATOMIC_RELEASE);
	}
	sj_restore_signals(mask);
}

static void lines_look(uint64_t now)
{
	bool path = lines.again &&
		    lines_due(&lines.looked_path, now, LINES_LOOK_PATH);

	if (path || !lines_still() || lines_is_whole_piece(now))
		lines_look_closely(now);
	else
		__atomic_store_n(&lines.there, true, __ATOMIC_RELAXED);
	if (path)
		__atomic_store_n(&lines.looked_path, now, __ATOMIC_RELAXED);
	__atomic_store_n(&lines.looked, now, __ATOMIC_RELAXED);
}

static bool lines_there(uint64_t now)
{
	if (!lines.named)
		return lines_still();
	if (lines_due(&lines.looked, now, LINES_LOOK))
		lines_look(now);
	return __atomic_load_n(&lines.there, __ATOMIC_RELAXED);
}

/* ---- writing ------------------------------------------------------------- */

/*
 * A pipe that polls writable takes PIPE_BUF bytes at once (pipe(7)), one that
 * does not block those or nothing; and no piece is longer.
 */
static long lines_write(const char *bytes, size_t n)
{
	struct pollfd ready = { .fd = lines_fd(), .events = POLLOUT };
	struct timespec now = { 0, 0 };

	if (lines.plain)
		return sj_file_write(ready.fd, bytes, n);
	if (lines.ready ||
	    (syscall(SYS_ppoll, &ready, 1, &now, NULL, 0) == 1 &&
	     ready.revents == POLLOUT))
		return sj_file_write_quietly(ready.fd, bytes, n);
	errno = EAGAIN;
	return -1;
}

/* Closed since the last look. */
static bool lines_closed(long done, uint64_t now)
{
	if (done >= 0 || errno != EBADF || !lines.named)
		return false;
	lines_look_closely(now);
	return __atomic_load_n(&lines.there, __ATOMIC_RELAXED);
}

/* What a file that was full has taken half of is ended first. */
static bool lines_end_torn(void)
{
	if (!__atomic_exchange_n(&lines_torn, 0, __ATOMIC_RELAXED) ||
	    lines_write("\n", 1) == 1)
		return true;
	__atomic_store_n(&lines_torn, 1, __ATOMIC_RELAXED);
	return false;
}

/* Whole lines; how many bytes of them, maybe not to the end of one. */
static size_t lines_send(const char *bytes, size_t n, uint64_t now)
{
	long done;

	if (!lines_there(now) || !lines_end_torn())
		return 0;
	done = lines_write(bytes, n);
	if (lines_closed(done, now))
		done = lines_write(bytes, n);
	if (done <= 0)
		return 0;
	if (bytes[done - 1] != '\n')
		__atomic_store_n(&lines_torn, 1, __ATOMIC_RELAXED);
	return (size_t)done;
}

/* ---- the buffer ------------------------------------------------------------ */

static bool lines_take(unsigned tries)
{
	uintptr_t nobody = 0;

	while (!__atomic_compare_exchange_n(&lines_buffer.owner, &nobody,
					    sj_thread(), false,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (nobody == sj_thread() || !tries--)
			return false;
		nobody = 0;
	}
	return true;
}

static void lines_let_go(void)
{
	__atomic_store_n(&lines_buffer.owner, 0, __ATOMIC_RELEASE);
}

static const char lines_loss[] = "side_jmp: ";	/* so many events lost */

/* One that was taken, and will not be written; it may tell of others. */
static void lines_drop(const char *line)
{
	size_t n = sizeof(lines_loss) - 1;
	bool of_loss = !strncmp(line, lines_loss, n);

	__atomic_fetch_add(&lines_unsaid, of_loss ?
			   strtoull(line + n, NULL, 10) : 1, __ATOMIC_RELAXED);
	if (!of_loss)
		__atomic_fetch_add(&lines_dropped, 1, __ATOMIC_RELAXED);
}

/* From the first of these lines to the next. */
static size_t lines_next(const char *bytes, size_t n)
{
	return (size_t)((const char *)memchr(bytes, '\n', n) - bytes) + 1;
}

/* What one write takes whole: see lines_write(). */
static size_t lines_piece(const char *bytes, size_t n)
{
	if (lines.plain || n <= PIPE_BUF)
		return n;
	n = PIPE_BUF;
	while (bytes[n - 1] != '\n')
		n--;
	return n;
}

/* What is not taken now stays, from the next whole line on. */
static void lines_flush(uint64_t now)
{
	char *bytes = lines_buffer.bytes;
	size_t used = lines_buffer.used, at = 0, torn, piece, done;

	do {
		piece = lines_piece(bytes + at, used - at);
		done = lines_send(bytes + at, piece, now);
		at += done;
	} while (done == piece && at < used);
	if (at && bytes[at - 1] != '\n') {
		for (torn = at; torn && bytes[torn - 1] != '\n'; torn--)
			;
		lines_drop(bytes + torn);
		at += lines_next(bytes + at, used - at);
	}
	lines_buffer.used = used - at;
	memmove(bytes, bytes + at, used - at);
}

static void lines_drop_all(void)
{
	const char *bytes = lines_buffer.bytes;

	for (size_t at = 0; at < lines_buffer.used;
	     at += lines_next(bytes + at, lines_buffer.used - at))
		lines_drop(bytes + at);
	lines_buffer.used = 0;
}

static bool lines_keep(const char *line, size_t n, uint64_t now)
{
	if (lines_buffer.used &&
	    (lines_buffer.used + n > LINES_BUFFER ||
	     lines_due(&lines_buffer.since, now, LINES_OLD))) {
		lines_flush(now);
		lines_buffer.since = now;
	}
	if (lines_buffer.used + n > LINES_BUFFER)
		return false;
	if (!lines_buffer.used)
		lines_buffer.since = now;
	memcpy(lines_buffer.bytes + lines_buffer.used, line, n);
	lines_buffer.used += n;
	return true;
}

/* ---- a line ---------------------------------------------------------------- */

static bool lines_add(const char *line, size_t n, uint64_t now)
{
	bool done;

	if (!__atomic_load_n(&lines.buffered, __ATOMIC_RELAXED) ||
	    !lines_take(LINES_TRIES))
		return lines_send(line, n, now) == n;
	done = lines_keep(line, n, now);
	lines_let_go();
	return done;
}

/* How many events are missing before the next line. */
static bool lines_say_lost(uint64_t now)
{
	uint64_t n = __atomic_load_n(&lines_unsaid, __ATOMIC_RELAXED);
	char line[80];
	struct sj_text t = { line, line + sizeof(line), false };

	if (n)
		n = __atomic_exchange_n(&lines_unsaid, 0, __ATOMIC_RELAXED);
	if (!n)
		return true;
	sj_text_string(&t, lines_loss);
	sj_text_unsigned(&t, n);
	sj_text_string(&t, n == 1 ? " event lost\n" : " events lost\n");
	if (lines_add(line, (size_t)(t.at - line), now))
		return true;
	__atomic_fetch_add(&lines_unsaid, n, __ATOMIC_RELAXED);
	return false;
}

bool sj_lines_put(const char *line, size_t n, uint64_t now)
{
	if (lines_say_lost(now) && lines_add(line, n, now))
		return true;
	__atomic_fetch_add(&lines_unsaid, 1, __ATOMIC_RELAXED);
	return false;
}

uint64_t sj_lines_dropped(void)
{
	return __atomic_load_n(&lines_dropped, __ATOMIC_RELAXED);
}

/* ---- opening and closing ------------------------------------------------ */

/* What the descriptor is like. */
static void lines_learn(const struct stat *st)
{
	struct rlimit limit;
	bool file = S_ISREG(st->st_mode);

	lines.plain = (file && !getrlimit(RLIMIT_FSIZE, &limit) &&
		       limit.rlim_cur == RLIM_INFINITY) ||
		      (S_ISCHR(st->st_mode) &&
		       major(st->st_rdev) == LINES_MEMORY_DEVICES);
	lines.ready = lines.named && S_ISFIFO(st->st_mode);
	lines.again = lines.named && file && lines.path[0];
}

static void lines_forget_lost(void)
{
	__atomic_store_n(&lines_unsaid, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&lines_dropped, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&lines_torn, 0, __ATOMIC_RELAXED);
}

int sj_lines_open(const char *name, bool buffered,
		  const struct sj_output_options *options)
{
	int fd = name ? lines_open_path(name) : STDERR_FILENO;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (name)
		fd = sj_file_aside(fd);
	if (fstat(fd, &st) || !sj_file_note(fd, &lines.files[0])) {
		int r = -errno;

		if (name)
			close(fd);
		return r;
	}
	lines.fd = fd;
	lines.file = &lines.files[0];
	lines.named = name;
	lines.name = name ? name : "stderr";
	sj_file_from_root(lines.name, lines.path, sizeof(lines.path));
	lines_learn(&st);
	lines.buffered = buffered;
	lines.there = true;
	lines.looked = lines.looked_path = lines.began = sj_now();
	lines.pieces = options->pieces;
	lines.period = options->period;
	if (lines.pieces)
		lines.piece_size = (off_t)(options->size / lines.pieces);
	return 0;
}

/* Whoever has it for long is not heard of again; from here on lines go out. */
static void lines_end_buffer(void)
{
	enum { PAUSES = 200 };

	if (!__atomic_exchange_n(&lines.buffered, 0, __ATOMIC_RELAXED))
		return;
	for (unsigned i = 0; !lines_take(0) && i < PAUSES &&
	     __atomic_load_n(&lines_buffer.owner, __ATOMIC_RELAXED) !=
	     sj_thread(); i++)
		sj_pause(1000000);
	if (lines_buffer.used)
		lines_flush(sj_now());
	lines_drop_all();
	lines_let_go();
}

static uint64_t lines_left_out;		/* not yet said; trace.c's lock */

void sj_lines_left_out(uint64_t n)
{
	lines_left_out = lines.named ? n : 0;
}

/* Nothing is buffered any more.  Is said, or not. */
static void lines_say_left_out(void)
{
	char line[80];
	struct sj_text t = { line, line + sizeof(line), false };
	uint64_t n = lines_left_out;

	lines_left_out = 0;
	if (!n)
		return;
	sj_text_string(&t, lines_loss);
	sj_text_unsigned(&t, n);
	sj_text_string(&t, n == 1 ? " event left out\n" : " events left out\n");
	(void)lines_send(line, (size_t)(t.at - line), sj_now());
}

/*
 * A reader that is slow, but there, gets some time to hear of it.  Where the
 * output takes nothing any more, stderr does.
 */
void sj_lines_exit(void)
{
	struct pollfd ready = { .fd = lines_fd(), .events = POLLOUT };
	struct timespec patience = { 0, 200000000 };

	lines_end_buffer();
	lines_say_left_out();
	if (!__atomic_load_n(&lines_unsaid, __ATOMIC_RELAXED))
		return;
	(void)syscall(SYS_ppoll, &ready, 1, &patience, NULL, 0);
	if (!lines_say_lost(sj_now()) && lines.named)
		sj_say("%.160s: %llu events lost", lines.name,
		       (unsigned long long)__atomic_load_n(&lines_unsaid,
							   __ATOMIC_RELAXED));
}

void sj_lines_close(void)
{
	sj_lines_exit();
	if (lines.named && lines_still())
		close(lines_fd());
	lines_forget_lost();
}

/*
 * What is lost or buffered is the parent's to tell; unless this thread is in the
 * midst of it, in a handler that forks.  Daemons fork before they close.
 */
void sj_lines_after_fork(void)
{
	lines_forget_lost();
	__atomic_store_n(&lines_opening, 0, __ATOMIC_RELAXED);
	lines.looked = lines.looked_path = 0;
	if (lines_buffer.owner == sj_thread())
		return;
	lines_buffer.used = 0;
	lines_let_go();
}
