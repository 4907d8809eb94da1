/* SPDX-License-Identifier: MIT */
/* side-jmp: sees, checks and prepares sites.  Finds the subcommand. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/out.h"
#include "tools/side-jmp.h"
#include "runtime/side_jmp.h"

static int cmd_other(int argc, char **argv);

static const struct subcommand subcommands[] = {
	{ "list", "show sites, keys and events of files", cmd_list },
	{ "check", "check everything that must hold of them", cmd_check },
	{ "disasm", "show their code as it is, armed and idle", cmd_disasm },
	{ "prepare", "make sites idle or armed in a file", cmd_prepare },
	{ "stat", "show the sites of a running process", cmd_stat },
	{ "run", "start a command and show its events", cmd_run },
	{ "ps", "show which running processes have sites", cmd_ps },
	{ "trace", "show events of running processes", cmd_trace },
	{ "top", "show their events by rate", cmd_top },
	{ "snapshot", "copy a trace that is being written", cmd_snapshot },
	{ "enable", "enable keys of running processes", cmd_enable },
	{ "disable", "take that back", cmd_disable },
	{ "convert", "a trace as JSON for Perfetto and Chrome", cmd_other },
	{ "report", "a trace as a page for a browser", cmd_other },
	{ NULL, NULL, NULL },
};

/* ---- subcommands in a program of their own ------------------------------------ */

/*
 * Those that read CTF: nobody else is to load what they need.  Beside this
 * program, as it is built, or where it is installed.
 */
static int cmd_other(int argc, char **argv)
{
	static const char *const places[] = { "side-jmp-ctf",
					      "../libexec/side-jmp/side-jmp-ctf" };
	char path[4096 + 64];
	ssize_t n = readlink("/proc/self/exe", path, 4096);
	char *base = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;

	(void)argc;
	for (size_t i = 0; base && i < sizeof(places) / sizeof(*places); i++) {
		strcpy(base + 1, places[i]);
		execv(path, argv);
		if (errno != ENOENT)
			return tool_error(path, "%s", strerror(errno));
	}
	return tool_error(argv[0], "this side-jmp was built without babeltrace2"
			  " (Debian: libbabeltrace2-dev), which reads traces");
}

/* ---- the command -------------------------------------------------------------- */

static void usage(FILE *to)
{
	fputs("Usage: side-jmp SUBCOMMAND [OPTION...] [ARGUMENT...]\n"
	      "See, check and prepare the sites of side_jmp.\n\n", to);
	for (const struct subcommand *s = subcommands; s->name; s++)
		fprintf(to, "  %-10s %s\n", s->name, s->help);
	fputs("\nside-jmp help SUBCOMMAND (or its --help) says more, and so does"
	      " its manual page,\nside-jmp-SUBCOMMAND(1).\n"
	      "Exit status: 0, or 1 if a check found something, or 2 on bad"
	      " usage or input.\n", to);
}

static int run_subcommand(int argc, char **argv)
{
	for (const struct subcommand *s = subcommands; s->name; s++)
		if (!strcmp(s->name, *argv))
			return s->run(argc, argv);
	return tool_error(NULL, "there is no subcommand '%s'; side-jmp --help"
			  " lists them", *argv);
}

static int help(int argc, char **argv)
{
	char *of[] = { argv[2], (char []){ "--help" }, NULL };

	if (argc > 2)
		return run_subcommand(2, of);
	usage(stdout);
	return EXIT_OK;
}

/*
 * Of the first three those that are closed, so that nothing else is opened there
 * and written to as if it were the output.  To use them is an error, as it was; what
 * is executed has them closed, as it was.
 */
static void hold_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", O_CLOEXEC |
				    (fd ? O_RDONLY : O_WRONLY));
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	int status;

	hold_descriptors();
	/* The variable is for those that are looked at. */
	(void)side_jmp_control_stop();
	if (!name) {
		usage(stderr);
		return EXIT_BAD;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
	    !strcmp(name, "help"))
		status = help(argc, argv);
	else if (!strcmp(name, "--version"))
		status = puts("side-jmp " SIDE_JMP_VERSION) < 0;
	else
		status = run_subcommand(argc - 1, argv + 1);
	return out_flush() ? status : EXIT_BAD;
}
