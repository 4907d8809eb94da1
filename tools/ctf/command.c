/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/ctf/command.h"
#include "tools/out.h"
#include "tools/side-jmp.h"

static struct {
	const char *trace, *output;
	uint64_t since;			/* ns; 0: all */
	bool quiet;
} args;

enum { OPT_SINCE = 256 };

static const struct argp_option options[] = {
	{ "since", OPT_SINCE, "TIME", 0, "Only the last 10s, 500ms, 2m, 1h of the"
	  " trace", 1 },
	{ "output", 'o', "FILE", 0, "Write to this file (default: standard output)", 1 },
	{ "quiet", 'q', NULL, 0, "Do not say how many", 1 },
	{ 0 },
};

static error_t parse(int option, char *arg, struct argp_state *state)
{
	switch (option) {
	case 'o': args.output = arg; return 0;
	case 'q': args.quiet = true; return 0;
	case OPT_SINCE:
		args.since = tool_time(arg);
		if (!args.since)
			argp_error(state, "--since=%s: expected a time before the"
				   " trace's end, as 10s, 500ms, 2m, 1h", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (args.trace)
			argp_error(state, "one trace is expected, and \"%s\" is"
				   " another", arg);
		args.trace = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args.trace)
			argp_error(state, "a trace is expected: a folder");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const char *ctf_command_trace(void)
{
	return args.trace;
}

int ctf_command_read(void (*visit)(const struct ctf_event *event, void *arg),
		     void *arg, struct ctf_seen *seen)
{
	return ctf_read(args.since, visit, arg, seen);
}

FILE *ctf_command_open(void)
{
	FILE *to = args.output ? fopen(args.output, "we") : stdout;

	if (!to)
		tool_error(args.output, "%s", strerror(errno));
	return to;
}

int ctf_command_close(FILE *to)
{
	return args.output ? out_close(to, args.output) : EXIT_OK;
}

static void say_seen(const struct ctf_seen *seen)
{
	fprintf(stderr, "side-jmp: %" PRIu64 " events, %" PRIu64 " lost",
		seen->events, seen->lost);
	if (seen->left_out)
		fprintf(stderr, ", %" PRIu64 " left out", seen->left_out);
	fputc('\n', stderr);
}

int ctf_command(const struct ctf_command *command, int argc, char **argv)
{
	const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "TRACE",
		.doc = command->doc,
	};
	struct ctf_seen seen = { 0 };
	int status;

	tool_parse(&argp, argc, argv, NULL);
	status = ctf_find(args.trace, args.output);
	if (status != EXIT_OK)
		return status;
	status = command->run(&seen);
	if (!args.quiet)
		say_seen(&seen);
	return status;
}
