// SPDX-License-Identifier: MIT
/* What tools/attach.c wants of others, for tests that attach without them. */
#ifndef TESTS_CONTROL_TOOL_H
#define TESTS_CONTROL_TOOL_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/attach.h"
#include "tools/image.h"

int say(char why[WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, WHY_MAX, format, args);
	va_end(args);
	return -1;
}

void *tool_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	return p ? p : (abort(), p);
}

void *tool_grow(void *p, size_t *room, size_t n, size_t size)
{
	if (n > *room)
		p = reallocarray(p, *room = 2 * n, size);
	return p ? p : (abort(), p);
}

char *tool_strdup(const char *s)
{
	char *p = strdup(s);

	return p ? p : (abort(), p);
}

#endif
