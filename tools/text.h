/* SPDX-License-Identifier: MIT */
/*
 * Text from outside, made fit for a terminal: nothing in it gives orders to
 * the terminal, turns the line around, or can't be seen.  Such a character,
 * and what is not UTF-8, is shown as \xNN for each of its bytes.
 */
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the UTF-8 character (RFC 3629) that n bytes begin with, or 0: none. */
size_t text_utf8(const char *s, size_t n);

/*
 * The same, and 0 also for a character that must not be shown as it is.
 * *code, if not NULL: the character, or 0 where there is none.
 */
size_t text_plain(const char *s, size_t n, uint32_t *code);

/* What n bytes become, at most. */
#define TEXT_MAX(n)	(4 * (n))

/* n bytes of s, made fit; returns the end of what was written. */
char *text_fit(char *to, const char *s, size_t n);

#endif
