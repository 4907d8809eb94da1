/* SPDX-License-Identifier: MIT */
/* What a thread's seccomp filters say to what attaching to it needs. */
#ifndef TOOLS_FILTER_H
#define TOOLS_FILTER_H

#include <stdint.h>
#include <sys/types.h>

#include "tools/say.h"

/*
 * Of a thread that is stopped and ours (ptrace).  0: they let all of it pass,
 * or there are none; or -1 and a sentence in `why`.  audit: AUDIT_ARCH_* of the
 * calls.
 */
int filters_allow(pid_t tid, uint32_t audit, char why[WHY_MAX]);

#endif
