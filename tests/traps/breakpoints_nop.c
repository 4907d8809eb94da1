/* SPDX-License-Identifier: MIT */
#define SIDE_JMP_LAYOUT_NOP
#define BREAKPOINTS	"breakpoints_nop"
#define SECOND		3
#include "tests/traps/breakpoints.c"
