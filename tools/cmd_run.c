/* SPDX-License-Identifier: MIT */
/*
 * side-jmp run: start a command with events enabled, and show them.
 *
 * The runtime's built-in tracer does the work (SIDE_JMP_ENABLE,
 * SIDE_JMP_OUTPUT).  With -o it writes where it is told and this is a
 * bystander.  Otherwise its lines come through a FIFO and leave on standard
 * error, whole lines at a time.
 *
 *
 * THE FIFO is in a folder of its own, for this user alone.  Every process opens
 * it by itself: a program that closes the descriptors it does not know takes
 * nothing from its children, and a name that is gone, or a FIFO without a
 * reader, can't be opened.  (/proc/<this>/fd/<n> of a pipe needs no name, and
 * one day is a file of another process with the same number.)  When this ends,
 * the command goes on, and its lines have nowhere to go.
 *
 * When this is killed, somebody else has to remove the folder: a process of our
 * own, in a session of its own, which waits for nothing but our end.
 *
 * Nobody has opened it yet: poll(2) does not say POLLHUP.  The last writer has
 * left: it does.  Then we know that the command has a tracer, and open a
 * writer of our own so that poll() waits again.
 *
 * A slow reader of our standard error must not stop the command, nor make its
 * tracer lose events because the FIFO is full.  Lines are kept here, up to a
 * limit; beyond it they are counted, by event, and not shown, and a line says
 * how many.
 *
 *
 * SIGNALS.  The command is in our process group, so the terminal's signals
 * reach it by themselves.  What somebody sends to this process alone is passed
 * on.  When the command stops, this stops: the shell sees its job stop when
 * the command has made up its mind, not before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "runtime/events/context.h"
#include "runtime/events/pattern.h"
#include "tools/lines.h"
#include "tools/out.h"
#include "tools/side-jmp.h"

/* As env(1), timeout(1) and the shell have them. */
enum { EXIT_OURS = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

enum {
	FIFO_SIZE = 1 << 20,		/* what the kernel lets anybody have */
	READ_SIZE = 64 << 10,
	PENDING_MAX = 16 << 20,
	OUTPUT_MAX = 239,		/* of SIDE_JMP_OUTPUT: trace.c */
};

static struct {
	/* what was asked for */
	char *patterns;			/* joined by commas */
	const char *output;		/* -o */
	const char *context;
	const char *summary_path;
	bool summary, json, quiet, wait_all;
	const char *colour;
	char **command;

	/* how it goes */
	pid_t child;
	bool exited, waited;		/* the command; all that we wait for */
	int status;			/* of waitpid(2) */
	struct timespec started, ended;
	char folder[256];		/* of the fifo; "": none */
	char path[PATH_MAX];		/* SIDE_JMP_OUTPUT */
	int fifo, writer;		/* -1: none */
	int alive;			/* closed by our end; -1: none */
	bool opened;			/* somebody opened the fifo */
	ssize_t unread;			/* what the ended command left in it */
	int signals;
	sigset_t old_mask;
	struct sigaction old_pipe, old_chld;
	bool out_is_file;
	struct stat before;		/* -o: the file or directory */
	struct lines lines;
} run = { .fifo = -1, .writer = -1, .alive = -1 };

/* ---- options ------------------------------------------------------------ */

enum { OPT_CONTEXT = 256 };

static const struct argp_option options[] = {
	{ "event", 'e', "PATTERN", 0, "These events: provider:name, with * and"
	  " ?, behind it maybe `if EXPRESSION every N limit N/s' (side_jmp_event(3)),"
	  " or a list of that with commas; may be repeated (default: *:*)", 0 },
	{ "output", 'o', "PATH", 0, "Not on standard error, but appended to the"
	  " file PATH, or as CTF 1.8 in the directory PATH/", 0 },
	{ "context", OPT_CONTEXT, "LIST", 0, "With each event, of these: cpu,"
	  " comm, thread_time, stack", 0 },
	{ "summary", 's', "FILE", OPTION_ARG_OPTIONAL, "At the end, counts and"
	  " rates by event, on standard error or in FILE", 0 },
	{ "json", 'j', NULL, 0, "The summary as JSON", 0 },
	{ "quiet", 'q', NULL, 0, "No events, only the summary", 0 },
	{ "wait", 'w', NULL, 0, "Wait also for processes that COMMAND leaves"
	  " behind", 0 },
	{ "color", 'C', "WHEN", 0, "always, never, or auto: on a terminal"
	  " unless NO_COLOR is set (default)", 0 },
	{ 0 },
};

static int failed(const char *path)
{
	return tool_error(path, "%s", strerror(errno));
}

/* Not 0: a message has been printed.  So below, too. */
static int add_patterns(const char *list)
{
	struct sj_pattern pattern;
	const char *rest = list;
	char *joined;
	int r, n = 0;

	for (; (r = sj_pattern_next(&rest, &pattern)) != 0; n++)
		if (r < 0)
			return tool_error(NULL, "\"%s\" %s", pattern.text,
					  pattern.why);
	if (!n)
		return tool_error(NULL, "--event=\"%s\" names no event: expected"
				  " provider:name", list);
	if (asprintf(&joined, "%s%s%s", run.patterns ? run.patterns : "",
		     run.patterns ? "," : "", list) < 0)
		return failed("--event");
	free(run.patterns);
	run.patterns = joined;
	return 0;
}

static int set_context(const char *list)
{
	unsigned parts;

	run.context = list;
	if (sj_context_parse(list, &parts))
		return 0;
	return tool_error(NULL, "--context=%s: expected a list of cpu, comm,"
			  " thread_time and stack", list);
}

static int set_colour(const char *when)
{
	run.colour = when;
	if (!strcmp(when, "always") || !strcmp(when, "never") ||
	    !strcmp(when, "auto"))
		return 0;
	return tool_error(NULL, "--color=%s: expected always, never or auto",
			  when);
}

static bool is_ctf(void)
{
	return run.output && *run.output &&
	       run.output[strlen(run.output) - 1] == '/';
}

static int check_options(void)
{
	const char *needless = run.json ? "--json" : run.quiet ? "--quiet" :
			       NULL;

	if (!run.patterns && add_patterns("*:*"))
		return EXIT_OURS;
	if (!run.command)
		return tool_error(NULL, "run: expected a COMMAND; side-jmp run"
				  " --help says more");
	if (run.output && !*run.output)
		return tool_error(NULL, "--output is empty: expected a file, or"
				  " a directory with a / at its end");
	if (run.summary && is_ctf())
		return tool_error(NULL, "--summary counts lines of text;"
				  " babeltrace2 reads a CTF trace");
	if (needless && !run.summary)
		return tool_error(NULL, "%s is about the --summary, which was"
				  " not asked for", needless);
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'e':
		if (add_patterns(arg))
			exit(EXIT_OURS);
		return 0;
	case 'o': run.output = arg; return 0;
	case 's': run.summary = true; run.summary_path = arg; return 0;
	case 'j': run.json = true; return 0;
	case 'q': run.quiet = true; return 0;
	case 'w': run.wait_all = true; return 0;
	case 'C':
		if (set_colour(arg))
			exit(EXIT_OURS);
		return 0;
	case OPT_CONTEXT:
		if (set_context(arg))
			exit(EXIT_OURS);
		return 0;
	case ARGP_KEY_ARG:
		/* What follows is the command's own. */
		run.command = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (check_options())
			exit(EXIT_OURS);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	options, parse_option, "[--] COMMAND [ARGUMENT...]",
	"Start COMMAND with events enabled, and show them on standard error.\v"
	"Ends with COMMAND's exit status, or 128 + the signal that ended it;"
	" 125 if side-jmp itself fails, 126 if COMMAND can't be executed, 127"
	" if it is not found.", NULL, NULL, NULL,
};

static bool want_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (run.colour && strcmp(run.colour, "auto"))
		return !strcmp(run.colour, "always");
	return isatty(STDERR_FILENO) && !(no && *no) &&
	       !(term && !strcmp(term, "dumb"));
}

/* ---- output ------------------------------------------------------------- */

/* Found out before the command starts, with the message where it belongs. */
static int open_output(void)
{
	bool ctf = is_ctf();
	struct stat st;
	char *path;
	int fd;

	if (ctf && mkdir(run.output, 0777) && errno != EEXIST)
		return failed(run.output);
	fd = ctf ? open(run.output, O_RDONLY | O_DIRECTORY | O_CLOEXEC) :
		   open(run.output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
			O_NOCTTY | O_NONBLOCK, 0666);
	if (fd < 0 || fstat(fd, &st))
		return failed(run.output);
	close(fd);
	if (run.summary && !S_ISREG(st.st_mode))
		return tool_error(run.output, "is no file that can be read"
				  " again, which the --summary needs");
	run.before = st;
	/* The command may change its directory before it starts another. */
	path = realpath(run.output, NULL);
	if (!path)
		return failed(run.output);
	snprintf(run.path, sizeof(run.path), "%s%s", path, ctf ? "/" : "");
	free(path);
	if (strlen(run.path) > OUTPUT_MAX)
		return tool_error(run.path, "is too long a name: expected at"
				  " most %d bytes", OUTPUT_MAX);
	return 0;
}

static void remove_fifo(void)
{
	unlink(run.path);
	rmdir(run.folder);
}

/* Nothing of ours stays open here but the pipe: its end is our end. */
__attribute__((noreturn))
static void keep_watch(int pipe)
{
	sigset_t all;
	char byte;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (dup2(pipe, 0) < 0 || chdir("/"))
		_exit(1);
	close_range(1, ~0U, 0);
	if (!read(0, &byte, 1))
		remove_fifo();
	_exit(0);
}

/*
 * It is not our child, so that --wait does not wait for it.  Where it can't be,
 * a kill leaves the folder behind, and that is all.
 */
static void set_watch(void)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return;
	pid = fork();
	if (!pid) {
		close(ends[1]);
		if (!fork())
			keep_watch(ends[0]);
		_exit(0);
	}
	close(ends[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	run.alive = ends[1];
}

static int open_fifo(void)
{
	const char *tmp = getenv("TMPDIR");
	struct stat st;

	/* The command may be anywhere when it opens it. */
	if (!tmp || *tmp != '/' || strlen(tmp) > 200)
		tmp = "/tmp";
	snprintf(run.folder, sizeof(run.folder), "%s/side-jmp.XXXXXX", tmp);
	if (!mkdtemp(run.folder)) {
		run.folder[0] = '\0';
		return tool_error(tmp, "can't make a folder there: %s; TMPDIR"
				  " names another place", strerror(errno));
	}
	snprintf(run.path, sizeof(run.path), "%s/events", run.folder);
	if (mkfifo(run.path, 0600) ||
	    (run.fifo = open(run.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		return tool_error(run.path, "can't make a FIFO: %s; TMPDIR names"
				  " another place", strerror(errno));
	set_watch();
	(void)fcntl(run.fifo, F_SETPIPE_SZ, FIFO_SIZE);
	run.out_is_file = !fstat(STDERR_FILENO, &st) && S_ISREG(st.st_mode);
	run.lines.colour = want_colour();
	run.lines.counts_only = run.quiet;
	run.lines.out_max = PENDING_MAX;
	return 0;
}

/* The watch ends with a byte: there is nothing left to do. */
static void close_fifo(void)
{
	if (!run.folder[0])
		return;
	remove_fifo();
	if (run.alive >= 0)
		(void)!write(run.alive, "", 1);
}

/* What of the pending bytes to write at once: lines that poll() promised. */
static size_t out_chunk(void)
{
	const char *at = run.lines.out.data + run.lines.out.start;
	size_t n = buffer_length(&run.lines.out);
	const char *newline;

	if (run.out_is_file || n <= PIPE_BUF)
		return n;
	newline = memrchr(at, '\n', PIPE_BUF);
	return newline ? (size_t)(newline + 1 - at) : PIPE_BUF;
}

static void write_out(void)
{
	struct buffer *b = &run.lines.out;
	ssize_t n = write(STDERR_FILENO, b->data + b->start, out_chunk());

	if (n > 0)
		b->start += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		run.lines.counts_only = true;	/* nobody reads them */
	if (b->start == b->end || run.lines.counts_only)
		b->start = b->end = 0;
}

static void read_fifo(void)
{
	struct buffer *in = &run.lines.in;
	char *room = buffer_room(in, READ_SIZE);
	ssize_t n = room ? read(run.fifo, room, READ_SIZE) : -1;

	if (n <= 0)
		return;
	run.opened = true;
	run.unread -= n;
	in->end += (size_t)n;
	(void)lines_take(&run.lines, false);
}

/* The last writer has left; wait for the next one. */
static void fifo_hung_up(void)
{
	run.opened = true;
	if (run.writer < 0)
		run.writer = open(run.path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

static bool poll_fifo_for(short event)
{
	struct pollfd p = { .fd = run.fifo, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents & event;
}

/* Is there a writer other than we? */
static bool has_writers(void)
{
	if (run.writer < 0)
		run.writer = open(run.path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	close(run.writer);
	run.writer = -1;
	return !poll_fifo_for(POLLHUP);
}

/* ---- the command -------------------------------------------------------- */

static const int passed_on[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT,
};

static int catch_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		sigaddset(&mask, passed_on[i]);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &run.old_mask);
	run.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run.signals < 0)
		return failed("signalfd");
	/* A job in the background may be told about its own terminal's. */
	sigaddset(&mask, SIGTTIN);
	sigaddset(&mask, SIGTTOU);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	sigaction(SIGPIPE, &ignore, &run.old_pipe);
	sigaction(SIGCHLD, &by_default, &run.old_chld);
	return 0;
}

__attribute__((noreturn))
static void become_command(int report)
{
	int error;

	sigaction(SIGPIPE, &run.old_pipe, NULL);
	sigaction(SIGCHLD, &run.old_chld, NULL);
	sigprocmask(SIG_SETMASK, &run.old_mask, NULL);
	if (!setenv("SIDE_JMP_ENABLE", run.patterns, 1) &&
	    !setenv("SIDE_JMP_OUTPUT", run.path, 1) &&
	    !(run.context && setenv("SIDE_JMP_CONTEXT", run.context, 1)))
		execvp(run.command[0], run.command);
	error = errno;
	(void)!write(report, &error, sizeof(error));
	_exit(EXIT_OURS);
}

/* 0, or what to exit with. */
static int start_command(void)
{
	int report[2], error = 0;
	ssize_t n;

	if (pipe2(report, O_CLOEXEC))
		return failed("pipe"), EXIT_OURS;
	if (run.wait_all)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &run.started);
	run.child = fork();
	if (run.child < 0)
		return failed("fork"), EXIT_OURS;
	if (!run.child)
		become_command(report[1]);
	close(report[1]);
	/* Returns when the command is executed or could not be. */
	do {
		n = read(report[0], &error, sizeof(error));
	} while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n <= 0)
		return 0;
	waitpid(run.child, NULL, 0);
	tool_error(run.command[0], "%s", strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/*
 * As a shell's job this stops with the command.  Not when somebody stops the
 * command by SIGSTOP: who continues it does not know of us.
 */
static void follow_stop(int by)
{
	if (by != SIGTSTP && by != SIGTTIN && by != SIGTTOU)
		return;
	kill(getpid(), SIGSTOP);
	kill(run.child, SIGCONT);
}

static void reap(void)
{
	int status, unread;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != run.child)
			continue;
		if (WIFSTOPPED(status)) {
			follow_stop(WSTOPSIG(status));
			continue;
		}
		run.exited = true;
		run.status = status;
		clock_gettime(CLOCK_MONOTONIC, &run.ended);
	}
	if (run.waited || !run.exited ||
	    (run.wait_all && !(pid < 0 && errno == ECHILD)))
		return;
	/* What others write from now on is not waited for. */
	run.waited = true;
	if (run.fifo >= 0 && !ioctl(run.fifo, FIONREAD, &unread))
		run.unread = unread;
}

/* False: end now. */
static bool take_signal(void)
{
	struct signalfd_siginfo s;

	while (read(run.signals, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGCHLD)
			reap();
		else if (run.exited && s.ssi_signo != SIGCONT &&
			 s.ssi_signo != SIGTSTP)
			return false;
		else if (!run.exited && s.ssi_code != SI_KERNEL)
			kill(run.child, (int)s.ssi_signo);
	}
	return true;
}

/* The command has ended and all it wrote is out. */
static bool all_out(void)
{
	if (!run.waited || run.unread > 0)
		return false;
	(void)lines_take(&run.lines, true);
	return !buffer_length(&run.lines.out);
}

static void follow(void)
{
	struct pollfd p[3] = { { .fd = run.signals, .events = POLLIN } };

	while (!all_out()) {
		size_t pending = buffer_length(&run.lines.out);
		bool reads = !run.waited || run.unread > 0;

		p[1] = (struct pollfd){ reads ? run.fifo : -1, POLLIN, 0 };
		p[2] = (struct pollfd){ pending ? STDERR_FILENO : -1, POLLOUT,
					0 };
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents && !take_signal())
			break;
		if (p[2].revents)
			write_out();
		if (p[1].revents & POLLIN)
			read_fifo();
		else if (p[1].revents & POLLHUP)
			fifo_hung_up();
	}
}

/* ---- what a user may wonder about --------------------------------------- */

/* As execvp(3) finds it. */
static bool find_command(char path[PATH_MAX])
{
	const char *name = run.command[0], *dirs = getenv("PATH");
	size_t n;

	if (strchr(name, '/'))
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	for (dirs = dirs ? dirs : "/bin:/usr/bin"; ; dirs += n + 1) {
		n = strcspn(dirs, ":");
		snprintf(path, PATH_MAX, "%.*s%s%s", (int)n, dirs,
			 n ? "/" : "", name);
		if (!access(path, X_OK))
			return true;
		if (!dirs[n])
			return false;
	}
}

/* Will the kernel start it in secure execution (AT_SECURE, getauxval(3))? */
static const char *privilege_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return NULL;
	if (st.st_mode & S_ISUID && st.st_uid != getuid())
		return "is setuid";
	if (st.st_mode & S_ISGID && st.st_mode & S_IXGRP &&
	    st.st_gid != getgid())
		return "is setgid";
	if (getuid() && getxattr(path, "security.capability", NULL, 0) > 0)
		return "has file capabilities";
	return NULL;
}

/* True: it was said. */
static bool warn_of_privilege(void)
{
	char path[PATH_MAX];
	const char *why = find_command(path) ? privilege_of(path) : NULL;

	if (why)
		tool_warn(path, "%s: it ignores SIDE_JMP_ENABLE, so none of its"
			  " events can be shown", why);
	return why;
}

#define NO_EVENTS	"no event: it has none, or cleared its environment"

static void hint_of_fifo(void)
{
	const char *command = run.command[0];

	run.opened |= poll_fifo_for(POLLHUP);
	if (has_writers()) {
		run.opened = true;
		tool_warn(command, "left processes behind, whose events are"
			  " lost from now on (--wait waits for them)");
	}
	if (!run.opened)
		tool_warn(command, NO_EVENTS);
	else if (!run.lines.total && !run.lines.lost && !run.lines.left_out)
		tool_warn(command, "no event: none that matches %s was reached;"
			  " side-jmp list shows a file's events", run.patterns);
}

/* Every process with a tracer makes a folder in a trace's directory. */
static bool is_untouched(const struct stat *now)
{
	const struct stat *then = &run.before;

	return is_ctf() ? now->st_nlink == then->st_nlink &&
			  now->st_mtim.tv_sec == then->st_mtim.tv_sec &&
			  now->st_mtim.tv_nsec == then->st_mtim.tv_nsec :
			  now->st_size == then->st_size;
}

static void hint_of_file(void)
{
	struct stat now;

	if (stat(run.path, &now) || !is_untouched(&now))
		return;
	if (is_ctf())
		tool_warn(run.command[0], NO_EVENTS);
	else
		tool_warn(run.command[0], "no event: it has none that matches"
			  " %s, or did not reach it", run.patterns);
}

/* ---- the summary -------------------------------------------------------- */

static int count_file(void)
{
	int fd = open(run.path, O_RDONLY | O_CLOEXEC);
	struct buffer *in = &run.lines.in;
	ssize_t n = -1;
	char *room;

	run.lines.counts_only = true;
	if (fd >= 0 && lseek(fd, run.before.st_size, SEEK_SET) >= 0)
		while ((room = buffer_room(in, READ_SIZE)) &&
		       (n = read(fd, room, READ_SIZE)) > 0) {
			in->end += (size_t)n;
			if (lines_take(&run.lines, false))
				break;
		}
	if (n || lines_take(&run.lines, true))
		return tool_error(run.output, "can't count its events: %s",
				  strerror(errno));
	close(fd);
	return 0;
}

static int exit_status(void)
{
	return WIFSIGNALED(run.status) ? 128 + WTERMSIG(run.status) :
	       WEXITSTATUS(run.status);
}

static double elapsed(void)
{
	return (double)(run.ended.tv_sec - run.started.tv_sec) +
	       (double)(run.ended.tv_nsec - run.started.tv_nsec) / 1e9;
}

static void summary_text(FILE *f, struct event_count **counts)
{
	fprintf(f, "%12s %14s  %s\n", "count", "per second", "event");
	for (; *counts; counts++) {
		fprintf(f, "%12llu %14.1f  ",
			(unsigned long long)(*counts)->count,
			(double)(*counts)->count / elapsed());
		put_text_to(f, (*counts)->name);
		fputc('\n', f);
	}
	fprintf(f, "%12llu %14.1f  in %.3f s, %llu lost",
		(unsigned long long)run.lines.total,
		(double)run.lines.total / elapsed(), elapsed(),
		(unsigned long long)run.lines.lost);
	if (run.lines.left_out)
		fprintf(f, ", %llu left out",
			(unsigned long long)run.lines.left_out);
	fputc('\n', f);
}

static void summary_json(FILE *f, struct event_count **counts)
{
	struct json *j = json_begin_to(f);

	json_object(j, NULL);
	json_array(j, "command");
	for (char **arg = run.command; *arg; arg++)
		json_string(j, NULL, *arg);
	json_array_end(j);
	json_number(j, "exit_status", exit_status());
	json_double(j, "seconds", elapsed());
	json_unsigned(j, "events", run.lines.total);
	json_unsigned(j, "lost", run.lines.lost);
	json_unsigned(j, "left_out", run.lines.left_out);
	json_array(j, "by_event");
	for (; *counts; counts++) {
		json_object(j, NULL);
		json_string(j, "event", (*counts)->name);
		json_unsigned(j, "count", (*counts)->count);
		json_double(j, "per_second",
			    (double)(*counts)->count / elapsed());
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	json_end(j);
}

static int print_summary(FILE *f)
{
	struct event_count **counts;

	if (run.output && count_file())
		return EXIT_OURS;
	counts = lines_sorted(&run.lines);
	if (!counts)
		return failed("--summary");
	if (run.json)
		summary_json(f, counts);
	else
		summary_text(f, counts);
	free(counts);
	if (fflush(f) || ferror(f))
		return failed(run.summary_path ? run.summary_path : "--summary");
	return 0;
}

/* ---- all of it ---------------------------------------------------------- */

/* What to exit with. */
static int run_command(void)
{
	bool warned = warn_of_privilege();
	int r;

	if (catch_signals())
		return EXIT_OURS;
	r = start_command();
	if (r)
		return r;
	follow();
	if (run.output && !warned)
		hint_of_file();
	else if (!warned)
		hint_of_fifo();
	return exit_status();
}

/*
 * A standard descriptor that is closed must not become a file of ours.  It is
 * closed again for the command.
 */
static void occupy_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int cmd_run(int argc, char **argv)
{
	FILE *summary = stderr;
	int r;

	occupy_standard_descriptors();
	tool_parse_with(&argp, ARGP_IN_ORDER, EXIT_OURS, argc, argv, NULL);
	if (run.summary_path && !(summary = fopen(run.summary_path, "we")))
		return failed(run.summary_path), EXIT_OURS;
	r = run.output ? open_output() : open_fifo();
	r = r ? EXIT_OURS : run_command();
	close_fifo();
	if (run.exited && run.summary && print_summary(summary))
		return EXIT_OURS;
	return r;
}
