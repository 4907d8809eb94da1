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

#include "runtime/events/context.h"
#include "runtime/events/events.h"
#include "tools/choice.h"
#include "tools/image.h"
#include "tools/live.h"
#include "tools/out.h"
#include "tools/ring.h"
#include "tools/side-jmp.h"

#define CTF_SIZE	(UINT64_C(1) << 30)

enum {
	ROUND_SHORT = 1, ROUND_LONG = 50,	/* ms */
	ROUND_EVENTS = 4096,		/* before what was printed is flushed */
	LOOK_NS = 500000000,		/* for processes that have come */
};

/* A process's copy of the runtime, and what it writes. */
struct source {
	struct live *live;
	struct live_copy *copy;		/* of it */
	bool ended;
	uint64_t asked;			/* when, to reclaim a lane */
};

static struct {
	struct choice who;
	char *patterns;
	const char *path;		/* -o */
	unsigned context;		/* enum sj_context_part */
	uint64_t for_ns, count;		/* 0: without end */
	bool quiet;

	struct source *sources;
	struct ring *rings;		/* one each */
	size_t n, room, rings_room;
	uint64_t looked;		/* for processes; when */
	FILE *out;			/* NULL: CTF */
	char ctf_path[SJ_OUTPUT_NAME];
	uint64_t shown, lost, left_out, newest;
	uint64_t damaged, undescribed;	/* of rings that are closed */
	bool failed;			/* the output */
	int status;
} trace;

/* ---- options ------------------------------------------------------------------ */

enum { OPT_FOR = 256, OPT_COUNT, OPT_CONTEXT };

static const struct argp_option options[] = {
	CHOICE_OPTIONS(0),
	{ "event", 'e', "PATTERN", 0, "These events: provider:name, with * and"
	  " ?, behind it maybe `if EXPRESSION every N limit N/s' (side_jmp_event(3)),"
	  " or a list of that with commas; may be repeated (default: *:*)", 1 },
	{ "output", 'o', "PATH", 0, "Append to the file PATH, or write CTF 1.8 in"
	  " the directory PATH/", 1 },
	{ "context", OPT_CONTEXT, "LIST", 0, "With each event, of these: cpu,"
	  " comm, thread_time, stack", 1 },
	{ "for", OPT_FOR, "TIME", 0, "End after 10s, 500ms, 2m, 1h", 1 },
	{ "count", OPT_COUNT, "N", 0, "End after N events", 1 },
	{ "quiet", 'q', NULL, 0, "Do not say what was traced and how many events"
	  " there were", 1 },
	{ 0 },
};

static uint64_t parse_count(const char *s)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno ? n : 0;
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
	case 'e': choice_events(&trace.patterns, arg, state); return 0;
	case 'o': trace.path = arg; return 0;
	case 'q': trace.quiet = true; return 0;
	case OPT_FOR:
		trace.for_ns = tool_time(arg);
		if (!trace.for_ns)
			argp_error(state, "--for=%s: expected a time, as 10s,"
				   " 500ms, 2m, 1h", arg);
		return 0;
	case OPT_CONTEXT:
		if (!sj_context_parse(arg, &trace.context))
			argp_error(state, "--context=%s: expected a list of cpu,"
				   " comm, thread_time and stack", arg);
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
	const struct sj_output_options ctf = {
		.size = CTF_SIZE, .context = trace.context,
	};
	int r;

	if (is_ctf()) {
		r = sj_ctf_output.open(trace.path, &ctf, trace.ctf_path);
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
	out_note();
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
		trace.lost++;
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
	if (!trace.out || (trace.path ? !ferror(trace.out) && !fflush(trace.out) :
					out_flush()))
		return true;
	if (!trace.path)
		trace.status = EXIT_BAD;
	else if (!trace.failed)
		trace.status = tool_error(trace.path, "%s", strerror(errno));
	trace.failed = true;
	return false;
}

/* ---- processes ------------------------------------------------------------------- */

/* False: it is not traced. */
static bool begin_source(struct live *l, struct live_copy *copy, uint64_t *matched)
{
	struct sj_control_reply reply;
	char why[WHY_MAX];
	struct ring ring;

	if (ring_open(&ring, trace.context)) {
		trace.status = tool_error(NULL, "memory for a ring: %s",
					  strerror(errno));
		return false;
	}
	if (live_ask(copy, SJ_CONTROL_TRACE, trace.patterns, ring.fd,
		     RING_LANE_BITS | trace.context << 8, &reply, why)) {
		trace.status = tool_error(NULL, "process %d: %s", (int)l->pid,
					  why);
		ring_close(&ring);
		return false;
	}
	*matched += reply.matched;
	trace.rings = tool_grow(trace.rings, &trace.rings_room, trace.n + 1,
				sizeof(ring));
	trace.sources = tool_grow(trace.sources, &trace.room, trace.n + 1,
				  sizeof(*trace.sources));
	trace.rings[trace.n] = ring;
	trace.sources[trace.n++] = (struct source){ l, copy, false, 0 };
	return true;
}

/* How many of its copies are traced; then it stays for them. */
static size_t begin_process(struct live *l, uint64_t *matched)
{
	uint64_t here = 0;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += !l->copies[i].hello.seen &&
		     begin_source(l, &l->copies[i], &here);
	if (n && !trace.quiet && !trace.who.all)
		fprintf(stderr, "side-jmp: process %d: %" PRIu64 " events, by"
			" %s\n", (int)l->pid, here, l->road);
	*matched += here;
	return n;
}

static void begin_chosen(struct chosen *c, bool first, uint64_t *matched)
{
	struct live *l = tool_alloc(1, sizeof(*l));
	char why[WHY_MAX];
	bool there;

	if (live_reach(l, c->pid, trace.who.all, &there, why)) {
		if (first && (there || !trace.who.all))
			trace.status = tool_error(NULL, "%s", why);
		free(l);
	} else if (begin_process(l, matched)) {
		c->taken = true;
	} else {
		live_close(l);
		free(l);
	}
}

static void begin_all(bool first)
{
	uint64_t matched = 0;

	for (struct chosen *c = NULL; (c = choice_newcomer(&trace.who, c)); )
		begin_chosen(c, first, &matched);
	trace.looked = sj_now();
	if (!first)
		return;
	if (trace.n && !matched)
		tool_warn(NULL, "\"%s\" matches no event so far",
			  trace.patterns);
	if (!trace.n && !trace.status)
		trace.status = tool_error(NULL, "no process can be reached");
}

static bool is_awaited(void)
{
	return trace.who.all || trace.who.n_names;
}

static void look_again(void)
{
	if (!is_awaited() || sj_now() - trace.looked < LOOK_NS)
		return;
	choice_look_again(&trace.who);
	begin_all(false);
}

/* All is shown of it, or will not be. */
static void end_source(size_t i)
{
	struct live *l = trace.sources[i].live;
	struct ring *r = &trace.rings[i];
	bool last = true;

	trace.lost += ring_lost(r);
	trace.left_out += ring_left_out(r);
	trace.damaged += r->damaged;
	trace.undescribed += r->undescribed;
	ring_close(r);
	trace.n--;
	trace.sources[i] = trace.sources[trace.n];
	trace.rings[i] = trace.rings[trace.n];
	for (size_t k = 0; k < trace.n; k++)
		last &= trace.sources[k].live != l;
	if (last) {
		choice_lost(&trace.who, l->pid);
		live_close(l);
		free(l);
	}
}

/* Of those that ended while others go on. */
static void end_ended(void)
{
	for (size_t i = trace.n; i-- > 0; )
		if (trace.sources[i].ended && ring_empty(&trace.rings[i]))
			end_source(i);
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

static bool all_ended(void)
{
	size_t i = 0;

	while (i < trace.n && trace.sources[i].ended)
		i++;
	return i == trace.n && !is_awaited();
}

/* True: interrupted. */
static bool wait_for_it(int signals, int wait)
{
	struct pollfd *fds = tool_alloc(trace.n + 1, sizeof(*fds));
	bool stop;

	for (size_t i = 0; i < trace.n; i++)
		fds[i] = (struct pollfd){
			trace.sources[i].ended ? -1 :
			trace.sources[i].copy->fd, POLLIN, 0,
		};
	fds[trace.n] = (struct pollfd){ signals, POLLIN, 0 };
	(void)poll(fds, trace.n + 1, wait);
	for (size_t i = 0; i < trace.n; i++)
		trace.sources[i].ended |= live_ended(trace.sources[i].copy,
						     fds[i].revents);
	stop = fds[trace.n].revents;
	free(fds);
	return stop;
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
	uint64_t end = trace.for_ns ? sj_now() + trace.for_ns : 0, before;
	int wait = ROUND_SHORT;
	bool stop;

	do {
		stop = wait_for_it(signals, wait);
		before = trace.shown;
		if (!show_until(collect()))
			break;
		end_ended();
		look_again();
		wait = next_wait(wait, before, end);
	} while (!stop && !all_ended() && (!end || sj_now() < end));
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
	for (size_t i = 0; i < trace.n; i++)
		live_close(trace.sources[i].live);
	(void)collect();
	if (!trace.failed && (!trace.count || trace.shown < trace.count))
		(void)show_until(UINT64_MAX);
	while (trace.n)
		end_source(trace.n - 1);
	if (!trace.out)
		sj_ctf_output.close();
	else if (trace.out != stdout && fclose(trace.out) && !trace.failed)
		trace.status = tool_error(trace.path, "%s", strerror(errno));
}

static void say_totals(void)
{
	char left_out[40] = "";

	if (trace.left_out)
		snprintf(left_out, sizeof(left_out), ", %" PRIu64 " left out",
			 trace.left_out);
	if (!trace.quiet)
		fprintf(stderr, "side-jmp: %" PRIu64 " events, %" PRIu64
			" lost%s%s%s\n", trace.shown, trace.lost, left_out,
			trace.out ? "" : "; in ", trace.ctf_path);
	if (trace.damaged)
		tool_warn(NULL, "%" PRIu64 " records were damaged",
			  trace.damaged);
	if (trace.undescribed)
		tool_warn(NULL, "%" PRIu64 " events were not described: their"
			  " descriptions were lost", trace.undescribed);
}

int cmd_trace(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "", "Show events of running processes, from now"
		" on, until interrupted.\vLibraries that they load and children"
		" that they fork meanwhile are included, and with --name and"
		" --all processes that start.  Exit status: 2 if a"
		" process can't be traced, or the output fails.", NULL, NULL,
		NULL,
	};
	int signals;
	bool any;

	tool_parse(&argp, argc, argv, NULL);
	signals = live_signals();
	if (open_output())
		return EXIT_BAD;
	begin_all(true);
	any = trace.n;
	if (any)
		loop(signals);
	finish();
	if (any)
		say_totals();
	free(trace.rings);
	free(trace.sources);
	free(trace.patterns);
	choice_free(&trace.who);
	return trace.status;
}
