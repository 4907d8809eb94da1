/* SPDX-License-Identifier: MIT */
// cflags: -fasynchronous-unwind-tables
/*
 * From within a callback, and within what side_jmp_call() calls, unwinders see the
 * function that the event stands in, then the one that called it; also a leaf's,
 * which keeps its return address where it came.
 */
#include <side_jmp_event.h>

#include <stdbool.h>
#include <stdint.h>
#include <unwind.h>

#include "tests/tap.h"

SIDE_JMP_EVENT(back, zero, "Without a value");
SIDE_JMP_EVENT(back, six, "With six", (u32, a), (u64, b), (s8, c), (string, d), (s64, e),
	       (u16, f));
SIDE_JMP_KEY(key);

/* A section of its own: the linker says where a function begins and ends. */
#define IN(section_) __attribute__((noinline, used, section(section_)))
extern const char __start_sj_leaf[], __stop_sj_leaf[], __start_sj_above[],
	__stop_sj_above[];

static volatile int rounds, right;	/* to the compiler an event changes nothing */
enum stage { LEAF, ABOVE, SEEN, LOST };

static bool within(uintptr_t p, const char *start, const char *stop)
{
	return p > (uintptr_t)start && p <= (uintptr_t)stop;
}

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	uintptr_t ip = (uintptr_t)_Unwind_GetIP(context);
	enum stage *stage = arg;

	if (*stage == LEAF && within(ip, __start_sj_leaf, __stop_sj_leaf))
		*stage = ABOVE;
	else if (*stage == ABOVE)	/* the very next */
		*stage = within(ip, __start_sj_above, __stop_sj_above) ? SEEN : LOST;
	return _URC_NO_REASON;
}

static void look(void)
{
	enum stage stage = LEAF;

	rounds++;
	right += _Unwind_Backtrace(step, &stage) == _URC_END_OF_STACK && stage == SEEN;
}

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	look();
}

IN("sj_leaf") static long leaf(long x)
{
	side_jmp_event(back, zero);
	return x + 1;
}

IN("sj_leaf") static long leaf_of_six(long x, const char *text)
{
	side_jmp_event(back, six, 1, 2, -3, text, x, 5);
	return x + 1;
}

IN("sj_leaf") static long leaf_of_call(long x)
{
	side_jmp_call(key, look);
	return x + 1;
}

IN("sj_leaf") static long no_leaf(long x)
{
	volatile char room[100];

	room[x] = 1;
	side_jmp_event(back, six, 1, 2, -3, "text", x, (uint16_t)room[x]);
	return leaf(x) + room[x];
}

IN("sj_above") static long above(long (*f)(long), long x)
{
	volatile long one = f(x) + 1;

	return one;
}

IN("sj_above") static long above_six(long x)
{
	volatile long one = leaf_of_six(x, "text") + 1;

	return one;
}

int main(void)
{
	struct side_jmp_tracer *tracer;
	long off = above(leaf, 1) + above_six(1) + above(leaf_of_call, 1) +
		   above(no_leaf, 1);

	tap_equal(side_jmp_tracer_register(&tracer, "back:*", callback, NULL), 0,
		  "unwound_begins");
	tap_equal(side_jmp_enable(&key), 0, "unwound_key");
	for (int i = 0; i < 100; i++) {
		rounds = right = 0;
		if (above(leaf, 1) + above_six(1) + above(leaf_of_call, 1) +
		    above(no_leaf, 1) != off || rounds != 5 || right != 4)
			break;
	}
	tap_equal(rounds, 5, "unwound_all_are_called");
	/* Of no_leaf()'s own leaf the next is no_leaf(), which is not above. */
	tap_equal(right, 4, "unwound_finds_who_called");
	return tap_done();
}
