/* SPDX-License-Identifier: MIT */
/*
 * Patterns for events: "provider:name" with '*' and '?', in lists with ','.
 * For tools that look at keys also "key", of a key that is no event's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "runtime/events/pattern.h"

static bool pattern_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '*' || c == '?';
}

/* One colon, and something legal on both sides of it; or none, of a key. */
static bool pattern_valid(const char *p, bool event)
{
	const char *colon = strchr(p, ':');

	if (colon ? colon == p || !colon[1] : event || !*p)
		return false;
	for (; *p; p++)
		if (!pattern_char(*p) && p != colon)
			return false;
	return true;
}

static bool pattern_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static int pattern_next(const char **list, char out[SJ_PATTERN_MAX], bool event)
{
	const char *start = *list, *end;
	size_t length;

	while (*start == ',' || pattern_space(*start))
		start++;
	end = start + strcspn(start, ",");
	*list = end;
	if (end == start)
		return 0;
	while (pattern_space(end[-1]))
		end--;
	length = (size_t)(end - start);
	if (length >= SJ_PATTERN_MAX)
		length = SJ_PATTERN_MAX - 1;
	memcpy(out, start, length);
	out[length] = '\0';
	if (start + length != end)
		return -ENAMETOOLONG;
	return pattern_valid(out, event) ? 1 : -EINVAL;
}

int sj_pattern_next(const char **list, char out[SJ_PATTERN_MAX])
{
	return pattern_next(list, out, true);
}

int sj_pattern_next_key(const char **list, char out[SJ_PATTERN_MAX])
{
	return pattern_next(list, out, false);
}

/*
 * Of `pattern` up to its end, of `s` all.  Linear: after a '*' only the last
 * one is ever taken back.
 */
static bool pattern_glob(const char *pattern, const char *end, const char *s)
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

bool sj_pattern_matches(const char *pattern,
			const struct side_jmp_event_desc *desc)
{
	const char *colon = strchr(pattern, ':');

	return pattern_glob(pattern, colon, side_jmp_event_provider(desc)) &&
	       pattern_glob(colon + 1, colon + strlen(colon),
			    side_jmp_event_name(desc));
}

/* Each has one colon or none, so a '*' never reaches across it. */
bool sj_pattern_matches_key(const char *pattern, const char *name)
{
	return !strchr(pattern, ':') == !strchr(name, ':') &&
	       pattern_glob(pattern, pattern + strlen(pattern), name);
}
