/* SPDX-License-Identifier: MIT */
/* Patterns, for the runtime and for tools. */
#ifndef SIDE_JMP_EVENT_PATTERN_H
#define SIDE_JMP_EVENT_PATTERN_H

#include "runtime/events/filter.h"

enum { SJ_PATTERN_MAX = 120 };			/* bytes, with the final 0 */

/* An item of a list: a pattern, and which of its events are meant. */
struct sj_pattern {
	char text[SJ_FILTER_TEXT];	/* all of it */
	char name[SJ_PATTERN_MAX];	/* provider:name, also of "*" */
	unsigned filter;		/* where in `text` its filter begins; 0:
					   it has none */
	char why[SJ_FILTER_WHY];	/* of a bad one: "is no pattern: ..." */
};

/*
 * Take the first item off the list.  1, 0 at the end of the list, -EINVAL or
 * -E2BIG (none; `text` is what stands there, cut off, and `why` what is wrong
 * with it), -ENAMETOOLONG (likewise).  Moves *list on in every case.
 */
int sj_pattern_next(const char **list, struct sj_pattern *out);
bool sj_pattern_matches(const char *name, const struct side_jmp_event_desc *desc);
/* No wildcard: it is the name of one event. */
bool sj_pattern_is_exact(const char *name);
/*
 * The filter of a pattern that matches the event, for it: 1; 0: it has none, all
 * are meant; -EINVAL and why: it can't be applied to this event.
 */
int sj_pattern_filter(const struct sj_pattern *pattern,
		      const struct side_jmp_event_desc *desc,
		      struct sj_filter_build *build, char why[SJ_FILTER_WHY]);
/* It matches the event, and its filter can be applied to that. */
bool sj_pattern_wants(const struct sj_pattern *pattern,
		      const struct side_jmp_event_desc *desc);

/*
 * The same for the names of keys: an event's is "provider:name", any other is
 * matched by a pattern without a colon.  No filters.
 */
int sj_pattern_next_key(const char **list, char out[SJ_PATTERN_MAX]);
bool sj_pattern_matches_key(const char *pattern, const char *name);

#endif
