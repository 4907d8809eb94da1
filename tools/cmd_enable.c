/* SPDX-License-Identifier: MIT */
/* side-jmp enable, side-jmp disable: keys of running processes. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/choice.h"
#include "tools/image.h"
#include "tools/live.h"
#include "tools/out.h"
#include "tools/side-jmp.h"

struct options {
	struct choice who;
	char *patterns;			/* joined by commas */
	bool enable, quiet;
	int status;
};

static const struct argp_option options[] = {
	CHOICE_OPTIONS(0),
	{ "quiet", 'q', NULL, 0, "Say nothing of what went well", 1 },
	{ 0 },
};

static void add_pattern(struct options *o, const char *pattern)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", o->patterns ? o->patterns : "",
		     o->patterns ? "," : "", pattern) < 0)
		exit(EXIT_BAD);
	free(o->patterns);
	o->patterns = joined;
}

static error_t parse(int option, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (option) {
	case 'q': o->quiet = true; return 0;
	case ARGP_KEY_ARG:
		add_pattern(o, arg);
		return 0;
	case ARGP_KEY_END:
		if (!o->who.asked)
			argp_error(state, "a process is expected: --pid, --name"
				   " or --all");
		if (!o->patterns)
			argp_error(state, "a KEY is expected: a name, or a"
				   " pattern with * and ?, of a key or"
				   " provider:name");
		return 0;
	default:
		return choice_option(&o->who, option, arg, state);
	}
}

/* Of all copies together: a key that they share is one of each. */
static void change(struct options *o, struct live *l)
{
	uint64_t matched = 0, changed = 0;
	char why[WHY_MAX];

	for (size_t i = 0; i < l->n; i++) {
		struct sj_control_reply reply;

		if (live_ask(&l->copies[i], o->enable ? SJ_CONTROL_ENABLE :
			     SJ_CONTROL_DISABLE, o->patterns, -1, 0, &reply, why))
			o->status = tool_error(NULL, "process %d: %s",
					       (int)l->pid, why);
		else
			matched += reply.matched, changed += reply.changed;
	}
	if (o->status == EXIT_BAD)
		return;
	if (!matched && !o->who.all) {
		tool_warn(NULL, "process %d has no key \"%s\"", (int)l->pid,
			  o->patterns);
		o->status = EXIT_FINDING;
	}
	if (!o->quiet && matched)
		printf("%d: %" PRIu64 " of %" PRIu64 " keys %s\n", (int)l->pid,
		       changed, matched, o->enable ? "enabled" : "disabled");
}

static int change_all(struct options *o)
{
	char why[WHY_MAX];
	bool there;

	for (size_t i = 0; i < o->who.n; i++) {
		struct live l;

		if (!live_reach(&l, o->who.chosen[i].pid, o->who.all, &there,
				why)) {
			change(o, &l);
			live_close(&l);
		} else if (there || !o->who.all) {
			o->status = tool_error(NULL, "%s", why);
		}
	}
	choice_free(&o->who);
	free(o->patterns);
	return o->status;
}

int cmd_enable(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "KEY...", "Enable keys of running processes,"
		" until side-jmp disable(1) or their end.\vKEY is a name, or a"
		" pattern with * and ?: of a key, or provider:name, of an event's"
		" key.  Exit status: 1 if a process has no such key, 2 if one"
		" could not be enabled.", NULL, NULL, NULL,
	};
	struct options o = { .enable = true };

	tool_parse(&argp, argc, argv, &o);
	return change_all(&o);
}

int cmd_disable(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "KEY...", "Take back what side-jmp enable(1) has"
		" enabled in running processes.\vWhat others want, the program"
		" itself among them, stays enabled.  Exit status: 1 if a process"
		" has no such key, 2 if it can't be asked.", NULL, NULL, NULL,
	};
	struct options o = { .enable = false };

	tool_parse(&argp, argc, argv, &o);
	return change_all(&o);
}
