/* SPDX-License-Identifier: MIT */
/*
 * side-jmp ps: which running processes have sites, and how they can be reached.
 *
 * A process that asks to be controlled says itself what it has.  Of the others
 * the files that are mapped say how much there is; each file is read once,
 * however many processes have it.  What is mapped is the process's choice, tens
 * of thousands of times: no step may take longer with each that was before.
 *
 * A child of ours looks at them, one after the other.  Where it comes upon a file
 * system that does not answer it is left behind, and another goes on with the
 * next process; it reads no file of that file system any more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/events/pattern.h"
#include "tools/attach.h"
#include "tools/choice.h"
#include "tools/live.h"
#include "tools/out.h"
#include "tools/pass.h"
#include "tools/peek.h"
#include "tools/proc.h"
#include "tools/side-jmp.h"
#include "tools/table.h"
#include "tools/word.h"

enum {
	KEYS_READ = 1 << 20,		/* of a process, at most */
	SILENT_MAX = 16,		/* file systems */
	/* Asleep without a break: in a file; and in all that is waited for. */
	STUCK_IN_FILE_MS = 2000, STUCK_MS = (LIVE_SECONDS + 3) * 1000,
};

/* What a file has. */
struct file {
	dev_t device;
	uint64_t inode;
	uint64_t objects, sites, events;	/* objects: 0 or 1 */
	char **names;			/* of keys and events; n_names */
	size_t n_names;
	struct word_place *keys;	/* with sites; n_keys */
	size_t n_keys;
	uint64_t offset, addr;		/* of the first segment's page */
	bool big_endian;
	size_t counted;			/* the process that had it last */
};

/* The file that the child is at, which writes it; "": none. */
struct at {
	dev_t device;
	char path[WHY_MAX / 2];
};

struct row {
	pid_t pid;
	bool shown, left_out;

	unsigned uid;
	char name[64];
	bool controlled;
	bool counted;			/* `enabled` is known */
	uint64_t objects, sites, events, enabled;
	char backend[16];
	const char *road;		/* NULL: none */
	char how[WHY_MAX];		/* the road, or why there is none; what
					   does not answer */
};

static struct {
	struct choice who;
	const char *pattern;
	bool json;
	void *files;			/* tsearch(3) */
	struct at *at;			/* shared with the child */
	dev_t silent[SILENT_MAX];	/* file systems that do not answer */
	size_t n_silent;
	size_t processes;		/* that were looked into */
	size_t seen;
	struct json *j;
} ps;

static const struct argp_option options[] = {
	CHOICE_OPTIONS(0),
	{ "event", 'e', "PATTERN", 0, "Only those that have such a key, or such"
	  " an event, provider:name; with * and ?", 1 },
	{ "json", 'j', NULL, 0, "As JSON", 1 },
	{ 0 },
};

static error_t parse(int option, char *arg, struct argp_state *state)
{
	char pattern[SJ_PATTERN_MAX];
	const char *rest = arg;

	switch (option) {
	case 'j': ps.json = true; return 0;
	case 'e':
		while (*rest)
			if (sj_pattern_next_key(&rest, pattern) < 0)
				argp_error(state, "--event: \"%s\" is no pattern:"
					   " expected key or provider:name",
					   pattern);
		ps.pattern = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is not expected", arg);
		return 0;
	default:
		return choice_option(&ps.who, option, arg, state);
	}
}

static bool matches(const char *name)
{
	char pattern[SJ_PATTERN_MAX];
	const char *rest = ps.pattern;

	while (sj_pattern_next_key(&rest, pattern) == 1)
		if (sj_pattern_matches_key(pattern, name))
			return true;
	return false;
}

/* ---- from files ------------------------------------------------------------- */

static void file_keys(struct file *f, const struct image *im,
		      const struct table *t)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!im->n_segments)
		return;
	f->offset = im->segments[0].offset & ~(page - 1);
	f->addr = im->segments[0].addr & ~(page - 1);
	f->big_endian = im->big_endian;
	f->keys = tool_alloc(t->n_keys, sizeof(*f->keys));
	word_places(t, f->keys);
	for (size_t i = 0; i < t->n_keys; i++)
		if (t->keys[i].sites)
			f->keys[f->n_keys++] = f->keys[i];
}

static void file_read(struct file *f, const char *path)
{
	char why[WHY_MAX];
	struct image im;
	struct table t;

	if (peek(path) != 1 || image_open(&im, path, why))
		return;
	if (!table_load(&t, &im, why)) {
		file_keys(f, &im, &t);
		f->objects = t.n_sites || t.n_events;
		f->sites = t.n_sites;
		f->events = t.n_events;
		f->names = tool_alloc(t.n_keys, sizeof(*f->names));
		for (size_t i = 0; i < t.n_keys; i++)
			if (t.keys[i].name)
				f->names[f->n_names++] =
					tool_strdup(t.keys[i].name);
		table_free(&t);
	}
	image_close(&im);
}

static int by_inode(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->device < y->device ? -1 : x->device > y->device;
}

/* NULL: nobody has mapped it to be executed, so far. */
static struct file *known_file(const struct mapping *m)
{
	const struct file key = { .device = m->device, .inode = m->inode };
	void *found = tfind(&key, &ps.files, by_inode);

	return found ? *(struct file **)found : NULL;
}

static void be_at(const struct mapping *m)
{
	ps.at->device = m->device;
	snprintf(ps.at->path, sizeof(ps.at->path), "%s", m->path);
}

/* The first of its files that is where nobody answers; or NULL. */
static const char *silent_file(const struct process *p)
{
	for (size_t k = 0; k < ps.n_silent; k++)
		for (size_t i = 0; i < p->n_maps; i++)
			if (p->maps[i].device == ps.silent[k])
				return p->maps[i].path;
	return NULL;
}

static struct file *file_of(struct process *p, const struct mapping *m)
{
	char path[PATH_MAX + 64];
	struct file *f = known_file(m);
	bool replaced;

	if (f)
		return f;
	be_at(m);
	f = tool_alloc(1, sizeof(*f));
	*f = (struct file){ .device = m->device, .inode = m->inode };
	if (!process_file(p, m, path, sizeof(path), &replaced))
		file_read(f, path);
	ps.at->path[0] = '\0';
	if (!tsearch(f, &ps.files, by_inode))
		exit(tool_error(NULL, "out of memory"));
	return f;
}

/* ---- keys, in the process's memory --------------------------------------------- */

/* Addresses of those that are enabled; one may be there twice. */
struct enabled {
	uint64_t *at;
	size_t n, room;
	size_t read;			/* how many were looked at */
	bool unreadable;		/* one; it is not known then how many */
};

static void add_enabled(struct enabled *e, uint64_t at)
{
	e->at = tool_grow(e->at, &e->room, e->n + 1, sizeof(*e->at));
	e->at[e->n++] = at;
}

static int by_address(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static size_t different(struct enabled *e)
{
	size_t n = 0;

	if (e->n)
		qsort(e->at, e->n, sizeof(*e->at), by_address);
	for (size_t i = 0; i < e->n; i++)
		n += !i || e->at[i] != e->at[i - 1];
	return n;
}

/* Of a file that is mapped there from its first segment on. */
static void read_keys(struct process *p, const struct file *f, uint64_t start,
		      struct enabled *e)
{
	const struct image as = { .big_endian = f->big_endian };

	for (size_t i = 0; i < f->n_keys && !e->unreadable; i++) {
		uint64_t at = word_find(p, &as, f->keys[i], start - f->addr);
		struct side_jmp_key key;
		uint64_t word;

		if (e->read++ == KEYS_READ ||
		    !word_read(p, &as, at, &key, &word))
			e->unreadable = true;
		else if (word)
			add_enabled(e, at);
	}
}

static void count_enabled(struct process *p, struct row *row)
{
	struct enabled e = { 0 };

	for (size_t i = 0; i < p->n_maps; i++) {
		const struct file *f = known_file(&p->maps[i]);

		if (f && f->n_keys && f->offset == p->maps[i].offset)
			read_keys(p, f, p->maps[i].start, &e);
	}
	row->counted = !e.unreadable;
	row->enabled = different(&e);
	free(e.at);
}

/* False: what was asked for is not in its files. */
static bool read_files(struct process *p, struct row *row)
{
	const char *silent = silent_file(p);
	bool wanted = !ps.pattern;

	ps.processes++;
	if (silent) {
		row->left_out = true;
		snprintf(row->how, sizeof(row->how), "%s", silent);
		return false;
	}
	for (size_t i = 0; i < p->n_maps; i++) {
		struct file *f;

		if (!p->maps[i].executable)
			continue;
		f = file_of(p, &p->maps[i]);
		if (f->counted == ps.processes)
			continue;
		f->counted = ps.processes;
		row->objects += f->objects;
		row->sites += f->sites;
		row->events += f->events;
		for (size_t k = 0; !wanted && k < f->n_names; k++)
			wanted = matches(f->names[k]);
	}
	if (row->objects)
		count_enabled(p, row);
	return wanted;
}

/* ---- from the process itself -------------------------------------------------- */

static void read_hellos(const struct live *l, struct row *row)
{
	row->controlled = row->counted = true;
	row->objects = row->sites = row->events = row->enabled = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct sj_control_hello *h = &l->copies[i].hello;

		row->objects += h->objects;
		row->sites += h->sites;
		row->events += h->events;
		row->enabled += h->enabled;
		snprintf(row->backend, sizeof(row->backend), "%s", h->backend);
	}
	row->road = l->road;
}

static bool has_name(struct live *l)
{
	bool found = false;

	for (size_t i = 0; i < l->n && !found; i++) {
		struct live_list list;
		char why[WHY_MAX];

		if (live_list(&l->copies[i], &list, why))
			continue;
		for (size_t k = 0; k < list.n_keys && !found; k++)
			found = matches(list.keys[k].name);
		for (size_t k = 0; k < list.n_events && !found; k++)
			found = matches(list.events[k].name);
		live_list_free(&list);
	}
	return found;
}

/* ---- a process ------------------------------------------------------------------ */

static int look(struct process *p, pid_t pid)
{
	pid_t tid = process_thread(pid);
	char why[WHY_MAX];
	int r = process_look(p, tid, why);

	for (unsigned i = 0; r && i < PROCESS_LIVES && tid != pid &&
	     !process_has(pid, tid); i++) {
		tid = process_thread(pid);
		r = process_look(p, tid, why);
	}
	return r;
}

/* False: it is not to be shown. */
static bool read_row(pid_t pid, struct row *row)
{
	bool wanted = false, there = false;
	struct process p;
	struct live l;

	*row = (struct row){ .pid = pid, .backend = "-" };
	if (!look(&p, pid)) {
		char line[64] = "";

		process_status(&p, "Name", row->name, sizeof(row->name));
		process_status(&p, "Uid", line, sizeof(line));
		sscanf(line, "%*u %u", &row->uid);
		wanted = read_files(&p, row);
		process_close(&p);
	}
	/* Most have no sites: these are not asked. */
	if (row->left_out || (!row->objects && !ps.who.asked))
		return false;
	if (!live_open(&l, pid, &there, row->how)) {
		read_hellos(&l, row);
		wanted = !ps.pattern || has_name(&l);
		live_close(&l);
	} else if (!there) {
		row->road = attach_may(pid, row->how) ? NULL : "attach";
	}
	if (row->road)
		snprintf(row->how, sizeof(row->how), "%s", row->road);
	return wanted && (row->objects || row->controlled);
}

static const char *user_of(unsigned uid)
{
	const struct passwd *pw = getpwuid(uid);
	static char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	return pw ? pw->pw_name : number;
}

static void text_row(const struct row *row)
{
	if (!ps.seen)
		printf("%7s %-10s %-15s %7s %7s %7s %7s %-7s %s\n", "PID", "USER",
		       "COMMAND", "OBJECTS", "SITES", "EVENTS", "ENABLED",
		       "BACKEND", "REACHED BY");
	printf("%7d %-10s ", (int)row->pid, user_of(row->uid));
	put_text(row->name);
	printf("%*s %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " ",
	       strlen(row->name) < 15 ? (int)(15 - strlen(row->name)) : 0, "",
	       row->objects, row->sites, row->events);
	if (row->counted)
		printf("%7" PRIu64 " ", row->enabled);
	else
		printf("%7s ", "-");
	put_text(row->backend);
	printf("%*s ", strlen(row->backend) < 7 ?
	       (int)(7 - strlen(row->backend)) : 0, "");
	put_text(row->how);
	putchar('\n');
}

static void json_row(const struct row *row)
{
	struct json *j = ps.j;

	json_object(j, NULL);
	json_number(j, "pid", row->pid);
	json_unsigned(j, "uid", row->uid);
	json_string(j, "user", user_of(row->uid));
	json_string(j, "name", row->name);
	json_unsigned(j, "objects", row->objects);
	json_unsigned(j, "sites", row->sites);
	json_unsigned(j, "events", row->events);
	if (row->counted)
		json_unsigned(j, "enabled", row->enabled);
	if (row->controlled)
		json_string(j, "backend", row->backend);
	json_string(j, "road", row->road);
	json_string(j, "why_not", row->road ? NULL : row->how);
	json_object_end(j);
}

/* ---- all of them -------------------------------------------------------------------- */

/* In the child: from the one with that number on. */
__attribute__((noreturn))
static void look_at_all(size_t i, int to)
{
	struct row row;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (; i < ps.who.n; i++) {
		bool shown = read_row(ps.who.chosen[i].pid, &row);

		row.shown = shown;
		pass_send(to, &row, sizeof(row), -1);
	}
	_exit(0);
}

static void begin_child(struct pass_child *child, size_t i)
{
	int to, r;

	ps.at->path[0] = '\0';
	r = pass_begin(child, &to);
	if (r < 0)
		exit(tool_error(NULL, "a process: %s", strerror(errno)));
	if (!r)
		look_at_all(i, to);
}

/* Of one where the child is stuck. */
static void leave_out(struct row *row, pid_t pid)
{
	*row = (struct row){ .pid = pid, .left_out = true };
	snprintf(row->how, sizeof(row->how), "%s", ps.at->path);
	if (*ps.at->path && ps.n_silent < SILENT_MAX)
		ps.silent[ps.n_silent++] = ps.at->device;
}

static void show(const struct row *row)
{
	if (row->left_out)
		tool_warn(NULL, "process %d is left out: %s is on a file system"
			  " that does not answer", (int)row->pid,
			  *row->how ? row->how : "what it has");
	if (!row->shown)
		return;
	if (ps.j)
		json_row(row);
	else
		text_row(row);
	ps.seen++;
}

/* How the child is, and what it says of that one. */
static enum pass_said next_row(struct pass_child *child, size_t i,
			       struct row *row)
{
	pid_t pid = ps.who.chosen[i].pid;
	enum pass_said said;
	int fd;

	said = pass_wait(child, row, sizeof(*row), &fd, STUCK_IN_FILE_MS);
	if (said == PASS_STUCK && !*ps.at->path)
		said = pass_wait(child, row, sizeof(*row), &fd, STUCK_MS);
	if (said == PASS_STUCK)
		leave_out(row, pid);
	else if (said == PASS_ENDED)
		exit(tool_error(NULL, "process %d: the child of ours that"
				" looked at it has ended", (int)pid));
	return said;
}

static void show_all(void)
{
	struct pass_child child;
	bool stuck = true;
	struct row row;

	for (size_t i = 0; i < ps.who.n; i++) {
		if (stuck)
			begin_child(&child, i);
		stuck = next_row(&child, i, &row) == PASS_STUCK;
		if (stuck)
			pass_end(&child, true);
		show(&row);
	}
	if (!stuck)
		pass_end(&child, false);
}

int cmd_ps(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "", "Show which running processes have sites,"
		" and how they can be reached (default: all that may be looked"
		" into).\vExit status: 1 if there is none.", NULL, NULL, NULL,
	};

	tool_parse(&argp, argc, argv, NULL);
	if (!ps.who.asked)
		choice_everybody(&ps.who);
	ps.at = mmap(NULL, sizeof(*ps.at), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ps.at == MAP_FAILED)
		exit(tool_error(NULL, "out of memory"));
	ps.j = ps.json ? json_begin() : NULL;
	if (ps.j)
		json_array(ps.j, NULL);
	show_all();
	if (ps.j)
		json_array_end(ps.j);
	json_end(ps.j);
	choice_free(&ps.who);
	return ps.seen ? EXIT_OK : EXIT_FINDING;
}
