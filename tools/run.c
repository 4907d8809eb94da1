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
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
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

#include "runtime/event_pattern.h"
#include "tools/lines.h"
#include "tools/tool.h"

/* As env(1), timeout(1) and the shell have them. */
enum { EXIT_OURS = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

enum {
	FIFO_SIZE = 1 << 20,		/* what the kernel lets anybody have */
	READ_SIZE = 64 << 10,
	PENDING_MAX = 16 << 20,
	OUTPUT_MAX = 239,		/* of SIDE_JMP_OUTPUT: event_trace.c */
};

static struct {
	/* what was asked for */
	char *patterns;			/* joined by commas */
	const char *output;		/* -o */
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
	bool opened;			/* somebody opened the fifo */
	ssize_t unread;			/* what the ended command left in it */
	int signals;
	sigset_t old_mask;
	struct sigaction old_pipe, old_chld;
	bool out_is_file;
	off_t file_start;		/* -o: what was in the file before */
	struct lines lines;
} run = { .fifo = -1, .writer = -1 };

/* ---- options ------------------------------------------------------------ */

static const char usage[] =
"usage: side-jmp run [OPTION...] [--] COMMAND [ARGUMENT...]\n"
"Start COMMAND with events enabled, and show them on standard error.\n"
"\n"
"  -e, --event=PATTERN    these events: provider:name, with * and ?, or a list\n"
"                         with commas; may be repeated (default: *:*)\n"
"  -o, --output=PATH      not on standard error but appended to the file PATH,\n"
"                         or as CTF 1.8 in the directory PATH/\n"
"  -s, --summary[=FILE]   at the end, counts and rates by event\n"
"  -j, --json             the summary as JSON\n"
"  -q, --quiet            no events, only the summary\n"
"  -w, --wait             wait also for processes that COMMAND leaves behind\n"
"      --color=WHEN       always, never, auto: on a terminal unless NO_COLOR\n"
"                         is set (the default)\n"
"  -h, --help             this\n"
"\n"
"Ends with COMMAND's exit status, or 128 + the signal that ended it; 125 if\n"
"side-jmp itself fails, 126 if COMMAND cannot be executed, 127 if it is not\n"
"found.\n";

static const struct option options[] = {
	{ "event", required_argument, NULL, 'e' },
	{ "output", required_argument, NULL, 'o' },
	{ "summary", optional_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "wait", no_argument, NULL, 'w' },
	{ "color", required_argument, NULL, 'C' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

__attribute__((format(printf, 1, 2)))
static int fail(const char *format, ...)
{
	va_list args;

	fputs("side-jmp run: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

/* In -1 a message has been printed, here and below. */
static int add_patterns(const char *list)
{
	char pattern[SJ_PATTERN_MAX], *joined;
	const char *rest = list;
	int r, n = 0;

	while ((r = sj_pattern_next(&rest, pattern)) != 0) {
		if (r < 0)
			return fail("\"%s\" is %s", pattern, r == -EINVAL ?
				    "not a pattern: expected provider:name,"
				    " with letters, digits, _, * and ?" :
				    "too long for a pattern: 119 bytes");
		n++;
	}
	if (!n)
		return fail("-e \"%s\": expected a pattern, provider:name",
			    list);
	if (asprintf(&joined, "%s%s%s", run.patterns ? run.patterns : "",
		     run.patterns ? "," : "", list) < 0)
		return fail("no memory");
	free(run.patterns);
	run.patterns = joined;
	return 0;
}

static int parse_color(const char *when)
{
	run.colour = when;
	if (!strcmp(when, "always") || !strcmp(when, "never") ||
	    !strcmp(when, "auto"))
		return 0;
	return fail("--color=%s: expected always, never or auto", when);
}

static int parse_option(int c)
{
	switch (c) {
	case 'e': return add_patterns(optarg);
	case 'o': run.output = optarg; return 0;
	case 's': run.summary = true; run.summary_path = optarg; return 0;
	case 'j': run.json = true; return 0;
	case 'q': run.quiet = true; return 0;
	case 'w': run.wait_all = true; return 0;
	case 'C': return parse_color(optarg);
	}
	fputs("Try side-jmp run --help.\n", stderr);
	return -1;
}

static bool is_ctf(void)
{
	return run.output && *run.output &&
	       run.output[strlen(run.output) - 1] == '/';
}

static int check_options(void)
{
	if (!run.patterns && add_patterns("*:*"))
		return -1;
	if (run.output && !*run.output)
		return fail("-o: expected a file, or a directory with a / at"
			    " its end");
	if (run.summary && is_ctf())
		return fail("--summary counts lines of text; a CTF trace is"
			    " read with babeltrace2");
	if (run.json && !run.summary)
		return fail("--json is the form of the --summary: none was"
			    " asked for");
	if (run.quiet && !run.summary)
		return fail("--quiet leaves only the --summary: none was asked"
			    " for");
	if (!*run.command)
		return fail("expected a COMMAND; try side-jmp run --help");
	return 0;
}

/* 1: --help. */
static int parse_options(int argc, char **argv)
{
	int c;

	/* +: what follows COMMAND is its own */
	while ((c = getopt_long(argc, argv, "+e:o:s::jqwh", options,
				NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (parse_option(c))
			return -1;
	}
	run.command = argv + optind;
	return check_options();
}

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
		return fail("%s: %s", run.output, strerror(errno));
	fd = ctf ? open(run.output, O_RDONLY | O_DIRECTORY | O_CLOEXEC) :
		   open(run.output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
			O_NOCTTY | O_NONBLOCK, 0666);
	if (fd < 0 || fstat(fd, &st))
		return fail("%s: %s", run.output, strerror(errno));
	close(fd);
	if (run.summary && !S_ISREG(st.st_mode))
		return fail("%s: the --summary needs a file that can be read"
			    " again", run.output);
	run.file_start = st.st_size;
	/* The command may change its directory before it starts another. */
	path = realpath(run.output, NULL);
	if (!path || strlen(path) + ctf > OUTPUT_MAX) {
		fail("%s: %s", run.output, path ? "its full name is too long:"
		     " more than 239 bytes" : strerror(errno));
		free(path);
		return -1;
	}
	snprintf(run.path, sizeof(run.path), "%s%s", path, ctf ? "/" : "");
	free(path);
	return 0;
}

static int open_fifo(void)
{
	const char *tmp = getenv("TMPDIR");
	struct stat st;

	snprintf(run.folder, sizeof(run.folder), "%.200s/side-jmp.XXXXXX",
		 tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(run.folder)) {
		fail("%s: cannot make a folder: %s; TMPDIR names another place",
		     run.folder, strerror(errno));
		run.folder[0] = '\0';
		return -1;
	}
	snprintf(run.path, sizeof(run.path), "%s/events", run.folder);
	if (mkfifo(run.path, 0600) ||
	    (run.fifo = open(run.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		return fail("%s: cannot make a FIFO: %s; TMPDIR names another"
			    " place", run.path, strerror(errno));
	(void)fcntl(run.fifo, F_SETPIPE_SZ, FIFO_SIZE);
	run.out_is_file = !fstat(STDERR_FILENO, &st) && S_ISREG(st.st_mode);
	run.lines.colour = want_colour();
	run.lines.counts_only = run.quiet;
	run.lines.out_max = PENDING_MAX;
	return 0;
}

static void remove_fifo(void)
{
	if (!run.folder[0])
		return;
	unlink(run.path);
	rmdir(run.folder);
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
		return fail("signalfd: %s", strerror(errno));
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
	    !setenv("SIDE_JMP_OUTPUT", run.path, 1))
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
		return fail("pipe: %s", strerror(errno)), EXIT_OURS;
	if (run.wait_all)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &run.started);
	run.child = fork();
	if (run.child < 0)
		return fail("fork: %s", strerror(errno)), EXIT_OURS;
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
	fail("%s: %s", run.command[0], strerror(error));
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
		fail("%s %s: it ignores SIDE_JMP_ENABLE, so none of its events"
		     " can be shown", path, why);
	return why;
}

static void hint_of_fifo(void)
{
	run.opened |= poll_fifo_for(POLLHUP);
	if (has_writers()) {
		run.opened = true;
		fail("processes that %s left behind go on, and their events"
		     " are lost (--wait waits for them)", run.command[0]);
	}
	if (!run.opened)
		fail("no event: %s has no side_jmp events, or cleared its"
		     " environment", run.command[0]);
	else if (!run.lines.total && !run.lines.lost)
		fail("no event: none that matches %s was reached; side-jmp"
		     " list shows what there is in a file", run.patterns);
}

static void hint_of_file(void)
{
	struct stat st;

	if (!is_ctf() && !stat(run.path, &st) && st.st_size == run.file_start)
		fail("no event: %s has none that matches %s, or did not reach"
		     " it", run.command[0], run.patterns);
}

/* ---- the summary -------------------------------------------------------- */

static int count_file(void)
{
	int fd = open(run.path, O_RDONLY | O_CLOEXEC);
	struct buffer *in = &run.lines.in;
	ssize_t n = -1;
	char *room;

	run.lines.counts_only = true;
	if (fd >= 0 && lseek(fd, run.file_start, SEEK_SET) >= 0)
		while ((room = buffer_room(in, READ_SIZE)) &&
		       (n = read(fd, room, READ_SIZE)) > 0) {
			in->end += (size_t)n;
			if (lines_take(&run.lines, false))
				break;
		}
	if (n || lines_take(&run.lines, true))
		return fail("%s: cannot count what is in it: %s", run.output,
			    strerror(errno));
	close(fd);
	return 0;
}

static double elapsed(void)
{
	return (double)(run.ended.tv_sec - run.started.tv_sec) +
	       (double)(run.ended.tv_nsec - run.started.tv_nsec) / 1e9;
}

static void summary_text(FILE *f, struct event_count **counts)
{
	fprintf(f, "%12s %14s  %s\n", "count", "per second", "event");
	for (; *counts; counts++)
		fprintf(f, "%12llu %14.1f  %s\n",
			(unsigned long long)(*counts)->count,
			(double)(*counts)->count / elapsed(),
			(*counts)->name);
	fprintf(f, "%12llu %14.1f  in %.3f s, %llu lost\n",
		(unsigned long long)run.lines.total,
		(double)run.lines.total / elapsed(), elapsed(),
		(unsigned long long)run.lines.lost);
}

static void summary_json(FILE *f, struct event_count **counts)
{
	(void)f; (void)counts;
}

static int print_summary(FILE *f)
{
	struct event_count **counts;

	if (run.output && count_file())
		return -1;
	counts = lines_sorted(&run.lines);
	if (!counts)
		return fail("no memory for the summary");
	if (run.json)
		summary_json(f, counts);
	else
		summary_text(f, counts);
	free(counts);
	if (fflush(f) || ferror(f))
		return fail("%s: %s", run.summary_path ? run.summary_path :
			    "standard error", strerror(errno));
	return 0;
}

/* ---- all of it ---------------------------------------------------------- */

static int exit_status(void)
{
	return WIFSIGNALED(run.status) ? 128 + WTERMSIG(run.status) :
	       WEXITSTATUS(run.status);
}

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
	if (run.output)
		hint_of_file();
	else if (!warned)
		hint_of_fifo();
	return exit_status();
}

int run_main(int argc, char **argv)
{
	FILE *summary = stderr;
	int r = parse_options(argc, argv);

	if (r)
		return r > 0 ? 0 : EXIT_OURS;
	if (run.summary_path) {
		summary = fopen(run.summary_path, "we");
		if (!summary)
			return fail("%s: %s", run.summary_path,
				    strerror(errno)), EXIT_OURS;
	}
	r = run.output ? open_output() : open_fifo();
	r = r ? EXIT_OURS : run_command();
	remove_fifo();
	if (run.child > 0 && run.exited && run.summary && print_summary(summary))
		return EXIT_OURS;
	return r;
}
