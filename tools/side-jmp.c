/* SPDX-License-Identifier: MIT */
/* side-jmp: sees, checks and prepares sites.  Finds the subcommand. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/out.h"
#include "tools/side-jmp.h"

static const struct subcommand subcommands[] = {
	{ "list", "show sites, keys and events of files", cmd_list },
	{ "check", "check everything that must hold of them", cmd_check },
	{ "disasm", "show their code as it is, armed and idle", cmd_disasm },
	{ "prepare", "make sites idle or armed in a file", cmd_prepare },
	{ "stat", "show the sites of a running process", cmd_stat },
	{ "run", "start a command and show its events", cmd_run },
	{ NULL, NULL, NULL },
};

/* ---- what subcommands share --------------------------------------------------- */

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

void tool_parse_with(const struct argp *argp, unsigned flags, int bad, int argc,
		     char **argv, void *input)
{
	static char name[64];

	snprintf(name, sizeof(name), "side-jmp %s", argv[0]);
	argv[0] = name;
	argp_err_exit_status = bad;
	argp_parse(argp, argc, argv, flags, NULL, input);
}

void tool_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	tool_parse_with(argp, 0, EXIT_BAD, argc, argv, input);
}

/* ---- the command -------------------------------------------------------------- */

static void usage(FILE *to)
{
	fputs("Usage: side-jmp SUBCOMMAND [OPTION...] [ARGUMENT...]\n"
	      "See, check and prepare the sites of side_jmp.\n\n", to);
	for (const struct subcommand *s = subcommands; s->name; s++)
		fprintf(to, "  %-10s %s\n", s->name, s->help);
	fputs("\nside-jmp SUBCOMMAND --help says more, and so does its manual"
	      " page, side-jmp-SUBCOMMAND(1).\n"
	      "Exit status: 0, or 1 if a check found something, or 2 on bad"
	      " usage or input.\n", to);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	int status;

	if (!name) {
		usage(stderr);
		return EXIT_BAD;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
	    !strcmp(name, "help")) {
		usage(stdout);
		return out_flush() ? EXIT_OK : EXIT_BAD;
	}
	if (!strcmp(name, "--version")) {
		puts("side-jmp " SIDE_JMP_VERSION);
		return out_flush() ? EXIT_OK : EXIT_BAD;
	}
	for (const struct subcommand *s = subcommands; s->name; s++) {
		if (strcmp(s->name, name))
			continue;
		status = s->run(argc - 1, argv + 1);
		return out_flush() ? status : EXIT_BAD;
	}
	return tool_error(NULL, "there is no subcommand '%s'; side-jmp --help"
			  " lists them", name);
}
