/* SPDX-License-Identifier: MIT */
/*
 * A program of whose words none is in the headers but those of their manuals: it
 * builds whatever the others are defined as.  0 if sites and events are right.
 */
#ifdef MACROS_EVENTS
#include <side_jmp_event.h>
#else
#include <side_jmp.h>
#endif

SIDE_JMP_KEY(zz_key);
SIDE_JMP_KEY64_STATIC(zz_wide);
SIDE_JMP_KEY_EXTERN(zz_shared);
SIDE_JMP_KEY_EXPORT(zz_shared);

static int zz_sites(void)
{
	return (side_jmp_unlikely(zz_key) ? 1 : 0) + (side_jmp_unlikely(zz_wide) ? 2 : 0) +
	       (side_jmp_unlikely_wide(zz_shared) ? 4 : 0);
}

static int zz_toggled(struct side_jmp_key *zz_it, int zz_expected)
{
	int zz_on, zz_failed = side_jmp_enable(zz_it);

	zz_on = zz_sites();
	zz_failed |= side_jmp_disable(zz_it);
	return !zz_failed && zz_on == zz_expected && zz_sites() == 0;
}

#ifdef MACROS_EVENTS
SIDE_JMP_EVENT_DECLARE(zz_p, zz_some, "Some", (u32, zz_1), (string, zz_2), (double, zz_3));
SIDE_JMP_EVENT(zz_p, zz_some, "Some", (u32, zz_1), (string, zz_2), (double, zz_3));
SIDE_JMP_EVENT(zz_p, zz_none, "None");
SIDE_JMP_EVENT64_WIDE(zz_p, zz_more, "", (enum, zz_4, (1, "one")), (chars, zz_5, 8),
	(pointer, zz_6), (bytes, zz_7, 2), (byte_seq, zz_8), (array, zz_9, s32, 2), (seq, zz_10, s32));

SIDE_JMP_SPAN_DECLARE(zz_p, zz_span, "A span", (u32, zz_11));
SIDE_JMP_SPAN_DEFINE(zz_p, zz_span, "A span", (u32, zz_11));
SIDE_JMP_COUNTER(zz_p, zz_counter, "A counter", u32);

static int zz_count;

static void zz_called(const struct side_jmp_event *zz_a, const struct side_jmp_value *zz_b,
		      void *zz_c)
{
	zz_count += zz_a && zz_b && zz_c;
}

static void zz_emit(void)
{
	static const int zz_ints[2] = { 1, 2 };
	static const unsigned char zz_bytes[2] = { 1, 2 };

	side_jmp_span(zz_p, zz_span, 4u);
	side_jmp_counter(zz_p, zz_counter, 5u);
	side_jmp_event(zz_p, zz_some, 1u, "two", 3.0);
	side_jmp_event(zz_p, zz_none);
	side_jmp_event(zz_p, zz_more, 1, "x", &zz_count, zz_bytes, side_jmp_seq(zz_bytes, 2),
		       zz_ints, side_jmp_seq(zz_ints, 2));
}

static int zz_events(void)
{
	struct side_jmp_tracer *zz_t;

	zz_emit();
	if (zz_count || side_jmp_tracer_register(&zz_t, "zz_p:*", zz_called, &zz_t))
		return 0;
	zz_emit();
	return side_jmp_tracer_unregister(zz_t) == 0 && zz_count == 6;
}
#endif

int main(void)
{
#ifdef MACROS_EVENTS
	if (!zz_events())
		return 1;
#endif
	return !(zz_toggled(&zz_key, 1) && zz_toggled(&zz_wide, 2) && zz_toggled(&zz_shared, 4));
}
