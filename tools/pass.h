/* SPDX-License-Identifier: MIT */
/* Messages from a child of ours, which may bring a descriptor along. */
#ifndef TOOLS_PASS_H
#define TOOLS_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* fd: -1: none. */
void pass_send(int to, const void *message, size_t size, int fd);
/* False: it said nothing.  *fd: -1: none came along. */
bool pass_receive(int from, void *message, size_t size, int *fd);

/*
 * One that may come upon a file system that does not answer (FUSE, a network's).
 * It sleeps then without an end, and SIGKILL does not end it either: whoever has
 * sent it goes on without it.  So it has no files but its way to us.
 */
struct pass_child {
	pid_t pid;
	int from;
	uint64_t sleeps, since;		/* how often it has; how long so, ns */
};

enum pass_said { PASS_SAID, PASS_ENDED, PASS_STUCK };

/* 0, in the child, and its way to us; 1; or -1: errno. */
int pass_begin(struct pass_child *c, int *to);
/* Its next message.  PASS_STUCK: it has slept for `ms` without a break. */
enum pass_said pass_wait(struct pass_child *c, void *message, size_t size,
			 int *fd, unsigned ms);
/* Waited for, unless it is stuck. */
void pass_end(struct pass_child *c, bool stuck);

#endif
