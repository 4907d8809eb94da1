/* SPDX-License-Identifier: MIT */
/* See memory.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/memory.h"

static void *must(void *p)
{
	if (p)
		return p;
	fputs("side-jmp: out of memory\n", stderr);
	exit(2);
}

void *tool_alloc(size_t n, size_t size)
{
	return must(calloc(n ? n : 1, size));
}

void *tool_grow(void *array, size_t *room, size_t need, size_t size)
{
	if (need <= *room)
		return array;
	*room = need < 16 ? 16 : need + need / 2;
	return must(reallocarray(array, *room, size));
}

char *tool_strdup(const char *s)
{
	return must(strdup(s));
}
