/* SPDX-License-Identifier: MIT */
/* What live.c and its library share. */
#ifndef LIVE_H
#define LIVE_H

#include <side_jmp.h>

SIDE_JMP_KEY_EXTERN(live_shared);	/* of the library */

int live_library(void);

#endif
