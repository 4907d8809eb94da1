/* SPDX-License-Identifier: MIT */
/* See stats.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctf/stats.h"
#include "tools/memory.h"

enum { FIRST_WIDTH = 1024 };		/* ns */

/* ---- bins --------------------------------------------------------------- */

static unsigned length_bin(uint64_t ns)
{
	return ns < 2 ? 0 : (unsigned)(log2((double)ns) * STATS_OCTAVE);
}

double stats_length(unsigned bin)
{
	return exp2((double)bin / STATS_OCTAVE);
}

static double narrower(double a, double b, bool low)
{
	return isnan(a) ? b : isnan(b) ? a : low == (a < b) ? a : b;
}

static void widen_row(struct stats_row *row)
{
	for (unsigned i = 0; i < STATS_TIMES; i++) {
		unsigned a = 2 * i, b = 2 * i + 1;
		bool there = b < STATS_TIMES;

		row->times[i] = there ? row->times[a] + row->times[b] : 0;
		row->mins[i] = there ? narrower(row->mins[a], row->mins[b], true) : NAN;
		row->maxs[i] = there ? narrower(row->maxs[a], row->maxs[b], false) : NAN;
		row->lasts[i] = !there ? NAN : isnan(row->lasts[b]) ? row->lasts[a] :
				row->lasts[b];
	}
}

/* The bin of a time: all of them become wider until it has one. */
static unsigned time_bin(struct stats *s, uint64_t time)
{
	uint64_t since = time > s->begin ? time - s->begin : 0;

	while (since / s->width >= STATS_TIMES) {
		for (size_t i = 0; i < s->n; i++)
			widen_row(s->rows[i]);
		s->width *= 2;
	}
	return (unsigned)(since / s->width);
}

unsigned stats_times(const struct stats *s)
{
	return (unsigned)((s->end - s->begin) / s->width) + 1;
}

double stats_quantile(const struct stats_row *row, double q)
{
	double wanted = q * (double)row->ended, seen = 0, length;

	for (unsigned i = 0; i < STATS_LENGTHS; i++) {
		double here = (double)row->lengths[i];

		if (!row->lengths[i] || seen + here < wanted) {
			seen += here;
			continue;
		}
		length = stats_length(i) * exp2((wanted - seen) / here / STATS_OCTAVE);
		return fmin(fmax(length, (double)row->least), (double)row->most);
	}
	return (double)row->most;
}

/* ---- rows --------------------------------------------------------------- */

static struct stats_row *row_of(struct stats *s, const char *name, enum ctf_is is)
{
	struct stats_row *row;

	is = is == CTF_SPAN_END ? CTF_SPAN_BEGIN : is;
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i]->name == name && s->rows[i]->is == is)
			return s->rows[i];
	s->rows = tool_grow(s->rows, &s->room, s->n + 1, sizeof(*s->rows));
	row = s->rows[s->n++] = tool_alloc(1, sizeof(*row));
	row->name = name;
	row->is = is;
	row->min = row->max = row->last = NAN;
	for (unsigned i = 0; i < STATS_TIMES; i++)
		row->mins[i] = row->maxs[i] = row->lasts[i] = NAN;
	return row;
}

static void add_value(struct stats_row *row, unsigned bin, double v)
{
	row->min = narrower(row->min, v, true);
	row->max = narrower(row->max, v, false);
	row->last = v;
	row->mins[bin] = narrower(row->mins[bin], v, true);
	row->maxs[bin] = narrower(row->maxs[bin], v, false);
	row->lasts[bin] = v;
}

static void add_length(struct stats_row *row, uint64_t ns)
{
	if (!row->ended || ns < row->least)
		row->least = ns;
	if (ns > row->most)
		row->most = ns;
	row->ended++;
	row->total += (double)ns;
	row->lengths[length_bin(ns)]++;
}

static void unfinished(const struct span *span, void *stats)
{
	row_of(stats, span->name, CTF_SPAN_BEGIN)->no_end++;
}

static void add_end(struct stats *s, const struct ctf_event *e, struct stats_row *row)
{
	struct span span;

	if (spans_end(s->spans, e, &span))
		add_length(row, e->time > span.begun ? e->time - span.begun : 0);
	else
		row->no_begin++;
}

/* Of a span, before what is wanted: it may end in that. */
static void add_earlier(struct stats *s, const struct ctf_event *e)
{
	struct span span;

	if (e->class->is == CTF_SPAN_END)
		(void)spans_end(s->spans, e, &span);
	else if (e->span)
		spans_begin(s->spans, e, NULL);
}

static void add_event(struct stats *s, const struct ctf_event *e)
{
	struct stats_row *row = row_of(s, e->class->name, e->class->is);
	unsigned bin;
	double value;

	if (!s->begun)
		s->begin = s->end = e->time;
	s->begun = true;
	s->end = e->time > s->end ? e->time : s->end;
	bin = time_bin(s, e->time);
	threads_add(&s->processes, e->pid, 0);
	threads_add(&s->threads, e->pid, e->tid);
	if (e->class->is == CTF_SPAN_END) {
		add_end(s, e, row);
		return;
	}
	row->count++;
	row->times[bin]++;
	if (e->class->is == CTF_SPAN_BEGIN && e->span)
		spans_begin(s->spans, e, NULL);
	else if (e->class->is == CTF_SPAN_BEGIN)
		row->no_end++;
	else if (e->class->is == CTF_COUNTER && ctf_number(e->value, &value) &&
		 isfinite(value))
		add_value(row, bin, value);
}

/* ---- from outside ------------------------------------------------------- */

void stats_begin(struct stats *s)
{
	*s = (struct stats){ .width = FIRST_WIDTH };
	s->spans = spans_new(unfinished, s);
}

void stats_event(const struct ctf_event *e, void *stats)
{
	if (e->earlier)
		add_earlier(stats, e);
	else
		add_event(stats, e);
}

static int compare(const void *a, const void *b)
{
	const struct stats_row *x = *(const struct stats_row *const *)a;
	const struct stats_row *y = *(const struct stats_row *const *)b;

	return x->is != y->is ? (x->is == CTF_SPAN_BEGIN ? -1 :
				 y->is == CTF_SPAN_BEGIN ? 1 :
				 x->is == CTF_COUNTER ? -1 : 1) :
	       x->count != y->count ? (x->count > y->count ? -1 : 1) :
	       strcmp(x->name, y->name);
}

void stats_end(struct stats *s)
{
	spans_free(s->spans);
	if (s->n)
		qsort(s->rows, s->n, sizeof(*s->rows), compare);
}

void stats_free(struct stats *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->rows[i]);
	free(s->rows);
	free(s->processes.slots);
	free(s->threads.slots);
}
