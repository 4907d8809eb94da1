/* SPDX-License-Identifier: MIT */
/* Every type of field: what a callback gets, what its description says. */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include <side_jmp_event.h>

#include "tests/tap.h"

enum shade { DARK = -1, PALE = 7 };

SIDE_JMP_EVENT_DECLARE(types, numbers, "Numbers", (u8, u8), (u16, u16),
	(u32, u32), (u64, u64), (s8, s8), (s16, s16), (s32, s32), (s64, s64),
	(float, f), (double, d), (pointer, p),
	(enum, shade, (DARK, "dark"), (PALE, "pale")));
SIDE_JMP_EVENT(types, numbers, "Numbers", (u8, u8), (u16, u16),
	(u32, u32), (u64, u64), (s8, s8), (s16, s16), (s32, s32), (s64, s64),
	(float, f), (double, d), (pointer, p),
	(enum, shade, (DARK, "dark"), (PALE, "pale")));
SIDE_JMP_EVENT(types, text, "Strings and bytes", (string, s), (chars, c, 4),
	(bytes, b, 3), (byte_seq, bs));
SIDE_JMP_EVENT(types, arrays, "Arrays", (array, a, s16, 3), (seq, q, u64),
	(array, f, float, 2), (seq, d, double));
SIDE_JMP_EVENT(types, high, "A label above INT_MAX",
	(enum, high, (0, "none"), (0x80000000u, "high")));
SIDE_JMP_EVENT(types, nothing, "No fields");
SIDE_JMP_EVENT64(types, wide_word, "A word of 64 bits", (u8, x));
SIDE_JMP_EVENT_WIDE(types, wide, "The wide layout", (u8, x));
SIDE_JMP_EVENT64_WIDE(types, wide_both, "Both", (u8, x));

static struct side_jmp_value seen[16];
static const struct side_jmp_event *last;
/* volatile: an event is no call to the compiler (side_jmp_event.h, TRACERS). */
static volatile int calls, evaluated;

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)data;
	calls++;
	last = event;
	memcpy(seen, values, event->desc->n_fields * sizeof(*seen));
}

static uint8_t evaluate(uint8_t value)
{
	evaluated++;
	return value;
}

/*
 * 0.1f may stand for a double, and does on s390x (FLT_EVAL_METHOD 1): only what
 * is stored has a float's precision.
 */
static const float tenth = 0.1f;

static void numbers(void)
{
	int local;
	struct { unsigned three : 3; } bits = { 5 };

	side_jmp_event(types, numbers, 255, 65535, UINT32_MAX, UINT64_MAX,
		       -128, -32768, INT32_MIN, INT64_MIN, tenth, DBL_MIN,
		       &local, DARK);
	tap_ok(seen[0].u64 == 255 && seen[1].u64 == 65535 &&
	       seen[2].u64 == UINT32_MAX && seen[3].u64 == UINT64_MAX,
	       "types_unsigned_integers_arrive");
	tap_ok(seen[4].s64 == -128 && seen[5].s64 == -32768 &&
	       seen[6].s64 == INT32_MIN && seen[7].s64 == INT64_MIN,
	       "types_signed_integers_arrive");
	tap_ok(seen[8].f64 == (double)tenth && seen[9].f64 == DBL_MIN,
	       "types_floats_arrive");
	tap_ok(seen[10].u64 == (uintptr_t)&local && seen[11].s64 == -1,
	       "types_pointer_and_enum_arrive");
	side_jmp_event(types, numbers, -1, -1, -1, (uint64_t)bits.three, 200,
		       0, 0, 0, 0.1, tenth, NULL, PALE);
	tap_ok(seen[0].u64 == 255 && seen[1].u64 == 65535 &&
	       seen[2].u64 == UINT32_MAX && seen[3].u64 == 5 &&
	       seen[4].s64 == -56, "types_integers_are_converted_as_in_C");
	tap_ok(seen[8].f64 == (double)tenth && seen[9].f64 == (double)tenth &&
	       seen[8].f64 != 0.1,
	       "types_float_field_rounds");
}

static void text(void)
{
	char three[3] = { 1, 2, 3 };
	uint32_t word = 0;
	const char *null = NULL;

	side_jmp_event(types, text, "long string", "abcdefg", three,
		       side_jmp_seq("\1\2", 2));
	tap_ok(!strcmp(seen[0].data, "long string") && seen[0].count == 11,
	       "types_string_arrives");
	tap_ok(!strncmp(seen[1].data, "abcdefg", 7) && seen[1].count == 3,
	       "types_chars_are_cut");
	tap_ok(seen[2].data == three && seen[2].count == 3 &&
	       !memcmp(seen[3].data, "\1\2", 2) && seen[3].count == 2,
	       "types_bytes_arrive");
	side_jmp_event(types, text, null, null, &word,
		       side_jmp_seq((void *)&word, 4));
	tap_ok(!strcmp(seen[0].data, "(null)") &&
	       !strcmp(seen[1].data, "(null)") && seen[3].count == 4,
	       "types_null_string_is_shown");
}

/* As strncpy() leaves a full array; what follows may not be read. */
static void unterminated(void)
{
	char *pages = mmap(NULL, 2 * 65536, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = pages + 65536;

	if (pages == MAP_FAILED || mprotect(end, 65536, PROT_NONE))
		exit(1);
	memcpy(end - 4, "abcd", 4);
	side_jmp_event(types, text, "", end - 4, end - 4,
		       side_jmp_seq("", 0));
	tap_ok(seen[1].count == 3, "types_chars_need_no_end");
}

static void arrays(void)
{
	int16_t three[3] = { -1, 2, -3 };
	const unsigned long longs[2] = { 1, ULONG_MAX };
	float floats[2] = { 1.5f, 2.5f };
	double d = 3.5;

	side_jmp_event(types, arrays, three, side_jmp_seq(longs, 2), floats,
		       side_jmp_seq(&d, 1));
	tap_ok(seen[0].data == three && seen[0].count == 3 &&
	       seen[2].count == 2, "types_arrays_arrive");
	tap_ok(seen[1].data == longs && seen[1].count == 2 &&
	       seen[3].data == &d && seen[3].count == 1,
	       "types_sequences_arrive");
}

static void words(void)
{
	calls = 0;
	side_jmp_event(types, nothing);
	tap_equal(calls, 1, "types_event_without_fields");
	side_jmp_event(types, wide_word, 1);
	side_jmp_event(types, wide, 2);
	side_jmp_event(types, wide_both, 3);
	tap_equal(calls, 4, "types_other_words_and_layouts");
	tap_equal((long long)seen[0].u64, 3, "types_wide_values_arrive");
}

static void description(void)
{
	const struct side_jmp_event_desc *d = last->desc;
	const struct side_jmp_field *f = side_jmp_event_fields(d);
	const int64_t *values = side_jmp_event_values(d);
	const char *text = side_jmp_event_doc(d);

	tap_ok(!strcmp(side_jmp_event_provider(d), "types") &&
	       !strcmp(side_jmp_event_name(d), "numbers") &&
	       !strcmp(text, "Numbers"), "types_description_names");
	tap_equal(d->n_fields, 12, "types_description_counts_fields");
	tap_ok(f[5].kind == SIDE_JMP_INT && f[5].elem == SIDE_JMP_S16 &&
	       f[9].kind == SIDE_JMP_FLOAT && f[9].elem == SIDE_JMP_F64 &&
	       f[11].kind == SIDE_JMP_ENUM && f[11].count == 2 &&
	       !f[12].kind, "types_description_types");
	tap_ok(d->n_values == 2 && values[0] == -1 && values[1] == 7,
	       "types_description_label_values");
	for (int i = 0; i < 12; i++)
		text = side_jmp_event_next_text(text);
	tap_ok(!strcmp(text, "shade") &&
	       !strcmp(side_jmp_event_next_text(text), "dark"),
	       "types_description_labels");
	tap_ok(d->size % 8 == 0, "types_description_size_is_a_multiple_of_8");
}

static void high_labels(void)
{
	const struct side_jmp_field *f;

	side_jmp_event(types, high, 0x80000000u);
	f = side_jmp_event_fields(last->desc);
	tap_ok(f[0].kind == SIDE_JMP_ENUM && f[0].elem == SIDE_JMP_U32,
	       "types_enum_with_a_high_label_is_unsigned");
	tap_equal((long long)seen[0].u64, 0x80000000ll,
		  "types_enum_above_the_largest_int_arrives");
	tap_equal(side_jmp_event_values(last->desc)[1], 0x80000000ll,
		  "types_label_above_the_largest_int_is_described");
}

static int count(struct side_jmp_event *event, void *arg)
{
	(void)event;
	++*(int *)arg;
	return 0;
}

int main(void)
{
	struct side_jmp_event_info info;
	struct side_jmp_tracer *tracer;
	int n = 0;

	side_jmp_event(types, wide_word, evaluate(1));
	tap_equal(evaluated, 0, "types_disabled_evaluates_nothing");
	tap_equal(side_jmp_tracer_register(&tracer, "types:*", callback, NULL),
		  0, "types_register");
	side_jmp_event(types, wide_word, evaluate(1));
	tap_equal(evaluated, 1, "types_enabled_evaluates_once");
	numbers();
	description();
	high_labels();
	text();
	unterminated();
	arrays();
	words();
	tap_ok(side_jmp_event_enabled(types, text), "types_enabled_says_so");
	side_jmp_event_each(count, &n);
	side_jmp_event_get_info(&info, sizeof(info));
	tap_ok(n == 8 && info.events == 8 && info.tracers == 1,
	       "types_all_events_are_found");
	tap_equal(side_jmp_tracer_unregister(tracer), 0, "types_unregister");
	calls = 0;
	side_jmp_event(types, nothing);
	tap_equal(calls, 0, "types_disabled_again");
	return tap_done();
}
