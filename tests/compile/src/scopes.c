/* SPDX-License-Identifier: MIT */
/* In C what has to be left in order: cleanup variables, arrays of any length. */
#include "scopes.h"

static void leave(int *entered)
{
	held -= *entered;
}
#define ENTERED	__attribute__((cleanup(leave))) int entered = 1; held += entered

#ifdef CASE_cleanup
static int cleanup(int n)
{
	if (side_jmp_unlikely(early))
		seen += n;
	{
		ENTERED;
		if (side_jmp_unlikely(late))
			seen += 2 * n;
	}
	return seen;
}
#endif

#ifdef CASE_cleanup_return
static int cleanup_return(int n)
{
	ENTERED;
	if (side_jmp_unlikely(early)) {
		ENTERED;
		if (side_jmp_unlikely(late))
			return 2 * n;
		return n;
	}
	return 0;
}
#endif

#ifdef CASE_cleanup_loop
static int cleanup_loop(int n)
{
	for (int i = 0; i < 4; i++) {
		ENTERED;
		if (side_jmp_unlikely(early) && i < 2) {
			seen += n;
			continue;
		}
		if (side_jmp_unlikely(late))
			break;
		seen += 10;
	}
	return seen;
}
#endif

#ifdef CASE_any_length
static int any_length(int n)
{
	if (side_jmp_unlikely(early))
		seen += n;
	{
		int array[n];

		array[0] = side_jmp_unlikely(late) ? 2 : 0;
		if (side_jmp_unlikely(early))
			array[0] += 4;
		seen += array[0];
	}
	return seen;
}
#endif

#ifdef CASE_cleanup_events
static int cleanup_events(int n)
{
	side_jmp_event(scopes, first, n);
	{
		ENTERED;
		side_jmp_event(scopes, first, n);
		side_jmp_event(scopes, second, "inner");
	}
	side_jmp_event(scopes, second, "outer");
	return events;
}
#endif

#ifdef CASE_cleanup_inlined
static inline __attribute__((always_inline)) int inlined(int n)
{
	ENTERED;
	return side_jmp_unlikely(early) ? n : 0;
}
static int cleanup_inlined(int n)
{
	ENTERED;
	seen = inlined(n) + inlined(2 * n);
	return seen + (side_jmp_unlikely(late) ? inlined(4 * n) : 0);
}
#endif

static const struct scope_case cases[] = {
#ifdef CASE_cleanup
	{ "cleanup", cleanup, 0, 1, 3 },
#endif
#ifdef CASE_cleanup_return
	{ "cleanup_return", cleanup_return, 0, 1, 2 },
#endif
#ifdef CASE_cleanup_loop
	{ "cleanup_loop", cleanup_loop, 40, 22, 2 },
#endif
#ifdef CASE_any_length
	{ "any_length", any_length, 0, 5, 7 },
#endif
#ifdef CASE_cleanup_events
	{ "cleanup_events", cleanup_events, 0, 0, 4 },
#endif
#ifdef CASE_cleanup_inlined
	{ "cleanup_inlined", cleanup_inlined, 0, 3, 7 },
#endif
};

int main(void)
{
	int bad = 0;

	(void)leave;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		bad += run_case(&cases[i]);
	return bad != 0;
}
