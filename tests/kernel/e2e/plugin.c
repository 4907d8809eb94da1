/* SPDX-License-Identifier: MIT */
/* A library that comes and goes, with an event of its own. */
#include <side_jmp_event.h>

SIDE_JMP_EVENT(plugin, tick, "Called", (u32, n));

__attribute__((visibility("default"))) void plugin_tick(unsigned n);

void plugin_tick(unsigned n)
{
	side_jmp_event(plugin, tick, n);
}
