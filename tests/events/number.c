/* SPDX-License-Identifier: MIT */
/* Floating point as text: the shortest digits that read back as the same. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "runtime/events/events.h"
#include "tests/expect.h"
#include "tests/tap.h"

static const char *text(double v, bool is_float)
{
	static char buffer[64];
	struct sj_text t = { buffer, buffer + sizeof(buffer) - 1, false };

	sj_text_double(&t, v, is_float);
	*t.at = '\0';
	return t.full ? "full" : buffer;
}

static double from_bits(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static bool same(double a, double b)
{
	return !memcmp(&a, &b, sizeof(a)) || (isnan(a) && isnan(b));
}

/* How many digits does printf need to say the same? */
static int shortest(double v)
{
	char buffer[64];
	int digits;

	for (digits = 1; digits < 17; digits++) {
		snprintf(buffer, sizeof(buffer), "%.*e", digits - 1, v);
		if (same(strtod(buffer, NULL), v))
			break;
	}
	return digits;
}

static int digits_of(const char *s)
{
	int n = 0, zeros = 0;

	for (; *s && *s != 'e'; s++) {
		if (*s < '0' || *s > '9' || (*s == '0' && !n))
			continue;
		n++;
		zeros = *s == '0' ? zeros + 1 : 0;
	}
	return n - zeros;
}

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252u;	/* xorshift64 */

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

static void doubles(void)
{
	int wrong = 0, longer = 0;

	for (int i = 0; i < expect_rounds(100000); i++) {
		double v = from_bits(random64());

		wrong += !same(strtod(text(v, false), NULL), v) && !isnan(v);
		if (isfinite(v) && i < expect_rounds(20000))
			longer += digits_of(text(v, false)) != shortest(v);
	}
	tap_equal(wrong, 0, "number_double_reads_back");
	tap_equal(longer, 0, "number_double_is_shortest");
}

static void floats(void)
{
	int wrong = 0;

	for (int i = 0; i < expect_rounds(100000); i++) {
		uint32_t bits = (uint32_t)random64();
		float v, back;

		memcpy(&v, &bits, sizeof(v));
		back = strtof(text((double)v, true), NULL);
		wrong += memcmp(&v, &back, sizeof(v)) && !isnan(v);
	}
	tap_equal(wrong, 0, "number_float_reads_back");
}

/* Subnormal, the ends of the range, powers of two (unequal gaps). */
static void corners(void)
{
	static const double list[] = {
		DBL_MIN, DBL_MAX, DBL_EPSILON, 5e-324, 2.2250738585072011e-308,
		9007199254740993.0, 1e23, 9.5e-7, 123456789012345678.0,
	};
	int wrong = 0;

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		wrong += !same(strtod(text(list[i], false), NULL), list[i]);
	for (int e = -1074; e < 1024; e++)
		wrong += !same(strtod(text(ldexp(1, e), false), NULL),
			       ldexp(1, e));
	tap_equal(wrong, 0, "number_corners_read_back");
}

static void looks(void)
{
	static const struct { double v; const char *text; } list[] = {
		{ 0, "0" }, { -0.0, "-0" }, { 1, "1" }, { -1.5, "-1.5" },
		{ 0.1, "0.1" }, { 0.001, "0.001" }, { 1e-7, "1e-7" },
		{ 100, "100" }, { 1e16, "10000000000000000" },
		{ 1e23, "1e23" }, { 5e-324, "5e-324" },
		{ DBL_MAX, "1.7976931348623157e308" }, { 1.0 / 3,
		  "0.3333333333333333" },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (strcmp(text(list[i].v, false), list[i].text)) {
			tap_note("%s, expected %s", text(list[i].v, false),
				 list[i].text);
			tap_ok(false, "number_looks_right");
			return;
		}
	tap_ok(true, "number_looks_right");
	tap_ok(!strcmp(text((double)0.1f, true), "0.1") &&
	       !strcmp(text((double)FLT_MIN, true), "1.1754944e-38"),
	       "number_float_is_shortest");
	tap_ok(!strcmp(text(HUGE_VAL, false), "inf") &&
	       !strcmp(text(-HUGE_VAL, false), "-inf") &&
	       strstr(text(NAN, false), "nan"), "number_not_finite");
}

int main(void)
{
	looks();
	doubles();
	floats();
	corners();
	return tap_done();
}
