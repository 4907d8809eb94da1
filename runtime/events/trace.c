/* SPDX-License-Identifier: MIT */
/*
 * The built-in tracer: which events (a tracer like any other), where to (lines
 * of text, or CTF).  Says what is wrong with a variable on stderr, where the
 * user looks who set it, and goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/events/events.h"
#include "runtime/events/sink.h"

#define SIZE_DEFAULT	(UINT64_C(64) << 20)

enum output { CLOSED, TEXT, CTF };

/* Serializes starting and stopping; outermost of this room's. */
static uint32_t trace_lock;

/* trace_lock; the callback reads what does not change while it may run. */
static struct {
	struct side_jmp_tracer *tracer;
	enum output output;
	int fd;
	bool plain;			/* a file: never waits, never signals */
	struct sj_file file;		/* fd when it was opened */
	struct sj_file stderr_file;	/* then; 0: there was none */
	char name[240];
	uint64_t size;
} trace = { .size = SIZE_DEFAULT };

static uint64_t lost, unsaid;		/* atomic */
static uint32_t torn;			/* atomic; half a line stands in the file */

/* ---- lines -------------------------------------------------------------- */

static bool still_ours(void)
{
	return trace.fd == STDERR_FILENO || sj_file_still(trace.fd, &trace.file);
}

/* Raw: no cancellation point.  A file that is full may take half a line. */
static bool write_all(int fd, const char *line, size_t length)
{
	long n = syscall(SYS_write, fd, line, length);

	if (n > 0 && n < (long)length)
		__atomic_store_n(&torn, 1, __ATOMIC_RELAXED);
	return n == (long)length;
}

/*
 * A pipe whose reader has gone sends SIGPIPE, and a file that has reached
 * RLIMIT_FSIZE SIGXFSZ, which is not for the program: it did not write.
 */
static bool write_quietly(int fd, const char *line, size_t length)
{
	struct timespec now = { 0, 0 };
	sigset_t ours, pending, old;
	bool done;

	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	sigaddset(&ours, SIGXFSZ);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &ours, &old);
	done = write_all(fd, line, length);
	if (sigismember(&pending, SIGPIPE))	/* that one is the program's */
		sigdelset(&ours, SIGPIPE);
	if (sigismember(&pending, SIGXFSZ))
		sigdelset(&ours, SIGXFSZ);
	if (!done)
		syscall(SYS_rt_sigtimedwait, &ours, NULL, &now,
			sizeof(sigmask_t));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return done;
}

__attribute__((format(printf, 1, 2)))
static void complain(const char *format, ...)
{
	char line[512] = "side_jmp: ";
	va_list args;
	size_t n;

	va_start(args, format);
	vsnprintf(line + 10, sizeof(line) - 11, format, args);
	va_end(args);
	n = strlen(line);
	line[n++] = '\n';
	(void)write_quietly(STDERR_FILENO, line, n);
}

/*
 * Whole, at once, or not at all.  A pipe that polls writable takes PIPE_BUF
 * bytes (pipe(7)), and a line is no longer.
 */
static bool write_line(const char *line, size_t length)
{
	struct pollfd ready = { .fd = trace.fd, .events = POLLOUT };
	struct timespec now = { 0, 0 };

	if (!still_ours())
		return false;
	if (trace.plain)
		return write_all(trace.fd, line, length);
	return syscall(SYS_ppoll, &ready, 1, &now, NULL, 0) == 1 &&
	       ready.revents == POLLOUT &&
	       write_quietly(trace.fd, line, length);
}

static void forget_lost(void)
{
	__atomic_store_n(&lost, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&unsaid, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&torn, 0, __ATOMIC_RELAXED);
}

/* How many events are missing before the next line. */
static bool say_lost(void)
{
	uint64_t n = __atomic_exchange_n(&unsaid, 0, __ATOMIC_RELAXED);
	uint32_t was_torn;
	char line[80];
	struct sj_text t = { line, line + sizeof(line), false };

	if (!n)
		return true;
	was_torn = __atomic_exchange_n(&torn, 0, __ATOMIC_RELAXED);
	if (was_torn)
		sj_text_char(&t, '\n');
	sj_text_string(&t, "side_jmp: ");
	sj_text_unsigned(&t, n);
	sj_text_string(&t, n == 1 ? " event lost\n" : " events lost\n");
	if (write_line(line, (size_t)(t.at - line)))
		return true;
	if (was_torn)
		__atomic_store_n(&torn, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&unsaid, n, __ATOMIC_RELAXED);
	return false;
}

static bool write_text(const struct side_jmp_event *event,
		       const struct side_jmp_value values[])
{
	char line[SJ_LINE_MAX];

	if (say_lost() &&
	    write_line(line, sj_text_line(line, event, values)))
		return true;
	__atomic_fetch_add(&unsaid, 1, __ATOMIC_RELAXED);
	return false;
}

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)data;
	if (trace.output == CTF ? !sj_ctf_write(event, values) :
				  !write_text(event, values))
		__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
}

/* ---- output ------------------------------------------------------------- */

static bool is_plain(void)
{
	struct rlimit limit;
	struct stat st;

	return !fstat(trace.fd, &st) && S_ISREG(st.st_mode) &&
	       !getrlimit(RLIMIT_FSIZE, &limit) &&
	       limit.rlim_cur == RLIM_INFINITY;
}

static int open_text(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
		      O_NOCTTY | O_NONBLOCK, 0666);

	return fd < 0 ? -errno : sj_file_aside(fd);
}

static int open_output(const char *output)
{
	size_t length = output ? strlen(output) : 0;
	int r;

	if (length >= sizeof(trace.name))
		return -ENAMETOOLONG;
	if (length && output[length - 1] == '/') {
		r = sj_ctf_open(output, trace.size, trace.name,
				sizeof(trace.name));
		trace.output = r ? CLOSED : CTF;
		return r;
	}
	r = length ? open_text(output) : STDERR_FILENO;
	if (r < 0)
		return r;
	trace.fd = r;
	if (!sj_file_note(r, &trace.file)) {
		r = -errno;
		if (length)
			close(trace.fd);
		return r;
	}
	trace.plain = is_plain();
	if (!sj_file_note(STDERR_FILENO, &trace.stderr_file))
		trace.stderr_file = (struct sj_file){ 0 };
	memcpy(trace.name, length ? output : "stderr", length ? length + 1 : 7);
	trace.output = TEXT;
	return 0;
}

/*
 * A reader that is slow, but there, gets some time to hear of it.  Where the
 * output takes nothing any more, stderr does.
 */
static void say_lost_at_last(void)
{
	struct pollfd ready = { .fd = trace.fd, .events = POLLOUT };
	struct timespec patience = { 0, 200000000 };

	if (trace.output != TEXT ||
	    !__atomic_load_n(&unsaid, __ATOMIC_RELAXED))
		return;
	(void)syscall(SYS_ppoll, &ready, 1, &patience, NULL, 0);
	if (!say_lost() && trace.fd != STDERR_FILENO &&
	    sj_file_still(STDERR_FILENO, &trace.stderr_file))
		complain("%.160s: %llu events lost", trace.name,
			 (unsigned long long)__atomic_load_n(&unsaid,
							     __ATOMIC_RELAXED));
}

static void close_output(void)
{
	say_lost_at_last();
	if (trace.output == CTF)
		sj_ctf_close();
	else if (trace.output == TEXT && trace.fd != STDERR_FILENO &&
		 still_ours())
		close(trace.fd);
	trace.output = CLOSED;
	trace.name[0] = '\0';
	forget_lost();
}

/* Whatever else an exiting program does, what was lost is said. */
__attribute__((destructor))
static void at_exit(void)
{
	say_lost_at_last();
}

/* ---- start and stop ----------------------------------------------------- */

static bool same_output(const char *output)
{
	size_t length;

	if (!output)
		return true;
	length = strlen(output);
	if (trace.output == CTF)
		return !strncmp(trace.name, output, length) &&
		       output[length - 1] == '/';
	return !strcmp(trace.name, output);
}

static int start_locked(const char *patterns, const char *output)
{
	bool opened = trace.output == CLOSED;
	int r = 0;

	if (opened)
		r = open_output(output);
	else if (!same_output(output))
		r = -EBUSY;
	if (r)
		return r;
	r = sj_tracer_add(&trace.tracer, patterns, callback, NULL);
	if (r && opened)
		close_output();
	return r;
}

static void trace_fork_prepare(void)
{
	sj_lock(&trace_lock);
}

static void trace_fork_parent(void)
{
	sj_unlock(&trace_lock);
}

/* The parent has counted what the parent lost. */
static void trace_fork_child(void)
{
	forget_lost();
}

static int trace_enter(sigmask_t *mask)
{
	static const struct sj_fork_hooks hooks = {
		trace_fork_prepare, trace_fork_parent, trace_fork_child,
	};
	int r = sj_fork_add(SJ_FORK_TRACE, &hooks);

	if (r)
		return r;
	*mask = sj_block_signals();
	sj_lock(&trace_lock);
	return 0;
}

static void trace_leave(sigmask_t mask)
{
	sj_unlock(&trace_lock);
	sj_restore_signals(mask);
}

int side_jmp_trace_start(const char *patterns, const char *output)
{
	int saved = errno, r;
	sigmask_t mask;

	if (!patterns || (output && !*output))
		return -EINVAL;
	r = trace_enter(&mask);
	if (r)
		return r;
	r = start_locked(patterns, output);
	trace_leave(mask);
	errno = saved;
	return r;
}

int side_jmp_trace_stop(void)
{
	int saved = errno, r;
	sigmask_t mask;

	r = trace_enter(&mask);
	if (r)
		return r;
	r = trace.tracer ? side_jmp_tracer_unregister(trace.tracer) : -EINVAL;
	if (!r) {
		trace.tracer = NULL;
		close_output();
	}
	trace_leave(mask);
	errno = saved;
	return r;
}

/* ---- environment -------------------------------------------------------- */

/* Digits, then k, M or G. */
static bool parse_size(const char *s, uint64_t *size)
{
	static const char units[] = "kMG";
	uint64_t n = 0;
	const char *unit;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (n > UINT64_MAX >> 34)
			return false;
		n = 10 * n + (uint64_t)(*s - '0');
	}
	unit = *s ? strchr(units, *s) : NULL;
	if (*s && (!unit || s[1]))
		return false;
	*size = unit ? n << 10 * (unit - units + 1) : n;
	return n > 0;
}

static void read_size(void)
{
	const char *s = secure_getenv("SIDE_JMP_OUTPUT_SIZE");

	if (s && *s && !parse_size(s, &trace.size))
		complain("SIDE_JMP_OUTPUT_SIZE: \"%.80s\" is not a size;"
			 " ignored", s);
}

/* Each pattern by itself, so that a bad one spoils no other. */
static void start_patterns(const char *list, const char *output)
{
	char pattern[SJ_PATTERN_MAX];
	int r;

	while ((r = sj_pattern_next(&list, pattern)) != 0) {
		if (r < 0) {
			complain("SIDE_JMP_ENABLE: \"%s\" is %s; ignored",
				 pattern, r == -EINVAL ?
				 "not of the form provider:name" : "too long");
			continue;
		}
		r = side_jmp_trace_start(pattern, output);
		if (!r)
			continue;
		complain("%s%.160s: cannot trace %s: %s",
			 output ? "SIDE_JMP_OUTPUT=" : "SIDE_JMP_ENABLE",
			 output ? output : "", pattern, strerror(-r));
		if (trace.output == CLOSED)
			return;
	}
}

static void trace_start_from_environment(void)
{
	const char *list = secure_getenv("SIDE_JMP_ENABLE");
	const char *output = secure_getenv("SIDE_JMP_OUTPUT");
	int saved = errno;

	read_size();
	if (list)
		start_patterns(list, output && *output ? output : NULL);
	errno = saved;
}

/* ---- others ------------------------------------------------------------- */

static void trace_new_events(struct side_jmp_event *first,
			     const struct side_jmp_event *end)
{
	for (; first < end; first++)
		sj_ctf_new_event(first);
}

static void trace_info(struct side_jmp_event_info *info)
{
	info->lost = __atomic_load_n(&lost, __ATOMIC_RELAXED);
	memcpy(info->output, trace.name, sizeof(info->output));
}

const struct sj_sink sj_trace_sink = {
	.start = trace_start_from_environment,
	.new_events = trace_new_events,
	.info = trace_info,
};
