/* SPDX-License-Identifier: MIT */
#include "probes.h"
