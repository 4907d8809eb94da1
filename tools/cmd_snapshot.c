/* SPDX-License-Identifier: MIT */
/*
 * side-jmp snapshot: a copy of a CTF trace that is being written.  Asks nothing
 * of the process that writes it: where the trace is, its mappings say.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/events/ctf.h"
#include "tools/choice.h"
#include "tools/live.h"
#include "tools/proc.h"
#include "tools/side-jmp.h"

struct options {
	struct choice who;
	const char *trace, *directory;	/* trace: NULL, of the process */
};

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "The trace that this process writes", 1 },
	{ 0 },
};

static error_t parse(int option, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (option) {
	case ARGP_KEY_ARG:
		if (o->directory && (o->trace || o->who.asked))
			argp_error(state, "one new directory is expected");
		if (o->directory)
			o->trace = o->directory;
		o->directory = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->directory || (!o->trace && !o->who.asked))
			argp_error(state, "a trace (--pid, or its directory) and"
				   " a new directory are expected");
		if (o->who.asked && (o->trace || o->who.n != 1))
			argp_error(state, "one trace is expected");
		return 0;
	case 'p':
		return choice_option(&o->who, option, arg, state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What is before the last part of the path, if that begins so; else NULL. */
static char *directory_of(const char *path, const char *begins)
{
	const char *slash = strrchr(path, '/');

	if (!slash || strncmp(slash + 1, begins, strlen(begins)))
		return NULL;
	return strndup(path, (size_t)(slash - path));
}

/* The trace that a file of that path is a stream of, to be freed; or NULL. */
static char *trace_of(const char *path)
{
	char *directory = directory_of(path, SJ_CTF_STREAM), *above;

	if (!directory)
		return NULL;
	above = directory_of(directory, SJ_CTF_PIECE);
	if (!above)
		return directory;
	free(directory);
	return above;
}

struct traces {
	char *found;			/* the first */
	char *other;
};

static void add_trace(const char *path, void *arg)
{
	struct traces *traces = arg;
	char *trace = trace_of(path);

	if (trace && !traces->found)
		traces->found = trace;
	else if (trace && !traces->other && strcmp(trace, traces->found))
		traces->other = trace;
	else
		free(trace);
}

/* Its only one, to be freed; NULL, and it is said. */
static char *find_trace(const struct process *p)
{
	struct traces traces = { NULL, NULL };

	process_shared_files(p, add_trace, &traces);
	if (!traces.found)
		tool_error(NULL, "process %d writes no CTF trace", (int)p->pid);
	if (!traces.other)
		return traces.found;
	tool_error(NULL, "process %d writes several traces, %s and %s: name one",
		   (int)p->pid, traces.found, traces.other);
	free(traces.found);
	free(traces.other);
	return NULL;
}

/* As the process sees it, whose names may lie.  -1: said. */
static int open_of_process(const struct process *p)
{
	char *trace = find_trace(p);
	int root, fd;

	if (!trace)
		return -1;
	root = openat(p->dir, "root", O_PATH | O_CLOEXEC);
	fd = root < 0 ? -1 : open_in_root(root, trace, O_DIRECTORY);
	if (fd < 0)
		tool_error(trace, "can't be opened: %s", strerror(errno));
	if (root >= 0)
		close(root);
	free(trace);
	return fd;
}

static int open_by_pid(pid_t pid)
{
	char why[WHY_MAX];
	struct process p;
	int fd;

	if (process_open(&p, pid, why)) {
		tool_error(NULL, "%s", why);
		return -1;
	}
	fd = open_of_process(&p);
	process_close(&p);
	return fd;
}

static int open_by_name(const char *trace)
{
	int fd = open(trace, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		tool_error(trace, "can't be opened: %s", strerror(errno));
	return fd;
}

static int copy(const struct options *o, int trace)
{
	int r = sj_ctf_snapshot(trace, o->directory);

	switch (r) {
	case 0:
		return EXIT_OK;
	case -EEXIST:
		return tool_error(o->directory, "is there already; a new"
				  " directory is expected");
	case -EILSEQ:
		return tool_error(o->trace, "is not a whole trace of side_jmp");
	case -ENOENT:
		return tool_error(o->trace, "is no trace of side_jmp, or there is"
				  " no directory for %s", o->directory);
	default:
		return tool_error(o->directory, "%s", strerror(-r));
	}
}

int cmd_snapshot(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "[TRACE] DIRECTORY", "Copy a CTF trace that is"
		" being written, as it is now, to a new directory.\vTRACE is the"
		" directory that has its metadata, or its pieces.  The program"
		" goes on, and is not asked.", NULL, NULL, NULL,
	};
	struct options o = { 0 };
	int trace, status = EXIT_BAD;

	tool_parse(&argp, argc, argv, &o);
	trace = o.trace ? open_by_name(o.trace) : open_by_pid(o.who.chosen[0].pid);
	if (trace >= 0) {
		status = copy(&o, trace);
		close(trace);
	}
	choice_free(&o.who);
	return status;
}
