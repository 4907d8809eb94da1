/* SPDX-License-Identifier: MIT */
/* Patterns, for the runtime and for tools. */
#ifndef SIDE_JMP_EVENT_PATTERN_H
#define SIDE_JMP_EVENT_PATTERN_H

#include "side_jmp_event.h"

enum { SJ_PATTERN_MAX = 120 };			/* bytes, with the final 0 */

/*
 * Take the first pattern off the list into `out`.  1, 0 at the end of the
 * list, -EINVAL (not a pattern; `out` is what stands there, cut off),
 * -ENAMETOOLONG.  Moves *list on in every case.
 */
int sj_pattern_next(const char **list, char out[SJ_PATTERN_MAX]);
bool sj_pattern_matches(const char *pattern,
			const struct side_jmp_event_desc *desc);

/*
 * The same for the names of keys: an event's is "provider:name", any other is
 * matched by a pattern without a colon.
 */
int sj_pattern_next_key(const char **list, char out[SJ_PATTERN_MAX]);
bool sj_pattern_matches_key(const char *pattern, const char *name);

#endif
