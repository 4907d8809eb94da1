/* SPDX-License-Identifier: MIT */
/* A shared library with sites of its own, and of a key of whoever loads it. */
#include "tests/port/src/plugin.h"

SIDE_JMP_KEY(plugin_key);

int plugin_taken(void)
{
	int bits = 0;

	if (side_jmp_unlikely(plugin_key))
		bits |= 1;
	if (side_jmp_unlikely(host_key))
		bits |= 2;
	return bits;
}

struct side_jmp_key *plugin_own_key(void)
{
	return &plugin_key;
}
