/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands that read a trace have in common: its folder, where what
 * they write goes, and how many events that were.
 */
#ifndef TOOLS_CTF_COMMAND_H
#define TOOLS_CTF_COMMAND_H

#include <stdio.h>

#include "tools/ctf/ctf.h"

struct ctf_command {
	const char *doc;		/* argp's */
	/*
	 * Reads what was found, and writes.  EXIT_OK, or EXIT_BAD: said what is
	 * wrong.
	 */
	int (*run)(struct ctf_seen *seen);
};

/* The subcommand, whole: its exit status. */
int ctf_command(const struct ctf_command *command, int argc, char **argv);

/* For run: the trace's name, and its output, or NULL: said what is wrong. */
const char *ctf_command_trace(void);
FILE *ctf_command_open(void);
/* As ctf_read(), of what is wanted of it. */
int ctf_command_read(void (*visit)(const struct ctf_event *event, void *arg),
		     void *arg, struct ctf_seen *seen);
/* EXIT_OK, or EXIT_BAD: said what is wrong. */
int ctf_command_close(FILE *to);

#endif
