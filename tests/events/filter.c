/* SPDX-License-Identifier: MIT */
/* What stands behind a pattern: which events come, and what is said of a bad one. */
#include <float.h>
#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "runtime/events/events.h"
#include "tests/expect.h"
#include "tests/tap.h"

SIDE_JMP_EVENT(flt, numbers, "Numbers", (u8, a), (u16, b), (u32, c), (u64, d),
	(s8, e), (s16, f), (s32, g), (s64, h));
SIDE_JMP_EVENT(flt, others, "The rest", (float, f), (double, d), (pointer, p),
	(enum, k, (-1, "late"), (2, "in time"), (3, "twice"), (4, "twice")),
	(enum, high, (0, "none"), (0x80000000u, "top")));
SIDE_JMP_EVENT(flt, texts, "Texts", (string, s), (text, t), (chars, c, 4),
	(bytes, b, 3), (byte_seq, q), (array, a, u8, 2), (seq, v, u32));
SIDE_JMP_EVENT(flt, bits, "A bit each", (u8, a), (u8, b), (u8, c), (u8, d));
SIDE_JMP_EVENT(flt, one, "A number", (s64, n));
SIDE_JMP_EVENT(flt, nothing, "No field");
SIDE_JMP_SPAN(flt, work, "A span", (u32, n));

/* volatile: an event is no call to the compiler (side_jmp_event.h, TRACERS). */
static volatile int calls;

static void count(const struct side_jmp_event *event,
		  const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	__atomic_fetch_add(data ? (volatile int *)data : &calls, 1,
			   __ATOMIC_RELAXED);
}

static void fire(void)
{
	static const unsigned char bytes[] = { 1, 0, 255 }, seq[] = "xy";
	static const uint32_t words[] = { 7 };
	static const uint8_t two[] = { 1, 2 };
	char text[] = "textile";

	side_jmp_event(flt, numbers, 200, 60000, 4000000000u, UINT64_MAX, -100,
		       -30000, INT32_MIN, INT64_MIN);
	side_jmp_event(flt, others, 0.1f, -2.5, (void *)0x1000, -1, 0x80000000u);
	side_jmp_event(flt, texts, "Ada, or \"A\"", side_jmp_text(text, 4),
		       "long", bytes, side_jmp_seq(seq, 2), two,
		       side_jmp_seq(words, 1));
	side_jmp_event(flt, nothing);
}

/* How many come, or why none may. */
static int hits(const char *patterns)
{
	struct side_jmp_tracer *tracer;
	int r;

	calls = 0;
	r = side_jmp_tracer_register(&tracer, patterns, count, NULL);
	if (r)
		return r;
	fire();
	r = side_jmp_tracer_unregister(tracer);
	return r ? r : calls;
}

static const char *reason(void)
{
	static struct side_jmp_event_info info;

	side_jmp_event_get_info(&info, sizeof(info));
	return info.pattern_reason;
}

/* ---- every type ----------------------------------------------------------- */

static const struct {
	const char *filter;
	bool passes;
} cases[] = {
	{ "numbers if a == 200", true }, { "numbers if a != 200", false },
	{ "numbers if a < 201 && a <= 200", true },
	{ "numbers if a>199&&a>=200", true }, { "numbers if a & 8", true },
	{ "numbers if a & 7", false }, { "numbers if b == 60000", true },
	{ "numbers if c == 0xEE6B2800", true },
	{ "numbers if d == 18446744073709551615", true },
	{ "numbers if d > 9223372036854775807", true },
	{ "numbers if d > -1", true }, { "numbers if d == -1", false },
	{ "numbers if d != -1", true }, { "numbers if d < -1", false },
	{ "numbers if d & -1", true }, { "numbers if e == -100", true },
	{ "numbers if e < 0", true }, { "numbers if e < 200", true },
	{ "numbers if e & 0x8000000000000000", true },
	{ "numbers if f == -30000", true }, { "numbers if f > -30001", true },
	{ "numbers if g == -2147483648", true },
	{ "numbers if h == -9223372036854775808", true },
	{ "numbers if h > -9223372036854775809", true },
	{ "numbers if h == -9223372036854775809", false },
	{ "numbers if h < 18446744073709551615", true },
	{ "numbers if h >= 9223372036854775808", false },
	{ "others if f == 0.1", true }, { "others if f > 0.1", false },
	{ "others if f >= 1e-1 && f < .11", true },
	{ "others if d == -2.5", true }, { "others if d < -2", true },
	{ "others if d > -0x3", true }, { "others if p == 0x1000", true },
	{ "others if p > 4096", false }, { "others if k == late", true },
	{ "others if k == \"late\" && k < 'in time'", true },
	{ "others if k == -1", true }, { "others if k != 'in time'", true },
	{ "others if high == top", true }, { "others if high > 0", true },
	{ "texts if s ~ \"Ada*\"", true }, { "texts if s ~ 'ada*'", false },
	{ "texts if s == \"Ada, or \\\"A\\\"\"", true },
	{ "texts if s == 'Ada, or \"A\"'", true }, { "texts if s != Ada", true },
	{ "texts if s == Ada", false }, { "texts if t == text", true },
	{ "texts if t ~ te", false }, { "texts if t ~ '?[d-f][!x]?'", false },
	{ "texts if t ~ '?[d-f][!y]?'", true }, { "texts if c == lon", true },
	{ "texts if c == long", false }, { "texts if s ~ '*\\*'", false },
	{ "texts if b == \"\\x01\\x00\\xff\"", true },
	{ "texts if b ~ \"\\x01*\"", true }, { "texts if b == \"\\x01\"", false },
	{ "texts if q == xy", true }, { "texts if q ~ '*'", true },
	{ "numbers if a == 1 || b == 60000 && c == 1", false },
	{ "numbers if a == 200 || b == 60000 && c == 1", true },
	{ "numbers if a == 1 && b == 1 || c != 1", true },
	{ "numbers if a == 200 || b == 1 || b == 2 && c == 1", true },
	{ "numbers if (a == 200 || b == 1) && c != 1", true },
	{ "numbers if !a == 200", false }, { "numbers if !(a == 1)", true },
	{ "numbers if !!(a == 200) && !(b == 1 || c == 1)", true },
	{ "numbers every 1", true }, { "numbers limit 5/h", true },
	{ "numbers\tif a == 200\n every 3 limit 5/m ,none:such", true },
};

static void types(void)
{
	char pattern[SJ_FILTER_TEXT];
	int wrong = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int seen;

		snprintf(pattern, sizeof(pattern), "flt:%s", cases[i].filter);
		seen = hits(pattern);
		if (seen == cases[i].passes)
			continue;
		wrong++;
		tap_note("%s: %d %s", pattern, seen, seen < 0 ? reason() : "");
	}
	tap_equal(wrong, 0, "filter_of_every_type");
}

/* ---- against other ways to know ------------------------------------------- */

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252u;	/* xorshift64 */

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

static struct sj_filter *filter;	/* of SJ_FILTER bytes */

/* -1: it is none. */
static int passes(const char *text, const struct side_jmp_event *event,
		  const uint64_t *bits)
{
	static struct sj_filter_build build;
	char why[SJ_FILTER_WHY];

	if (sj_filter_compile(&build, text, 0, event->desc, why))
		return -1;
	free(filter);
	filter = malloc(sj_filter_size(&build.head));
	sj_filter_store(&build, filter);
	return sj_filter_passes(filter, event->desc, bits, NULL);
}

/* Near the ends of 64 bits' ranges, as often as anywhere. */
static uint64_t some64(void)
{
	static const uint64_t ends[] = { 0, INT64_MAX, UINT64_MAX };
	uint64_t r = random64();

	return r % 3 ? ends[r / 3 % 3] + r / 9 % 5 - 2 : random64() >> r % 64;
}

/* A long double holds all integers of 65 bits, on every port. */
static bool holds(unsigned op, long double a, long double b)
{
	switch (op) {
	case 0: return a == b;
	case 1: return a != b;
	case 2: return a < b;
	case 3: return a <= b;
	case 4: return a > b;
	default: return a >= b;
	}
}

static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };

static void integers(void)
{
	static const char names[] = "dh";
	int wrong = 0;

	for (int i = 0; i < expect_rounds(50000); i++) {
		uint64_t bits[8] = { 0 }, is = some64(), n = some64();
		unsigned op = (unsigned)(random64() % 6), s = random64() & 1;
		bool negative = random64() & 1;
		char text[80];

		bits[3] = bits[7] = is;
		snprintf(text, sizeof(text), "if %c %s %s%llu", names[s], ops[op],
			 negative ? "-" : "", (unsigned long long)n);
		wrong += passes(text, &flt_side_jmp_numbers_side_jmp_event, bits)
			 != holds(op, s ? (long double)(int64_t)is : (long double)is,
				  negative ? -(long double)n : (long double)n);
	}
	tap_equal(wrong, 0, "filter_compares_integers_as_numbers");
}

static double some_double(void)
{
	static const double list[] = { 0, -0.0, 1, DBL_MIN, DBL_MAX, 5e-324 };
	uint64_t r = random64();
	double v;

	if (r % 4 == 0)
		return list[r / 4 % 6];
	if (r % 4 == 1)
		return (double)(int64_t)(r >> 50) / 8;
	r = random64();
	memcpy(&v, &r, sizeof(v));
	return v;
}

static bool holds_double(unsigned op, double a, double b)
{
	switch (op) {
	case 0: return !(a < b) && !(a > b) && !isnan(a);
	case 1: return a < b || a > b || isnan(a);
	case 2: return a < b;
	case 3: return a <= b;
	case 4: return a > b;
	default: return a >= b;
	}
}

/* At most 19 digits are a number's: 17 are enough. */
static void doubles(void)
{
	int wrong = 0;

	for (int i = 0; i < expect_rounds(50000); i++) {
		double is = some_double(), n = some_double();
		unsigned op = (unsigned)(random64() % 6);
		uint64_t bits[5] = { 0 };
		bool is_float = random64() & 1;
		char text[80];

		if (i % 3 == 0)
			n = is;
		if (is_float) {
			is = (double)(float)is;
			n = fabs(n) > (double)FLT_MAX ? 1 : n;
		}
		if (!isfinite(n))
			continue;
		memcpy(&bits[!is_float], &is, sizeof(is));
		snprintf(text, sizeof(text), "if %c %s %.17g", is_float ? 'f' :
			 'd', ops[op], n);
		wrong += passes(text, &flt_side_jmp_others_side_jmp_event, bits)
			 != holds_double(op, is, is_float ? (double)(float)n : n);
	}
	tap_equal(wrong, 0, "filter_compares_floats_as_c_does");
}

static void reads_doubles(void)
{
	int wrong = 0;

	for (int i = 0; i < expect_rounds(50000); i++) {
		uint64_t digits = random64() >> random64() % 64, bits, want;
		int exponent = (int)(random64() % 700) - 360;
		bool is_float = random64() & 1, there;
		char text[80];
		double v;

		if (is_float)
			exponent /= 6;
		snprintf(text, sizeof(text), "%llue%d",
			 (unsigned long long)digits, exponent);
		v = is_float ? (double)strtof(text, NULL) : strtod(text, NULL);
		memcpy(&want, &v, sizeof(want));
		there = sj_read_double(digits, exponent, is_float, &bits);
		wrong += there != !isinf(v) || (there && bits != want);
	}
	tap_equal(wrong, 0, "filter_reads_numbers_as_c_does");
}

static void globs(void)
{
	static const char of[] = "aab*?[]!-";
	int wrong = 0, refused = 0, rounds = expect_rounds(50000);

	for (int i = 0; i < rounds; i++) {
		char glob[12] = "", s[12] = "", text[40];
		uint64_t bits[7] = { (uintptr_t)s };
		int seen;

		for (unsigned n = 0; n < 1 + random64() % 9; n++)
			glob[n] = of[random64() % 9];
		for (unsigned n = 0; n < random64() % 9; n++)
			s[n] = of[random64() % 3];
		snprintf(text, sizeof(text), "if s ~ \"%s\"", glob);
		seen = passes(text, &flt_side_jmp_texts_side_jmp_event, bits);
		refused += seen < 0;
		if (seen >= 0 && seen != !fnmatch(glob, s, 0)) {
			tap_note("%s, %s: %d", text, s, seen);
			wrong++;
		}
	}
	tap_equal(wrong, 0, "filter_globs_as_fnmatch_does");
	tap_ok(refused < rounds / 2, "filter_globs_were_well_formed");
}

/*
 * Appends an expression of the bits; whether it holds.  In parentheses where
 * `within`, the operator that it stands beside (0: ||, 1: &&), binds closer, and
 * sometimes where that is needless.
 */
static bool grow(char **at, const uint64_t *bits, unsigned depth, unsigned within)
{
	uint64_t r = random64();
	unsigned op = r >> 6 & 1;
	bool left, right, open = op < within || (r & 0x700) == 0;

	if (!depth || r % 4 == 0) {
		*at += sprintf(*at, "%c %s %d", (char)('a' + r / 4 % 4),
			       r & 64 ? "==" : "!=", !!(r & 128));
		return (bits[r / 4 % 4] == !!(r & 128)) == !!(r & 64);
	}
	if (r % 4 == 1) {
		*at += sprintf(*at, "!(");
		left = !grow(at, bits, depth - 1, 0);
		*at += sprintf(*at, ")");
		return left;
	}
	*at += sprintf(*at, "%s", open ? "(" : "");
	left = grow(at, bits, depth - 1, op);
	*at += sprintf(*at, op ? " && " : " || ");
	right = grow(at, bits, depth - 1, op);
	*at += sprintf(*at, "%s", open ? ")" : "");
	return op ? left && right : left || right;
}

static void expressions(void)
{
	int wrong = 0, none = 0, rounds = expect_rounds(20000);

	for (int i = 0; i < rounds; i++) {
		char text[4096] = "if ", *at = text + 3;
		uint64_t bits[4];
		bool holds;
		int seen;

		for (int k = 0; k < 4; k++)
			bits[k] = random64() & 1;
		holds = grow(&at, bits, 4, 0);
		seen = strlen(text) < SJ_FILTER_TEXT ?
		       passes(text, &flt_side_jmp_bits_side_jmp_event, bits) : -1;
		none += seen < 0;
		if (seen >= 0 && seen != holds && !wrong++)
			tap_note("%s: %d", text, seen);
	}
	tap_equal(wrong, 0, "filter_expressions_hold_as_they_should");
	tap_ok(none < rounds / 10, "filter_expressions_were_in_bounds");
}

/* ---- errors ---------------------------------------------------------------- */

static const struct {
	const char *pattern;
	int column;			/* of what is wrong; 0: no filter */
	const char *says;
} bad[] = {
	{ "flt:numbers fi", 13, "if, every, limit or a comma" },
	{ "flt:numbers if", 15, "a field, ! or (" },
	{ "flt:numbers if a", 17, "==, !=, <, <=, >, >=, & or ~" },
	{ "flt:numbers if a && b == 1", 18, "==, !=, <" },
	{ "flt:numbers if a = 1", 18, "==, !=, <" },
	{ "flt:numbers if a ==", 20, "a number" },
	{ "flt:numbers if a == 1x", 21, "a number" },
	{ "flt:numbers if a == 0x", 21, "a number" },
	{ "flt:numbers if a == 010", 21, "decimal" },
	{ "flt:numbers if a == 18446744073709551616", 21, "64 bits" },
	{ "flt:numbers if a == 0x10000000000000000", 21, "64 bits" },
	{ "flt:numbers if (a == 1", 23, "&&, || or )" },
	{ "flt:numbers if a == 1)", 22, "&&, ||, every, limit or a comma" },
	{ "flt:numbers if a == 1 b == 2", 23, "&&, ||, every" },
	{ "flt:numbers if a == 1 every 0", 29, "from 1 to 1000000000" },
	{ "flt:numbers every 1.5", 19, "from 1 to 1000000000" },
	{ "flt:numbers limit 5", 20, "/s, /m or /h" },
	{ "flt:numbers limit 5/d", 20, "/s, /m or /h" },
	{ "flt:numbers limit 5/s every 3", 23, "the end, or a comma" },
	{ "flt:texts if s == \"ab", 19, "has no end" },
	{ "flt:texts if s ~ \"[ab\"", 18, "] was expected" },
	{ "flt:numbers if z == 1", 16, "flt:numbers has no field \"z\"" },
	{ "flt:numbers if a ~ x", 18, "a of flt:numbers is an integer" },
	{ "flt:numbers if a == 1.5", 21, "whole number" },
	{ "flt:numbers if a == x", 21, "a number was expected" },
	{ "flt:others if f & 1", 17, "f of flt:others is a floating" },
	{ "flt:others if f > 1e39", 19, "beyond the range of float" },
	{ "flt:others if k == early", 20, "no value is called \"early\"" },
	{ "flt:others if k == twice", 20, "several values are called" },
	{ "flt:texts if s < x", 16, "s of flt:texts is a text" },
	{ "flt:texts if s == 5", 19, "a text in quotes" },
	{ "flt:texts if a == 1", 16, "a of flt:texts is an array" },
	{ "flt:texts if v == 1", 16, "v of flt:texts is an array" },
	{ "flt:nothing if a == 1", 16, "flt:nothing has no field" },
	{ "flt", 0, "expected provider:name" },
};

static void errors(void)
{
	int wrong = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char column[40] = "";
		int r = hits(bad[i].pattern);

		if (bad[i].column)
			snprintf(column, sizeof(column), " in column %d,",
				 bad[i].column);
		if (r == -EINVAL && strstr(reason(), column) &&
		    strstr(reason(), bad[i].says) &&
		    strstr(reason(), bad[i].pattern))
			continue;
		wrong++;
		tap_note("%s: %d, %s", bad[i].pattern, r, reason());
	}
	tap_equal(wrong, 0, "filter_errors_say_where_and_what_was_expected");
}

static void bounds(void)
{
	char text[2 * SJ_FILTER_TEXT] = "flt:numbers if a == 200", *at;
	int n = 1;

	for (; n < SJ_FILTER_TESTS; n++)
		strcat(text, n % 2 ? "&&a<201" : "&&a>1");
	tap_equal(hits(text), 1, "filter_of_the_most_comparisons");
	strcat(text, "&&a>1");
	tap_equal(hits(text), -E2BIG, "filter_of_one_comparison_more");
	at = text + sprintf(text, "flt:numbers if ");
	memset(at, '(', SJ_FILTER_DEPTH);
	at += SJ_FILTER_DEPTH;
	at += sprintf(at, "a == 200");
	memset(at, ')', SJ_FILTER_DEPTH);
	at[SJ_FILTER_DEPTH] = '\0';
	tap_equal(hits(text), 1, "filter_of_the_most_parentheses");
	at = text + sprintf(text, "flt:numbers if ");
	memset(at, '!', SJ_FILTER_DEPTH + 1);
	strcpy(at + SJ_FILTER_DEPTH + 1, "a == 200");
	tap_equal(hits(text), -E2BIG, "filter_of_one_operator_more");
	at = text + sprintf(text, "flt:texts if s ~ '*");
	memset(at, ' ', sizeof(text) - 1 - (size_t)(at - text));
	text[SJ_FILTER_TEXT - 2] = '\'';
	text[SJ_FILTER_TEXT - 1] = '\0';
	tap_equal(hits(text), 0, "filter_of_the_most_bytes");
	text[SJ_FILTER_TEXT - 2] = ' ';
	text[SJ_FILTER_TEXT - 1] = '\'';
	text[SJ_FILTER_TEXT] = '\0';
	tap_equal(hits(text), -ENAMETOOLONG, "filter_of_a_byte_more");
}

/* ---- several ---------------------------------------------------------------- */

static void wildcards(void)
{
	tap_equal(hits("flt:* if a == 200"), 1,
		  "filter_with_wildcards_is_of_events_that_have_its_field");
	tap_equal(hits("flt:* if z == 200"), 0,
		  "filter_with_wildcards_of_none_is_no_error");
	tap_equal(hits("flt:*"), 4, "filter_missing_is_all");
	tap_equal(hits("*"), 4, "filter_star_is_all_events");
	tap_equal(hits("* if a == 200, flt:nothing"), 2,
		  "filter_of_all_events_that_have_its_field");
	tap_equal(hits("**"), -EINVAL, "filter_two_stars_are_no_pattern");
	tap_equal(hits("flt:* if d < 0, flt:* if a == 200"), 2,
		  "filter_of_each_type_that_has_the_field");
	tap_equal(hits("flt:numbers if a == 1, flt:numbers if b == 60000"), 1,
		  "filter_of_two_patterns_that_match_is_either");
	tap_equal(hits("flt:numbers if a == 200,flt:numbers if b == 60000"), 1,
		  "filter_of_two_calls_once");
	tap_equal(hits("flt:numbers if a == 1, flt:numb*"), 1,
		  "filter_beside_a_pattern_without");
	tap_equal(hits("flt:numbers if a == 200, flt:texts if z == 1"), -EINVAL,
		  "filter_that_is_bad_refuses_all");
	tap_equal(hits("flt:texts if s ~ 'Ada,*', flt:nothing"), 2,
		  "filter_commas_in_quotes_end_nothing");
}

/* The tracer has the event already, or not. */
static void later(void)
{
	const struct sj_tracer_call call = { count, NULL, false, NULL, NULL };
	struct side_jmp_tracer *t = NULL;
	char why[SJ_TRACER_WHY];
	int n[5], r;

	calls = 0;
	sj_tracer_add(&t, "flt:numbers if a == 1", &call, why);
	fire();
	n[0] = calls;
	r = sj_tracer_add(&t, "flt:numbers if b == 60000,flt:texts if z == 1",
			  &call, why);
	fire();
	n[1] = calls;
	sj_tracer_add(&t, "flt:numbers if b == 60000", &call, why);
	fire();
	n[2] = calls;
	sj_tracer_add(&t, "flt:*", &call, why);
	fire();
	n[3] = calls;
	sj_tracer_add(&t, "flt:numbers if a == 1", &call, why);
	fire();
	n[4] = calls;
	side_jmp_tracer_unregister(t);
	tap_equal(n[0], 0, "filter_first");
	tap_ok(r == -EINVAL && n[1] == 0, "filter_of_a_list_that_is_refused");
	tap_equal(n[2], 1, "filter_that_comes_later_adds");
	tap_equal(n[3], 1 + 4, "filter_ends_with_a_pattern_without");
	tap_equal(n[4], 1 + 4 + 4, "filter_that_comes_later_takes_nothing");
}

/* Neither what was there nor what came is lost, in whatever order events stand. */
static void later_beside(void)
{
	static const char *const lists[] = {
		"flt:texts if s ~ 'A*', flt:numbers if z == 1",
		"flt:texts if s ~ 'A*', flt:work_end if z == 1",
	};
	const struct sj_tracer_call call = { count, NULL, false, NULL, NULL };
	struct side_jmp_tracer *t = NULL;
	char why[SJ_TRACER_WHY];
	int r = 0;

	calls = 0;
	sj_tracer_add(&t, "flt:texts if s == Bob", &call, why);
	for (int i = 0; i < 2; i++)
		r |= sj_tracer_add(&t, lists[i], &call, why) != -EINVAL;
	fire();
	tap_ok(!r && !calls, "filter_of_a_list_that_is_refused_adds_nothing");
	sj_tracer_add(&t, "flt:texts if s ~ 'A*'", &call, why);
	sj_tracer_add(&t, "flt:texts if s == Eve", &call, why);
	fire();
	side_jmp_tracer_unregister(t);
	tap_equal(calls, 1, "filter_that_was_there_stays_beside_a_later_one");
}

/* Pages that the process has. */
static unsigned long pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long n = 0;

	if (!f || fscanf(f, "%lu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

static void drop(const struct side_jmp_event *event,
		 const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
}

static void change(int rounds)
{
	const struct sj_tracer_call call = { count, NULL, false, NULL, NULL };
	char why[SJ_TRACER_WHY];

	for (int i = 0; i < rounds; i++) {
		struct side_jmp_tracer *t = NULL;

		sj_tracer_add(&t, "flt:one if n == 1, flt:texts if s ~ 'A*'"
			      " every 2", &call, why);
		sj_tracer_add(&t, "flt:one if n == 2 limit 5/h", &call, why);
		sj_tracer_add(&t, "flt:one if n == 3, flt:texts if z == 1",
			      &call, why);
		sj_tracer_add(&t, "flt:one", &call, why);
		sj_tracer_add(&t, "flt:one if n == 4", &call, why);
		side_jmp_tracer_unregister(t);
	}
}

/*
 * The least that is lost in each round is 96 bytes, so 64 kB four times in all.  An
 * emulator may map something of its own.
 */
static void memory(void)
{
	struct side_jmp_tracer *other;	/* so that no site changes, which takes time */
	unsigned long before;

	tap_equal(side_jmp_tracer_register(&other, "flt:*", drop, NULL), 0,
		  "filter_all_are_on");
	change(100);
	before = pages();
	change(3000);
	side_jmp_tracer_unregister(other);
	tap_ok(before && pages() < before + 3 * 65536 / 4096,
	       "filter_changes_keep_no_memory");
}

/* A program that asks for the same again and again; 1,300 bytes a time, once. */
static void same_again(void)
{
	const struct sj_tracer_call call = { count, NULL, false, NULL, NULL };
	static const char *const again[] = {
		"flt:one every 3", "flt:one if n > 5, flt:one if n > 5, flt:one every 3",
	};
	struct side_jmp_tracer *t = NULL;
	char why[SJ_TRACER_WHY];
	unsigned long before = 0;
	int r = 0;

	for (int i = 0; i < 1100; i++) {
		before = i == 100 ? pages() : before;
		r |= sj_tracer_add(&t, again[i % 2], &call, why);
	}
	tap_ok(!r && before && pages() < before + 2 * 65536 / 4096,
	       "filter_that_is_asked_for_again_keeps_no_memory");
	calls = 0;
	for (int n = 0; n < 9; n++)
		side_jmp_event(flt, one, n);
	tap_equal(calls, 5, "filter_that_is_asked_for_again_changes_nothing");
	r = sj_tracer_add(&t, "flt:one if m > 5", &call, why);
	tap_equal(r, -EINVAL, "filter_that_is_refused_beside_one_that_is_there");
	side_jmp_tracer_unregister(t);
}

static void slots_again(void)
{
	int all = 0;

	for (int i = 0; i < 1000; i++) {
		hits("flt:numbers if a == 1");
		all += hits("flt:numbers");
		all += hits("flt:numbers if a == 200 && b != 5 every 1");
	}
	tap_equal(all, 2000, "filter_goes_with_its_tracer");
}

static void two_tracers(void)
{
	struct side_jmp_tracer *a, *b;
	volatile int n[2] = { 0, 0 };

	side_jmp_tracer_register(&a, "flt:one if n > 5", count, (void *)&n[0]);
	side_jmp_tracer_register(&b, "flt:one if n <= 5", count, (void *)&n[1]);
	for (int i = 0; i < 20; i++)
		side_jmp_event(flt, one, i);
	side_jmp_tracer_unregister(a);
	side_jmp_tracer_unregister(b);
	tap_ok(n[0] == 14 && n[1] == 6, "filter_of_two_tracers");
}

static void spans(void)
{
	struct side_jmp_tracer *t;

	calls = 0;
	side_jmp_tracer_register(&t, "flt:work_begin if n == 3,"
				 "flt:work_end if span != 0 && duration >= 0",
				 count, NULL);
	for (uint32_t i = 0; i < 5; i++) {
		side_jmp_span(flt, work, i);
	}
	side_jmp_tracer_unregister(t);
	tap_equal(calls, 1 + 5, "filter_of_spans");
}

/* ---- every and limit --------------------------------------------------------- */

static uint64_t left_out(void)
{
	struct side_jmp_event_info info;

	side_jmp_event_get_info(&info, sizeof(info));
	return info.left_out;
}

static int of(const char *pattern, int times)
{
	struct side_jmp_tracer *t;

	calls = 0;
	if (side_jmp_tracer_register(&t, pattern, count, NULL))
		return -1;
	for (int i = 0; i < times; i++)
		side_jmp_event(flt, one, i);
	side_jmp_tracer_unregister(t);
	return calls;
}

static void some(void)
{
	uint64_t before = left_out();

	tap_equal(of("flt:one every 10", 101), 11, "filter_every");
	tap_equal((long long)(left_out() - before), 90, "filter_every_is_counted");
	tap_equal(of("flt:one if n < 50 every 10", 100), 5,
		  "filter_every_is_of_those_that_pass");
	calls = of("flt:one every 2 limit 10/h", 100);
	tap_ok(calls == 10 || calls == 20, "filter_limit_is_of_what_every_lets_pass");
	/* An hour has one end at most. */
	before = left_out();
	calls = of("flt:one limit 10/h", 1000);
	tap_ok(calls == 10 || calls == 20, "filter_limit");
	tap_equal((long long)(left_out() - before), 1000 - calls,
		  "filter_limit_is_counted");
	before = left_out();
	tap_equal(of("flt:one if n < 0", 1000), 0, "filter_that_nothing_passes");
	tap_equal((long long)(left_out() - before), 0,
		  "filter_leaves_out_what_it_is_not_about_uncounted");
}

/* A second that ends, and one more, is waited for. */
static void limit_ends(void)
{
	struct side_jmp_tracer *t;
	uint64_t begun = sj_now(), seconds;
	int n;

	calls = 0;
	side_jmp_tracer_register(&t, "flt:one limit 100/s", count, NULL);
	for (n = 0; calls < 250 && sj_now() - begun < UINT64_C(100000000000); n++)
		side_jmp_event(flt, one, n);
	seconds = sj_now() / 1000000000 - begun / 1000000000;
	side_jmp_tracer_unregister(t);
	tap_ok(calls == 250 && seconds >= 2 && n > 250,
	       "filter_limit_is_of_each_second");
}

/* What `window` holds; a thread whose clock is behind begins none anew. */
static void windows(void)
{
	static const struct { const char *text; uint64_t seconds; } units[] = {
		{ "limit 1/s", 1 }, { "limit 1/m", 60 }, { "limit 1/h", 3600 },
	};
	const struct side_jmp_event *one = &flt_side_jmp_one_side_jmp_event;
	uint64_t bits[1] = { 0 }, now;
	int wrong = 0;

	for (int i = 0; i < 3; i++) {
		wrong += passes(units[i].text, one, bits) != 1;
		wrong += filter->period != units[i].seconds * 1000000000;
	}
	tap_equal(wrong, 0, "filter_limit_has_its_units");
	do {	/* in one hour */
		now = sj_now() / filter->period;
		filter->window = (now + 1) << 32 | 1;
		wrong = sj_filter_passes(filter, one->desc, bits, NULL);
		filter->window = (now - 1) << 32 | 1;
		wrong += !sj_filter_passes(filter, one->desc, bits, NULL);
		filter->window = (now + 5) << 32 | 1;
		wrong += !sj_filter_passes(filter, one->desc, bits, NULL);
	} while (sj_now() / filter->period != now);
	tap_equal(wrong, 0, "filter_limit_of_clocks_that_differ");
}

enum { EMIT = 100000, EMITTERS = 4, MOST = 350000 };

static void *emit(void *arg)
{
	pthread_barrier_wait(arg);
	for (int i = 0; i < EMIT; i++)
		side_jmp_event(flt, one, i);
	return NULL;
}

/*
 * With a small N, so that each count that is lost shows; and with a limit so high
 * that it is reached while all run.
 */
static void threads(void)
{
	struct side_jmp_tracer *every, *limit;
	volatile int n[2] = { 0, 0 };
	pthread_barrier_t begin;
	pthread_t thread[EMITTERS];
	uint64_t hour = sj_now() / UINT64_C(3600000000000);

	side_jmp_tracer_register(&every, "flt:one every 2", count, (void *)&n[0]);
	side_jmp_tracer_register(&limit, "flt:one limit 350000/h", count,
				 (void *)&n[1]);
	pthread_barrier_init(&begin, NULL, EMITTERS);
	for (int i = 0; i < EMITTERS; i++)
		pthread_create(&thread[i], NULL, emit, &begin);
	for (int i = 0; i < EMITTERS; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&begin);
	side_jmp_tracer_unregister(every);
	side_jmp_tracer_unregister(limit);
	tap_equal(n[0], EMITTERS * EMIT / 2, "filter_every_of_threads");
	tap_ok(n[1] == MOST || hour != sj_now() / UINT64_C(3600000000000),
	       "filter_limit_of_threads");
}

/* Filters come and go while others fire: nobody reads what is gone. */
static bool stop;

static void *emit_on(void *arg)
{
	static const uint8_t abc[3] = "abc";

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		side_jmp_event(flt, texts, "Ada", side_jmp_text("", 0), "", abc,
			       side_jmp_seq((const char *)arg, 0), abc + 1,
			       side_jmp_seq((const uint32_t *)arg, 0));
	return NULL;
}

static void churn(void)
{
	static char none[1];
	pthread_t thread[2];
	int bad_calls = 0;

	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, emit_on, none);
	for (int i = 0; i < expect_rounds(300); i++) {
		struct side_jmp_tracer *a, *b;

		side_jmp_tracer_register(&a, "flt:texts if s == Bob || s ~ '[!A]*'",
					 count, &bad_calls);
		side_jmp_tracer_register(&b, "flt:texts if s == 'a longer text,"
			" that takes another place' || !s ~ A*", count,
			&bad_calls);
		side_jmp_tracer_unregister(a);
		side_jmp_tracer_unregister(b);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	tap_equal(bad_calls, 0, "filter_that_comes_and_goes_under_threads");
}

static void child(void)
{
	struct side_jmp_tracer *t;
	int status = -1;
	pid_t pid;

	calls = 0;
	side_jmp_tracer_register(&t, "flt:one if n == 7 every 2", count, NULL);
	side_jmp_event(flt, one, 7);
	pid = fork();
	if (!pid) {
		side_jmp_event(flt, one, 7);
		side_jmp_event(flt, one, 8);
		side_jmp_event(flt, one, 7);
		if (side_jmp_tracer_unregister(t) ||
		    hits("flt:* if a == 200") != 1)
			_exit(99);
		_exit(of("flt:one if n == 3", 9));
	}
	waitpid(pid, &status, 0);
	side_jmp_event(flt, one, 7);
	side_jmp_tracer_unregister(t);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 1,
	       "filter_of_a_child");
	tap_equal(calls, 1, "filter_of_its_parent");
}

int main(void)
{
	types();
	integers();
	doubles();
	reads_doubles();
	globs();
	expressions();
	errors();
	bounds();
	wildcards();
	later();
	later_beside();
	memory();
	same_again();
	slots_again();
	two_tracers();
	spans();
	some();
	limit_ends();
	windows();
	threads();
	churn();
	child();
	free(filter);
	return tap_done();
}
