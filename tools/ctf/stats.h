/* SPDX-License-Identifier: MIT */
/*
 * What a report says of a trace, collected while it is read, in memory that
 * depends on how many names there are and not on how many events.
 */
#ifndef TOOLS_STATS_H
#define TOOLS_STATS_H

#include "tools/ctf/ctf.h"
#include "tools/ctf/spans.h"
#include "tools/ctf/threads.h"

enum {
	STATS_TIMES = 256,	/* bins of the time, which grow wider as it goes on */
	STATS_OCTAVE = 4,	/* bins of durations to twice as long a one */
	STATS_LENGTHS = 64 * STATS_OCTAVE,
};

/* Of one name. */
struct stats_row {
	const char *name;
	enum ctf_is is;			/* CTF_SPAN_BEGIN: a span */
	uint64_t count;			/* of events; of a span's begins */
	uint64_t times[STATS_TIMES];	/* the same */
	/* Of a span, in ns. */
	uint64_t ended, no_end, no_begin, least, most;
	double total;
	uint64_t lengths[STATS_LENGTHS];
	/* Of a counter: its bounds, in each bin, too; there NAN is none. */
	double min, max, last;
	double mins[STATS_TIMES], maxs[STATS_TIMES], lasts[STATS_TIMES];
};

struct stats {
	struct stats_row **rows;
	size_t n, room;
	uint64_t begin, end;		/* ns */
	uint64_t width;			/* of a bin of the time */
	bool begun;
	struct threads processes, threads;
	struct spans *spans;
};

void stats_begin(struct stats *stats);
void stats_event(const struct ctf_event *event, void *stats);
/* No more events; the rows are sorted, by what they are and how many. */
void stats_end(struct stats *stats);
void stats_free(struct stats *stats);

/* How long the bin's shortest is. */
double stats_length(unsigned bin);
/* Of those that ended, the part q (0 to 1) was not longer; estimated. */
double stats_quantile(const struct stats_row *row, double q);
/* Bins of the time that are in use. */
unsigned stats_times(const struct stats *stats);

#endif
