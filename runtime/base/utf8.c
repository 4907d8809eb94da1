/* SPDX-License-Identifier: MIT */
/* What is text, byte by byte (RFC 3629).  Knows nothing of what it is for. */
#include "runtime/base/base.h"

/* By its first byte; 0: none begins so. */
static size_t utf8_announced(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 :
	       first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

/* Too long a form, half of a UTF-16 pair, beyond the last character. */
static bool utf8_never(const unsigned char *s)
{
	return (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	       (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
}

size_t sj_utf8_length(const unsigned char *s, size_t limit)
{
	size_t n = limit ? utf8_announced(s[0]) : 0;

	if (n > limit)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n > 1 && utf8_never(s) ? 0 : n;
}
