/* SPDX-License-Identifier: MIT */
/*
 * TAP (testanything.org) for one test program, with kselftest's exit codes:
 * 0 passed, 1 failed, 4 everything skipped.  Test names are
 * <unit>_<behaviour>.  Not for use by several threads at once.
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int tap_run, tap_failed, tap_skipped;

/* A line of explanation; goes with the next or the last result. */
__attribute__((format(printf, 1, 2), unused))
static void tap_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

__attribute__((unused))
static bool tap_ok(bool ok, const char *name)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tap_run, name);
	fflush(stdout);
	tap_failed += !ok;
	return ok;
}

__attribute__((unused))
static void tap_skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_run, name, why);
	fflush(stdout);
	tap_skipped++;
}

/* A result that also says what was seen and what was expected. */
__attribute__((unused))
static bool tap_equal(long long seen, long long expected, const char *name)
{
	if (seen != expected)
		tap_note("%s: seen %lld, expected %lld", name, seen, expected);
	return tap_ok(seen == expected, name);
}

__attribute__((unused))
static int tap_done(void)
{
	printf("1..%d\n", tap_run);
	fflush(stdout);
	if (tap_failed)
		return 1;
	return tap_run && tap_run == tap_skipped ? 4 : 0;
}

#endif
