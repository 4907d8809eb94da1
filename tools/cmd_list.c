/* SPDX-License-Identifier: MIT */
/* side-jmp list: sites, keys and events of files; and of processes, list_live.h. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/archive.h"
#include "tools/core.h"
#include "tools/list_live.h"
#include "tools/object.h"
#include "tools/out.h"
#include "tools/peek.h"
#include "tools/scan.h"
#include "tools/side-jmp.h"
#include "tools/symbols.h"
#include "tools/table.h"
#include "runtime/side_jmp_event.h"

enum { SITES = 1, KEYS = 2, EVENTS = 4, ALL = 7 };

struct options {
	unsigned what;			/* SITES... */
	bool json, no_lines, quiet, recursive, all;
	bool with_sites;		/* others are passed over */
	const char *debug, *root;
	char **files;
	int n_files;
	struct choice who;
};

struct totals {
	uint64_t files, sites, states[3], keys, events;
};

struct listing {
	const struct options *o;
	struct json *j;
	struct totals totals;
};

/* Of a dense site the one that it is reached from. */
static const struct function *function_of(const struct table *t,
					  const struct symbols *symbols,
					  const struct site *s, uint64_t *home)
{
	if (!table_home(t, s, home))
		*home = s->insn.site;
	return symbols_function(symbols, *home, 0);
}

/* ---- a file, as text ----------------------------------------------------------- */

/* function+offset */
static void put_function(const struct function *f, uint64_t addr)
{
	put_text(f->name);
	if (addr != f->addr)
		printf("+%#" PRIx64, addr - f->addr);
}

static void text_site(const struct table *t, const struct symbols *symbols,
		      const struct site *s)
{
	const struct function *f;
	const char *file;
	uint64_t home;
	int line;

	f = function_of(t, symbols, s, &home);
	printf("  %#-18" PRIx64 " %-7s %-7s ", s->insn.site,
	       state_name(s->state), layout_name(s->insn.layout));
	put_text(s->key == NO_KEY ? "?" : key_name(&t->keys[s->key]));
	if (f) {
		printf("  ");
		put_function(f, home);
	}
	if (symbols_line(symbols, home, &file, &line)) {
		printf("  ");
		put_text(file);
		printf(":%d", line);
	}
	putchar('\n');
}

static void text_sites(const struct table *t, const struct symbols *symbols)
{
	printf(" %zu sites: %" PRIu32 " armed, %" PRIu32 " idle, %" PRIu32
	       " foreign\n", t->n_sites, t->states[SIDE_JMP_ARMED],
	       t->states[SIDE_JMP_IDLE], t->states[SIDE_JMP_FOREIGN]);
	for (size_t i = 0; i < t->n_sites; i++)
		text_site(t, symbols, &t->sites[i]);
}

static void text_keys(const struct table *t)
{
	printf(" %zu keys\n", t->n_keys);
	for (size_t i = 0; i < t->n_keys; i++) {
		const struct key *k = &t->keys[i];

		if (k->external)
			printf("  %-18s ", "(elsewhere)");
		else
			printf("  %#-18" PRIx64 " ", k->addr);
		put_text(key_name(k));
		printf("  %" PRIu32 " sites: %" PRIu32 " armed, %" PRIu32
		       " idle, %" PRIu32 " foreign", k->sites,
		       k->states[SIDE_JMP_ARMED], k->states[SIDE_JMP_IDLE],
		       k->states[SIDE_JMP_FOREIGN]);
		if (k->readable)
			printf("; %u bits", k->width);
		if (k->has_word)
			printf("; word %#" PRIx64, k->word);
		puts(k->event ? "; of an event" : "");
	}
}

static void text_field(const struct image *im, const struct field *f)
{
	char type[FIELD_TYPE_MAX];
	const char *label = f->labels;

	field_type(f, type);
	printf("    %s ", type);
	put_text(f->name);
	for (uint32_t i = 0; label && i < f->count; i++) {
		printf("%s", i ? ", " : " { ");
		put_text(label);
		printf(" = %" PRId64, field_value(im, f, i));
		label += strlen(label) + 1;
	}
	puts(f->labels && f->count ? " }" : "");
}

static void text_events(const struct table *t)
{
	printf(" %zu events\n", t->n_events);
	for (size_t i = 0; i < t->n_events; i++) {
		const struct event *e = &t->events[i];

		printf("  ");
		put_text(e->provider);
		putchar(':');
		put_text(e->name);
		if (e->key != NO_KEY)
			printf("  %" PRIu32 " sites", t->keys[e->key].sites);
		printf("  \"");
		put_text(e->doc);
		puts("\"");
		for (size_t f = 0; f < e->n_fields; f++)
			text_field(t->image, &e->fields[f]);
	}
}

/* Text that was never written is in the file and not in the core. */
static size_t not_dumped(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_sites; i++)
		n += !image_dumped(t->image, t->sites[i].insn.site, 1);
	return n;
}

static void text_file(const struct table *t, const struct symbols *symbols,
		      unsigned what)
{
	put_text(t->image->path);
	printf(": %s, %s", t->image->arch->name, image_kind(t->image));
	if (t->image->core) {
		printf(", as it was in ");
		put_text(t->image->core->path);
		printf(" (not dumped, so as in the file: %zu sites)",
		       not_dumped(t));
	}
	putchar('\n');
	if (what & SITES)
		text_sites(t, symbols);
	if (what & KEYS)
		text_keys(t);
	if (what & EVENTS)
		text_events(t);
}

/* ---- a file, as JSON ----------------------------------------------------------- */

static void json_states(struct json *j, const uint32_t states[3])
{
	for (unsigned s = 0; s < 3; s++)
		json_unsigned(j, state_name(s), states[s]);
}

static void json_site(struct json *j, const struct table *t,
		      const struct symbols *symbols, const struct site *s)
{
	const struct function *f;
	const char *file;
	uint64_t home;
	int line;

	f = function_of(t, symbols, s, &home);
	json_object(j, NULL);
	json_address(j, "address", s->insn.site);
	json_string(j, "state", state_name(s->state));
	json_string(j, "layout", layout_name(s->insn.layout));
	json_address(j, "check", s->insn.target);
	if (t->image->core)
		json_bool(j, "dumped",
			  image_dumped(t->image, s->insn.site, 1));
	if (s->key != NO_KEY) {
		json_string(j, "key", t->keys[s->key].name);
		json_unsigned(j, "key_index", s->key);
	}
	if (f) {
		json_string(j, "function", f->name);
		json_unsigned(j, "offset", home - f->addr);
	}
	if (symbols_line(symbols, home, &file, &line)) {
		json_string(j, "file", file);
		json_number(j, "line", line);
	}
	json_object_end(j);
}

static void json_key(struct json *j, const struct key *k)
{
	json_object(j, NULL);
	json_string(j, "name", k->name);
	json_bool(j, "external", k->external);
	if (!k->external)
		json_address(j, "address", k->addr);
	if (k->readable)
		json_unsigned(j, "bits", k->width);
	if (k->has_word)
		json_unsigned(j, "word", k->word);
	json_bool(j, "event", k->event);
	json_unsigned(j, "sites", k->sites);
	json_states(j, k->states);
	json_object_end(j);
}

static void json_field(struct json *j, const struct image *im,
		       const struct field *f)
{
	char type[FIELD_TYPE_MAX];
	const char *label = f->labels;

	field_type(f, type);
	json_object(j, NULL);
	json_string(j, "name", f->name);
	json_string(j, "type", type);
	if (label)
		json_array(j, "labels");
	for (uint32_t i = 0; label && i < f->count; i++) {
		json_object(j, NULL);
		json_string(j, "name", label);
		json_number(j, "value", field_value(im, f, i));
		json_object_end(j);
		label += strlen(label) + 1;
	}
	if (label)
		json_array_end(j);
	json_object_end(j);
}

static void json_event(struct json *j, const struct table *t,
		       const struct event *e)
{
	json_object(j, NULL);
	json_string(j, "provider", e->provider);
	json_string(j, "name", e->name);
	json_string(j, "doc", e->doc);
	json_unsigned(j, "bits", e->word64 ? 64 : 32);
	if (e->key != NO_KEY) {
		json_unsigned(j, "key_index", e->key);
		json_unsigned(j, "sites", t->keys[e->key].sites);
	}
	json_array(j, "fields");
	for (size_t i = 0; i < e->n_fields; i++)
		json_field(j, t->image, &e->fields[i]);
	json_array_end(j);
	json_object_end(j);
}

static void json_events(struct json *j, const struct table *t, unsigned what)
{
	json_array(j, "events");
	for (size_t i = 0; what & EVENTS && i < t->n_events; i++)
		json_event(j, t, &t->events[i]);
	json_array_end(j);
}

static void json_file(struct json *j, const struct table *t,
		      const struct symbols *symbols, unsigned what)
{
	char id[BUILD_ID_MAX];

	image_build_id(t->image, id);
	json_object(j, NULL);
	json_string(j, "file", t->image->path);
	json_string(j, "architecture", t->image->arch->name);
	json_string(j, "kind", image_kind(t->image));
	json_string(j, "build_id", *id ? id : NULL);
	if (t->image->core) {
		json_string(j, "core", t->image->core->path);
		json_address(j, "bias", t->image->bias);
	}
	json_array(j, "sites");
	for (size_t i = 0; what & SITES && i < t->n_sites; i++)
		json_site(j, t, symbols, &t->sites[i]);
	json_array_end(j);
	json_array(j, "keys");
	for (size_t i = 0; what & KEYS && i < t->n_keys; i++)
		json_key(j, &t->keys[i]);
	json_array_end(j);
	json_events(j, t, what);
	json_object_end(j);
}

/* ---- a file ----------------------------------------------------------------------- */

static int list_table(const struct table *t, const struct options *o,
		      struct json *j, struct totals *totals)
{
	struct symbols symbols;
	char why[WHY_MAX];

	if (symbols_load(&symbols, t->image, o->debug, o->no_lines ?
			 SYMBOLS_FUNCTIONS : SYMBOLS_LINES, why))
		return tool_error(o->debug, "%s", why);
	if (*t->event_error)
		tool_warn(t->image->path, "%s", t->event_error);
	if (*symbols.no_lines)
		tool_warn(t->image->path, "%s", symbols.no_lines);
	if (j)
		json_file(j, t, &symbols, o->what);
	else
		text_file(t, &symbols, o->what);
	totals->files++;
	totals->sites += t->n_sites;
	for (unsigned s = 0; s < 3; s++)
		totals->states[s] += t->states[s];
	totals->keys += t->n_keys;
	totals->events += t->n_events;
	symbols_free(&symbols);
	return *t->event_error ? EXIT_BAD : EXIT_OK;
}

/* ---- cores ------------------------------------------------------------------------ */

struct core_list {
	const struct options *o;
	struct json *j;
	struct totals *totals;
	int status;
};

static void list_mapped(void *arg, const struct image *im)
{
	struct core_list *l = arg;
	char why[WHY_MAX];
	struct table t;

	if (table_load(&t, im, why)) {
		tool_worse(&l->status, tool_error(im->path, "%s", why));
		return;
	}
	if (t.n_sites || t.n_events)
		tool_worse(&l->status, list_table(&t, l->o, l->j, l->totals));
	table_free(&t);
}

/* Programs map all kinds of files; of one that is gone we can't know. */
static void not_mapped(void *arg, const char *path, const char *why)
{
	(void)arg;
	if (strncmp(why, "not an ELF file", strlen("not an ELF file")))
		tool_warn(path, "%s", why);
}

static int list_core(const struct image *core, const struct options *o,
		     struct json *j, struct totals *totals)
{
	struct core_list l = { o, j, totals, EXIT_OK };
	char why[WHY_MAX];

	if (core_each(core, o->root, list_mapped, not_mapped, &l, why))
		return tool_error(core->path, "%s", why);
	return l.status;
}

/* ---- objects, and archives of them ------------------------------------------------ */

static void text_object(const struct object *o, unsigned what)
{
	const struct table *t = &o->table;

	put_text(t->image->path);
	printf(": %s, %s\n", t->image->arch->name, image_kind(t->image));
	if (what & SITES)
		printf(" %" PRIu64 " sites, which get addresses when it is"
		       " linked\n", o->n_sites);
	if (what & KEYS)
		printf(" %zu keys\n", t->n_keys);
	for (size_t i = 0; what & KEYS && i < t->n_keys; i++) {
		const struct key *k = &t->keys[i];

		printf("  %-18s ", k->external ? "(elsewhere)" : "(not linked)");
		put_text(k->name);
		printf("  %" PRIu32 " sites%s\n", k->sites,
		       k->event ? "; of an event" : "");
	}
	if (what & EVENTS)
		text_events(t);
}

static void json_object_file(struct json *j, const struct object *o,
			     unsigned what)
{
	const struct table *t = &o->table;

	json_object(j, NULL);
	json_string(j, "file", t->image->path);
	json_string(j, "architecture", t->image->arch->name);
	json_string(j, "kind", image_kind(t->image));
	json_unsigned(j, "unlinked_sites", o->n_sites);
	json_array(j, "sites");
	json_array_end(j);
	json_array(j, "keys");
	for (size_t i = 0; what & KEYS && i < t->n_keys; i++) {
		const struct key *k = &t->keys[i];

		json_object(j, NULL);
		json_string(j, "name", k->name);
		json_bool(j, "external", k->external);
		json_bool(j, "event", k->event);
		json_unsigned(j, "sites", k->sites);
		json_object_end(j);
	}
	json_array_end(j);
	json_events(j, t, what);
	json_object_end(j);
}

static int list_object(const struct image *im, struct listing *l)
{
	struct object o;
	int status = EXIT_OK;

	object_load(&o, im);
	if (*o.table.event_error)
		status = tool_error(im->path, "%s", o.table.event_error);
	else if (l->o->with_sites && !o.n_sites && !o.table.n_events)
		;
	else if (l->j)
		json_object_file(l->j, &o, l->o->what);
	else
		text_object(&o, l->o->what);
	if (o.n_sites || o.table.n_events || !l->o->with_sites) {
		l->totals.files++;
		l->totals.sites += o.n_sites;
		l->totals.keys += o.table.n_keys;
		l->totals.events += o.table.n_events;
	}
	object_free(&o);
	return status;
}

static int list_bytes(struct listing *l, const char *path, const void *bytes,
		      size_t size)
{
	char why[WHY_MAX];
	struct image im;
	int status = EXIT_OK;

	if (!image_object(&im, path, bytes, size, why)) {
		status = list_object(&im, l);
		image_close(&im);
	} else if (!l->o->with_sites) {
		status = tool_error(path, "%s", why);
	}
	return status;
}

struct unpacking {
	struct listing *l;
	const char *path;
	int status;
};

/* Of a thin archive: a file, from where the archive is. */
static int list_beside(struct unpacking *u, const char *name, const char *path)
{
	const char *slash = strrchr(u->path, '/');
	size_t n = *name != '/' && slash ? (size_t)(slash + 1 - u->path) : 0;
	char *file = tool_alloc(n + strlen(name) + 1, 1), why[WHY_MAX];
	struct snapshot s;
	int status;

	memcpy(file, u->path, n);
	strcpy(file + n, name);
	if (snapshot_open(&s, file, why)) {
		status = tool_error(path, "%s: %s", file, why);
	} else {
		status = list_bytes(u->l, path, s.bytes, s.size);
		snapshot_close(&s);
	}
	free(file);
	return status;
}

/* A member may stand at an odd place: what is read of it does not. */
static void list_member(void *arg, const struct member *m)
{
	struct unpacking *u = arg;
	char *path = tool_alloc(strlen(u->path) + strlen(m->name) + 3, 1);
	uint8_t *copy;

	sprintf(path, "%s(%s)", u->path, m->name);
	if (!m->bytes) {
		tool_worse(&u->status, list_beside(u, m->name, path));
	} else {
		copy = tool_alloc(m->size, 1);
		memcpy(copy, m->bytes, m->size);
		tool_worse(&u->status, list_bytes(u->l, path, copy, m->size));
		free(copy);
	}
	free(path);
}

static int list_archive(struct listing *l, const char *path)
{
	struct unpacking u = { l, path, EXIT_OK };
	struct snapshot s;
	char why[WHY_MAX];

	if (snapshot_open(&s, path, why))
		return tool_error(path, "%s", why);
	if (archive_each(s.bytes, s.size, list_member, &u, why))
		tool_worse(&u.status, tool_error(path, "%s", why));
	snapshot_close(&s);
	return u.status;
}

/* An archive, by its first bytes. */
static bool is_archive(const char *path)
{
	int fd = snapshot_open_regular(path);
	uint8_t first[8];
	ssize_t n;

	if (fd < 0)
		return false;
	n = pread(fd, first, sizeof(first), 0);
	close(fd);
	return n > 0 && archive_is(first, (size_t)n);
}

/* ---- all files ------------------------------------------------------------------ */

static int list_image(const struct image *im, struct listing *l)
{
	const struct options *o = l->o;
	char why[WHY_MAX];
	struct table t;
	int status;

	if (im->type == ET_CORE)
		return o->with_sites ? EXIT_OK :
		       list_core(im, o, l->j, &l->totals);
	if (o->with_sites && (im->debug_only || !im->n_sections))
		return EXIT_OK;
	if (table_load(&t, im, why))
		return tool_error(im->path, "%s", why);
	status = !o->with_sites || t.n_sites || t.n_events || *t.event_error ?
		list_table(&t, o, l->j, &l->totals) : EXIT_OK;
	table_free(&t);
	return status;
}

static int list_file(void *arg, const char *path)
{
	struct listing *l = arg;
	char why[WHY_MAX];
	struct image im;
	int status;

	if (is_archive(path))
		return list_archive(l, path);
	if (l->o->with_sites) {
		status = peek(path);
		if (status <= 0)
			return status ? tool_error(path, "%s",
						   strerror(-status)) : EXIT_OK;
	}
	if (image_open(&im, path, why))
		return tool_error(path, "%s", why);
	status = list_image(&im, l);
	image_close(&im);
	return status;
}

static void put_totals(struct json *j, const struct totals *t)
{
	if (!j) {
		printf("total: %" PRIu64 " files, %" PRIu64 " sites (%" PRIu64
		       " armed, %" PRIu64 " idle, %" PRIu64 " foreign), %"
		       PRIu64 " keys, %" PRIu64 " events\n", t->files, t->sites,
		       t->states[SIDE_JMP_ARMED], t->states[SIDE_JMP_IDLE],
		       t->states[SIDE_JMP_FOREIGN], t->keys, t->events);
		return;
	}
	json_object(j, "total");
	json_unsigned(j, "files", t->files);
	json_unsigned(j, "sites", t->sites);
	for (unsigned s = 0; s < 3; s++)
		json_unsigned(j, state_name(s), t->states[s]);
	json_unsigned(j, "keys", t->keys);
	json_unsigned(j, "events", t->events);
	json_object_end(j);
}

static int list_files(const struct options *o)
{
	struct listing l = { o, o->json ? json_begin() : NULL, { 0 } };
	struct scan all = { o->files, o->n_files, o->recursive, list_file, &l };
	int status;

	if (l.j) {
		json_object(l.j, NULL);
		json_array(l.j, "files");
	}
	status = scan(&all);
	if (l.j)
		json_array_end(l.j);
	if (l.j || !o->quiet)
		put_totals(l.j, &l.totals);
	if (l.j)
		json_object_end(l.j);
	json_end(l.j);
	return status;
}

/* ---- options -------------------------------------------------------------------- */

enum { OPT_SITES = 256, OPT_KEYS, OPT_EVENTS, OPT_NO_LINES,
       OPT_DEBUG, OPT_ROOT, OPT_WITH_SITES, OPT_EVERYTHING };

static const struct argp_option argp_options[] = {
	{ "sites", OPT_SITES, NULL, 0, "Sites (default: all three)", 0 },
	{ "keys", OPT_KEYS, NULL, 0, "Keys", 0 },
	{ "events", OPT_EVENTS, NULL, 0, "Events", 0 },
	{ "json", 'j', NULL, 0, "As JSON", 1 },
	{ "no-lines", OPT_NO_LINES, NULL, 0,
	  "Do not read debug information", 1 },
	{ "debug", OPT_DEBUG, "FILE", 0, "The separate debug file", 1 },
	{ "root", OPT_ROOT, "FOLDER", 0,
	  "The files that a core names are below FOLDER", 1 },
	{ "recursive", 'r', NULL, 0, "All files below folders, but of these only"
	  " those with sites or events", 2 },
	{ "only-with-sites", OPT_WITH_SITES, NULL, 0, "Pass over files without"
	  " sites and events, whatever they are", 2 },
	{ "everything", OPT_EVERYTHING, NULL, 0, "With -r: pass over nothing", 2 },
	{ "quiet", 'q', NULL, 0, "No totals", 2 },
	CHOICE_OPTIONS(3),
	{ 0 },
};

static error_t parse(int option, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (option) {
	case OPT_SITES: o->what |= SITES; return 0;
	case OPT_KEYS: o->what |= KEYS; return 0;
	case OPT_EVENTS: o->what |= EVENTS; return 0;
	case 'j': o->json = true; return 0;
	case OPT_NO_LINES: o->no_lines = true; return 0;
	case OPT_DEBUG: o->debug = arg; return 0;
	case OPT_ROOT: o->root = arg; return 0;
	case OPT_WITH_SITES: o->with_sites = true; return 0;
	case 'r': o->recursive = true; return 0;
	case OPT_EVERYTHING: o->all = true; return 0;
	case 'q': o->quiet = true; return 0;
	case ARGP_KEY_ARGS:
		o->files = state->argv + state->next;
		o->n_files = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		if (!o->n_files && !o->who.asked)
			argp_error(state, "a file is expected, or a process");
		if (o->who.asked && (o->n_files || o->debug || o->root ||
				     o->recursive || o->what & SITES))
			argp_error(state, "of processes keys and events are"
				   " listed, and no files beside them");
		if (o->debug && (o->n_files > 1 || o->recursive))
			argp_error(state, "--debug goes with one file");
		o->with_sites |= o->recursive && !o->all;
		return 0;
	default:
		return choice_option(&o->who, option, arg, state);
	}
}

int cmd_list(int argc, char **argv)
{
	static const struct argp argp = {
		argp_options, parse, "FILE...\n-p PID...",
		"Show the sites, keys and events of executables, shared"
		" libraries, archives and cores, or the keys and events of"
		" running processes.", NULL, NULL, NULL,
	};
	struct options o = { 0 };

	tool_parse(&argp, argc, argv, &o);
	if (!o.what)
		o.what = ALL;
	return o.who.asked ? list_live(&o.who, o.what & KEYS, o.what & EVENTS,
				       o.json) : list_files(&o);
}
