/* SPDX-License-Identifier: MIT */
/*
 * fork() while another thread registers a tracer, at each moment that it lets one
 * in.  By the interface: nobody has that tracer in the child, so it calls nobody, and
 * whoever registers or unregisters there next takes back what it had enabled.  By
 * live control: who traces the parent traces the child.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <side_jmp_event.h>

#include "runtime/base/base.h"
#include "tests/child.h"
#include "tests/control/src/peer.h"
#include "tests/inject/many.h"

SIDE_JMP_EVENT(other, one, "Nobody starts with it", (u32, n));

enum { BITS = 14, COUNTS = 256 };

static struct {
	int status;			/* of the child */
} *seen;
static unsigned step, fork_at;		/* 0: nowhere */
static atomic_bool starts;		/* whoever takes a step is starting one */
static void (*in_forked)(void);
static int calls;

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	++*(int *)data;
}

/* ---- the fork, in a thread of its own ------------------------------------- */

static void *fork_now(void *arg)
{
	(void)arg;
	seen->status = in_child(in_forked);
	return NULL;
}

bool side_jmp_inject(enum inject_step s)
{
	pthread_t thread;

	if (s != INJECT_EVENT_BETWEEN_SLICES || !starts || ++step != fork_at)
		return false;
	if (pthread_create(&thread, NULL, fork_now, NULL) ||
	    pthread_join(thread, NULL))
		abort();
	return false;
}

/* At each step that there is. */
static void at_each_step(const char *name, bool (*start)(void), void (*child)(void))
{
	unsigned bad = 0;

	in_forked = child;
	for (fork_at = 1; ; fork_at++) {
		step = 0;
		seen->status = 0;
		if (!start() || seen->status) {
			tap_note("%s: step %u: %d", name, fork_at, seen->status);
			bad++;
		}
		if (step < fork_at)
			break;
	}
	tap_note("%s: %u steps", name, fork_at - 1);
	tap_ok(fork_at > 3 && !bad, name);
}

/* ---- the interface -------------------------------------------------------- */

static struct side_jmp_tracer *another;

static void registers(void)
{
	struct side_jmp_tracer *tracer;

	starts = false;
	calls = 0;
	many_emit();
	must(!calls, "nobody's tracer calls nobody");
	must(!side_jmp_tracer_register(&tracer, "other:*", callback, &calls),
	     "register");
	must(!many_emit() && !calls, "it enables nothing any more");
	must(!side_jmp_tracer_unregister(tracer) &&
	     !side_jmp_tracer_register(&tracer, "many:*", callback, &calls),
	     "register again");
	must(many_emit() == MANY && calls == MANY, "all of them, once each");
	must(!side_jmp_tracer_unregister(tracer) && !many_emit(), "and none");
}

static void unregisters(void)
{
	starts = false;
	calls = 0;
	must(!side_jmp_tracer_unregister(another), "unregister");
	must(!many_emit() && !calls, "nobody's enables nothing any more");
}

static bool start(void)
{
	struct side_jmp_tracer *tracer;

	starts = true;
	must(!side_jmp_tracer_register(&tracer, "many:*", callback, &calls),
	     "register in the parent");
	starts = false;
	calls = 0;
	return many_emit() == MANY && calls == MANY &&
	       !side_jmp_tracer_unregister(tracer) && !many_emit();
}

/* ---- control -------------------------------------------------------------- */

static struct sj_ring *ring;
static struct sj_counts *counts;

/* Events of this process. */
static int in_ring(void)
{
	int32_t pid = getpid();
	int n = 0;

	for (unsigned i = 0; i < SJ_RING_LANES; i++)
		for (uint64_t at = 0; at < ring->lanes[i].head; ) {
			const struct sj_record *r = (void *)((char *)ring +
				SJ_RING_AT + (i << BITS) + at);

			n += r->kind == SJ_RING_EVENT && r->pid == pid;
			at += r->size;
		}
	return n;
}

/* Those of every process. */
static uint64_t in_counts(void)
{
	const uint64_t *all = (const uint64_t *)(const void *)(counts + 1);
	uint64_t n = 0;

	for (unsigned i = 0; i < SJ_COUNT_SHARDS * COUNTS; i++)
		n += all[i];
	return n;
}

static void traced(void)
{
	must(many_emit() == MANY && in_ring() == MANY, "the child is traced");
}

static void counted(void)
{
	uint64_t before = in_counts();

	must(many_emit() == MANY && in_counts() - before == MANY,
	     "the child is counted");
}

static bool stream(enum sj_control_op op, int area, uint32_t argument)
{
	int peer = peer_connected(), r;

	starts = true;
	r = peer_asked(peer, op, "many:*", area, argument);
	starts = false;
	r = r || many_emit() != MANY || peer_asked(peer, SJ_CONTROL_STOP, "", -1, 0);
	close(peer);
	close(area);
	return !r && !many_emit();
}

static bool trace(void)
{
	bool r = stream(SJ_CONTROL_TRACE, peer_ring(BITS, &ring), BITS);

	munmap(ring, PEER_RING_SIZE(BITS));
	return r;
}

static bool count(void)
{
	size_t size = sizeof(*counts) + SJ_COUNT_SHARDS * COUNTS * sizeof(uint64_t);
	bool r = stream(SJ_CONTROL_COUNT, peer_area(size, (void **)&counts), COUNTS);

	munmap(counts, size);
	return r;
}

int main(void)
{
	alarm(300);
	seen = shared_memory(sizeof(*seen));
	if (side_jmp_tracer_register(&another, "other:*", callback, &calls) ||
	    side_jmp_control_start())
		return tap_done();
	at_each_step("starting_fork_then_registers", start, registers);
	at_each_step("starting_fork_then_unregisters", start, unregisters);
	at_each_step("starting_fork_traced", trace, traced);
	at_each_step("starting_fork_counted", count, counted);
	return tap_done();
}
