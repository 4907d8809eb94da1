/* SPDX-License-Identifier: MIT */
#define SIDE_JMP_LAYOUT_NOP
#ifdef __x86_64__
#define LAYOUT		SIDE_JMP_NOP
#else	/* an inline site is a true no-op there already */
#define LAYOUT		SIDE_JMP_INLINE
#endif
#define LAYOUT_NAME	"port_nop"
#include "tests/port/body.h"
