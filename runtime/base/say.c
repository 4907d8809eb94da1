/* SPDX-License-Identifier: MIT */
/*
 * What a user is told who set a variable of ours: one line on stderr, where he
 * looks.  A library says nothing else.  Owns the knowledge which file stderr
 * is: a daemon closes it, and the next file that it opens is descriptor 2.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/base/base.h"

enum { SAY_UNKNOWN, SAY_OPEN, SAY_CLOSED };

static struct sj_file say_file;		/* stderr's, if it is SAY_OPEN */
static uint32_t say_state;		/* atomic; release */

/* Writers write it once: 0 none, 1 being written, 2 there. */
static char say_first[240];
static uint32_t say_kept;		/* atomic; release */

/* Two threads at once note the same. */
void sj_say_begin(void)
{
	int saved = errno;

	if (__atomic_load_n(&say_state, __ATOMIC_ACQUIRE) == SAY_UNKNOWN)
		__atomic_store_n(&say_state,
				 sj_file_note(STDERR_FILENO, &say_file) ?
				 SAY_OPEN : SAY_CLOSED, __ATOMIC_RELEASE);
	errno = saved;
}

const char *sj_said(void)
{
	return __atomic_load_n(&say_kept, __ATOMIC_ACQUIRE) == 2 ? say_first :
								   "";
}

static void say_keep(const char *text)
{
	uint32_t none = 0;

	if (!__atomic_compare_exchange_n(&say_kept, &none, 1, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	snprintf(say_first, sizeof(say_first), "%.239s", text);
	__atomic_store_n(&say_kept, 2, __ATOMIC_RELEASE);
}

/* Still the same file, and ready to take a line at once. */
static bool say_may(void)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct timespec now = { 0, 0 };

	sj_say_begin();
	return __atomic_load_n(&say_state, __ATOMIC_ACQUIRE) == SAY_OPEN &&
	       sj_file_still(STDERR_FILENO, &say_file) &&
	       syscall(SYS_ppoll, &ready, 1, &now, NULL, 0) == 1 &&
	       ready.revents == POLLOUT;
}

/* Whatever a variable held: one line. */
static void say_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void sj_say(const char *format, ...)
{
	enum { PREFIX = sizeof("side_jmp: ") - 1 };
	char line[512] = "side_jmp: ";
	int saved = errno;
	va_list args;
	size_t n;

	va_start(args, format);
	vsnprintf(line + PREFIX, sizeof(line) - PREFIX - 1, format, args);
	va_end(args);
	say_clean(line);
	say_keep(line + PREFIX);
	n = strlen(line);
	line[n++] = '\n';
	if (say_may())
		(void)sj_file_write_quietly(STDERR_FILENO, line, n);
	errno = saved;
}
