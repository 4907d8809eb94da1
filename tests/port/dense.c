/* SPDX-License-Identifier: MIT */
#define SIDE_JMP_LAYOUT_DENSE
#define LAYOUT		SIDE_JMP_DENSE
#define LAYOUT_NAME	"port_dense"
#include "tests/port/body.h"
