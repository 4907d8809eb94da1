/* SPDX-License-Identifier: MIT */
/*
 * Traces in the Common Trace Format, as babeltrace2 reads them: those of the
 * built-in tracer, and others.
 */
#ifndef TOOLS_CTF_H
#define TOOLS_CTF_H

#include <babeltrace2/babeltrace.h>
#include <stdbool.h>
#include <stdint.h>

/* What events are (side_jmp_event.h, SPANS AND COUNTERS). */
enum ctf_is {
	CTF_EVENT, CTF_SPAN_BEGIN, CTF_SPAN_END, CTF_COUNTER,
	CTF_LEFT_OUT,			/* nobody is called for it */
};

/*
 * An event's description.  Names are compared as pointers: there is one for
 * each, of a span the one without _begin and _end; provider is the part before
 * the ':', or "".
 */
struct ctf_class {
	const char *name, *provider;
	enum ctf_is is;
};

struct ctf_event {
	const struct ctf_class *class;
	uint64_t time;			/* ns, since 1970 or what the clock says */
	int64_t pid, tid;		/* 0: the trace does not say */
	const char *program;		/* "": it does not say */
	const bt_field *fields;		/* a structure, or NULL */
	const bt_field *context;	/* likewise; of the stream's events */
	uint64_t span;			/* of a span; 0: see there */
	const bt_field *value;		/* of a counter */
	bool earlier;			/* than --since: of spans, which may end later */
};

struct ctf_seen {
	uint64_t traces, events, lost;
	uint64_t left_out;		/* by filters, where a process said so */
};

/*
 * Finds all traces in and below a folder.  `output` is a file that will be
 * written, or NULL: it must not be in one of theirs.  EXIT_OK, or EXIT_BAD:
 * said what is wrong.
 */
int ctf_find(const char *path, const char *output);

/*
 * Calls `visit` for each event of the traces that were found, in the order of
 * time.  EXIT_OK, or EXIT_BAD: said what is wrong; what came before has been
 * visited.  since: ns, before the last event; of what is earlier spans' begins
 * and ends alone are visited, and nothing counted.  0: all.
 */
int ctf_read(uint64_t since, void (*visit)(const struct ctf_event *event, void *arg), void *arg,
	     struct ctf_seen *seen);

/* A number: its value, rounded.  False: it is none. */
bool ctf_number(const bt_field *field, double *value);
/* Of a structure, by name; or NULL. */
const bt_field *ctf_member(const bt_field *structure, const char *name);

int cmd_convert(int argc, char **argv);
int cmd_report(int argc, char **argv);

#endif
