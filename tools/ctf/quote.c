/* SPDX-License-Identifier: MIT */
/* See quote.h. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "tools/ctf/quote.h"
#include "tools/memory.h"
#include "tools/text.h"

/* Must it be written as \uXXXX?  Orders, and what ends strings or elements. */
static int is_order(unsigned char c)
{
	return c < 0x20 || c == 0x7f || strchr("\"\\<>&", c);
}

void quote_json(FILE *to, const char *s)
{
	size_t left = strlen(s), n;

	putc('"', to);
	for (; left; s += n, left -= n) {
		n = text_utf8(s, left);
		if (!n) {
			fputs("\xef\xbf\xbd", to);
			n = 1;
		} else if (n == 1 && (*s == '"' || *s == '\\')) {
			putc('\\', to);
			putc(*s, to);
		} else if (n == 1 && is_order((unsigned char)*s)) {
			fprintf(to, "\\u%04x", (unsigned char)*s);
		} else {
			fwrite(s, 1, n, to);
		}
	}
	putc('"', to);
}

void quote_html(FILE *to, const char *s)
{
	size_t n = strlen(s);
	char *fit = tool_alloc(n + 1, TEXT_MAX(1)), *end = text_fit(fit, s, n);

	for (const char *p = fit; p < end; p++)
		switch (*p) {
		case '<': fputs("&lt;", to); break;
		case '>': fputs("&gt;", to); break;
		case '&': fputs("&amp;", to); break;
		case '"': fputs("&quot;", to); break;
		case '\'': fputs("&#39;", to); break;
		default: putc(*p, to);
		}
	free(fit);
}
