/* SPDX-License-Identifier: MIT */
/*
 * The command's parts: a subcommand is a function like main(), whose argv[0]
 * is its own name; it parses its options with tool_parse().
 */
#ifndef TOOLS_SIDE_JMP_H
#define TOOLS_SIDE_JMP_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

/* Exit codes; the larger one wins where there are several files. */
enum {
	EXIT_OK = 0,
	EXIT_FINDING = 1,	/* what was asked about does not hold */
	EXIT_BAD = 2,		/* usage, unreadable input, failed output */
};

struct subcommand {
	const char *name, *help;	/* help: one line */
	int (*run)(int argc, char **argv);
};

int cmd_list(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_disasm(int argc, char **argv);
int cmd_prepare(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_enable(int argc, char **argv);
int cmd_disable(int argc, char **argv);

/*
 * argp_parse(), as "side-jmp SUBCOMMAND", with the options that all have
 * (--help, --usage, --version) beside those of `argp`, which has no children;
 * errors end with EXIT_BAD.
 */
void tool_parse(const struct argp *argp, int argc, char **argv, void *input);
/* With flags of argp_parse(), and another status for errors. */
void tool_parse_with(const struct argp *argp, unsigned flags, int bad, int argc,
		     char **argv, void *input);

/* 10s, 500ms, 2m, 1h; 10 are seconds.  In ns; 0: it is none, or nothing. */
uint64_t tool_time(const char *s);

/* The larger one of two statuses. */
static inline void tool_worse(int *status, int other)
{
	if (other > *status)
		*status = other;
}

/* "side-jmp: WHERE: what is wrong", on stderr.  Returns EXIT_BAD. */
__attribute__((format(printf, 2, 3)))
int tool_error(const char *where, const char *format, ...);
__attribute__((format(printf, 2, 3)))
void tool_warn(const char *where, const char *format, ...);

#endif
