/* SPDX-License-Identifier: MIT */
/*
 * Talking to running processes, by live control (runtime/control/control.h).
 *
 * A process may be hostile and this be root's: what it says is copied and
 * checked before it is believed, it is waited for a few seconds at most, and
 * names in its file system are looked up as it sees them and no farther.
 *
 * Or it may be stopped.  A reply that did not come in time is owed: it is dropped
 * when it comes, and nothing is asked and waited for before.
 */
#ifndef TOOLS_LIVE_H
#define TOOLS_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/control/control.h"
#include "tools/say.h"

/* ---- talking ---------------------------------------------------------------- */

enum {
	LIVE_COPIES = 8,
	LIVE_SECONDS = 5,		/* that a process is waited for */
};

/* One process, which may have several copies of the runtime. */
struct live {
	pid_t pid;
	const char *road;		/* that was open: "control", "attach" */
	int process;			/* its end: pidfd_open(2) */
	size_t n;
	struct live_copy {
		int fd;
		int process;		/* that one; children may have fd, too */
		unsigned owed;		/* replies */
		struct sj_control_hello hello;
	} copies[LIVE_COPIES];
};

/*
 * 0, or -1 and a sentence in `why`; then there is nothing to close.  *there: it
 * is one that may be controlled, but not by us, or not now.
 */
int live_open(struct live *l, pid_t pid, bool *there, char why[WHY_MAX]);
/*
 * The same; and one that did not ask to be controlled is attached to
 * (attach.h), unless all are meant.
 */
int live_reach(struct live *l, pid_t pid, bool all, bool *there,
	       char why[WHY_MAX]);
void live_close(struct live *l);

/*
 * An O_PATH descriptor of what a process of that root calls so: no link leads
 * out of there.  -1: errno.
 */
int open_in_root(int root, const char *path, uint64_t flags);

/* 0, or -1 and a sentence in `why`; area: a descriptor, or -1. */
int live_ask(struct live_copy *copy, enum sj_control_op op,
	     const char *patterns, int area, uint32_t argument,
	     struct sj_control_reply *reply, char why[WHY_MAX]);

/* The same, and the reply is not waited for; nor is it asked while one is owed. */
void live_tell(struct live_copy *copy, enum sj_control_op op, uint32_t argument);
/* What is owed has come, or it is late: LIVE_SECONDS after `since` (sj_now()). */
void live_settle(struct live_copy *copy, uint64_t since);
/* What poll(2) said of its fd, POLLIN asked for, means that it has ended. */
bool live_ended(struct live_copy *copy, short revents);

/*
 * A descriptor that tells of interruptions, for poll(); before anything is
 * enabled, so that none is missed.  -1: errno.
 */
int live_signals(void);

/*
 * This command's own number, for areas: a copy whose hello.seen is not 0 writes into
 * one of them already, as a child of somebody who was asked.
 */
uint32_t live_mark(void);
/* Memory to be shared.  The descriptor, or -1: errno. */
int live_area(size_t size, void **at);

/* ---- what there is ------------------------------------------------------------ */

/* A key or an event.  `name` and `desc` are in memory of ours. */
struct live_entry {
	struct sj_control_entry e;
	const char *name;
	const uint8_t *desc;		/* e.desc bytes */
};

struct live_list {
	char *memory;
	struct live_entry *keys, *events;	/* by name */
	size_t n_keys, n_events;
};

int live_list(struct live_copy *copy, struct live_list *list,
	      char why[WHY_MAX]);
void live_list_free(struct live_list *list);

#endif
