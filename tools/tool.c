/* SPDX-License-Identifier: MIT */
/* See side-jmp.h: what the subcommands share. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/memory.h"
#include "tools/out.h"
#include "tools/side-jmp.h"
#include "tools/text.h"

/* ---- messages ------------------------------------------------------------------ */

static void message(const char *where, const char *kind, const char *format,
		    va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	fflush(stdout);
	fputs("side-jmp: ", stderr);
	if (where) {
		put_text_to(stderr, where);
		fputs(": ", stderr);
	}
	fputs(kind, stderr);
	put_text_to(stderr, text);
	fputc('\n', stderr);
}

int tool_error(const char *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(where, "", format, args);
	va_end(args);
	return EXIT_BAD;
}

void tool_warn(const char *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(where, "warning: ", format, args);
	va_end(args);
}

/* ---- options that all have ------------------------------------------------------ */

enum { OPT_USAGE = 0x10000, OPT_VERSION };

static const struct argp_option common_options[] = {
	{ "help", 'h', NULL, 0, "Show this help", -1 },
	{ "usage", OPT_USAGE, NULL, 0, "Show a short usage message", -1 },
	{ "version", OPT_VERSION, NULL, 0, "Show the version", -1 },
	{ 0 },
};

__attribute__((noreturn))
static void exit_flushed(void)
{
	exit(out_flush() ? EXIT_OK : argp_err_exit_status);
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->input;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP &
				~(unsigned)ARGP_HELP_EXIT_OK);
		exit_flushed();
	case OPT_USAGE:
		argp_state_help(state, stdout, ARGP_HELP_USAGE);
		exit_flushed();
	case OPT_VERSION:
		puts("side-jmp " SIDE_JMP_VERSION);
		exit_flushed();
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A line of a message; the arguments that it quotes may be names of files. */
static ssize_t write_fit(void *to, const char *s, size_t n)
{
	char *fit = tool_alloc(n + 1, TEXT_MAX(1)), *end = fit;

	for (const char *at = s, *stop; at < s + n; at = stop) {
		bool newline = *at == '\n';

		stop = newline ? at + 1 : memchr(at, '\n', (size_t)(s + n - at));
		stop = stop ? stop : s + n;
		end = newline ? mempcpy(end, at, 1) :
				text_fit(end, at, (size_t)(stop - at));
	}
	fwrite(fit, 1, (size_t)(end - fit), to);
	free(fit);
	return (ssize_t)n;
}

void tool_parse_with(const struct argp *argp, unsigned flags, int bad, int argc,
		     char **argv, void *input)
{
	static char name[64];
	struct argp own = *argp;
	const struct argp_child children[] = { { &own, 0, NULL, 0 }, { 0 } };
	const struct argp whole = { common_options, parse_common,
		argp->args_doc, argp->doc, children, NULL, NULL };
	FILE *real = stderr, *fit = fopencookie(real, "w",
			(cookie_io_functions_t){ .write = write_fit });

	own.args_doc = own.doc = NULL;
	snprintf(name, sizeof(name), "side-jmp %s", argv[0]);
	argv[0] = name;
	argp_err_exit_status = bad;
	stderr = fit ? fit : real;	/* getopt(3) and argp write there */
	argp_parse(&whole, argc, argv, flags | ARGP_NO_HELP, NULL, input);
	stderr = real;
	if (fit)
		fclose(fit);
}

void tool_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	tool_parse_with(argp, 0, EXIT_BAD, argc, argv, input);
}

uint64_t tool_time(const char *s)
{
	static const struct { const char *name; double ns; } units[] = {
		{ "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "m", 60e9 },
		{ "h", 3600e9 },
	};
	char *end;
	double n = strtod(s, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (end != s && !strcmp(end, units[i].name) && n > 0 &&
		    n * units[i].ns < 1e18)
			return (uint64_t)(n * units[i].ns + .5);
	return 0;
}
