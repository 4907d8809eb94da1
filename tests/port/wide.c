/* SPDX-License-Identifier: MIT */
#define SIDE_JMP_LAYOUT_WIDE
#define LAYOUT		SIDE_JMP_WIDE
#define LAYOUT_NAME	"port_wide"
#include "tests/port/body.h"
