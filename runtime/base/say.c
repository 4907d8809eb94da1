/* SPDX-License-Identifier: MIT */
/*
 * What a user is told who set a variable of ours, on stderr, where he looks.
 * A library says nothing else.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/base.h"

void sj_say(const char *format, ...)
{
	char line[512] = "side_jmp: ";
	va_list args;
	size_t n;

	va_start(args, format);
	vsnprintf(line + 10, sizeof(line) - 11, format, args);
	va_end(args);
	n = strlen(line);
	line[n++] = '\n';
	(void)sj_file_write_quietly(STDERR_FILENO, line, n);
}
