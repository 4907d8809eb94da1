/* SPDX-License-Identifier: MIT */
/* Text from a trace, as part of other text. */
#ifndef TOOLS_QUOTE_H
#define TOOLS_QUOTE_H

#include <stdio.h>

/*
 * A string of JSON, valid UTF-8 whatever `s` holds: what is not becomes
 * U+FFFD. Harmless within HTML, too: no <, > or & as such.
 */
void quote_json(FILE *to, const char *s);

/*
 * Text of an HTML element or of an attribute in double quotes.  What can't be
 * seen or turns the line around is shown as \xNN, see text.h.
 */
void quote_html(FILE *to, const char *s);

#endif
