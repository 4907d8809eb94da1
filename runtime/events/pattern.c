/* SPDX-License-Identifier: MIT */
/*
 * Patterns for events: "provider:name" with '*' and '?', or "*", all of them; in
 * lists with ',', and behind each which of these events are meant (filter.h).
 * For tools that look at keys also "key", of a key that is no event's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
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

/* Up to the comma that ends it, which is none between quotes. */
static const char *pattern_item_end(const char *s)
{
	char quote = '\0';

	for (; *s && (quote || *s != ','); s++)
		if (quote && *s == '\\' && s[1])
			s++;
		else if (quote ? *s == quote : *s == '"' || *s == '\'')
			quote = quote ? '\0' : *s;
	return s;
}

/* Length of the next item, which begins at *item; 0: there is none. */
static size_t pattern_item(const char **list, const char **item, bool filters)
{
	const char *end;

	*item = *list;
	while (**item == ',' || pattern_space(**item))
		++*item;
	end = filters ? pattern_item_end(*item) : *item + strcspn(*item, ",");
	*list = end;
	while (end > *item && pattern_space(end[-1]))
		end--;
	return (size_t)(end - *item);
}

/* -ENAMETOOLONG: it is cut off. */
static int pattern_copy(char *to, size_t size, const char *from, size_t length)
{
	size_t n = length < size ? length : size - 1;

	memcpy(to, from, n);
	to[n] = '\0';
	return n == length ? 0 : -ENAMETOOLONG;
}

static int pattern_bad(struct sj_pattern *out, int error)
{
	snprintf(out->why, sizeof(out->why), error == -EINVAL ?
		 "is no pattern: expected provider:name, of letters, digits, _,"
		 " * and ?, or *" : "is too long for a pattern: expected at most %d"
		 " bytes, and %d with a filter", SJ_PATTERN_MAX - 1,
		 SJ_FILTER_TEXT - 1);
	return error;
}

/* The first word is the pattern; what follows, its filter. */
static int pattern_split(struct sj_pattern *out)
{
	size_t n = strcspn(out->text, " \t\n");
	struct sj_filter_build build;
	int r = pattern_copy(out->name, sizeof(out->name), out->text, n);

	if (r)
		return pattern_bad(out, r);
	if (!strcmp(out->name, "*"))
		strcpy(out->name, "*:*");
	if (!pattern_valid(out->name, true))
		return pattern_bad(out, -EINVAL);
	out->filter = 0;
	if (!out->text[n])
		return 1;
	out->filter = (unsigned)n;
	r = sj_filter_compile(&build, out->text, out->filter, NULL, out->why);
	return r ? r : 1;
}

int sj_pattern_next(const char **list, struct sj_pattern *out)
{
	const char *item;
	size_t length = pattern_item(list, &item, true);
	int r;

	if (!length)
		return 0;
	r = pattern_copy(out->text, sizeof(out->text), item, length);
	return r ? pattern_bad(out, r) : pattern_split(out);
}

int sj_pattern_next_key(const char **list, char out[SJ_PATTERN_MAX])
{
	const char *item;
	size_t length = pattern_item(list, &item, false);
	int r;

	if (!length)
		return 0;
	r = pattern_copy(out, SJ_PATTERN_MAX, item, length);
	return r ? r : pattern_valid(out, false) ? 1 : -EINVAL;
}

bool sj_pattern_is_exact(const char *name)
{
	return !name[strcspn(name, "*?")];
}

int sj_pattern_filter(const struct sj_pattern *pattern,
		      const struct side_jmp_event_desc *desc,
		      struct sj_filter_build *build, char why[SJ_FILTER_WHY])
{
	int r = pattern->filter ? sj_filter_compile(build, pattern->text,
						    pattern->filter, desc, why) :
				  0;

	return r ? r : !!pattern->filter;
}

bool sj_pattern_wants(const struct sj_pattern *pattern,
		      const struct side_jmp_event_desc *desc)
{
	struct sj_filter_build build;
	char why[SJ_FILTER_WHY];

	return sj_pattern_matches(pattern->name, desc) &&
	       sj_pattern_filter(pattern, desc, &build, why) >= 0;
}

bool sj_pattern_matches(const char *name, const struct side_jmp_event_desc *desc)
{
	const char *colon = strchr(name, ':');
	const char *provider = side_jmp_event_provider(desc);
	const char *event = side_jmp_event_name(desc);

	return sj_filter_like(name, (size_t)(colon - name), provider,
			      strlen(provider)) &&
	       sj_filter_like(colon + 1, strlen(colon + 1), event, strlen(event));
}

/* Each has one colon or none, so a '*' never reaches across it. */
bool sj_pattern_matches_key(const char *pattern, const char *name)
{
	return !strchr(pattern, ':') == !strchr(name, ':') &&
	       sj_filter_like(pattern, strlen(pattern), name, strlen(name));
}
