/* SPDX-License-Identifier: MIT */
/* A library with a copy of the runtime of its own. */
#include <side_jmp_event.h>

SIDE_JMP_KEY(reloaded_key);
SIDE_JMP_EVENT(reloaded, hit, "Hit", (u32, n));

SIDE_JMP_EXPORTED int reloaded_hit(void);

int reloaded_hit(void)
{
	int hit;

	if (side_jmp_enable(&reloaded_key))
		return -1;
	hit = side_jmp_unlikely(reloaded_key);
	side_jmp_event(reloaded, hit, 1);
	return side_jmp_disable(&reloaded_key) ? -1 : hit;
}
