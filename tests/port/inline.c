/* SPDX-License-Identifier: MIT */
#define LAYOUT		SIDE_JMP_INLINE
#define LAYOUT_NAME	"port_inline"
#include "tests/port/body.h"
