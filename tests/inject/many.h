/* SPDX-License-Identifier: MIT */
/* So many events that what is done to all of them takes several slices. */
#ifndef TESTS_INJECT_MANY_H
#define TESTS_INJECT_MANY_H

#include <side_jmp_event.h>

#define MANY_TEN(X, n) \
	X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) \
	X(n##5) X(n##6) X(n##7) X(n##8) X(n##9)
#define MANY_ALL(X) \
	MANY_TEN(X, 1) MANY_TEN(X, 2) MANY_TEN(X, 3) MANY_TEN(X, 4) MANY_TEN(X, 5) \
	MANY_TEN(X, 6) MANY_TEN(X, 7) MANY_TEN(X, 8) MANY_TEN(X, 9)

enum { MANY = 90 };

#define MANY_EVENT(n) SIDE_JMP_EVENT(many, e##n, "One of many", (u32, n));
MANY_ALL(MANY_EVENT)

/* Each once.  How many of them are enabled. */
static int many_emit(void)
{
	int on = 0;

#define MANY_EMIT(n) \
	side_jmp_event(many, e##n, n); \
	on += side_jmp_event_enabled(many, e##n);
	MANY_ALL(MANY_EMIT)
	return on;
}

#endif
