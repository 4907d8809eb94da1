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
	struct live_copy *copy;
	pid_t pid;
	bool ended;
	const char *program;
	int fd;
	void *at;			/* struct sj_counts */
	struct counted *events;
	size_t n, room;
	uint64_t others_before, others;
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

	struct live *lives;
	size_t n_lives;
	struct source *sources;
	size_t n, room;
	uint64_t began, looked;
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
	  " ?, or a list of that with commas (default: *:*)", 1 },
	{ "delay", 'd', "SECONDS", 0, "The interval (default: 1)", 1 },
	{ "times", 't', "N", 0, "End after N intervals", 1 },
	{ "json", 'j', NULL, 0, "One interval, as JSON", 1 },
	{ 0 },
};

static void check_patterns(struct argp_state *state, const char *list)
{
	char pattern[SJ_PATTERN_MAX];
	const char *rest = list;
	int r, n = 0;

	for (; (r = sj_pattern_next(&rest, pattern)) != 0; n++)
		if (r < 0)
			argp_error(state, "\"%s\" is no pattern: expected"
				   " provider:name, of letters, digits, _, * and"
				   " ?, and at most 119 bytes", pattern);
	if (!n)
		argp_error(state, "--event=\"%s\" names no event: expected"
			   " provider:name", list);
}

static void set_delay(struct argp_state *state, const char *arg)
{
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end || !(seconds >= 0.01 && seconds <= 86400))
		argp_error(state, "--delay=%s: expected seconds, from 0.01 on",
			   arg);
	top.interval = (uint64_t)(seconds * 1e9);
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
	case 'e':
		check_patterns(state, arg);
		top.patterns = arg;
		return 0;
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

static struct counted *known(const struct source *s, uint64_t number)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->events[i].number == number)
			return &s->events[i];
	return NULL;
}

static bool wanted(const char *name)
{
	char pattern[SJ_PATTERN_MAX];
	const char *rest = top.patterns ? top.patterns : "*:*";

	while (sj_pattern_next(&rest, pattern) == 1)
		if (sj_pattern_matches_key(pattern, name))
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

		if (e->e.number >= COUNTED || known(s, e->e.number) ||
		    !wanted(e->name))
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
	for (struct source *s = top.sources; s < top.sources + top.n; s++) {
		const struct sj_counts *head = s->at;

		for (size_t i = 0; i < s->n; i++) {
			s->events[i].before = s->events[i].now;
			s->events[i].now = count_of(s, s->events[i].number);
		}
		s->others_before = s->others;
		s->others = __atomic_load_n(&head->others, __ATOMIC_RELAXED);
	}
}

static void begin_source(struct live *l, struct live_copy *copy)
{
	struct source s = { .copy = copy, .pid = l->pid,
			    .program = copy->hello.program };
	const char *patterns = top.patterns ? top.patterns : "*:*";
	struct sj_control_reply reply;
	char why[WHY_MAX];

	s.fd = live_area(area_size(), &s.at);
	if (s.fd < 0) {
		top.status = tool_error(NULL, "memory for counts: %s",
					strerror(errno));
		return;
	}
	if (live_ask(copy, SJ_CONTROL_COUNT, patterns, s.fd, COUNTED, &reply,
		     why)) {
		top.status = tool_error(NULL, "process %d: %s", (int)l->pid,
					why);
		munmap(s.at, area_size());
		close(s.fd);
		return;
	}
	top.sources = tool_grow(top.sources, &top.room, top.n + 1, sizeof(s));
	top.sources[top.n++] = s;
}

static void begin_all(void)
{
	char why[WHY_MAX];
	bool there;

	top.lives = tool_alloc(top.who.n, sizeof(*top.lives));
	for (size_t i = 0; i < top.who.n; i++) {
		struct live *l = &top.lives[top.n_lives];

		if (live_open(l, top.who.pids[i], &there, why)) {
			if (there || !top.who.all)
				top.status = tool_error(NULL, "%s", why);
			continue;
		}
		top.n_lives++;
		for (size_t k = 0; k < l->n; k++)
			begin_source(l, &l->copies[k]);
	}
	if (!top.n && !top.status)
		top.status = tool_error(NULL, "no process can be controlled");
}

static void end_all(void)
{
	for (size_t i = 0; i < top.n_lives; i++)
		live_close(&top.lives[i]);
	for (size_t i = 0; i < top.n; i++) {
		struct source *s = &top.sources[i];

		for (size_t k = 0; k < s->n; k++)
			free(s->events[k].name);
		free(s->events);
		munmap(s->at, area_size());
		close(s->fd);
	}
	free(top.sources);
	free(top.lives);
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
		room += top.sources[i].n + 1;
	rows = tool_alloc(room, sizeof(*rows));
	*n = 0;
	for (size_t i = 0; i < top.n; i++) {
		const struct source *s = &top.sources[i];

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

static void text_head(double seconds, double all, uint64_t total, int columns)
{
	char line[256];

	snprintf(line, sizeof(line), "side-jmp top: %zu process%s, %.0f events/s,"
		 " %" PRIu64 " in all, every %.3g s", top.n_lives,
		 top.n_lives == 1 ? "" : "es", all, total,
		 (double)top.interval / 1e9);
	(void)seconds;
	put_cut(line, columns);
	putchar('\n');
}

static void text_row(const struct row *row, int columns)
{
	printf("%12.1f %14" PRIu64 " %7d ", row->rate, row->total,
	       (int)row->source->pid);
	put_cut(row->source->program, 15);
	putchar(' ');
	put_cut(row->name, columns - 12 - 14 - 7 - 15 - 4);
}

static void text_rows(const struct row *rows, size_t n, double seconds)
{
	bool terminal = isatty(STDOUT_FILENO);
	const char *end = terminal ? "\033[K\n" : "\n";
	int lines, columns;
	uint64_t total = 0;
	double all = 0;

	screen_size(&lines, &columns);
	for (size_t i = 0; i < n; i++) {
		all += rows[i].rate;
		total += rows[i].total;
	}
	if (terminal)
		fputs("\033[H", stdout);
	text_head(seconds, all, total, columns);
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
	json_array(j, "events");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_string(j, "name", rows[i].name);
		json_number(j, "pid", rows[i].source->pid);
		json_string(j, "program", rows[i].source->program);
		json_unsigned(j, "count", rows[i].in_time);
		json_double(j, "per_second", rows[i].rate);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	json_end(j);
}

/* ---- the loop ---------------------------------------------------------------------------- */

/* False: interrupted, or nobody is left. */
static bool wait_until(int signals, uint64_t until)
{
	struct pollfd *fds = tool_alloc(top.n + 1, sizeof(*fds));
	size_t left = 1;
	bool stop = false;

	for (uint64_t now; !stop && left && (now = sj_now()) < until; ) {
		for (size_t i = 0; i < top.n; i++)
			fds[i] = (struct pollfd){ top.sources[i].ended ? -1 :
				top.sources[i].copy->fd, POLLIN, 0 };
		fds[top.n] = (struct pollfd){ signals, POLLIN, 0 };
		(void)poll(fds, top.n + 1, (int)((until - now) / 1000000) + 1);
		left = 0;
		for (size_t i = 0; i < top.n; i++) {
			struct source *s = &top.sources[i];

			s->ended |= live_ended(s->copy, fds[i].revents);
			left += !s->ended;
		}
		stop = fds[top.n].revents;
	}
	free(fds);
	return !stop && left;
}

static void show(double seconds)
{
	size_t n;
	struct row *rows = sorted_rows(&n, seconds);

	if (top.json)
		json_rows(rows, n, seconds);
	else
		text_rows(rows, n, seconds);
	free(rows);
}

static void loop(int signals)
{
	uint64_t next = sj_now();
	unsigned done = 0;
	bool goes_on;

	for (size_t i = 0; i < top.n; i++)
		ask_names(&top.sources[i]);
	look();
	do {
		uint64_t before = top.looked;

		next += top.interval;
		goes_on = wait_until(signals, next);
		for (size_t i = 0; i < top.n; i++)
			ask_names(&top.sources[i]);
		look();
		show((double)(top.looked - before) / 1e9);
		goes_on &= out_flush() && ++done != top.times && !top.json;
	} while (goes_on);
}

int cmd_top(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "", "Show events of running processes by rate,"
		" until interrupted.\vOf children that they fork the counts are"
		" their parent's.  Exit status: 2 if a process can't be"
		" counted.", NULL, NULL, NULL,
	};
	int signals;

	tool_parse(&argp, argc, argv, NULL);
	signals = live_signals();
	begin_all();
	if (top.n) {
		if (isatty(STDOUT_FILENO) && !top.json)
			fputs("\033[2J", stdout);
		loop(signals);
	}
	end_all();
	return top.status;
}
