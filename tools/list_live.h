/* SPDX-License-Identifier: MIT */
/* side-jmp list -p: keys and events of running processes. */
#ifndef TOOLS_LIST_LIVE_H
#define TOOLS_LIST_LIVE_H

#include <stdbool.h>

#include "tools/choice.h"

/* Returns an exit status. */
int list_live(const struct choice *who, bool keys, bool events, bool json);

#endif
