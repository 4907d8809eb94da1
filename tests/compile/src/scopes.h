/* SPDX-License-Identifier: MIT */
/*
 * Shared by scopes.c and scopes.cc.  Each case is a function of several sites
 * of which some stand in a scope that has to be left in an orderly way.  It
 * adds to `seen` what ran, and to `held` what was entered and not left.  Only
 * cases that a macro CASE_... asks for are there.
 */
#ifndef SCOPES_H
#define SCOPES_H

#include <side_jmp.h>
#include <side_jmp_event.h>

#include <stdio.h>

SIDE_JMP_KEY(early);
SIDE_JMP_KEY(late);
SIDE_JMP_EVENT(scopes, first, "", (s32, n));
SIDE_JMP_EVENT(scopes, second, "", (string, text));

/* With neither key, with early, with both. */
struct scope_case {
	const char *name;
	int (*f)(int);
	int none, one, both;
};

static int seen, held, events;

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value *values, void *data)
{
	(void)event;
	(void)values;
	(void)data;
	events++;
}

static int wrong(const struct scope_case *c, const char *when, int expected)
{
	int result;

	seen = held = events = 0;
	result = c->f(1);
	if (result == expected && held == 0)
		return 0;
	printf("%s, %s: %d, expected %d; %d held\n", c->name, when, result,
	       expected, held);
	return 1;
}

static int run_case(const struct scope_case *c)
{
	struct side_jmp_tracer *tracer;
	int bad = wrong(c, "neither", c->none);

	bad += side_jmp_enable(&early) != 0;
	bad += wrong(c, "early", c->one);
	bad += side_jmp_enable(&late) != 0;
	bad += side_jmp_tracer_register(&tracer, "*:*", callback, NULL) != 0;
	bad += wrong(c, "both", c->both);
	bad += side_jmp_tracer_unregister(tracer) != 0;
	bad += side_jmp_disable(&late) != 0;
	bad += side_jmp_disable(&early) != 0;
	bad += wrong(c, "neither again", c->none);
	return bad;
}

#endif
