/* SPDX-License-Identifier: MIT */
/* A library that is loaded later, for filter.sh. */
#include <side_jmp_event.h>

SIDE_JMP_EVENT(stock, out, "Goods leave", (s16, left));

void deliver(void);
void deliver(void)
{
	for (int n = 5; n > -5; n--)
		side_jmp_event(stock, out, n);
}
