/* SPDX-License-Identifier: MIT */
/*
 * A process to be looked into.  Does what lines on standard input say, and
 * answers each with a line: its keys by number (0 first, 1 second, 2
 * live_shared), the sites that take the enabled path.
 *
 *	+K	enable key K		-K	disable it
 *	t	one more thread		f	side_jmp_freeze()
 *	T	one more thread, which enables and disables key 0 for ever
 *	p	hits of all keys	q	end
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "live.h"

SIDE_JMP_KEY(first);
SIDE_JMP_KEY64(second);

static int hits(void)
{
	int n = side_jmp_unlikely(first);

	n += side_jmp_unlikely(first);
	n += side_jmp_unlikely(second);
	n += side_jmp_unlikely(live_shared);
#ifdef ALONE
	return n;
#else
	return n + live_library();
#endif
}

#ifdef ALONE
SIDE_JMP_KEY_EXPORT(live_shared);
#endif

static void *forever(void *arg)
{
	pause();
	return arg;
}

static void *toggle(void *arg)
{
	for (;;) {
		side_jmp_enable(&first);
		side_jmp_disable(&first);
	}
	return arg;
}

int main(void)
{
	struct side_jmp_key *keys[] = { &first, &second, &live_shared };
	char line[64];
	int r;

	puts("here");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && *line != 'q') {
		struct side_jmp_key *key = keys[(line[1] - '0') % 3u];
		pthread_t t;

		switch (*line) {
		case '+': r = side_jmp_enable(key); break;
		case '-': r = side_jmp_disable(key); break;
		case 't': r = pthread_create(&t, NULL, forever, NULL); break;
		case 'T': r = pthread_create(&t, NULL, toggle, NULL); break;
		case 'f': r = side_jmp_freeze(); break;
		default: r = hits();
		}
		printf("%d\n", r);
		fflush(stdout);
	}
	return 0;
}
