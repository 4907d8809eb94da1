/* SPDX-License-Identifier: MIT */
/*
 * A connection to a running process that did not ask to be controlled, made by
 * way of ptrace(2): runtime/control/attach.h.
 */
#ifndef TOOLS_ATTACH_H
#define TOOLS_ATTACH_H

#include <stddef.h>
#include <sys/types.h>

#include "tools/say.h"

/*
 * May it be attached to, as far as can be seen without touching it?  0, or -1
 * and a sentence in `why`.
 */
int attach_may(pid_t pid, char why[WHY_MAX]);

/*
 * How many connections there are, one to each copy of the runtime and at most
 * `max`; or -1 and a sentence in `why`, and the process is as it was.
 */
int attach_open(pid_t pid, int *fds, size_t max, char why[WHY_MAX]);

#endif
