/* SPDX-License-Identifier: MIT */
/* See text.h. */
#include <stdbool.h>
#include <string.h>

#include "tools/text.h"

size_t text_utf8(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = !left ? 0 : *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 :
		   *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

	if (n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (n > 2 && ((*s == 0xe0 && s[1] < 0xa0) ||
		      (*s == 0xed && s[1] > 0x9f) ||
		      (*s == 0xf0 && s[1] < 0x90) ||
		      (*s == 0xf4 && s[1] > 0x8f)))
		return 0;
	return n;
}

static uint32_t decode(const char *s, size_t n)
{
	uint32_t c = (unsigned char)*s & (n == 1 ? 0x7f : 0xff >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

/*
 * Unicode's control characters (Cc), separators of lines (Zl, Zp), and all of
 * Default_Ignorable_Code_Point (DerivedCoreProperties.txt): formats, among them
 * those that change the direction, fillers, joiners, selectors and tags, none
 * of which can be seen.  Interlinear annotation (U+FFF9) hides text, too.
 */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad },
	{ 0x034f, 0x034f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f },
	{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
	{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

static bool is_hidden(uint32_t c)
{
	size_t i = 0;

	if (c >= ' ' && c < 0x7f)
		return false;
	while (i < sizeof(hidden) / sizeof(*hidden) && c > hidden[i].last)
		i++;
	return i < sizeof(hidden) / sizeof(*hidden) && c >= hidden[i].first;
}

size_t text_plain(const char *s, size_t left, uint32_t *code)
{
	size_t n = text_utf8(s, left);
	uint32_t c = n ? decode(s, n) : 0;

	if (code)
		*code = c;
	return is_hidden(c) ? 0 : n;
}

char *text_fit(char *to, const char *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (const char *end = s + n; s < end; ) {
		size_t plain = text_plain(s, (size_t)(end - s), NULL);

		if (plain) {
			to = (char *)memcpy(to, s, plain) + plain;
			s += plain;
			continue;
		}
		*to++ = '\\';
		*to++ = 'x';
		*to++ = digits[(unsigned char)*s >> 4];
		*to++ = digits[*s & 15];
		s++;
	}
	return to;
}
