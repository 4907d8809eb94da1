/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text, for signal handlers and any locale: printf() is for neither.
 * Knows nothing of events.
 *
 * Floating point: the shortest digits that read back as the same value, by
 * exact arithmetic (Steele and White, "How to print floating-point numbers
 * accurately", PLDI 1990; in the form of Burger and Dybvig, PLDI 1996).  The
 * value is r/s, and everything between (r - low)/s and (r + high)/s reads back
 * as it.
 */
#define _GNU_SOURCE
#include <string.h>

#include "runtime/base/base.h"

void sj_text_char(struct sj_text *t, char c)
{
	if (t->at < t->end)
		*t->at++ = c;
	else
		t->full = true;
}

void sj_text_string(struct sj_text *t, const char *s)
{
	while (*s)
		sj_text_char(t, *s++);
}

void sj_text_unsigned(struct sj_text *t, uint64_t v)
{
	char digits[20];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		sj_text_char(t, digits[--n]);
}

void sj_text_signed(struct sj_text *t, int64_t v)
{
	if (v < 0)
		sj_text_char(t, '-');
	sj_text_unsigned(t, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void sj_text_hex(struct sj_text *t, uint64_t v)
{
	unsigned shift = 60;

	sj_text_string(t, "0x");
	while (shift && !(v >> shift))
		shift -= 4;
	for (;; shift -= 4) {
		sj_text_char(t, "0123456789abcdef"[v >> shift & 15]);
		if (!shift)
			break;
	}
}

/* ---- integers of any size the below needs ------------------------------- */

/*
 * The largest: s = 2^1076 for the smallest double, times 10 while scaling;
 * r = 2^1025 for the largest; s = 10^309 then.  1152 bits hold them all.
 */
enum { BIG_WORDS = 36 };

struct number_big {
	uint32_t w[BIG_WORDS];		/* the lowest first */
	unsigned n;			/* words in use */
};

static void big_set(struct number_big *b, uint64_t v, unsigned shift)
{
	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < 64; i++)
		if (v >> i & 1)
			b->w[(i + shift) / 32] |= UINT32_C(1) << (i + shift) % 32;
	b->n = BIG_WORDS;
	while (b->n && !b->w[b->n - 1])
		b->n--;
}

static void big_times(struct number_big *b, uint32_t by)
{
	uint64_t carry = 0;

	for (unsigned i = 0; i < b->n; i++) {
		carry += (uint64_t)b->w[i] * by;
		b->w[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry && b->n < BIG_WORDS)
		b->w[b->n++] = (uint32_t)carry;
}

/* Of a + b and c, as strcmp() would. */
static int big_compare(const struct number_big *a, const struct number_big *b,
		       const struct number_big *c)
{
	uint32_t sum[BIG_WORDS + 1];
	uint64_t carry = 0;

	for (unsigned i = 0; i <= BIG_WORDS; i++) {
		if (i < BIG_WORDS)
			carry += (uint64_t)a->w[i] + (b ? b->w[i] : 0);
		sum[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (sum[BIG_WORDS])
		return 1;
	for (unsigned i = BIG_WORDS; i-- > 0; )
		if (sum[i] != c->w[i])
			return sum[i] < c->w[i] ? -1 : 1;
	return 0;
}

/* a -= b; a is not less. */
static void big_minus(struct number_big *a, const struct number_big *b)
{
	int64_t borrow = 0;

	for (unsigned i = 0; i < BIG_WORDS; i++) {
		borrow += (int64_t)a->w[i] - b->w[i];
		a->w[i] = (uint32_t)borrow;
		borrow >>= 32;
	}
	while (a->n && !a->w[a->n - 1])
		a->n--;
}

/* ---- digits ------------------------------------------------------------- */

struct number_decimal {
	struct number_big r, s, high, low;
	bool even;			/* the bounds themselves read back, too */
	int point;			/* digits before the decimal point */
	char digits[24];
	unsigned n;
};

/* value = fraction * 2^exponent; at a power of two the gap below is half. */
static void decimal_set(struct number_decimal *d, uint64_t fraction,
			int exponent, bool power)
{
	unsigned up = exponent > 0 ? (unsigned)exponent : 0;
	unsigned down = exponent < 0 ? (unsigned)-exponent : 0;

	big_set(&d->r, fraction, up + 1 + power);
	big_set(&d->s, 1, down + 1 + power);
	big_set(&d->high, 1, up + power);
	big_set(&d->low, 1, up);
	d->even = !(fraction & 1);
}

/* Is value + the gap above at least 10^point? */
static bool decimal_reaches(const struct number_decimal *d)
{
	int c = big_compare(&d->r, &d->high, &d->s);

	return d->even ? c >= 0 : c > 0;
}

static void decimal_scale(struct number_decimal *d)
{
	d->point = 0;
	while (decimal_reaches(d)) {
		big_times(&d->s, 10);
		d->point++;
	}
	for (;;) {
		struct number_decimal next = *d;

		big_times(&next.r, 10);
		big_times(&next.high, 10);
		big_times(&next.low, 10);
		if (decimal_reaches(&next))
			break;
		*d = next;
		d->point--;
	}
}

static void decimal_generate(struct number_decimal *d)
{
	bool low, high;
	int digit;

	do {
		big_times(&d->r, 10);
		big_times(&d->high, 10);
		big_times(&d->low, 10);
		for (digit = 0; big_compare(&d->r, NULL, &d->s) >= 0; digit++)
			big_minus(&d->r, &d->s);
		low = big_compare(&d->r, NULL, &d->low) < (d->even ? 1 : 0);
		high = decimal_reaches(d);
		if (!low && !high)
			d->digits[d->n++] = (char)('0' + digit);
	} while (!low && !high && d->n < sizeof(d->digits) - 1);
	/* The nearer one; a tie goes up. */
	if (high && (!low || big_compare(&d->r, &d->r, &d->s) >= 0))
		digit++;
	d->digits[d->n++] = (char)('0' + digit);
}

static void decimal_put(struct sj_text *t, const struct number_decimal *d)
{
	int n = (int)d->n, point = d->point;

	if (point > 17 || point < -4) {
		sj_text_char(t, d->digits[0]);
		for (int i = 1; i < n; i++) {
			if (i == 1)
				sj_text_char(t, '.');
			sj_text_char(t, d->digits[i]);
		}
		sj_text_char(t, 'e');
		sj_text_signed(t, point - 1);
		return;
	}
	if (point <= 0)
		sj_text_char(t, '0');
	for (int i = point < 0 ? point : 0; i < n || i < point; i++) {
		if (i == point || (point <= 0 && i == point))
			sj_text_char(t, '.');
		sj_text_char(t, i >= 0 && i < n ? d->digits[i] : '0');
	}
}

/* ---- floating point ----------------------------------------------------- */

struct number_format {
	unsigned fraction_bits;
	int bias;			/* of the exponent of the fraction's lowest bit */
};

static const struct number_format number_double = { 52, 1075 },
				  number_float = { 23, 150 };

void sj_text_double(struct sj_text *t, double v, bool is_float)
{
	const struct number_format *f = is_float ? &number_float :
						   &number_double;
	struct number_decimal d = { .n = 0 };
	uint64_t bits, fraction;
	uint32_t bits32;
	int exponent, max = is_float ? 0xff : 0x7ff;
	float narrow = (float)v;

	memcpy(&bits, &v, sizeof(bits));
	memcpy(&bits32, &narrow, sizeof(bits32));
	if (bits >> 63)
		sj_text_char(t, '-');
	if (is_float)
		bits = bits32;
	fraction = bits & ((UINT64_C(1) << f->fraction_bits) - 1);
	exponent = (int)(bits >> f->fraction_bits) & max;
	if (exponent == max) {
		sj_text_string(t, fraction ? "nan" : "inf");
		return;
	}
	if (!exponent && !fraction) {
		sj_text_char(t, '0');
		return;
	}
	if (exponent)
		decimal_set(&d, fraction | UINT64_C(1) << f->fraction_bits,
			    exponent - f->bias, !fraction && exponent > 1);
	else
		decimal_set(&d, fraction, 1 - f->bias, false);
	decimal_scale(&d);
	decimal_generate(&d);
	decimal_put(t, &d);
}

/* ---- and back ----------------------------------------------------------- */

/* digits * 10^exponent as a fraction of two, which is at least 1 and below 2. */
struct number_ratio {
	struct number_big over, under;
	int exponent;			/* times 2^exponent */
};

static void ratio_set(struct number_ratio *r, uint64_t digits, int exponent)
{
	big_set(&r->over, digits, 0);
	big_set(&r->under, 1, 0);
	for (; exponent > 0; exponent--)
		big_times(&r->over, 10);
	for (; exponent < 0; exponent++)
		big_times(&r->under, 10);
	r->exponent = 0;
	while (big_compare(&r->over, NULL, &r->under) < 0) {
		big_times(&r->over, 2);
		r->exponent--;
	}
	while (big_compare(&r->under, &r->under, &r->over) <= 0) {
		big_times(&r->under, 2);
		r->exponent++;
	}
}

/* Its first bits, rounded to even; none, where there are less than 0. */
static uint64_t ratio_bits(struct number_ratio *r, int bits)
{
	uint64_t v = 0;
	int half;

	if (bits < 0)
		return 0;
	for (int i = 0; i < bits; i++) {
		v <<= 1;
		if (big_compare(&r->over, NULL, &r->under) >= 0) {
			big_minus(&r->over, &r->under);
			v |= 1;
		}
		big_times(&r->over, 2);
	}
	half = big_compare(&r->over, NULL, &r->under);
	return v + (half > 0 || (!half && (v & 1)));
}

/* fraction * 2^exponent, of at most 53 bits, as the bits of a double. */
static uint64_t number_bits(uint64_t fraction, int exponent)
{
	if (fraction >> 53) {
		fraction >>= 1;
		exponent++;
	}
	for (; !(fraction >> 52) && exponent > -1074; exponent--)
		fraction <<= 1;
	return fraction >> 52 ? (uint64_t)(exponent + 1074) * (UINT64_C(1) << 52)
				+ fraction : fraction;
}

bool sj_read_double(uint64_t digits, int exponent, bool is_float, uint64_t *bits)
{
	const struct number_format *f = is_float ? &number_float :
						   &number_double;
	int most = (int)f->fraction_bits + 1, n, lowest;
	struct number_ratio r;
	uint64_t v;

	*bits = 0;
	for (; digits && exponent < 0 && !(digits % 10); digits /= 10)
		exponent++;
	if (!digits || exponent < -343)
		return true;
	if (exponent > 309)
		return false;
	ratio_set(&r, digits, exponent);
	lowest = r.exponent - most + 1;
	n = lowest < 1 - f->bias ? most - (1 - f->bias - lowest) : most;
	v = ratio_bits(&r, n);
	if (!v)
		return true;
	*bits = number_bits(v, r.exponent - n + 1);
	v = *bits >> 52;
	return v <= (is_float ? 1023 + 127 : 1023 + 1023);
}
