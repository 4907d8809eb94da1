/* SPDX-License-Identifier: MIT */
/*
 * A signal at the moments when a call of a callback begins or ends, whose
 * handler emits an event, whose callback unregisters the very tracer that was
 * about to be called, or was: it must neither wait for the thread it is in nor
 * let the callback run after it has returned 0.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "runtime/sites/sites.h"
#include "tests/tap.h"

/* What callbacks write is read here; an event is no call to the compiler. */
#define emit_event(...) do { \
	__asm__ volatile ("" : : : "memory"); \
	side_jmp_event(__VA_ARGS__); \
	__asm__ volatile ("" : : : "memory"); \
} while (0)

SIDE_JMP_EVENT(signals, outer, "Emitted by the program", (u32, n));
SIDE_JMP_EVENT(signals, inner, "Emitted by the handler", (u32, n));

static struct side_jmp_tracer *tracer;
static enum inject_step strike_at = (enum inject_step)-1;
static int result, calls, calls_after;

bool side_jmp_inject(enum inject_step step)
{
	if (step == strike_at) {
		strike_at = (enum inject_step)-1;
		raise(SIGUSR1);
	}
	return false;
}

static void handler(int signo)
{
	(void)signo;
	emit_event(signals, inner, 1);
}

static void outer(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	calls++;
	calls_after += result == 0;
}

static void inner(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	result = side_jmp_tracer_unregister(tracer);
}

/* Struck there, the handler is refused or has its way; nothing in between. */
static void strike(enum inject_step step, const char *name)
{
	struct side_jmp_tracer *in_handler;
	bool right;

	result = 1;
	calls = calls_after = 0;
	side_jmp_tracer_register(&tracer, "signals:outer", outer, NULL);
	side_jmp_tracer_register(&in_handler, "signals:inner", inner, NULL);
	strike_at = step;
	emit_event(signals, outer, 1);
	right = strike_at != step && calls_after == 0 &&
		(result == 0 || result == -EDEADLK);
	tap_note("%s: %d, %d calls, %d after", name, result, calls, calls_after);
	if (result)
		right &= calls == 1 && !side_jmp_tracer_unregister(tracer);
	side_jmp_tracer_unregister(in_handler);
	tap_ok(right, name);
}

int main(void)
{
	signal(SIGUSR1, handler);
	alarm(20);
	strike(INJECT_EVENT_ENTERING, "signals_before_a_call_is_counted");
	strike(INJECT_EVENT_ENTERED, "signals_after_a_call_is_counted");
	strike(INJECT_EVENT_LEAVING, "signals_before_a_call_is_counted_off");
	strike(INJECT_EVENT_LEFT, "signals_after_a_call_is_counted_off");
	return tap_done();
}
