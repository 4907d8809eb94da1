/* SPDX-License-Identifier: MIT */
/*
 * side-jmp stat: the sites of a running process.
 *
 * An object's file says where its sites are and what stands there at first;
 * the process's memory says what stands there now.  The process runs on
 * meanwhile: each site is seen at a moment of its own.
 *
 * Pages are counted by /proc/PID/pagemap, not by comparing bytes: what costs
 * memory is a page of its own, also where its bytes are those of the file
 * again.
 *
 * Not to be seen from outside are the back end and why it was chosen, MDWE,
 * and the budget of pages: where we have to conclude we say from what.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/out.h"
#include "tools/peek.h"
#include "tools/proc.h"
#include "tools/side-jmp.h"
#include "tools/table.h"
#include "tools/word.h"
#include "runtime/side_jmp.h"

struct options {
	pid_t pid;
	bool json, all_keys;
	double watch;			/* seconds; 0: once */
};

/* A key as the process has it now. */
struct live_key {
	bool readable;
	char name[80];			/* "": the file says it, or nobody */
	uint64_t word;
	bool kept_armed;		/* SIDE_JMP_KEY_ARMED */
	uint32_t sites, states[3];
};

/* How many there are, and how many the process has for itself: -1: unknown. */
struct pages {
	int64_t all, own;
};

/* An executable or library that is loaded, with its sites. */
struct object {
	const char *path;
	struct image image;
	struct table table;
	uint64_t bias;			/* from addresses in the file */
	bool replaced;			/* the name is another file's by now */
	uint32_t states[3];
	uint32_t changed;		/* sites that are not as in the file */
	uint32_t wrong;			/* idle, and their key's word is not 0 */
	bool *still_wrong;		/* by site: at every look so far */
	uint32_t unreadable;
	struct pages pages, site_pages;	/* of code; of those with a site */
	struct word_place *places;	/* as table.keys */
	struct live_key *keys;		/* likewise */
};

struct totals {
	uint64_t objects, sites, states[3], changed, wrong, unreadable;
	struct pages pages, site_pages;
};

/* ---- an object ------------------------------------------------------------ */

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t page_floor(uint64_t at)
{
	return at & ~(page_size() - 1);
}

static const struct segment *last_segment(const struct image *im)
{
	return &im->segments[im->n_segments - 1];
}

/* Where the file at hand has it is what is in memory: not another build. */
static bool is_this_build(struct process *p, const struct object *o)
{
	const struct section *s = image_section(&o->image,
						".note.gnu.build-id", NULL);
	uint8_t seen[256];
	const uint8_t *expected;

	if (!s || s->size > sizeof(seen))
		return true;		/* it does not say */
	expected = image_at(&o->image, s->addr, s->size);
	return !expected || !process_read(p, o->bias + s->addr, seen,
					  s->size) ||
	       !memcmp(expected, seen, s->size);
}

static void read_site(struct process *p, struct object *o, size_t i)
{
	const struct site *s = &o->table.sites[i];
	struct live_key *key = s->key == NO_KEY ? NULL : &o->keys[s->key];
	struct side_jmp_insn insn = s->insn, seen = s->insn;
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	enum side_jmp_state state;
	unsigned n = o->image.arch->encode(&insn, SIDE_JMP_ARMED, bytes);

	if (!n || !process_read(p, o->bias + s->insn.site, bytes, n)) {
		o->unreadable++;
		o->still_wrong[i] = false;
		return;
	}
	state = o->image.arch->decode(&seen, bytes, n);
	if (seen.target != insn.target || seen.word != insn.word)
		state = SIDE_JMP_FOREIGN;
	o->states[state]++;
	o->changed += state != s->state;
	o->still_wrong[i] &= state == SIDE_JMP_IDLE && key && key->word;
	o->wrong += o->still_wrong[i];
	if (!key)
		return;
	key->sites++;
	key->states[state]++;
}

/* A key that the loader put here, out of another object, has its name there. */
static void read_name(struct process *p, const struct image *im,
		      const struct side_jmp_key *key, struct live_key *live)
{
	uint64_t at = image_get64(im, (const uint8_t *)&key->name);
	size_t n = 0;

	while (n < sizeof(live->name) - 1 &&
	       process_read(p, at + n, &live->name[n], 1) && live->name[n])
		n++;
	live->name[n] = '\0';
}

static void read_key(struct process *p, struct object *o, uint32_t i)
{
	struct live_key *live = &o->keys[i];
	struct side_jmp_key key;

	live->readable = word_read(p, &o->image,
		word_find(p, &o->image, o->places[i], o->bias), &key,
		&live->word);
	if (!live->readable)
		return;
	if (!o->table.keys[i].name)
		read_name(p, &o->image, &key, live);
	live->kept_armed = key.flags & SIDE_JMP_KEY_ARMED;
}

static void add_pages(struct pages *to, const struct pages *more)
{
	to->all += more->all;
	to->own = to->own < 0 || more->own < 0 ? -1 : to->own + more->own;
}

static void count_pages(struct process *p, uint64_t start, uint64_t end,
			struct pages *to)
{
	struct pages more = {
		(int64_t)((page_floor(end - 1) - page_floor(start)) /
			  page_size()) + 1,
		process_own_pages(p, start, end),
	};

	add_pages(to, &more);
}

static void read_code_pages(struct process *p, struct object *o)
{
	for (size_t i = 0; i < o->image.n_segments; i++) {
		const struct segment *s = &o->image.segments[i];

		if (s->flags & PF_X && !(s->flags & PF_W) && s->mem_size)
			count_pages(p, o->bias + s->addr,
				    o->bias + s->addr + s->mem_size, &o->pages);
	}
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void read_site_pages(struct process *p, struct object *o)
{
	size_t n = o->table.n_sites;
	uint64_t *pages = tool_alloc(n, sizeof(*pages));

	for (size_t i = 0; i < n; i++)
		pages[i] = page_floor(o->bias + o->table.sites[i].insn.site);
	qsort(pages, n, sizeof(*pages), by_number);
	for (size_t i = 0; i < n; i++)
		if (!i || pages[i] != pages[i - 1])
			count_pages(p, pages[i], pages[i] + 1, &o->site_pages);
	free(pages);
}

static void read_once(struct process *p, struct object *o)
{
	process_forget(p);
	memset(o->keys, 0, o->table.n_keys * sizeof(*o->keys));
	memset(o->states, 0, sizeof(o->states));
	o->changed = o->wrong = o->unreadable = 0;
	for (uint32_t i = 0; i < o->table.n_keys; i++)
		read_key(p, o, i);
	for (size_t i = 0; i < o->table.n_sites; i++)
		read_site(p, o, i);
}

/*
 * A key that is being enabled or disabled has idle sites and a word that is
 * not 0 for a moment, and one that changes in between looks as if it had: wrong
 * is a site that is so at every look.  One that is toggled all the time is so
 * at half of them, by chance; the looks are many, and further and further
 * apart, so that they don't keep step with it and outlast a thread that waits
 * for its processor.
 */
enum { LOOKS = 40 };

static void object_read(struct process *p, struct object *o)
{
	o->keys = tool_alloc(o->table.n_keys, sizeof(*o->keys));
	o->places = tool_alloc(o->table.n_keys, sizeof(*o->places));
	word_places(&o->table, o->places);
	o->still_wrong = tool_alloc(o->table.n_sites, sizeof(*o->still_wrong));
	for (size_t i = 0; i < o->table.n_sites; i++)
		o->still_wrong[i] = true;
	read_once(p, o);
	for (int look = 1; look < LOOKS && o->wrong; look++) {
		nanosleep(&(struct timespec){ 0, look * 1000000 }, NULL);
		read_once(p, o);
	}
	read_code_pages(p, o);
	read_site_pages(p, o);
}

static void object_close(struct object *o)
{
	free(o->keys);
	free(o->places);
	free(o->still_wrong);
	table_free(&o->table);
	image_close(&o->image);
}

static bool is_same(const struct mapping *a, const struct mapping *b)
{
	return a->inode == b->inode && a->device == b->device;
}

/* Is code of the file mapped here or further on? */
static bool is_code(const struct process *p, const struct mapping *m)
{
	const struct mapping *first = m, *end = p->maps + p->n_maps;

	while (m < end && is_same(first, m) && !m->executable)
		m++;
	return m < end && is_same(first, m);
}

/* Of a process that has ended nothing is left out: it is not shown at all. */
static void leave_out(const struct process *p, const struct mapping *m,
		      const char *why)
{
	if (!process_ended(p))
		tool_warn(m->path, "%s: left out", why);
}

/* Where it can be opened, if it may have sites. */
static bool find_file(const struct process *p, const struct mapping *m,
		      char *path, size_t size, bool *replaced)
{
	int r = process_file(p, m, path, size, replaced);

	if (r == -EPERM && is_code(p, m))
		leave_out(p, m, m->deleted ? "is deleted, and"
			  " CAP_CHECKPOINT_RESTORE is needed to open what is"
			  " mapped of it" : "is not the file that is mapped any"
			  " more, and CAP_CHECKPOINT_RESTORE is needed to open"
			  " that");
	if (r)
		return false;
	r = peek(path);
	if (r < 0 && is_code(p, m))
		leave_out(p, m, strerror(-r));
	return r > 0;
}

static bool object_load(const struct process *p, const struct mapping *m,
			const char *path, struct object *o)
{
	char why[WHY_MAX];

	if (image_open(&o->image, path, why)) {
		leave_out(p, m, why);
		return false;
	}
	if (!table_load(&o->table, &o->image, why))
		return true;
	leave_out(p, m, why);
	image_close(&o->image);
	return false;
}

/*
 * Open what is mapped there and has sites.  False: it is not for us; where that
 * is a loss it is said.  `m` is the object's first mapping.
 */
static bool object_open(struct process *p, const struct mapping *m,
			struct object *o)
{
	char path[PATH_MAX + 64];

	*o = (struct object){ .path = m->path };
	if (!find_file(p, m, path, sizeof(path), &o->replaced) ||
	    !object_load(p, m, path, o))
		return false;
	if (o->table.n_sites && o->image.n_segments &&
	    m->offset == page_floor(o->image.segments[0].offset)) {
		o->bias = m->start - page_floor(o->image.segments[0].addr);
		if (is_this_build(p, o))
			return true;
		leave_out(p, m, "has another build-id than what is mapped");
	}
	object_close(o);
	return false;
}

/* Of the mappings of one file, the same load's: up to its last segment. */
static bool belongs(const struct object *o, const struct mapping *m)
{
	const struct segment *last = last_segment(&o->image);

	return m->start < o->bias + last->addr + last->mem_size;
}

/* ---- the process ---------------------------------------------------------- */

/* What the process is, beside its objects. */
struct identity {
	char name[64], threads[16], integrity[16], seccomp[16];
	bool knows_integrity;		/* the kernel does */
	bool emulated;			/* its program is of another machine */
};

/* e_machine of /proc/PID/exe, whose program an emulator is.  0: not known. */
static uint16_t machine_of(const struct process *p)
{
	int fd = openat(p->dir, "exe", O_RDONLY | O_CLOEXEC);
	uint8_t h[EI_NIDENT + 4];
	bool got = fd >= 0 && read(fd, h, sizeof(h)) == sizeof(h);

	if (fd >= 0)
		close(fd);
	if (!got)
		return 0;
	return (uint16_t)(h[EI_DATA] == ELFDATA2MSB ? h[18] << 8 | h[19] :
						      h[19] << 8 | h[18]);
}

static void identify(const struct process *p, struct identity *id)
{
	*id = (struct identity){
		.name = "?", .threads = "1", .seccomp = "0",
	};
	process_status(p, "Name", id->name, sizeof(id->name));
	process_status(p, "Threads", id->threads, sizeof(id->threads));
	process_status(p, "Seccomp", id->seccomp, sizeof(id->seccomp));
	id->knows_integrity = process_status(p, "Code_integrity", id->integrity,
					     sizeof(id->integrity));
}

/* Who patches, concluded from what is there.  Returns a word, and why. */
static const char *backend(const struct identity *id, const struct totals *t,
			   const char **why)
{
	if (!t->changed && t->site_pages.own <= 0) {
		*why = id->emulated ? "it runs under an emulator" :
		       "no site was ever changed";
		return "none seen";
	}
	if (!id->knows_integrity) {
		*why = "sites were changed, and this kernel does not do that";
		return "self";
	}
	*why = "sites were changed; which of the two did it can't be seen from"
	       " outside";
	return "self or kernel";
}

static const char *integrity(const struct identity *id, const char **why)
{
	*why = id->knows_integrity ? "Code_integrity in /proc/PID/status" :
	       "this kernel has no such mode, and whether PR_SET_MDWE forbids"
	       " patching can't be seen from outside";
	return !id->knows_integrity ? "unknown" :
	       !strcmp(id->integrity, "1") ? "on" : "off";
}

static const char *const variables[] = {
	"SIDE_JMP_BACKEND", "SIDE_JMP_CONTEXT", "SIDE_JMP_DIRTY_PAGES",
	"SIDE_JMP_ENABLE", "SIDE_JMP_OUTPUT", "SIDE_JMP_OUTPUT_MODE", "SIDE_JMP_OUTPUT_SIZE",
	"SIDE_JMP_OUTPUT_PIECES", "SIDE_JMP_OUTPUT_PERIOD",
	"SIDE_JMP_USER_EVENTS",
};

#define N_VARIABLES	(sizeof(variables) / sizeof(*variables))

/* ---- as text -------------------------------------------------------------- */

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void put_pages(const struct pages *p)
{
	printf("%" PRId64 ", ", p->all);
	if (p->own < 0)
		printf("an unknown number of them dirtied");
	else
		printf("%" PRId64 " dirtied", p->own);
}

static void put_states(uint64_t sites, const uint64_t states[3])
{
	printf("%" PRIu64 " site%s: %" PRIu64 " armed, %" PRIu64 " idle, %"
	       PRIu64 " neither", sites, plural(sites), states[SIDE_JMP_ARMED],
	       states[SIDE_JMP_IDLE], states[SIDE_JMP_FOREIGN]);
}

static void put_states32(uint64_t sites, const uint32_t states[3])
{
	uint64_t wide[3] = { states[0], states[1], states[2] };

	put_states(sites, wide);
}

static void text_key(const struct key *key, const struct live_key *live)
{
	printf("    ");
	put_text(*live->name ? live->name : key_name(key));
	if (live->readable)
		printf("  word %#" PRIx64 "  ", live->word);
	else
		printf("  word unknown  ");
	put_states32(live->sites, live->states);
	puts(live->kept_armed ? "; kept armed for user_events" : "");
}

static void text_object(const struct object *o, bool all_keys)
{
	printf("  ");
	put_text(o->path);
	printf("%s\n    %s; ", o->replaced ? "  (replaced on disk)" : "",
	       o->image.arch->name);
	put_states32(o->table.n_sites, o->states);
	printf("\n    pages of code: ");
	put_pages(&o->pages);
	printf("; with sites: ");
	put_pages(&o->site_pages);
	putchar('\n');
	if (o->unreadable)
		printf("    %" PRIu32 " sites can't be read\n", o->unreadable);
	if (o->wrong)
		printf("    WRONG: %" PRIu32 " sites are idle although their"
		       " key is enabled\n", o->wrong);
	for (size_t i = 0; i < o->table.n_keys; i++)
		if (all_keys || o->keys[i].word || !o->keys[i].readable)
			text_key(&o->table.keys[i], &o->keys[i]);
}

static void text_process(const struct process *p, const struct identity *id,
			 const struct totals *t)
{
	const char *why, *word = backend(id, t, &why);
	char value[200];

	printf("%d ", (int)p->pid);
	put_text(id->name);
	printf(": %s thread%s, %" PRIu64 " object%s with ", id->threads,
	       strcmp(id->threads, "1") ? "s" : "", t->objects,
	       plural(t->objects));
	put_states(t->sites, t->states);
	printf("\n  back end: %s (%s)\n", word, why);
	word = integrity(id, &why);
	printf("  integrity: %s (%s)\n", word, why);
	if (strcmp(id->seccomp, "0"))
		puts("  seccomp: on; a filter may forbid patching");
	for (size_t i = 0; i < N_VARIABLES; i++)
		if (process_variable(p, variables[i], value, sizeof(value))) {
			printf("  started with %s=", variables[i]);
			put_text(value);
			putchar('\n');
		}
}

/* ---- as JSON -------------------------------------------------------------- */

static void json_states(struct json *j, uint64_t sites, const uint64_t states[3])
{
	json_unsigned(j, "sites", sites);
	for (unsigned i = 0; i < 3; i++)
		json_unsigned(j, state_name(i), states[i]);
}

static void json_states32(struct json *j, uint64_t sites,
			  const uint32_t states[3])
{
	uint64_t wide[3] = { states[0], states[1], states[2] };

	json_states(j, sites, wide);
}

static void json_pages(struct json *j, const struct pages *code,
		       const struct pages *sites)
{
	json_number(j, "code_pages", code->all);
	json_number(j, "site_pages", sites->all);
	if (code->own < 0 || sites->own < 0)
		return;
	json_number(j, "code_pages_dirtied", code->own);
	json_number(j, "site_pages_dirtied", sites->own);
}

static void json_key(struct json *j, const struct key *key,
		     const struct live_key *live)
{
	json_object(j, NULL);
	json_string(j, "name", *live->name ? live->name : key->name);
	if (live->readable) {
		json_unsigned(j, "word", live->word);
		json_bool(j, "kept_armed", live->kept_armed);
	}
	json_states32(j, live->sites, live->states);
	json_object_end(j);
}

static void json_one_object(struct json *j, const struct object *o)
{
	char id[BUILD_ID_MAX];

	image_build_id(&o->image, id);
	json_object(j, NULL);
	json_string(j, "file", o->path);
	json_bool(j, "replaced", o->replaced);
	json_string(j, "build_id", *id ? id : NULL);
	json_string(j, "architecture", o->image.arch->name);
	json_address(j, "bias", o->bias);
	json_states32(j, o->table.n_sites, o->states);
	json_unsigned(j, "changed", o->changed);
	json_unsigned(j, "wrong", o->wrong);
	json_unsigned(j, "unreadable", o->unreadable);
	json_pages(j, &o->pages, &o->site_pages);
	json_array(j, "keys");
	for (size_t i = 0; i < o->table.n_keys; i++)
		json_key(j, &o->table.keys[i], &o->keys[i]);
	json_array_end(j);
	json_object_end(j);
}

static void json_process(struct json *j, const struct process *p,
			 const struct identity *id, const struct totals *t)
{
	char value[4096];
	const char *why;

	json_number(j, "pid", p->pid);
	json_string(j, "name", id->name);
	json_number(j, "threads", atoi(id->threads));
	json_bool(j, "emulated", id->emulated);
	json_string(j, "backend", backend(id, t, &why));
	json_string(j, "backend_reason", why);
	json_string(j, "integrity", integrity(id, &why));
	json_string(j, "integrity_reason", why);
	json_number(j, "seccomp", atoi(id->seccomp));
	json_object(j, "environment");
	for (size_t i = 0; i < N_VARIABLES; i++)
		if (process_variable(p, variables[i], value, sizeof(value)))
			json_string(j, variables[i], value);
	json_object_end(j);
	json_states(j, t->sites, t->states);
	json_unsigned(j, "changed", t->changed);
	json_unsigned(j, "wrong", t->wrong);
	json_pages(j, &t->pages, &t->site_pages);
}

/* ---- all of it ------------------------------------------------------------ */

/* Every object of the process; their number. */
static size_t open_objects(struct process *p, struct object **objects)
{
	size_t n = 0, room = 0;

	*objects = NULL;
	for (size_t i = 0; i < p->n_maps; ) {
		const struct mapping *first = &p->maps[i];
		struct object o;
		bool is_object = object_open(p, first, &o);

		if (is_object) {
			object_read(p, &o);
			*objects = tool_grow(*objects, &room, n + 1, sizeof(o));
			(*objects)[n++] = o;
		}
		do {
			i++;
		} while (i < p->n_maps && is_same(first, &p->maps[i]) &&
			 (!is_object || belongs(&o, &p->maps[i])));
	}
	return n;
}

static struct totals add_up(const struct object *objects, size_t n)
{
	struct totals t = { .objects = n };

	for (const struct object *o = objects; o < objects + n; o++) {
		t.sites += o->table.n_sites;
		for (unsigned s = 0; s < 3; s++)
			t.states[s] += o->states[s];
		t.changed += o->changed;
		t.wrong += o->wrong;
		add_pages(&t.pages, &o->pages);
		add_pages(&t.site_pages, &o->site_pages);
	}
	return t;
}

static void print(const struct options *op, const struct process *p,
		  const struct object *objects, size_t n)
{
	struct totals t = add_up(objects, n);
	uint16_t machine = machine_of(p);
	struct json *j = NULL;
	struct identity id;

	identify(p, &id);
	id.emulated = n && machine && objects[0].image.arch->machine != machine;
	if (!op->json) {
		text_process(p, &id, &t);
		for (size_t i = 0; i < n; i++)
			text_object(&objects[i], op->all_keys);
		return;
	}
	j = json_begin();
	json_object(j, NULL);
	json_process(j, p, &id, &t);
	json_array(j, "objects");
	for (size_t i = 0; i < n; i++)
		json_one_object(j, &objects[i]);
	json_array_end(j);
	json_object_end(j);
	json_end(j);
}

static int stat_once(const struct options *op)
{
	struct object *objects;
	int status = EXIT_OK;
	char why[WHY_MAX];
	struct process p;
	size_t n;

	if (process_open(&p, op->pid, why))
		return tool_error(NULL, "%s", why);
	n = open_objects(&p, &objects);
	if (process_ended(&p))
		status = tool_error(NULL, "process %d ended meanwhile",
				    (int)op->pid);
	else
		print(op, &p, objects, n);
	for (size_t i = 0; i < n; i++) {
		if (!status && objects[i].wrong)
			status = EXIT_FINDING;
		object_close(&objects[i]);
	}
	free(objects);
	process_close(&p);
	return status;
}

/* ---- options -------------------------------------------------------------- */

static error_t parse(int option, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	char *end;

	switch (option) {
	case 'j': o->json = true; return 0;
	case 'k': o->all_keys = true; return 0;
	case 'w':
		o->watch = strtod(arg, &end);
		if (end == arg || *end || !(o->watch >= 0.01 &&
					    o->watch <= 1e6))
			argp_error(state, "--watch=%s: expected seconds, from"
				   " 0.01 on", arg);
		return 0;
	case ARGP_KEY_ARG:
		errno = 0;
		o->pid = (pid_t)strtol(arg, &end, 10);
		if (state->arg_num || errno || *end || o->pid <= 0)
			argp_error(state, "\"%s\" is not what is expected: one"
				   " process id", arg);
		return 0;
	case ARGP_KEY_END:
		if (!o->pid)
			argp_error(state, "a process id is expected");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int watch(const struct options *op)
{
	struct timespec pause = {
		(time_t)op->watch,
		(long)((op->watch - (double)(time_t)op->watch) * 1e9),
	};
	int status;

	for (;;) {
		if (isatty(STDOUT_FILENO) && !op->json)
			fputs("\033[H\033[2J", stdout);
		status = stat_once(op);
		if (status == EXIT_BAD || !out_flush())
			return status;
		nanosleep(&pause, NULL);
	}
}

int cmd_stat(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "keys", 'k', NULL, 0, "All keys (default: those whose word is"
		  " not 0)", 0 },
		{ "json", 'j', NULL, 0, "As JSON, with all keys", 0 },
		{ "watch", 'w', "SECONDS", 0, "Again and again, until the"
		  " process ends", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options, parse, "PID", "Show the sites of a running process as"
		" its memory has them now.\vTakes the right to trace the"
		" process (its user, or CAP_SYS_PTRACE).  Exit status: 1 if a"
		" site is idle although its key is enabled, 2 if the process"
		" can't be looked into.", NULL, NULL, NULL,
	};
	struct options o = { 0 };

	tool_parse(&argp, argc, argv, &o);
	return o.watch > 0 ? watch(&o) : stat_once(&o);
}
