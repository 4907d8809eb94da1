/* SPDX-License-Identifier: MIT */
/* Sentences about what is wrong: what, where, and what was expected. */
#ifndef TOOLS_SAY_H
#define TOOLS_SAY_H

enum { WHY_MAX = 400 };

/* Returns -1, for whoever wants to return that. */
__attribute__((format(printf, 2, 3)))
int say(char why[WHY_MAX], const char *format, ...);

#endif
