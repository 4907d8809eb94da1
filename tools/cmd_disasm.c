/* SPDX-License-Identifier: MIT */
/* side-jmp disasm: the code around a site as it is, armed, and idle. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/check.h"
#include "tools/disassembler.h"
#include "tools/out.h"
#include "tools/side-jmp.h"

enum {
	CODE_MAX = 1 << 20,		/* bytes of a function that are shown */
	COLUMN = 36,			/* characters */
	AFTER_CHECK = 6,		/* instructions of a check block */
};

struct options {
	bool json;
	unsigned context;
	const char *debug, *file;
	char **where;
	int n_where;
};

/* What is being shown, in the three versions that there are of it. */
struct view {
	const struct table *t;
	const struct symbols *symbols;
	struct disassembler *d;
	struct json *j;
	unsigned context;
	uint64_t start, size;
	uint8_t *bytes[3];		/* as it is, armed, idle */
};

/* ---- bytes ------------------------------------------------------------------------ */

/* Sites in the range get their armed and idle form; a foreign one, too. */
static void put_states(struct view *v)
{
	const struct side_jmp_arch *arch = v->t->image->arch;
	uint8_t form[SIDE_JMP_INSN_MAX];

	for (size_t i = table_from(v->t, v->start); i < v->t->n_by_address;
	     i++) {
		const struct side_jmp_insn *insn =
			&v->t->by_address[i]->insn;
		uint64_t at = insn->site - v->start;

		if (at >= v->size)
			break;
		for (unsigned k = 1; k < 3; k++) {
			unsigned len = arch->encode(insn, k == 1 ?
					SIDE_JMP_ARMED : SIDE_JMP_IDLE, form);

			if (len <= v->size - at)
				memcpy(v->bytes[k] + at, form, len);
		}
	}
}

static bool view_open(struct view *v, uint64_t start, uint64_t size)
{
	const uint8_t *p;

	v->start = start;
	v->size = size < CODE_MAX ? size : CODE_MAX;
	p = image_at_most(v->t->image, start, &v->size);
	if (!p || !v->size)
		return false;
	for (unsigned k = 0; k < 3; k++) {
		v->bytes[k] = tool_alloc(v->size, 1);
		memcpy(v->bytes[k], p, v->size);
	}
	put_states(v);
	return true;
}

static void view_close(struct view *v)
{
	for (unsigned k = 0; k < 3; k++) {
		free(v->bytes[k]);
		v->bytes[k] = NULL;
	}
}

/* ---- lines ------------------------------------------------------------------------ */

static void text_line(const struct view *v, const struct instruction three[3])
{
	const struct site *s = table_site(v->t, three[0].addr);
	char hex[HEX_MAX];

	site_bytes(v->t->image, three[0].addr, three[0].len, hex);
	printf("%c %8" PRIx64 "  %-24s", s ? '>' : ' ', three[0].addr, hex);
	if (!s)
		printf("%s\n", three[0].text);
	else
		printf("%-*s %-*s %s\n", COLUMN, three[0].text, COLUMN,
		       three[1].text, three[2].text);
}

static void json_line(const struct view *v, const struct instruction three[3])
{
	char hex[HEX_MAX];

	json_object(v->j, NULL);
	json_address(v->j, "address", three[0].addr);
	json_string(v->j, "bytes", site_bytes(v->t->image, three[0].addr,
					      three[0].len, hex));
	json_bool(v->j, "site", table_site(v->t, three[0].addr));
	json_string(v->j, "as_is", three[0].text);
	json_string(v->j, "armed", three[1].text);
	json_string(v->j, "idle", three[2].text);
	json_object_end(v->j);
}

/* The instruction at `at` and, of a site that has two, the other. */
static void whole(const struct view *v, unsigned k, uint64_t at,
		  struct instruction *out)
{
	const struct site *s = table_site(v->t, v->start + at);
	const struct side_jmp_arch *arch = v->t->image->arch;
	unsigned second = s && arch->second ? arch->second(&s->insn) : 0;
	struct instruction more;
	size_t n;

	disassemble(v->d, v->bytes[k] + at, v->size - at, v->start + at, out);
	if (!second || out->len != second || second >= v->size - at)
		return;
	disassemble(v->d, v->bytes[k] + at + second, v->size - at - second,
		    v->start + at + second, &more);
	n = strlen(out->text);
	snprintf(out->text + n, sizeof(out->text) - n, "; %.60s", more.text);
	out->len += more.len;
}

/* One instruction, three times; returns its length as it is. */
static unsigned show_line(const struct view *v, uint64_t at, bool print)
{
	struct instruction three[3];

	for (unsigned k = 0; k < 3; k++)
		whole(v, k, at, &three[k]);
	if (print && v->j)
		json_line(v, three);
	else if (print)
		text_line(v, three);
	return three[0].len;
}

static void show_lines(const struct view *v, uint64_t from, unsigned n)
{
	for (uint64_t at = from; at < v->size && n--; )
		at += show_line(v, at, true);
}

/* ---- a site, a function -------------------------------------------------------------- */

static void title(const struct view *v, const char *what, uint64_t addr,
		  const char *state)
{
	const struct function *f = symbols_function(v->symbols, addr, 0);

	if (v->j)
		return;
	printf("%s %#" PRIx64, what, addr);
	if (f) {
		printf(" in ");
		put_text(f->name);
	}
	printf("\n  %8s  %-24s%-*s %-*s %s\n", "", "", COLUMN, state, COLUMN,
	       "armed", "idle");
}

/* Where to begin, so that `context` instructions come before the site. */
static uint64_t context_start(struct view *v, uint64_t site)
{
	uint64_t starts[64], at = 0, n = 0;
	unsigned keep = v->context < 63 ? v->context : 63;

	while (at < site) {
		starts[n++ % 64] = at;
		at += show_line(v, at, false);
	}
	/* Data in the code, and no instruction begins at the site. */
	if (at != site || !n)
		return site;
	return starts[(n > keep ? n - keep : 0) % 64];
}

static void show_check(struct view *v, const struct site *s)
{
	view_close(v);
	if (v->j) {
		json_array_end(v->j);
		json_array(v->j, "check_block");
	} else {
		puts("  check block");
	}
	if (view_open(v, s->insn.target, 16 * AFTER_CHECK))
		show_lines(v, 0, AFTER_CHECK);
}

static void show_site(struct view *v, const struct site *s)
{
	const struct function *f = symbols_function(v->symbols, s->insn.site,
						    0);
	uint64_t start = s->insn.site, size = 16 * ((uint64_t)v->context + 1);
	unsigned n = v->context + 1;
	char state[32];

	if (f && f->size > s->insn.site - f->addr) {
		start = f->addr;
		size = f->size;
	}
	snprintf(state, sizeof(state), "as it is (%s)", state_name(s->state));
	title(v, "site", s->insn.site, state);
	if (view_open(v, start, size)) {
		uint64_t site = s->insn.site - start;
		uint64_t from = site < v->size ? context_start(v, site) : 0;

		for (uint64_t at = from; at < site && at < v->size; )
			at += show_line(v, at, true);
		if (site < v->size)
			show_lines(v, site, n);
		show_check(v, s);
	} else if (!v->j) {
		puts("  not in the file");
	}
	view_close(v);
}

static void show_function(struct view *v, const struct function *f)
{
	title(v, "function", f->addr, "as it is");
	if (view_open(v, f->addr, f->size))
		show_lines(v, 0, UINT32_MAX);
	view_close(v);
}

/* ---- what was asked for --------------------------------------------------------------- */

static void begin(struct view *v, const char *kind, uint64_t addr)
{
	if (!v->j)
		return;
	json_object(v->j, NULL);
	json_address(v->j, kind, addr);
	json_array(v->j, "instructions");
}

static void end(struct view *v)
{
	if (v->j) {
		json_array_end(v->j);
		json_object_end(v->j);
	} else {
		putchar('\n');
	}
}

static void one_site(struct view *v, const struct site *s)
{
	begin(v, "site", s->insn.site);
	show_site(v, s);
	end(v);
}

static int by_address(struct view *v, const char *where, uint64_t addr)
{
	const struct site *s = table_site(v->t, addr);

	if (!s)
		return tool_error(v->t->image->path, "there is no site at %s;"
				  " side-jmp list shows them", where);
	one_site(v, s);
	return EXIT_OK;
}

static int show_where(struct view *v, const char *where)
{
	const struct function *f;
	unsigned long long addr;
	char *rest;

	errno = 0;
	addr = strtoull(where, &rest, 16);
	if (*where >= '0' && *where <= '9' && !*rest && !errno)
		return by_address(v, where, addr);
	if (!symbols_named(v->symbols, where, 0))
		return tool_error(v->t->image->path, "no function is called"
				  " '%s'", where);
	for (unsigned i = 0; (f = symbols_named(v->symbols, where, i)); i++) {
		begin(v, "function", f->addr);
		show_function(v, f);
		end(v);
	}
	return EXIT_OK;
}

static int show_all(struct view *v, const struct options *o)
{
	int status = EXIT_OK;

	for (size_t i = 0; !o->n_where && i < v->t->n_sites; i++)
		one_site(v, &v->t->sites[i]);
	for (int i = 0; i < o->n_where; i++) {
		int r = show_where(v, o->where[i]);

		if (r > status)
			status = r;
	}
	return status;
}

static int disasm_table(const struct table *t, const struct options *o)
{
	struct view v = { .t = t, .context = o->context };
	struct symbols symbols;
	char why[WHY_MAX];
	int status;

	if (symbols_load(&symbols, t->image, o->debug, SYMBOLS_FUNCTIONS, why))
		return tool_error(o->debug, "%s", why);
	v.symbols = &symbols;
	v.d = disassembler_open(t->image->arch, why);
	if (!v.d) {
		symbols_free(&symbols);
		return tool_error(o->file, "%s", why);
	}
	v.j = o->json ? json_begin() : NULL;
	if (v.j)
		json_array(v.j, NULL);
	status = show_all(&v, o);
	if (v.j)
		json_array_end(v.j);
	json_end(v.j);
	disassembler_close(v.d);
	symbols_free(&symbols);
	return status;
}

static int disasm_file(const struct options *o)
{
	char why[WHY_MAX];
	struct image im;
	struct table t;
	int status;

	if (image_open(&im, o->file, why))
		return tool_error(o->file, "%s", why);
	if (table_load(&t, &im, why)) {
		status = tool_error(o->file, "%s", why);
	} else {
		status = disasm_table(&t, o);
		table_free(&t);
	}
	image_close(&im);
	return status;
}

/* ---- options ------------------------------------------------------------------------- */

enum { OPT_DEBUG = 256 };

static const struct argp_option argp_options[] = {
	{ "context", 'c', "N", 0,
	  "Instructions before and after a site (default: 4)", 0 },
	{ "json", 'j', NULL, 0, "As JSON", 0 },
	{ "debug", OPT_DEBUG, "FILE", 0,
	  "The separate debug file, for the names of functions", 0 },
	{ 0 },
};

static error_t parse(int option, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	char *rest;

	switch (option) {
	case 'c':
		o->context = (unsigned)strtoul(arg, &rest, 10);
		if (*rest || *arg < '0' || *arg > '9' || o->context > 60)
			argp_error(state, "'%s' is not a number up to 60", arg);
		return 0;
	case 'j': o->json = true; return 0;
	case OPT_DEBUG: o->debug = arg; return 0;
	case ARGP_KEY_ARGS:
		o->file = state->argv[state->next];
		o->where = state->argv + state->next + 1;
		o->n_where = state->argc - state->next - 1;
		return 0;
	case ARGP_KEY_END:
		if (!o->file)
			argp_error(state, "a file is expected");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_disasm(int argc, char **argv)
{
	static const struct argp argp = {
		argp_options, parse, "FILE [ADDRESS|FUNCTION]...",
		"Show the code around the sites of a file as it is, armed and"
		" idle, side by side.", NULL, NULL, NULL,
	};
	struct options o = { .context = 4 };

	tool_parse(&argp, argc, argv, &o);
	return disasm_file(&o);
}
