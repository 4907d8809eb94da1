/* SPDX-License-Identifier: MIT */
/* Every macro, used as its manual says; 0 if each site and event was right. */
#include "standards.h"

SIDE_JMP_KEY(std_key);
SIDE_JMP_KEY64(std_key64);
SIDE_JMP_KEY_STATIC(std_static);
SIDE_JMP_KEY64_STATIC(std_static64);
SIDE_JMP_KEY_EXPORT(std_shared);
SIDE_JMP_KEY64_EXPORT(std_shared64);

static int sites(void)
{
	int n = 0;

	if (side_jmp_unlikely(std_key))
		n++;
	n += side_jmp_unlikely(std_key64) ? 1 : 0;
	while (side_jmp_unlikely(std_static)) {
		n++;
		break;
	}
	if (!side_jmp_unlikely(std_static64))
		return n;
	if (side_jmp_unlikely(std_shared) && side_jmp_unlikely(std_shared64))
		n += 2;
	if (side_jmp_unlikely_wide(std_key) || side_jmp_unlikely_wide(std_key64))
		n++;
	return n;
}

static int keys_work(void)
{
	struct side_jmp_key *keys[6];
	struct side_jmp_info info;
	int off, on;

	keys[0] = &std_key;
	keys[1] = &std_key64;
	keys[2] = &std_static;
	keys[3] = &std_static64;
	keys[4] = &std_shared;
	keys[5] = &std_shared64;
	off = sites();
	if (side_jmp_enable_many(keys, 6) || !side_jmp_enabled(&std_key))
		return 0;
	on = sites();
	if (side_jmp_disable_many(keys, 6) || side_jmp_get_info(&info, sizeof(info)))
		return 0;
	return off == 0 && on == 6 && sites() == 0 && info.objects_rejected == 0;
}

#ifdef EVENTS
SIDE_JMP_EVENT(std, none, "Without fields");
SIDE_JMP_EVENT(std, integers, "", (u8, a), (u16, b), (u32, c), (u64, d), (s8, e), (s16, f),
	       (s32, g), (s64, h));
SIDE_JMP_EVENT(std, others, "A docstring", (float, a), (double, b), (pointer, c), (string, d),
	       (chars, e, 8), (enum, f, (1, "one"), (2, "two")), (enum, g, (-1, "minus")));
SIDE_JMP_EVENT(std, many, "", (bytes, a, 4), (byte_seq, b), (array, c, u16, 4),
	       (array, d, double, 2), (seq, e, s32), (seq, f, double));
SIDE_JMP_EVENT(std, sixteen, "", (u8, a), (u8, b), (u8, c), (u8, d), (u8, e), (u8, f), (u8, g),
	       (u8, h), (u8, i), (u8, j), (u8, k), (u8, l), (u8, m), (u8, n), (u8, o), (u8, p));
SIDE_JMP_EVENT(std, declared, "Declared and defined", (u32, n));
SIDE_JMP_EVENT64(std, declared64, "", (u32, n));
SIDE_JMP_EVENT_WIDE(std, declared_wide, "", (u32, n));
SIDE_JMP_EVENT64_WIDE(std, declared64_wide, "", (u32, n));

SIDE_JMP_SPAN(std, span, "A span", (u32, n), (string, s));
SIDE_JMP_SPAN(std, bare_span, "Without fields");
SIDE_JMP_SPAN_DEFINE(std, declared_span, "", (u32, n));
SIDE_JMP_COUNTER(std, counter, "", u32);
SIDE_JMP_COUNTER(std, declared_counter, "", double);

enum std_enum { STD_ONE = 1, STD_TWO };

static void emit(unsigned u, int i, long l, const char *text, char *writable, float f, double d)
{
	static const uint16_t shorts[4] = { 1, 2, 3, 4 };
	static double doubles[2] = { 1.5, 2.5 };
	static const int ints[3] = { -1, 0, 1 };
	static const unsigned char bytes[4] = { 1, 2, 3, 4 };

	side_jmp_event(std, none);
	side_jmp_event(std, integers, u, u, u, u, i, i, i, l);
	side_jmp_event(std, integers, 1, 2, 3u, 4ul, -1, -2, -3, -4l);
	side_jmp_event(std, others, f, d, text, text, writable, STD_ONE, -1);
	side_jmp_event(std, others, f, 2.5, &i, "x", "y", i, STD_TWO);
	side_jmp_event(std, many, bytes, side_jmp_seq(bytes, 4), shorts, doubles,
		       side_jmp_seq(ints, 3), side_jmp_seq(doubles, 2));
	side_jmp_event(std, sixteen, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
	side_jmp_event(std, declared, u);
	side_jmp_event(std, declared64, u);
	side_jmp_event(std, declared_wide, u);
	if (side_jmp_event_enabled(std, declared64_wide))
		side_jmp_event(std, declared64_wide, u);
}

/* Eight events of spans, and two counters. */
static int spans(unsigned u, const char *text)
{
	side_jmp_span(std, span, u, text);
	side_jmp_counter(std, counter, u);
	if (u) {
		side_jmp_span(std, bare_span);
		side_jmp_span(std, declared_span, u);
		side_jmp_span_begin(std, bare_span, u);
		side_jmp_span_end(std, bare_span, u);
		side_jmp_counter(std, declared_counter, 0.5);
		return 1;
	}
	return 0;
}

static int count;

static void callback(const struct side_jmp_event *event, const struct side_jmp_value *values,
		     void *data)
{
	(void)values;
	(void)data;
	count += event->desc->n_fields < 17;
}

static int events_work(void)
{
	struct side_jmp_tracer *tracer;
	char text[] = "text";

	emit(1u, 2, 3l, "four", text, 5.5f, 6.5);
	(void)spans(1u, "text");
	if (count || side_jmp_tracer_register(&tracer, "std:*", callback, &tracer))
		return 0;
	emit(1u, 2, 3l, "four", text, 5.5f, 6.5);
	return spans(1u, "text") && side_jmp_tracer_unregister(tracer) == 0 &&
	       count == 11 + 10;
}
#endif

int main(void)
{
#ifdef EVENTS
	if (!events_work())
		return 1;
#endif
	return !keys_work();
}
