/* SPDX-License-Identifier: MIT */
/* See lines.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lines.h"
#include "tools/text.h"

/* ---- bytes -------------------------------------------------------------- */

char *buffer_room(struct buffer *b, size_t n)
{
	size_t length = buffer_length(b), size = b->size ? b->size : 4096;
	char *data;

	if (b->size - b->end >= n)
		return b->data + b->end;
	if (b->start) {
		memmove(b->data, b->data + b->start, length);
		b->start = 0;
		b->end = length;
	}
	while (size - length < n)
		size *= 2;
	if (size > b->size) {
		data = realloc(b->data, size);
		if (!data)
			return NULL;
		b->data = data;
		b->size = size;
	}
	return b->data + b->end;
}

/* ---- a line ------------------------------------------------------------- */

/* Bytes from `at` to `end`. */
struct span {
	const char *at, *end;
};

/* seconds.nanoseconds tid provider:name field=value... */
struct event_line {
	struct span head;		/* time and thread */
	struct span name;
	struct span fields;		/* begins with a space, or is empty */
};

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

static bool is_number(struct span s)
{
	return s.at < s.end && skip_digits(s.at, s.end) == s.end;
}

/* From `at` to the next `stop`, or to the end. */
static struct span until(const char *at, const char *end, char stop)
{
	const char *found = memchr(at, stop, (size_t)(end - at));

	return (struct span){ at, found ? found : end };
}

static const char *after(struct span s, const char *end)
{
	return s.end < end ? s.end + 1 : end;
}

static bool is_name(struct span s)
{
	size_t n = (size_t)(s.end - s.at);

	return n <= EVENT_NAME_MAX && memchr(s.at, ':', n) &&
	       !memchr(s.at, '\0', n);
}

/* False: it is something else. */
static bool parse(struct span line, struct event_line *out)
{
	struct span seconds = until(line.at, line.end, '.');
	struct span below = until(after(seconds, line.end), line.end, ' ');
	struct span tid = until(after(below, line.end), line.end, ' ');
	struct span name = until(after(tid, line.end), line.end, ' ');

	if (!is_number(seconds) || !is_number(below) ||
	    below.end - below.at != 9 || !is_number(tid) || !is_name(name))
		return false;
	out->head = (struct span){ line.at, tid.end };
	out->name = name;
	out->fields = (struct span){ name.end, line.end };
	return true;
}

/* "side_jmp: N events lost", or what else `what` is: N, if it can be; or 0. */
static uint64_t parse_sum(struct span line, const char *what)
{
	static const char head[] = "side_jmp: ";
	struct span number;
	uint64_t n = 0;

	if ((size_t)(line.end - line.at) < sizeof(head) ||
	    memcmp(line.at, head, sizeof(head) - 1))
		return 0;
	number = until(line.at + sizeof(head) - 1, line.end, ' ');
	if (!is_number(number) ||
	    !memmem(number.end, (size_t)(line.end - number.end), what,
		    strlen(what)))
		return 0;
	for (; number.at < number.end && n <= LOST_MAX; number.at++)
		n = 10 * n + (uint64_t)(*number.at - '0');
	return n <= LOST_MAX ? n : 0;
}

/* ---- colour ------------------------------------------------------------- */

#define DIM	"\033[2m"
#define BOLD	"\033[1m"
#define CYAN	"\033[36m"
#define YELLOW	"\033[33m"
#define PLAIN	"\033[0m"

/* Where the value that begins here ends: at a space that is not in quotes. */
static const char *value_end(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end && (quoted || *at != ' '); at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	return at;
}

static char *put(char *to, const char *s, size_t n)
{
	return (char *)memcpy(to, s, n) + n;
}

static char *put_fit(char *to, struct span s)
{
	return text_fit(to, s.at, (size_t)(s.end - s.at));
}

static char *put_in(char *to, const char *colour, struct span s)
{
	to = put(to, colour, strlen(colour));
	to = put_fit(to, s);
	return put(to, PLAIN, strlen(PLAIN));
}

/* `to` has room for it: a field, which is coloured once, may be a single byte. */
#define COLOURED_MAX(n)	(64 + TEXT_MAX(n) + 9 * (n))

static char *put_coloured(char *to, const struct event_line *e)
{
	const char *at = e->fields.at, *end = e->fields.end;

	to = put_in(to, DIM, e->head);
	*to++ = ' ';
	to = put_in(to, BOLD, e->name);
	while (at < end) {
		struct span name = until(at, end, '=');
		const char *stop = value_end(name.end, end);

		to = put_in(to, CYAN, name);
		to = put_fit(to, (struct span){ name.end, stop });
		at = stop;
	}
	return to;
}

/* ---- counting ----------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct event_count *)a)->name,
		      ((const struct event_count *)b)->name);
}

static struct event_count *find_count(const struct lines *l, char *name)
{
	struct event_count key = { .name = name }, **found;

	found = tfind(&key, &l->counts, by_name);
	return found ? *found : NULL;
}

static struct event_count *add_count(struct lines *l, const char *name)
{
	struct event_count *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->name = strdup(name);
	if (c->name && tsearch(c, &l->counts, by_name)) {
		l->n_counts++;
		return c;
	}
	free(c->name);
	free(c);
	return NULL;
}

static struct event_count *count_of(struct lines *l, struct span s)
{
	char name[EVENT_NAME_MAX + 1];
	struct event_count *c;

	*put(name, s.at, (size_t)(s.end - s.at)) = '\0';
	c = find_count(l, name);
	if (!c && l->n_counts >= EVENTS_MAX)
		c = find_count(l, strcpy(name, "(others)"));
	return c ? c : add_count(l, name);
}

static bool names(const struct event_count *c, struct span name)
{
	size_t n = (size_t)(name.end - name.at);

	return c && !strncmp(c->name, name.at, n) && !c->name[n];
}

static int count(struct lines *l, struct span name)
{
	if (!names(l->last, name))
		l->last = count_of(l, name);
	if (!l->last)
		return -ENOMEM;
	l->last->count++;
	l->total++;
	return 0;
}

static void collect(const void *node, VISIT visit, void *to)
{
	if (visit == postorder || visit == leaf)
		*(*(struct event_count ***)to)++ =
			*(struct event_count *const *)node;
}

static int largest_first(const void *a, const void *b)
{
	const struct event_count *x = *(struct event_count *const *)a;
	const struct event_count *y = *(struct event_count *const *)b;

	return x->count != y->count ? (x->count < y->count) -
				      (x->count > y->count) :
				      strcmp(x->name, y->name);
}

struct event_count **lines_sorted(struct lines *l)
{
	struct event_count **all = calloc(l->n_counts + 1, sizeof(*all));
	struct event_count **to = all;

	if (!all)
		return NULL;
	twalk_r(l->counts, collect, &to);
	qsort(all, l->n_counts, sizeof(*all), largest_first);
	return all;
}

/* ---- lines -------------------------------------------------------------- */

/* In the tracer's own words, and then it is said. */
static int say_lines(struct lines *l, uint64_t *n, const char *what)
{
	char *to = *n ? buffer_room(&l->out, 128) : NULL;

	if (!*n)
		return 0;
	if (!to)
		return -ENOMEM;
	l->out.end += (size_t)snprintf(to, 128, "side_jmp: %llu lines %s\n",
				       (unsigned long long)*n, what);
	*n = 0;
	return 0;
}

/* When there is room to say it. */
static int say_unshown(struct lines *l)
{
	return say_lines(l, &l->cut, "were too long and are cut off") ||
	       say_lines(l, &l->unshown,
			 "not shown: what reads them is too slow") ?
	       -ENOMEM : 0;
}

/* Without its newline, which goes out with it if `newline`. */
static int show(struct lines *l, struct span line,
		const struct event_line *event, bool newline)
{
	size_t n = (size_t)(line.end - line.at);
	char *to;

	if (buffer_length(&l->out) > (l->unshown ? l->out_max / 2 :
						   l->out_max)) {
		l->unshown++;
		return 0;
	}
	if (say_unshown(l))
		return -ENOMEM;
	to = buffer_room(&l->out, COLOURED_MAX(n));
	if (!to)
		return -ENOMEM;
	if (l->colour && event)
		to = put_coloured(to, event);
	else if (l->colour && parse_sum(line, " lost"))
		to = put_in(to, YELLOW, line);
	else
		to = put_fit(to, line);
	if (newline)
		*to++ = '\n';
	l->out.end = (size_t)(to - l->out.data);
	return 0;
}

static void add_sum(uint64_t *sum, uint64_t n)
{
	*sum = *sum + n > LOST_MAX ? LOST_MAX : *sum + n;
}

static int take_line(struct lines *l, struct span line, bool newline)
{
	struct event_line event = { 0 };
	bool is_event = parse(line, &event);

	if (is_event && count(l, event.name))
		return -ENOMEM;
	if (!is_event) {
		add_sum(&l->lost, parse_sum(line, " lost"));
		add_sum(&l->left_out, parse_sum(line, " left out"));
	}
	return l->counts_only ? 0 :
	       show(l, line, is_event ? &event : NULL, newline);
}

/* What follows a line that was cut off. */
static const char *skip(struct lines *l, const char *at, const char *end)
{
	struct span rest = until(at, end, '\n');

	l->skipping = rest.end == end;
	return after(rest, end);
}

/* What waits for its end is never more than LINE_SHOWN. */
static int cut_off(struct lines *l, struct span line)
{
	int r = take_line(l, line, true);

	l->skipping = true;
	l->cut += !l->counts_only;
	return r;
}

static int take_next(struct lines *l, const char **at, const char *end,
		     bool last)
{
	struct span line = until(*at, end, '\n');

	if (line.end - line.at > LINE_SHOWN) {
		line.end = line.at + LINE_SHOWN;
		*at = line.end;
		return cut_off(l, line);
	}
	if (line.end == end && !last)
		return 0;
	*at = after(line, end);
	return take_line(l, line, line.end < end);
}

static int take_all(struct lines *l, bool last)
{
	const char *at = l->in.data + l->in.start, *before;
	const char *end = l->in.data + l->in.end;
	int r = 0;

	do {
		before = at;
		if (l->skipping)
			at = skip(l, at, end);
		else if (at < end)
			r = take_next(l, &at, end, last);
	} while (!r && at != before);
	l->in.start = (size_t)(at - l->in.data);
	return r;
}

int lines_take(struct lines *l, bool last)
{
	int r = buffer_length(&l->in) ? take_all(l, last) : 0;

	return !r && (last || l->cut) ? say_unshown(l) : r;
}
