/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand events with a site and a key each: what it costs to want them and
 * to let them go.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <side_jmp_event.h>

#include "tests/tap.h"

SIDE_JMP_EVENT(sites, one, "What all of them look like", (u32, n));

/* Of several rounds the best, and twice of what a quiet machine must do in. */
enum { EVENTS = 10000, ROUNDS = 8, MS = 100 };

#if defined(__x86_64__) && !defined(SIDE_JMP_GENERIC)

/* Sites as the header makes them: records of them, and keys without a name. */
__asm__(
"	.text\n"
"sites_code:\n"
"	.rept	10000\n"
"	.byte	0xe9\n"
"	.long	sites_check - . - 4\n"
"	.endr\n"
"sites_check:\n"
"	ret\n"
"	.section side_jmp, \"a\", @progbits\n"
"	.balign	4\n"
"	.set	i, 0\n"
"	.rept	10000\n"
"	.long	sites_code + i * 5 - .\n"
"	.long	sites_check - .\n"
"	.long	sites_keys + i * 32 - .\n"
"	.byte	1, 0, 0, 0\n"
"	.set	i, i + 1\n"
"	.endr\n"
"	.data\n"
"	.balign	16\n"		/* of any array, System V ABI, 3.1.2 */
"sites_keys:\n"		/* struct side_jmp_key */
"	.rept	10000\n"
"	.quad	0\n"
"	.long	0\n"
"	.short	1\n"
"	.byte	32, 0\n"
"	.quad	0, 0\n"
"	.endr\n"
"	.text\n");

_Static_assert(sizeof(struct side_jmp_key) == 32, "a key has the size above");
_Static_assert(SIDE_JMP_KEY_VERSION == 1, "and the version");
extern struct side_jmp_key sites_keys[EVENTS];
static struct side_jmp_event events[EVENTS];

static int find(struct side_jmp_event *event, void *arg)
{
	*(struct side_jmp_event **)arg = event;
	return 1;
}

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
}

static void make_events(void)
{
	static struct side_jmp_event_object object = {
		SIDE_JMP_EVENT_VERSION, sizeof(struct side_jmp_event),
		events, events + EVENTS, NULL, NULL,
	};
	struct side_jmp_event *model = NULL;

	side_jmp_event_each(find, &model);
	for (size_t i = 0; i < EVENTS; i++) {
		events[i].version = model->version;
		events[i].desc = model->desc;
		events[i].key = &sites_keys[i];
	}
	if (side_jmp_event_register(&object))
		exit(1);
}

/* This thread's time, ms. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int enabled(void)
{
	int n = 0;

	for (size_t i = 0; i < EVENTS; i++)
		n += sites_keys[i].word32 == 1;
	return n;
}

int main(void)
{
	double on = 1e9, off = 1e9, at;
	struct side_jmp_tracer *tracer;
	int wrong = 0;

	make_events();
	for (int i = 0; i < ROUNDS; i++) {
		at = now();
		wrong += side_jmp_tracer_register(&tracer, "sites:*", callback,
						  NULL) != 0;
		on = now() - at < on ? now() - at : on;
		wrong += enabled() != EVENTS;
		at = now();
		wrong += side_jmp_tracer_unregister(tracer) != 0;
		off = now() - at < off ? now() - at : off;
		wrong += enabled() != 0;
	}
	tap_note("%d events: wanted in %.1f ms, let go in %.1f ms", EVENTS, on,
		 off);
	tap_equal(wrong, 0, "event_sites_all_or_none");
	tap_ok(on < MS, "event_sites_are_enabled_together");
	tap_ok(off < MS, "event_sites_are_disabled_together");
	return tap_done();
}
#else
int main(void)
{
	tap_skip("event_sites_all_or_none", "its sites are x86-64's");
	return tap_done();
}
#endif
