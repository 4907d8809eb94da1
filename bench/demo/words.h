/* SPDX-License-Identifier: MIT */
/* A small library that finds the words of a text; it is instrumented. */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>

#include <side_jmp.h>

/* Enabled: words_hits() counts the words that words_scan() finds. */
SIDE_JMP_KEY_EXTERN(word_found);

typedef void words_each(const char *word, size_t len, void *arg);

/* Calls each(word, len, arg) for every word; returns how many there were. */
size_t words_scan(const char *text, size_t len, words_each *each, void *arg);

unsigned long words_hits(void);

#endif
