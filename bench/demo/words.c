/* SPDX-License-Identifier: MIT */
#include <ctype.h>

#include <side_jmp_event.h>

#include "words.h"

SIDE_JMP_KEY_EXPORT(word_found);

SIDE_JMP_EVENT(words, scanned, "A text has been scanned",
	(u64, bytes), (u64, words));

static unsigned long hits;		/* atomic; every thread adds */

static int in_word(unsigned char c)
{
	return isalnum(c) || c == '_';
}

size_t words_scan(const char *text, size_t len, words_each *each, void *arg)
{
	const char *const end = text + len;
	size_t n = 0;

	while (text < end) {
		const char *word = text;

		while (text < end && in_word((unsigned char)*text))
			text++;
		if (text == word) {
			text++;
			continue;
		}
		if (side_jmp_unlikely(word_found))
			__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
		each(word, (size_t)(text - word), arg);
		n++;
	}
	side_jmp_event(words, scanned, len, n);
	return n;
}

unsigned long words_hits(void)
{
	return __atomic_load_n(&hits, __ATOMIC_RELAXED);
}
