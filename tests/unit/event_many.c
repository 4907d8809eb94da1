/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand events, and what must not take longer for them: fork().
 * The events have keys without sites: this is about the events' own room.
 */
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/tap.h"

SIDE_JMP_EVENT(many, one, "What all of them look like", (u32, n));

enum { EVENTS = 10000 };

static struct side_jmp_event *events;
static struct side_jmp_key *keys;
static struct side_jmp_event_object object = {
	.version = SIDE_JMP_EVENT_VERSION,
	.event_size = sizeof(struct side_jmp_event),
};

static int find(struct side_jmp_event *event, void *arg)
{
	*(struct side_jmp_event **)arg = event;
	return 1;
}

/* Those of an object that may be unloaded: not of the executable's memory. */
static void make_events(void)
{
	struct side_jmp_event *model = NULL;

	side_jmp_event_each(find, &model);
	events = calloc(EVENTS, sizeof(*events));
	keys = calloc(EVENTS, sizeof(*keys));
	for (size_t i = 0; i < EVENTS; i++) {
		keys[i] = *model->key;
		keys[i].subscribers = NULL;
		events[i] = *model;
		events[i].key = &keys[i];
	}
	object.start = events;
	object.stop = events + EVENTS;
}

static void nothing(const struct side_jmp_event *event,
		    const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
}

static double now_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* ---- fork ---------------------------------------------------------------- */

/* What the child has used when fork() returns, us: the least of several. */
static double child_costs(void)
{
	double least = 1e9;

	for (int i = 0; i < 20; i++) {
		double used = 1e9;
		int fds[2];
		pid_t pid;

		if (pipe(fds))
			return 1e9;
		pid = fork();
		if (!pid) {
			used = now_of(CLOCK_PROCESS_CPUTIME_ID);
			_exit(write(fds[1], &used, sizeof(used)) < 0);
		}
		if (read(fds[0], &used, sizeof(used)) == sizeof(used) &&
		    used < least)
			least = used;
		waitpid(pid, NULL, 0);
		close(fds[0]);
		close(fds[1]);
	}
	return least;
}

static void forks(void)
{
	struct side_jmp_tracer *tracers[4];
	double few = child_costs(), many;

	side_jmp_event_register(&object);
	for (int i = 0; i < 4; i++)
		if (side_jmp_tracer_register(&tracers[i], "many:*", nothing,
					     NULL))
			exit(1);
	many = child_costs();
	tap_note("child of a fork: %.0f us; with %d slots %.0f us", few,
		 4 * EVENTS, many);
	tap_ok(many < few + 400, "many_events_fork_costs_a_constant");
	for (int i = 0; i < 4; i++)
		side_jmp_tracer_unregister(tracers[i]);
	side_jmp_event_unload(&object);
}

int main(void)
{
	make_events();
	forks();
	return tap_done();
}
