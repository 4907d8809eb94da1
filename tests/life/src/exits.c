/* SPDX-License-Identifier: MIT */
/* A library with a site and an event, and a copy of the runtime of its own. */
#include <side_jmp_event.h>

SIDE_JMP_KEY(exits);
SIDE_JMP_EVENT(exits, here, "Emitted by the library", (u32, n));

SIDE_JMP_EXPORTED int library_pass(void);
void library_ends(void);	/* the executable's */

int library_pass(void)
{
	side_jmp_event(exits, here, 1);
	return side_jmp_unlikely(exits);
}

/* Before ours run, and after libc has taken our fork handlers away. */
__attribute__((used, section(".fini_array.00150")))
static void (*const at_fini)(void) = library_ends;
