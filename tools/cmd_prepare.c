/* SPDX-License-Identifier: MIT */
/* side-jmp prepare: the state that sites have in the file. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/out.h"
#include "tools/prepare.h"
#include "tools/replace.h"
#include "tools/side-jmp.h"

struct options {
	struct wish *wishes;
	size_t n_wishes, room;
	bool events, dry_run, quiet;
	const char *file, *to;
};

static void report(const struct options *o, const struct plan *plan)
{
	if (o->quiet)
		return;
	put_text(o->to ? o->to : o->file);
	printf(": %" PRIu64 " sites made idle, %" PRIu64 " armed, %" PRIu64
	       " were so already%s\n", plan->idled, plan->armed, plan->kept,
	       o->dry_run ? " (nothing was written)" : "");
}

static int prepare_table(const struct table *t, const struct options *o)
{
	char why[WHY_MAX];
	struct plan plan;
	int r = EXIT_OK;

	if (prepare_plan(t, o->wishes, o->n_wishes, o->events, &plan, why))
		return tool_error(o->file, "%s", why);
	if (prepare_apply(t, &plan, why))
		r = tool_error(o->file, "%s", why);
	else if (!o->dry_run && (plan.n_edits || o->to) &&
		 replace_file(t->image, o->to, why))
		r = tool_error(o->to ? o->to : o->file, "%s", why);
	else
		report(o, &plan);
	prepare_free(&plan);
	return r;
}

static int prepare_file(const struct options *o)
{
	char why[WHY_MAX];
	struct image im;
	struct table t;
	int r;

	if (image_open(&im, o->file, why))
		return tool_error(o->file, "%s", why);
	if (table_load(&t, &im, why)) {
		r = tool_error(o->file, "%s", why);
	} else {
		r = prepare_table(&t, o);
		table_free(&t);
	}
	image_close(&im);
	return r;
}

/* ---- options -------------------------------------------------------------------- */

enum { OPT_IDLE = 256, OPT_ARMED, OPT_EVENTS };

static const struct argp_option argp_options[] = {
	{ "idle", OPT_IDLE, "PATTERN", 0,
	  "Sites of these keys are idle in the file", 0 },
	{ "armed", OPT_ARMED, "PATTERN", 0,
	  "Sites of these keys are armed in the file", 0 },
	{ "events", OPT_EVENTS, NULL, 0,
	  "Also make sites of events idle, which then can't be registered with"
	  " the kernel", 1 },
	{ "output", 'o', "FILE", 0, "Write to FILE (default: in place)", 1 },
	{ "dry-run", 'n', NULL, 0, "Write nothing", 1 },
	{ "quiet", 'q', NULL, 0, "Say nothing", 1 },
	{ 0 },
};

static void add_wish(struct options *o, const char *patterns,
		     enum side_jmp_state state)
{
	o->wishes = tool_grow(o->wishes, &o->room, o->n_wishes + 1,
			      sizeof(*o->wishes));
	o->wishes[o->n_wishes++] = (struct wish){ patterns, state };
}

static error_t parse(int option, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (option) {
	case OPT_IDLE: add_wish(o, arg, SIDE_JMP_IDLE); return 0;
	case OPT_ARMED: add_wish(o, arg, SIDE_JMP_ARMED); return 0;
	case OPT_EVENTS: o->events = true; return 0;
	case 'o': o->to = arg; return 0;
	case 'n': o->dry_run = true; return 0;
	case 'q': o->quiet = true; return 0;
	case ARGP_KEY_ARG:
		if (o->file)
			argp_error(state, "one file is expected");
		o->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->file)
			argp_error(state, "a file is expected");
		if (!o->n_wishes)
			argp_error(state, "--idle or --armed is expected");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_prepare(int argc, char **argv)
{
	static const struct argp argp = {
		argp_options, parse, "FILE",
		"Set the state that the sites of some keys have in the file.",
		NULL, NULL, NULL,
	};
	struct options o = { 0 };
	int status;

	tool_parse(&argp, argc, argv, &o);
	status = prepare_file(&o);
	free(o.wishes);
	return status;
}
