/* SPDX-License-Identifier: MIT */
/*
 * Patterns for events: "provider:name" with '*' and '?', in lists with ','.
 * Pure functions, shared by the library and the tool.
 */
#ifndef SIDE_JMP_EVENT_PATTERN_H
#define SIDE_JMP_EVENT_PATTERN_H

#include <stdbool.h>

enum { SJ_PATTERN_MAX = 120 };			/* bytes, with the final 0 */

/*
 * Take the first pattern off the list into `out`.  1, 0 at the end of the
 * list, -EINVAL (not a pattern; `out` is what stands there, cut off),
 * -ENAMETOOLONG.  Moves *list on in every case.
 */
int sj_pattern_next(const char **list, char out[SJ_PATTERN_MAX]);
bool sj_pattern_matches(const char *pattern, const char *provider,
			const char *name);

#endif
