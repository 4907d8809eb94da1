/* SPDX-License-Identifier: MIT */
/* SIDE_JMP_ENABLE='example:*' ./example shows the event. */
#include <side_jmp_event.h>

SIDE_JMP_EVENT(example, started, "The program has started",
	(s32, arguments), (string, name));

int main(int argc, char **argv)
{
	side_jmp_event(example, started, argc, argv[0]);
	return 0;
}
