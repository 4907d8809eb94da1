/* SPDX-License-Identifier: MIT */
/* A shared library that comes and goes while its event is enabled. */
#include <side_jmp_event.h>

SIDE_JMP_EVENT(plugin, call, "The plugin was called", (s32, n));

void plugin_call(int n);

void plugin_call(int n)
{
	side_jmp_event(plugin, call, n);
}
