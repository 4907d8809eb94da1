/* SPDX-License-Identifier: MIT */
/* See event_pattern.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "event_pattern.h"

static bool pattern_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '*' || c == '?';
}

/* One colon, and something legal on both sides of it. */
static bool pattern_valid(const char *p)
{
	const char *colon = strchr(p, ':');

	if (!colon || colon == p || !colon[1])
		return false;
	for (; *p; p++)
		if (!pattern_char(*p) && p != colon)
			return false;
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

int sj_pattern_next(const char **list, char out[SJ_PATTERN_MAX])
{
	const char *start = *list, *end;
	size_t length;

	while (*start == ',' || is_space(*start))
		start++;
	end = start + strcspn(start, ",");
	*list = end;
	if (end == start)
		return 0;
	while (is_space(end[-1]))
		end--;
	length = (size_t)(end - start);
	if (length >= SJ_PATTERN_MAX)
		length = SJ_PATTERN_MAX - 1;
	memcpy(out, start, length);
	out[length] = '\0';
	if (start + length != end)
		return -ENAMETOOLONG;
	return pattern_valid(out) ? 1 : -EINVAL;
}

/*
 * Of `pattern` up to its end, of `s` all.  Linear: after a '*' only the last
 * one is ever taken back.
 */
static bool glob(const char *pattern, const char *end, const char *s)
{
	const char *star = NULL, *mark = s;

	while (*s) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			mark = s;
		} else if (pattern < end && (*pattern == '?' || *pattern == *s)) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++mark;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

bool sj_pattern_matches(const char *pattern, const char *provider,
			const char *name)
{
	const char *colon = strchr(pattern, ':');

	return glob(pattern, colon, provider) &&
	       glob(colon + 1, colon + strlen(colon), name);
}
