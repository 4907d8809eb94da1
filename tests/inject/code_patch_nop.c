/* SPDX-License-Identifier: MIT */
#define SIDE_JMP_LAYOUT_NOP
#include "tests/inject/code_patch.c"
