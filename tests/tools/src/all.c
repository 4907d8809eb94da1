/* SPDX-License-Identifier: MIT */
/*
 * A little of everything that a table may hold: -DLAYOUT chooses the layout of
 * the plain sites, the others are what they are.  Needs no libc, so that it
 * links, small, for every port.
 */
#include <side_jmp_event.h>

SIDE_JMP_KEY(plain);
SIDE_JMP_KEY_STATIC(hidden);
SIDE_JMP_KEY64(sixty_four);
SIDE_JMP_KEY_EXTERN(shared_key);
#ifdef OWNER
SIDE_JMP_KEY_EXPORT(shared_key);
#endif

SIDE_JMP_EVENT(shop, order, "An order was taken",
	(u32, items), (string, customer), (double, total),
	(enum, kind, (-1, "none"), (7, "gift")), (seq, sizes, u16));
SIDE_JMP_EVENT(shop, closed, "The shop is closed");

volatile int sink;

__attribute__((noinline)) void serve(int n)
{
	if (side_jmp_unlikely(plain))
		sink = n;
	if (side_jmp_unlikely(hidden))
		sink = n + 1;
	if (side_jmp_unlikely(sixty_four))
		sink = n + 2;
	if (side_jmp_unlikely_wide(plain))
		sink = n + 3;
}

__attribute__((noinline)) void close_shop(int n)
{
	static const uint16_t sizes[] = { 1, 2, 3 };

	if (side_jmp_unlikely(shared_key))
		sink = n;
	side_jmp_event(shop, order, (uint32_t)n, "somebody", 1.5, 7,
		       side_jmp_seq(sizes, 3));
	side_jmp_event(shop, closed);
}

int main(void)
{
	serve(sink);
	close_shop(sink);
	return 0;
}
