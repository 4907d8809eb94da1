/* SPDX-License-Identifier: MIT */
/* side-jmp check: does everything hold that must? */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/check.h"
#include "tools/out.h"
#include "tools/peek.h"
#include "tools/scan.h"
#include "tools/side-jmp.h"

struct options {
	bool json, strict, quiet, recursive, all;
	bool with_sites;		/* others are passed over */
	const char *debug;
	char **files;
	int n_files;
};

struct sink {
	const char *path;
	struct json *j;
};

static void put_finding(void *arg, const struct finding *f)
{
	const struct sink *sink = arg;

	if (sink->j) {
		json_object(sink->j, NULL);
		json_string(sink->j, "rule", f->rule);
		json_string(sink->j, "severity", f->note ? "note" : "finding");
		json_address(sink->j, "address", f->at);
		json_string(sink->j, "expected", f->expected);
		json_string(sink->j, "found", f->found);
		json_object_end(sink->j);
		return;
	}
	put_text(sink->path);
	printf(": %#" PRIx64 ": %s%s: expected ", f->at,
	       f->note ? "note: " : "", f->rule);
	put_text(f->expected);
	printf("; found ");
	put_text(f->found);
	putchar('\n');
}

/* A table that can't even be read is a finding too. */
static void put_unreadable(struct sink *sink, const char *why)
{
	struct finding f = { .rule = "table",
		.expected = "a table of sites that can be read" };

	say(f.found, "%s", why);
	put_finding(sink, &f);
}

static void put_counts(const struct sink *sink, const struct table *t,
		       const struct check_counts *n, const struct options *o)
{
	if (sink->j || o->quiet)
		return;
	put_text(sink->path);
	printf(": %zu sites, %zu keys, %zu events: %" PRIu64 " findings, %"
	       PRIu64 " notes", t->n_sites, t->n_keys, t->n_events,
	       n->findings, n->notes);
	if (n->duplicates)
		printf("; %" PRIu64 " exact duplicates", n->duplicates);
	if (n->no_function)
		printf("; %" PRIu64 " sites in no known function (stripped?)"
		       ", so where they jump was not checked", n->no_function);
	putchar('\n');
}

static int check_image(struct sink *sink, const struct image *im,
		       const struct options *o)
{
	struct check_counts n = { .findings = 1 };
	struct symbols symbols;
	char why[WHY_MAX];
	struct table t;

	if (symbols_load(&symbols, im, o->debug, SYMBOLS_FUNCTIONS, why))
		return tool_error(o->debug, "%s", why);
	if (table_load(&t, im, why)) {
		put_unreadable(sink, why);
	} else {
		n = check_table(&t, &symbols, o->strict, put_finding, sink);
		put_counts(sink, &t, &n, o);
		table_free(&t);
	}
	symbols_free(&symbols);
	return n.findings ? EXIT_FINDING : EXIT_OK;
}

struct checking {
	const struct options *o;
	struct json *j;
};

/* A core, or what has no table that could be read, is none to be checked. */
static bool is_passed_over(const struct image *im)
{
	return im->type == ET_CORE || im->debug_only || !im->n_sections ||
	       (!image_section(im, "side_jmp", NULL) &&
		!image_section(im, "side_jmp_event", NULL));
}

static int check_one(const struct image *im, const struct checking *c)
{
	struct sink sink = { im->path, c->j };
	int status;

	if (c->o->with_sites && is_passed_over(im))
		return EXIT_OK;
	if (im->type == ET_CORE)
		return tool_error(im->path, "a core: check the files it was of");
	if (c->j) {
		json_object(c->j, NULL);
		json_string(c->j, "file", im->path);
		json_array(c->j, "findings");
	}
	status = check_image(&sink, im, c->o);
	if (c->j) {
		json_array_end(c->j);
		json_bool(c->j, "ok", status == EXIT_OK);
		json_object_end(c->j);
	}
	return status;
}

static int check_file(void *arg, const char *path)
{
	const struct checking *c = arg;
	char why[WHY_MAX];
	struct image im;
	int status;

	if (c->o->with_sites) {
		status = peek(path);
		if (status <= 0)
			return status ? tool_error(path, "%s",
						   strerror(-status)) : EXIT_OK;
	}
	if (image_open(&im, path, why))
		return tool_error(path, "%s", why);
	status = check_one(&im, c);
	image_close(&im);
	return status;
}

static int check_files(const struct options *o)
{
	struct checking c = { o, o->json ? json_begin() : NULL };
	struct scan all = { o->files, o->n_files, o->recursive, check_file, &c };
	int status;

	if (c.j) {
		json_object(c.j, NULL);
		json_array(c.j, "files");
	}
	status = scan(&all);
	if (c.j) {
		json_array_end(c.j);
		json_object_end(c.j);
	}
	json_end(c.j);
	return status;
}

/* ---- options -------------------------------------------------------------------- */

enum { OPT_STRICT = 256, OPT_DEBUG, OPT_WITH_SITES, OPT_EVERYTHING };

static const struct argp_option argp_options[] = {
	{ "quiet", 'q', NULL, 0, "Print findings only", 0 },
	{ "strict", OPT_STRICT, NULL, 0, "Notes are findings, too", 0 },
	{ "json", 'j', NULL, 0, "As JSON", 0 },
	{ "debug", OPT_DEBUG, "FILE", 0,
	  "The separate debug file, for the names of functions", 0 },
	{ "recursive", 'r', NULL, 0, "All files below folders, but of these only"
	  " those with sites or events", 1 },
	{ "only-with-sites", OPT_WITH_SITES, NULL, 0, "Pass over files without"
	  " sites and events, whatever they are", 1 },
	{ "everything", OPT_EVERYTHING, NULL, 0, "With -r: pass over nothing", 1 },
	{ 0 },
};

static error_t parse(int option, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (option) {
	case 'q': o->quiet = true; return 0;
	case OPT_STRICT: o->strict = true; return 0;
	case 'j': o->json = true; return 0;
	case OPT_DEBUG: o->debug = arg; return 0;
	case OPT_WITH_SITES: o->with_sites = true; return 0;
	case 'r': o->recursive = true; return 0;
	case OPT_EVERYTHING: o->all = true; return 0;
	case ARGP_KEY_ARGS:
		o->files = state->argv + state->next;
		o->n_files = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		if (!o->n_files)
			argp_error(state, "a file is expected");
		if (o->debug && (o->n_files > 1 || o->recursive))
			argp_error(state, "--debug goes with one file");
		o->with_sites |= o->recursive && !o->all;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_check(int argc, char **argv)
{
	static const struct argp argp = {
		argp_options, parse, "FILE...",
		"Check everything that must hold of the sites of executables"
		" and shared libraries.  Exits with 1 on a finding.",
		NULL, NULL, NULL,
	};
	struct options o = { 0 };

	tool_parse(&argp, argc, argv, &o);
	return check_files(&o);
}
