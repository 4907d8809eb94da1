/* SPDX-License-Identifier: MIT */
/*
 * side-jmp trace: events of running processes, from now on.
 *
 * The processes write them into rings of ours and never wait for us.  When this
 * ends, however it does, its connections end, and with them all that was enabled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runtime/events/events.h"
#include "tools/image.h"
#include "tools/live.h"
#include "tools/out.h"
#include "tools/ring.h"
#include "tools/side-jmp.h"

#define CTF_SIZE	(UINT64_C(1) << 30)

enum {
	ROUND_SHORT = 1, ROUND_LONG = 50,	/* ms */
	ROUND_EVENTS = 4096,		/* before what was printed is flushed */
};

/* A process's copy of the runtime, and what it writes. */
struct source {
	struct live_copy *copy;
	pid_t pid;
	bool ended;
	uint64_t asked;			/* when, to reclaim a lane */
};

static struct {
	struct choice who;
	char *patterns;
	const char *path;		/* -o */
	uint64_t for_ns, count;		/* 0: without end */
	bool quiet;

	struct live *lives;
	size_t n_lives;
	struct source *sources;
	struct ring *rings;		/* one each */
	size_t n, room, rings_room;
	FILE *out;			/* NULL: CTF */
	char ctf_path[SJ_OUTPUT_NAME];
	uint64_t shown, unwritten, newest;
	bool failed;			/* the output */
	int status;
} trace;

/* ---- options ------------------------------------------------------------------ */

enum { OPT_FOR = 256, OPT_COUNT };

static const struct argp_option options[] = {
	CHOICE_OPTIONS(0),
	{ "event", 'e', "PATTERN", 0, "These events: provider:name, with * and"
	  " ?, or a list of that with commas; may be repeated (default: *:*)",
	  1 },
	{ "output", 'o', "PATH", 0, "Append to the file PATH, or write CTF 1.8 in"
	  " the directory PATH/", 1 },
	{ "for", OPT_FOR, "TIME", 0, "End after 10s, 500ms, 2m, 1h", 1 },
	{ "count", OPT_COUNT, "N", 0, "End after N events", 1 },
	{ "quiet", 'q', NULL, 0, "Do not say what was traced and how many events"
	  " there were", 1 },
	{ 0 },
};

static uint64_t parse_time(const char *s)
{
	static const struct { const char *name; double ns; } units[] = {
		{ "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "m", 60e9 },
		{ "h", 3600e9 },
	};
	char *end;
	double n = strtod(s, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (end != s && !strcmp(end, units[i].name) && n > 0 &&
		    n * units[i].ns < 1e18)
			return (uint64_t)(n * units[i].ns);
	return 0;
}

static uint64_t parse_count(const char *s)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno ? n : 0;
}

static void add_patterns(struct argp_state *state, const char *list)
{
	char pattern[SJ_PATTERN_MAX], *joined;
	const char *rest = list;
	int r, n = 0;

	for (; (r = sj_pattern_next(&rest, pattern)) != 0; n++)
		if (r < 0)
			argp_error(state, "\"%s\" is no pattern: expected"
				   " provider:name, of letters, digits, _, * and"
				   " ?, and at most 119 bytes", pattern);
	if (!n)
		argp_error(state, "--event=\"%s\" names no event: expected"
			   " provider:name", list);
	if (asprintf(&joined, "%s%s%s", trace.patterns ? trace.patterns : "",
		     trace.patterns ? "," : "", list) < 0)
		exit(EXIT_BAD);
	free(trace.patterns);
	trace.patterns = joined;
}

static void check_end(struct argp_state *state)
{
	if (!trace.who.asked)
		argp_error(state, "a process is expected: --pid, --name or"
			   " --all");
	if (trace.path && !*trace.path)
		argp_error(state, "--output is empty: expected a file, or a"
			   " directory with a / at its end");
	if (!trace.patterns)
		trace.patterns = tool_strdup("*:*");
}

static error_t parse(int option, char *arg, struct argp_state *state)
{
	switch (option) {
	case 'e': add_patterns(state, arg); return 0;
	case 'o': trace.path = arg; return 0;
	case 'q': trace.quiet = true; return 0;
	case OPT_FOR:
		trace.for_ns = parse_time(arg);
		if (!trace.for_ns)
			argp_error(state, "--for=%s: expected a time, as 10s,"
				   " 500ms, 2m, 1h", arg);
		return 0;
	case OPT_COUNT:
		trace.count = parse_count(arg);
		if (!trace.count)
			argp_error(state, "--count=%s: expected a number, from 1"
				   " on", arg);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is not expected; events are chosen by"
			   " --event", arg);
		return 0;
	case ARGP_KEY_END:
		check_end(state);
		return 0;
	default:
		return choice_option(&trace.who, option, arg, state);
	}
}

/* ---- output -------------------------------------------------------------------- */

static bool is_ctf(void)
{
	return trace.path && trace.path[strlen(trace.path) - 1] == '/';
}

static int open_output(void)
{
	int r;

	if (is_ctf()) {
		r = sj_ctf_output.open(trace.path, CTF_SIZE, trace.ctf_path);
		return r ? tool_error(trace.path, "%s", strerror(-r)) : 0;
	}
	trace.out = trace.path ? fopen(trace.path, "ae") : stdout;
	return trace.out ? 0 : tool_error(trace.path, "%s", strerror(errno));
}

/* What strings hold that is no text is escaped once more: out.h. */
static void put_line(const char *line, size_t n)
{
	bool plain = true;

	for (size_t i = 0; i < n && plain; i++)
		plain = line[i] >= ' ' && line[i] <= '~';
	if (plain)
		fwrite(line, 1, n, trace.out);
	else
		put_text_to(trace.out, line);
	putc('\n', trace.out);
}

static void show_text(const struct ring_event *e)
{
	char line[SJ_TEXT_LINE + 1];
	size_t n = sj_text_line(line, e->event, e->values, &e->origin) - 1;

	line[n] = '\0';
	put_line(line, n);
}

static void show_ctf(struct ring_event *e)
{
	if (e->first) {
		sigmask_t mask = sj_event_enter();

		sj_ctf_output.new_event(e->event);
		sj_event_leave(mask);
	}
	/* One that came late: a stream's times do not go back. */
	if (e->origin.now < trace.newest)
		e->origin.now = trace.newest;
	trace.newest = e->origin.now;
	if (!sj_ctf_output.write(e->event, e->values, &e->origin))
		trace.unwritten++;
}

/* False: that was the last that is wanted. */
static bool show(struct ring_event *e)
{
	if (trace.out)
		show_text(e);
	else
		show_ctf(e);
	trace.shown++;
	return !trace.count || trace.shown < trace.count;
}

static bool flushed(void)
{
	if (!trace.out || (!ferror(trace.out) && !fflush(trace.out)))
		return true;
	if (!trace.failed)
		trace.status = tool_error(trace.path ? trace.path : "the output",
					  "%s", strerror(errno));
	trace.failed = true;
	return false;
}

/* ---- processes ------------------------------------------------------------------- */

static void begin_source(struct live *l, struct live_copy *copy, uint64_t *matched)
{
	struct sj_control_reply reply;
	char why[WHY_MAX];
	struct ring ring;

	if (ring_open(&ring)) {
		trace.status = tool_error(NULL, "memory for a ring: %s",
					  strerror(errno));
		return;
	}
	if (live_ask(copy, SJ_CONTROL_TRACE, trace.patterns, ring.fd,
		     RING_LANE_BITS, &reply, why)) {
		trace.status = tool_error(NULL, "process %d: %s", (int)l->pid,
					  why);
		ring_close(&ring);
		return;
	}
	*matched += reply.matched;
	trace.rings = tool_grow(trace.rings, &trace.rings_room, trace.n + 1,
				sizeof(ring));
	trace.sources = tool_grow(trace.sources, &trace.room, trace.n + 1,
				  sizeof(*trace.sources));
	trace.rings[trace.n] = ring;
	trace.sources[trace.n++] = (struct source){ copy, l->pid, false, 0 };
}

static void begin_process(struct live *l, uint64_t *matched)
{
	uint64_t here = 0;

	for (size_t i = 0; i < l->n; i++)
		begin_source(l, &l->copies[i], &here);
	if (!trace.quiet && !trace.who.all)
		fprintf(stderr, "side-jmp: process %d: %" PRIu64 " events, by"
			" control\n", (int)l->pid, here);
	*matched += here;
}

static void begin_all(void)
{
	uint64_t matched = 0;
	char why[WHY_MAX];
	bool there;

	trace.lives = tool_alloc(trace.who.n, sizeof(*trace.lives));
	for (size_t i = 0; i < trace.who.n; i++) {
		struct live *l = &trace.lives[trace.n_lives];

		if (!live_open(l, trace.who.pids[i], &there, why)) {
			trace.n_lives++;
			begin_process(l, &matched);
		} else if (there || !trace.who.all) {
			trace.status = tool_error(NULL, "%s", why);
		}
	}
	if (trace.n && !matched)
		tool_warn(NULL, "\"%s\" matches no event so far",
			  trace.patterns);
	if (!trace.n && !trace.status)
		trace.status = tool_error(NULL, "no process can be controlled");
}

/* A thread that was killed has left its lane. */
static void reclaim(struct source *s, const struct ring *r)
{
	int lane = ring_stuck(r);

	if (lane < 0 || s->ended || sj_now() - s->asked < 1000000000)
		return;
	s->asked = sj_now();
	live_tell(s->copy, SJ_CONTROL_RECLAIM, (uint32_t)lane);
}

/* ---- the loop ----------------------------------------------------------------------- */

static uint64_t collect(void)
{
	uint64_t until = UINT64_MAX;

	for (size_t i = 0; i < trace.n; i++) {
		uint64_t u = ring_collect(&trace.rings[i]);

		until = u < until ? u : until;
		reclaim(&trace.sources[i], &trace.rings[i]);
	}
	return until;
}

/* False: it is enough. */
static bool show_until(uint64_t until)
{
	struct ring_event e;
	uint64_t n = 0;

	while (ring_next(trace.rings, trace.n, until, &e)) {
		if (!show(&e))
			return false;
		if (++n % ROUND_EVENTS == 0) {
			if (!flushed())
				return false;
			(void)collect();
		}
	}
	return flushed();
}

/* Not from a process that ends: it is one of several. */
static bool all_ended(const struct pollfd *fds)
{
	size_t left = 0;

	for (size_t i = 0; i < trace.n; i++) {
		struct source *s = &trace.sources[i];

		s->ended |= live_ended(s->copy, fds[i].revents);
		left += !s->ended;
	}
	return !left;
}

static bool over(uint64_t end, const struct pollfd *fds)
{
	return fds[trace.n].revents || all_ended(fds) ||
	       (end && sj_now() >= end);
}

/* Ever longer, while nothing happens. */
static int next_wait(int wait, uint64_t before, uint64_t end)
{
	uint64_t now = sj_now();

	wait = trace.shown != before ? ROUND_SHORT :
	       wait < ROUND_LONG ? wait + 1 : wait;
	return end && end > now && end - now < (uint64_t)wait * 1000000 ?
	       (int)((end - now) / 1000000) + 1 : wait;
}

static void loop(int signals)
{
	struct pollfd *fds = tool_alloc(trace.n + 1, sizeof(*fds));
	uint64_t end = trace.for_ns ? sj_now() + trace.for_ns : 0, before;
	int wait = ROUND_SHORT;

	do {
		for (size_t i = 0; i < trace.n; i++)
			fds[i] = (struct pollfd){
				trace.sources[i].ended ? -1 :
				trace.sources[i].copy->fd, POLLIN, 0,
			};
		fds[trace.n] = (struct pollfd){ signals, POLLIN, 0 };
		(void)poll(fds, trace.n + 1, wait);
		before = trace.shown;
		if (!show_until(collect()))
			break;
		wait = next_wait(wait, before, end);
	} while (!over(end, fds));
	free(fds);
}

/* Nobody writes any more; what they have written is shown, unless enough was. */
static void finish(void)
{
	uint64_t now = sj_now();

	for (size_t i = 0; i < trace.n; i++)
		if (!trace.sources[i].ended)
			live_tell(trace.sources[i].copy, SJ_CONTROL_STOP, 0);
	for (size_t i = 0; i < trace.n; i++)
		if (!trace.sources[i].ended)
			live_settle(trace.sources[i].copy, now);
	for (size_t i = 0; i < trace.n_lives; i++)
		live_close(&trace.lives[i]);
	(void)collect();
	if (!trace.failed && (!trace.count || trace.shown < trace.count))
		(void)show_until(UINT64_MAX);
	if (!trace.out)
		sj_ctf_output.close();
	else if (trace.out != stdout && fclose(trace.out) && !trace.failed)
		trace.status = tool_error(trace.path, "%s", strerror(errno));
}

static void say_totals(void)
{
	uint64_t lost = trace.unwritten, damaged = 0, undescribed = 0;

	for (size_t i = 0; i < trace.n; i++) {
		lost += ring_lost(&trace.rings[i]);
		damaged += trace.rings[i].damaged;
		undescribed += trace.rings[i].undescribed;
	}
	if (!trace.quiet)
		fprintf(stderr, "side-jmp: %" PRIu64 " events, %" PRIu64
			" lost%s%s\n", trace.shown, lost, trace.out ? "" :
			"; in ", trace.ctf_path);
	if (damaged)
		tool_warn(NULL, "%" PRIu64 " records were damaged", damaged);
	if (undescribed)
		tool_warn(NULL, "%" PRIu64 " events were not described: their"
			  " descriptions were lost", undescribed);
}

static void close_all(void)
{
	for (size_t i = 0; i < trace.n; i++)
		ring_close(&trace.rings[i]);
	free(trace.rings);
	free(trace.sources);
	free(trace.lives);
	free(trace.patterns);
	choice_free(&trace.who);
}

int cmd_trace(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "", "Show events of running processes, from now"
		" on, until interrupted.\vLibraries that they load and children"
		" that they fork meanwhile are included.  Exit status: 2 if a"
		" process can't be traced, or the output fails.", NULL, NULL,
		NULL,
	};
	int signals;

	tool_parse(&argp, argc, argv, NULL);
	signals = live_signals();
	if (open_output())
		return EXIT_BAD;
	begin_all();
	if (trace.n)
		loop(signals);
	finish();
	if (trace.n)
		say_totals();
	close_all();
	return trace.status;
}
