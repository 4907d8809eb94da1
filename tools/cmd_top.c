/* SPDX-License-Identifier: MIT */
/*
 * side-jmp top: events of running processes by rate.
 *
 * The processes count, in memory of ours; no event is copied.  What each count is
 * of they say when they are asked (LIST), now and then: libraries come and go.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runtime/events/events.h"
#include "tools/choice.h"
#include "tools/image.h"
#include "tools/live.h"
#include "tools/out.h"
#include "tools/side-jmp.h"

enum { COUNTED = 65536 };		/* numbers of events below */

/* An event of a process. */
struct counted {
	char *name;
	uint64_t number, before, now;
};

struct source {
	struct live *live;
	struct live_copy *copy;		/* of it */
	bool ended;
	int fd;
	void *at;			/* struct sj_counts */
	struct counted *events;
	size_t n, room;
	uint64_t known[COUNTED / 64];	/* bits: events, by number */
	uint64_t others_before, others;
	uint64_t left_out;		/* by filters */
};

/* A line of it. */
struct row {
	const struct source *source;
	const char *name;
	uint64_t in_time, total;
	double rate;
};

static struct {
	struct choice who;
	char *patterns;
	uint64_t interval;		/* ns */
	unsigned times;			/* 0: until interrupted */
	bool json;

	struct source **sources;
	size_t n, room;
	uint64_t looked;
	uint64_t gone;			/* events of processes that have */
	uint64_t gone_left_out;
	int status;
} top = { .interval = 1000000000 };

static size_t area_size(void)
{
	return sizeof(struct sj_counts) +
	       SJ_COUNT_SHARDS * (size_t)COUNTED * sizeof(uint64_t);
}

/* ---- options ------------------------------------------------------------------ */

static const struct argp_option options[] = {
	CHOICE_OPTIONS(0),
	{ "event", 'e', "PATTERN", 0, "These events: provider:name, with * and"
	  " ?, behind it maybe a filter (side-jmp-run(1)), or a list of that with"
	  " commas (default: *:*)", 1 },
	{ "delay", 'd', "SECONDS", 0, "The interval (default: 1)", 1 },
	{ "times", 't', "N", 0, "End after N intervals", 1 },
	{ "json", 'j', NULL, 0, "One interval, as JSON", 1 },
	{ 0 },
};

static void set_delay(struct argp_state *state, const char *arg)
{
	top.interval = tool_time(arg);
	if (top.interval < 10000000)
		argp_error(state, "--delay=%s: expected seconds, from 0.01 on",
			   arg);
}

static void set_times(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '0' || *arg > '9' || *end || !n || n > 1000000000)
		argp_error(state, "--times=%s: expected a number, from 1 on",
			   arg);
	top.times = (unsigned)n;
}

static error_t parse(int option, char *arg, struct argp_state *state)
{
	switch (option) {
	case 'e': choice_events(&top.patterns, arg, state); return 0;
	case 'd': set_delay(state, arg); return 0;
	case 't': set_times(state, arg); return 0;
	case 'j': top.json = true; return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is not expected; events are chosen by"
			   " --event", arg);
		return 0;
	case ARGP_KEY_END:
		if (!top.who.asked)
			argp_error(state, "a process is expected: --pid, --name"
				   " or --all");
		return 0;
	default:
		return choice_option(&top.who, option, arg, state);
	}
}

/* ---- counts ---------------------------------------------------------------------- */

static uint64_t count_of(const struct source *s, uint64_t number)
{
	const struct sj_counts *head = s->at;
	const uint64_t *all = (const void *)(head + 1);
	uint64_t sum = 0;

	for (size_t i = 0; i < SJ_COUNT_SHARDS && number < COUNTED; i++)
		sum += __atomic_load_n(&all[i * COUNTED + number],
				       __ATOMIC_RELAXED);
	return sum;
}

/* False: it was known before. */
static bool know(struct source *s, uint64_t number)
{
	uint64_t *word = &s->known[number / 64], bit = UINT64_C(1) << number % 64;
	bool had = *word & bit;

	*word |= bit;
	return !had;
}

static bool wanted(const char *name)
{
	struct sj_pattern pattern;
	const char *rest = top.patterns ? top.patterns : "*:*";

	while (sj_pattern_next(&rest, &pattern) == 1)
		if (sj_pattern_matches_key(pattern.name, name))
			return true;
	return false;
}

/* Which there are now; those that have gone keep their names. */
static void ask_names(struct source *s)
{
	struct live_list list;
	char why[WHY_MAX];

	if (s->ended || live_list(s->copy, &list, why))
		return;
	for (size_t i = 0; i < list.n_events; i++) {
		const struct live_entry *e = &list.events[i];

		if (e->e.number >= COUNTED || !wanted(e->name) ||
		    !know(s, e->e.number))
			continue;
		s->events = tool_grow(s->events, &s->room, s->n + 1,
				      sizeof(*s->events));
		s->events[s->n++] = (struct counted){
			tool_strdup(e->name), e->e.number, 0, 0,
		};
	}
	live_list_free(&list);
}

static void look(void)
{
	top.looked = sj_now();
	for (size_t k = 0; k < top.n; k++) {
		struct source *s = top.sources[k];
		const struct sj_counts *head = s->at;

		for (size_t i = 0; i < s->n; i++) {
			s->events[i].before = s->events[i].now;
			s->events[i].now = count_of(s, s->events[i].number);
		}
		s->others_before = s->others;
		s->others = __atomic_load_n(&head->others, __ATOMIC_RELAXED);
		s->left_out = __atomic_load_n(&head->left_out, __ATOMIC_RELAXED);
	}
}

static void end_source(size_t i)
{
	struct source *s = top.sources[i];
	bool last = true;

	top.sources[i] = top.sources[--top.n];
	for (size_t k = 0; k < top.n; k++)
		last &= top.sources[k]->live != s->live;
	if (last) {
		choice_lost(&top.who, s->live->pid);
		live_close(s->live);
		free(s->live);
	}
	for (size_t k = 0; k < s->n; k++) {
		top.gone += s->events[k].now;
		free(s->events[k].name);
	}
	top.gone += s->others;
	top.gone_left_out += s->left_out;
	free(s->events);
	munmap(s->at, area_size());
	close(s->fd);
	free(s);
}

/* False: it is not counted. */
static bool begin_source(struct live *l, struct live_copy *copy)
{
	struct source *s = tool_alloc(1, sizeof(*s));
	const char *patterns = top.patterns ? top.patterns : "*:*";
	struct sj_control_reply reply;
	char why[WHY_MAX];

	*s = (struct source){ .live = l, .copy = copy };
	s->fd = live_area(area_size(), &s->at);
	if (s->fd < 0) {
		top.status = tool_error(NULL, "memory for counts: %s",
					strerror(errno));
		free(s);
		return false;
	}
	((struct sj_counts *)s->at)->mark = live_mark();
	if (live_ask(copy, SJ_CONTROL_COUNT, patterns, s->fd, COUNTED, &reply,
		     why)) {
		top.status = tool_error(NULL, "process %d: %s", (int)l->pid,
					why);
		munmap(s->at, area_size());
		close(s->fd);
		free(s);
		return false;
	}
	top.sources = tool_grow(top.sources, &top.room, top.n + 1,
				sizeof(*top.sources));
	top.sources[top.n++] = s;
	ask_names(s);
	return true;
}

static void begin_chosen(struct chosen *c, bool first)
{
	struct live *l = tool_alloc(1, sizeof(*l));
	char why[WHY_MAX];
	bool there;

	if (live_reach(l, c->pid, top.who.all, &there, why)) {
		if (first && (there || !top.who.all))
			top.status = tool_error(NULL, "%s", why);
		free(l);
		return;
	}
	for (size_t k = 0; k < l->n; k++)
		c->taken |= !l->copies[k].hello.seen &&
			    begin_source(l, &l->copies[k]);
	if (!c->taken) {
		live_close(l);
		free(l);
	}
}

static void begin_all(bool first)
{
	for (struct chosen *c = NULL; (c = choice_newcomer(&top.who, c)); )
		begin_chosen(c, first);
	if (first && !top.n && !top.status)
		top.status = tool_error(NULL, "no process can be reached");
}

static void end_all(void)
{
	while (top.n)
		end_source(top.n - 1);
	free(top.sources);
	free(top.patterns);
	choice_free(&top.who);
}

/* ---- rows ------------------------------------------------------------------------- */

static int by_rate(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->in_time != y->in_time)
		return x->in_time < y->in_time ? 1 : -1;
	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void add_row(struct row *rows, size_t *n, const struct source *s,
		    const char *name, uint64_t before, uint64_t now,
		    double seconds)
{
	rows[(*n)++] = (struct row){
		s, name, now - before, now, (double)(now - before) / seconds,
	};
}

/* To be freed. */
static struct row *sorted_rows(size_t *n, double seconds)
{
	size_t room = 0;
	struct row *rows;

	for (size_t i = 0; i < top.n; i++)
		room += top.sources[i]->n + 1;
	rows = tool_alloc(room, sizeof(*rows));
	*n = 0;
	for (size_t i = 0; i < top.n; i++) {
		const struct source *s = top.sources[i];

		for (size_t k = 0; k < s->n; k++)
			add_row(rows, n, s, s->events[k].name,
				s->events[k].before, s->events[k].now, seconds);
		if (s->others)
			add_row(rows, n, s, "(others)", s->others_before,
				s->others, seconds);
	}
	if (*n)
		qsort(rows, *n, sizeof(*rows), by_rate);
	return rows;
}

/* ---- text ----------------------------------------------------------------------------- */

/* At most that wide, what is cut off ends in +. */
static void put_cut(const char *s, int width)
{
	char text[256];

	snprintf(text, sizeof(text), "%.*s", width, s);
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if ((int)strlen(s) > width && width > 0)
		text[width - 1] = '+';
	printf("%-*s", width, text);
}

static void screen_size(int *lines, int *columns)
{
	struct winsize size;

	*lines = *columns = 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size)) {
		*lines = size.ws_row;
		*columns = size.ws_col;
	}
	if (*columns < 40 || *columns > 250)
		*columns = *columns > 250 ? 250 : 80;
}

static size_t processes(void)
{
	size_t n = 0;

	for (size_t i = 0; i < top.n; i++) {
		size_t k = 0;

		while (k < i && top.sources[k]->live != top.sources[i]->live)
			k++;
		n += k == i;
	}
	return n;
}

/* By filters' every and limit. */
static uint64_t left_out(void)
{
	uint64_t n = top.gone_left_out;

	for (size_t i = 0; i < top.n; i++)
		n += top.sources[i]->left_out;
	return n;
}

static void text_head(double all, uint64_t total, int columns)
{
	char line[256], out[40] = "";
	size_t n = processes();

	if (left_out())
		snprintf(out, sizeof(out), ", %" PRIu64 " left out", left_out());
	snprintf(line, sizeof(line), "side-jmp top: %zu process%s, %.0f events/s,"
		 " %" PRIu64 " in all%s, every %.3g s", n, n == 1 ? "" : "es",
		 all, total, out, (double)top.interval / 1e9);
	put_cut(line, columns);
	putchar('\n');
}

static void text_row(const struct row *row, int columns)
{
	printf("%12.1f %14" PRIu64 " %7d ", row->rate, row->total,
	       (int)row->source->live->pid);
	put_cut(row->source->copy->hello.program, 15);
	putchar(' ');
	put_cut(row->name, columns - 12 - 14 - 7 - 15 - 4);
}

static void text_rows(const struct row *rows, size_t n)
{
	bool terminal = isatty(STDOUT_FILENO);
	const char *end = terminal ? "\033[K\n" : "\n";
	int lines, columns;
	uint64_t total = top.gone;
	double all = 0;

	screen_size(&lines, &columns);
	for (size_t i = 0; i < n; i++) {
		all += rows[i].rate;
		total += rows[i].total;
	}
	if (terminal)
		fputs("\033[H", stdout);
	text_head(all, total, columns);
	printf("%12s %14s %7s %-15s %-*s%s", "PER SECOND", "TOTAL", "PID",
	       "COMMAND", columns - 12 - 14 - 7 - 15 - 4, "EVENT", end);
	if (terminal && lines > 3 && n > (size_t)lines - 3)
		n = (size_t)lines - 3;
	for (size_t i = 0; i < n; i++) {
		text_row(&rows[i], columns);
		fputs(end, stdout);
	}
	if (terminal)
		fputs("\033[J", stdout);
}

/* ---- JSON ------------------------------------------------------------------------------- */

static void json_rows(const struct row *rows, size_t n, double seconds)
{
	struct json *j = json_begin();

	json_object(j, NULL);
	json_double(j, "seconds", seconds);
	json_unsigned(j, "left_out", left_out());
	json_array(j, "events");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_string(j, "name", rows[i].name);
		json_number(j, "pid", rows[i].source->live->pid);
		json_string(j, "program",
			    rows[i].source->copy->hello.program);
		json_unsigned(j, "count", rows[i].in_time);
		json_double(j, "per_second", rows[i].rate);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	json_end(j);
}

/* ---- the loop ---------------------------------------------------------------------------- */

static bool is_awaited(void)
{
	return top.who.all || top.who.n_names;
}

static void note_ended(const struct pollfd *fds)
{
	for (size_t i = 0; i < top.n; i++)
		top.sources[i]->ended |= live_ended(top.sources[i]->copy,
						    fds[i].revents);
}

static bool somebody_is_left(void)
{
	bool left = is_awaited();

	for (size_t i = 0; i < top.n && !left; i++)
		left = !top.sources[i]->ended;
	return left;
}

/* False: interrupted, or nobody is left. */
static bool wait_until(int signals, uint64_t until)
{
	struct pollfd *fds = tool_alloc(top.n + 1, sizeof(*fds));
	bool stop = false;

	for (uint64_t now; !stop && somebody_is_left() &&
	     (now = sj_now()) < until; ) {
		for (size_t i = 0; i < top.n; i++)
			fds[i] = (struct pollfd){ top.sources[i]->ended ? -1 :
				top.sources[i]->copy->fd, POLLIN, 0 };
		fds[top.n] = (struct pollfd){ signals, POLLIN, 0 };
		(void)poll(fds, top.n + 1, (int)((until - now) / 1000000) + 1);
		note_ended(fds);
		stop = fds[top.n].revents;
	}
	free(fds);
	return !stop && somebody_is_left();
}

/* Who comes is counted from now on, who ended was shown. */
static void look_again(void)
{
	for (size_t i = top.n; i-- > 0; )
		if (top.sources[i]->ended)
			end_source(i);
	if (is_awaited()) {
		choice_look_again(&top.who);
		begin_all(false);
	}
}

static void show(double seconds)
{
	size_t n;
	struct row *rows = sorted_rows(&n, seconds);

	if (top.json)
		json_rows(rows, n, seconds);
	else
		text_rows(rows, n);
	free(rows);
}

static void loop(int signals)
{
	uint64_t next = sj_now();
	unsigned done = 0;
	bool goes_on;

	look();
	do {
		uint64_t before = top.looked;

		next += top.interval;
		goes_on = wait_until(signals, next);
		for (size_t i = 0; i < top.n; i++)
			ask_names(top.sources[i]);
		look();
		show((double)(top.looked - before) / 1e9);
		goes_on &= out_flush() && ++done != top.times && !top.json;
		if (goes_on)
			look_again();
	} while (goes_on);
}

int cmd_top(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "", "Show events of running processes by rate,"
		" until interrupted.\vOf children that they fork the counts are"
		" their parent's.  With --name and --all processes that start"
		" are included.  Exit status: 2 if a process can't be counted.", NULL, NULL, NULL,
	};
	int signals;

	tool_parse(&argp, argc, argv, NULL);
	signals = live_signals();
	begin_all(true);
	if (top.n) {
		if (isatty(STDOUT_FILENO) && !top.json)
			fputs("\033[2J", stdout);
		loop(signals);
	}
	end_all();
	return top.status;
}
