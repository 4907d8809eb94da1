/* SPDX-License-Identifier: MIT */
/*
 * What is meant by options of subcommands for running processes: which processes,
 * which events.
 */
#ifndef TOOLS_CHOICE_H
#define TOOLS_CHOICE_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- which processes ------------------------------------------------------- */

struct choice {
	struct chosen {
		pid_t pid;
		bool listed;		/* by its number */
		bool taken;		/* whoever asks has it: choice_newcomer() */
		bool there;		/* choice.c's: now */
		unsigned looks;		/* likewise: in vain */
	} *chosen;
	size_t n, room;
	char **names;			/* -n */
	size_t n_names, names_room;
	bool asked;			/* for any */
	bool all;			/* then what can't be had is not said */
};

/* For a subcommand's options; of argp, with choice_option() in its parser. */
#define CHOICE_OPTIONS(group) \
	{ "pid", 'p', "PID", 0, "This process; a list of them with commas;" \
	  " may be repeated", group }, \
	{ "name", 'n', "NAME", 0, "All processes that are called so", group }, \
	{ "all", 'a', NULL, 0, "All processes that ask to be controlled", \
	  group }
/* 0, or ARGP_ERR_UNKNOWN: it is none of these. */
error_t choice_option(struct choice *c, int option, char *arg,
		      struct argp_state *state);
void choice_free(struct choice *c);
/* Every process there is, this one left out. */
void choice_everybody(struct choice *c);
/* Those of -a and -n that there are by now join; others that ended go. */
void choice_look_again(struct choice *c);
/*
 * The next after `at` (at first NULL) that is not taken and worth a look: one that
 * was looked at in vain is so less and less often.  NULL: no more.
 */
struct chosen *choice_newcomer(struct choice *c, struct chosen *at);
/* It has ended, or executes something else. */
void choice_lost(struct choice *c, pid_t pid);

/* ---- which events ---------------------------------------------- */

/*
 * One more list of patterns, provider:name, for *joined, which is to be freed; with
 * an error of argp if it is none.
 */
void choice_events(char **joined, const char *list, struct argp_state *state);

#endif
