/* SPDX-License-Identifier: MIT */
/*
 * See filter.h.
 *
 * A program is comparisons; each says which comes next where it is false and
 * where it is true, always a later one or an end, so it ends.  `&&` and `||` are
 * these jumps, and what they make needless is not looked at.
 *
 * While it is compiled, a piece of an expression is two lists of jumps that are
 * not decided yet, those that mean true and those that mean false, each linked
 * through the jumps themselves; `!` changes the two.  A jump is 2 * comparison,
 * + 1 where that is true.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/events/events.h"
#include "runtime/events/filter.h"
SJ_GENERAL_END

enum filter_op {
	FILTER_EQ, FILTER_NE, FILTER_LT, FILTER_LE, FILTER_GT, FILTER_GE,
	FILTER_AND, FILTER_GLOB, FILTER_OPS,
};

/* How a field's value is to be seen. */
enum filter_kind {
	FILTER_UNSIGNED, FILTER_SIGNED, FILTER_REAL, FILTER_BYTES,
	FILTER_CONSTANT,		/* value: what it is */
};

enum { FILTER_NO = 0xfe, FILTER_YES = 0xff };	/* ends, in place of a test */
enum { FILTER_NONE = 0xff };			/* the end of a list of jumps */

#define FILTER_SIGN	(UINT64_C(1) << 63)

static uint64_t filter_left_out;		/* atomic */

uint64_t sj_filter_left_out(void)
{
	return __atomic_load_n(&filter_left_out, __ATOMIC_RELAXED);
}

/* ---- events ------------------------------------------------------------- */
SJ_GENERAL_BEGIN

/* In the set that *p is in, which is behind its end then. */
static bool filter_in_set(const unsigned char **p, unsigned char c)
{
	const unsigned char *at = *p;
	bool inverse = *at == '!', in = false;

	at += inverse;
	do {
		unsigned char low = *at == '\\' ? *++at : *at, high = low;

		if (*++at == '-' && at[1] != ']') {
			high = *++at == '\\' ? *++at : *at;
			at++;
		}
		in |= c >= low && c <= high;
	} while (*at != ']');
	*p = at + 1;
	return in != inverse;
}

/* What stands at *p, which is no '*', and is behind it then. */
static bool filter_like_one(const unsigned char **p, unsigned char c)
{
	unsigned char is = *(*p)++;

	if (is == '?')
		return true;
	if (is == '[')
		return filter_in_set(p, c);
	if (is == '\\')
		is = *(*p)++;
	return is == c;
}

/* After a '*' only the last one is ever taken back. */
bool sj_filter_like(const char *pattern, size_t length, const void *data,
		    size_t n)
{
	const unsigned char *p = (const unsigned char *)pattern, *star = NULL;
	const unsigned char *end = p + length, *s = data, *mark = s;
	const unsigned char *stop = s + n;

	while (s < stop) {
		const unsigned char *next = p;

		if (p < end && *p == '*') {
			star = ++p;
			mark = s;
		} else if (p < end && filter_like_one(&next, *s)) {
			p = next;
			s++;
		} else if (star) {
			p = star;
			s = ++mark;
		} else {
			return false;
		}
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

static const struct sj_filter_test *filter_tests(const struct sj_filter *f)
{
	return (const void *)(f + 1);
}

static bool filter_same(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static bool filter_bytes(const struct sj_filter *f,
			 const struct sj_filter_test *t,
			 const struct side_jmp_value *v)
{
	const char *text = (const char *)(filter_tests(f) + f->n_tests) +
			   t->value;
	size_t n = v->data ? v->count : 0;

	if (t->op == FILTER_GLOB)
		return sj_filter_like(text, t->length, v->data, n);
	return (n == t->length && filter_same(text, v->data, n)) ==
	       (t->op == FILTER_EQ);
}

/* Doubles as numbers that compare as they do; +0 is -0. */
static uint64_t filter_order(uint64_t bits)
{
	return !(bits << 1) ? FILTER_SIGN : bits & FILTER_SIGN ? ~bits :
						    bits | FILTER_SIGN;
}

static bool filter_compare(unsigned op, uint64_t a, uint64_t b)
{
	switch (op) {
	case FILTER_EQ: return a == b;
	case FILTER_NE: return a != b;
	case FILTER_LT: return a < b;
	case FILTER_LE: return a <= b;
	case FILTER_GT: return a > b;
	case FILTER_GE: return a >= b;
	default: return a & b;
	}
}

static bool filter_test(const struct sj_filter *f,
			const struct sj_filter_test *t,
			const struct side_jmp_value *v)
{
	switch (t->kind) {
	case FILTER_UNSIGNED:
		return filter_compare(t->op, v->u64, t->value);
	case FILTER_SIGNED:
		return filter_compare(t->op, v->u64 ^ FILTER_SIGN, t->value);
	case FILTER_REAL:
		if (v->u64 << 1 > UINT64_C(0x7ff) << 53)	/* no number */
			return t->op == FILTER_NE;
		return filter_compare(t->op, filter_order(v->u64), t->value);
	case FILTER_BYTES:
		return filter_bytes(f, t, v);
	default:
		return t->value;
	}
}

static bool filter_holds(const struct sj_filter *f,
			 const struct side_jmp_event_desc *desc,
			 const uint64_t *bits,
			 const struct side_jmp_value *values)
{
	unsigned at = 0;

	while (at < f->n_tests) {
		const struct sj_filter_test *t = &filter_tests(f)[at];
		struct side_jmp_value one;

		if (!values)
			sj_value(&side_jmp_event_fields(desc)[t->field],
				 bits[t->field], &one);
		at = t->on[filter_test(f, t, values ? &values[t->field] : &one)];
	}
	return at != FILTER_NO;
}

/*
 * `window` is the number of a period and how many events it has had.  A thread
 * whose clock is a bit behind counts in the one that has begun; a clock that was
 * set back begins anew.
 */
static bool filter_within(struct sj_filter *f)
{
	uint32_t now = (uint32_t)(sj_now() / f->period);
	uint64_t seen = __atomic_load_n(&f->window, __ATOMIC_RELAXED), next;

	do {
		uint32_t ahead = now - (uint32_t)(seen >> 32);

		if (ahead && ahead != UINT32_MAX)
			next = (uint64_t)now << 32 | 1;
		else if ((uint32_t)seen < f->limit)
			next = seen + 1;
		else
			return false;
	} while (!__atomic_compare_exchange_n(&f->window, &seen, next, true,
					      __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

static bool filter_takes(struct sj_filter *f)
{
	if (f->every &&
	    __atomic_fetch_add(&f->seen, 1, __ATOMIC_RELAXED) % f->every)
		return false;
	return !f->limit || filter_within(f);
}

bool sj_filter_passes(struct sj_filter *filter,
		      const struct side_jmp_event_desc *desc,
		      const uint64_t *bits, const struct side_jmp_value *values)
{
	if (!filter_holds(filter, desc, bits, values))
		return false;
	if (filter_takes(filter))
		return true;
	__atomic_fetch_add(&filter_left_out, 1, __ATOMIC_RELAXED);
	if (filter->left_out)
		__atomic_fetch_add(filter->left_out, 1, __ATOMIC_RELAXED);
	return false;
}
SJ_GENERAL_END

/* ---- words -------------------------------------------------------------- */

/* Yes and no: the jumps that are still to be decided. */
struct filter_piece {
	uint8_t jumps[2];
};

/* What waits for its right side, or its end: of & and | what is on the left. */
struct filter_open {
	char what;			/* ( ! & | */
	struct filter_piece left;
};

struct filter_parser {
	const char *item, *at;
	const struct side_jmp_event_desc *desc;	/* NULL: form alone */
	struct sj_filter_build *build;
	struct filter_open open[SJ_FILTER_DEPTH];
	unsigned n_open;
	char *why;
};

static bool filter_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool filter_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void filter_skip(struct filter_parser *p)
{
	while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n')
		p->at++;
}

/* Of the word that begins there; 0: none does. */
static size_t filter_word(const char *s)
{
	size_t n = 0;

	while (filter_letter(s[n]) || (n && filter_digit(s[n])))
		n++;
	return n;
}

static bool filter_is(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && !memcmp(s, word, n);
}

/* Take it, if it is that. */
static bool filter_next_is(struct filter_parser *p, const char *word)
{
	size_t n;

	filter_skip(p);
	n = filter_word(p->at);
	if (!filter_is(p->at, n, word))
		return false;
	p->at += n;
	return true;
}

/*
 * Where, and what is wrong there: with its form, or, where there is an event, with
 * what it is to be applied to.
 */
__attribute__((format(printf, 4, 5)))
static int filter_say(const struct filter_parser *p, int error, const char *at,
		      const char *format, ...)
{
	bool form = !p->desc;
	int n = snprintf(p->why, SJ_FILTER_WHY, "%s: in column %u, %s%.*s%s",
			 form ? "is no filter" : "can't be applied",
			 (unsigned)(at - p->item) + 1,
			 !form ? "" : *at ? "at \"" : "where it ends",
			 form ? 20 : 0, at,
			 !form ? "" : *at ? "\", " : ", ");
	va_list args;

	va_start(args, format);
	vsnprintf(p->why + n, SJ_FILTER_WHY - (size_t)n, format, args);
	va_end(args);
	return error;
}

static int filter_expected(struct filter_parser *p, const char *what)
{
	filter_skip(p);
	return filter_say(p, -EINVAL, p->at, "%s was expected", what);
}

/* A field of the event is something else than `what` at `at` asks for. */
static int filter_unfit(const struct filter_parser *p, const char *at,
			const char *field, const char *is, const char *what)
{
	return filter_say(p, -EINVAL, at, "%.60s of %.40s:%.40s is %s%s", field,
			  side_jmp_event_provider(p->desc),
			  side_jmp_event_name(p->desc), is, what);
}

/* ---- numbers ------------------------------------------------------------ */

struct filter_number {
	bool negative, whole;
	uint64_t digits;		/* times 10^exponent */
	int exponent;
};

static const char *filter_hex(const char *s, uint64_t *n)
{
	for (*n = 0; ; s++) {
		unsigned digit = filter_digit(*s) ? (unsigned)(*s - '0') :
			(*s | 32) >= 'a' && (*s | 32) <= 'f' ?
			(unsigned)((*s | 32) - 'a' + 10) : 16;

		if (digit == 16)
			return s;
		if (*n >> 60)
			return NULL;
		*n = *n << 4 | digit;
	}
}

/* Digits, with a point in them maybe; NULL: there are too many. */
static const char *filter_decimal(const char *s, struct filter_number *n)
{
	bool point = false;

	for (;; s++) {
		if (*s == '.' && !point) {
			point = true;
			n->whole = false;
			continue;
		}
		if (!filter_digit(*s))
			return s;
		if (n->digits > (UINT64_MAX - (uint64_t)(*s - '0')) / 10)
			return NULL;
		n->digits = 10 * n->digits + (uint64_t)(*s - '0');
		n->exponent -= point;
	}
}

/* e and a number, or nothing. */
static const char *filter_exponent(const char *s, struct filter_number *n)
{
	bool negative = s[1] == '-';
	const char *digit = s + 1 + (s[1] == '-' || s[1] == '+');
	int e = 0;

	if ((*s | 32) != 'e' || !filter_digit(*digit))
		return s;
	for (; filter_digit(*digit); digit++)
		e = e > 9999 ? e : 10 * e + (*digit - '0');
	n->exponent += negative ? -e : e;
	n->whole = false;
	return digit;
}

static int filter_number(struct filter_parser *p, struct filter_number *n)
{
	const char *s, *end;

	*n = (struct filter_number){ .whole = true };
	filter_skip(p);
	s = p->at + (*p->at == '-');
	n->negative = s != p->at;
	if (!filter_digit(s[*s == '.']))
		return filter_expected(p, "a number");
	if (*s == '0' && (s[1] | 32) == 'x')
		end = filter_hex(s + 2, &n->digits);
	else if (*s == '0' && filter_digit(s[1]))
		return filter_expected(p, "a decimal number, or 0x and a"
				       " hexadecimal one,");
	else
		end = filter_decimal(s, n);
	if (!end)
		return filter_expected(p, "a number of at most 64 bits");
	end = (s[1] | 32) == 'x' ? end : filter_exponent(end, n);
	if (filter_letter(*end) || filter_digit(*end) || *end == '.' ||
	    (end == s + 2 && (s[1] | 32) == 'x'))
		return filter_expected(p, "a number");
	p->at = end;
	return 0;
}

/* Of every and limit. */
static int filter_count(struct filter_parser *p, uint32_t *count)
{
	const char *at;
	struct filter_number n;
	int r;

	filter_skip(p);
	at = p->at;
	r = filter_number(p, &n);
	if (r)
		return r;
	if (!n.whole || n.negative || !n.digits || n.digits > 1000000000)
		return filter_say(p, -EINVAL, at, "a number from 1 to 1000000000"
				  " was expected");
	*count = (uint32_t)n.digits;
	return 0;
}

/* ---- texts -------------------------------------------------------------- */

static void filter_put(struct sj_filter_build *b, char c)
{
	b->text[b->head.n_text++] = c;
}

/* The byte that stands behind a backslash, at *s, which is behind it then. */
static char filter_escaped(const char **s)
{
	char c = *(*s)++;
	uint64_t hex = 0;
	char digits[3] = "";

	if (c == 'n')
		return '\n';
	if (c == 't')
		return '\t';
	if (c != 'x')
		return c;
	digits[0] = (*s)[0];
	digits[1] = digits[0] ? (*s)[1] : '\0';
	if (filter_hex(digits, &hex) != digits + 2)
		return c;
	*s += 2;
	return (char)hex;
}

/* It has been taken over; is every set closed? */
static const char *filter_sets_end(const char *s, const char *end)
{
	for (; s < end; s++) {
		const char *begin = s;

		if (*s == '\\') {
			s++;
			continue;
		}
		if (*s != '[')
			continue;
		s += 1 + (s + 1 < end && s[1] == '!');
		do {		/* the first is of the set, also a ] */
			s += s < end && *s == '\\';
			s++;
		} while (s < end && *s != ']');
		if (s >= end)
			return begin;
	}
	return NULL;
}

/*
 * In quotes, or a word.  glob: what is escaped keeps a backslash, so that the
 * rest has its meaning.
 */
static int filter_text(struct filter_parser *p, struct sj_filter_test *t,
		       bool glob)
{
	struct sj_filter_build *b = p->build;
	const char *s = p->at, *begin = s;
	size_t word = filter_word(s);
	char quote = *s;

	t->value = b->head.n_text;
	if (word) {
		for (p->at += word; s < p->at; s++)
			filter_put(b, *s);
	} else if (quote != '"' && quote != '\'') {
		return filter_expected(p, "a text in quotes, or a word,");
	} else {
		for (s++; *s && *s != quote; ) {
			bool escaped = *s == '\\' && s[1];

			if (escaped && glob)
				filter_put(b, '\\');
			s += escaped;
			filter_put(b, escaped ? filter_escaped(&s) : *s++);
		}
		if (!*s)
			return filter_say(p, -EINVAL, begin, "a text begins that"
					  " has no end: %c was expected", quote);
		p->at = s + 1;
	}
	t->length = (uint16_t)(b->head.n_text - t->value);
	if (glob && filter_sets_end(b->text + t->value,
				    b->text + b->head.n_text))
		return filter_say(p, -EINVAL, begin, "a [ has no end: ] was"
				  " expected");
	return 0;
}

/* ---- a comparison ------------------------------------------------------- */

/* The field of that name; false: there is none. */
static bool filter_find(const struct side_jmp_event_desc *desc,
			const char *name, size_t n, struct sj_field_at *at,
			uint8_t *number)
{
	*at = sj_fields(desc);
	for (*number = 0; sj_next_field(at); ++*number)
		if (filter_is(name, n, at->name))
			return true;
	return false;
}

static const char filter_names[FILTER_OPS][3] = {
	"==", "!=", "<", "<=", ">", ">=", "&", "~",
};

/* The longest that stands there; not the first half of &&. */
static int filter_operator(struct filter_parser *p, uint8_t *op)
{
	size_t best = 0;

	filter_skip(p);
	for (uint8_t i = 0; i < FILTER_OPS; i++) {
		size_t n = strlen(filter_names[i]);

		if (n > best && !strncmp(p->at, filter_names[i], n)) {
			best = n;
			*op = i;
		}
	}
	if (!best || (*op == FILTER_AND && p->at[1] == '&'))
		return filter_expected(p, "==, !=, <, <=, >, >=, & or ~");
	p->at += best;
	return 0;
}

static bool filter_is_bytes(const struct side_jmp_field *field)
{
	return field->kind == SIDE_JMP_STRING || field->kind == SIDE_JMP_CHARS ||
	       ((field->kind == SIDE_JMP_ARRAY || field->kind == SIDE_JMP_SEQ) &&
		field->elem == SIDE_JMP_BYTE);
}

/* Bits of the operators that a field has; 0: it can't be compared. */
static unsigned filter_ops_of(const struct side_jmp_field *field)
{
	enum {
		ORDER = 1 << FILTER_EQ | 1 << FILTER_NE | 1 << FILTER_LT |
			1 << FILTER_LE | 1 << FILTER_GT | 1 << FILTER_GE,
		BYTES = 1 << FILTER_EQ | 1 << FILTER_NE | 1 << FILTER_GLOB,
	};

	return filter_is_bytes(field) ? BYTES :
	       field->kind == SIDE_JMP_FLOAT ? ORDER :
	       field->kind >= SIDE_JMP_STRING ? 0 : ORDER | 1 << FILTER_AND;
}

static const char *filter_type(const struct side_jmp_field *field)
{
	return filter_is_bytes(field) ? "a text or bytes, which takes ==, != and"
					" ~" :
	       field->kind == SIDE_JMP_FLOAT ? "a floating point number, which"
					" takes ==, !=, <, <=, > and >=" :
	       field->kind == SIDE_JMP_ENUM ? "an enum, which takes ==, !=, <,"
					" <=, >, >= and &" :
	       field->kind == SIDE_JMP_POINTER ? "a pointer, which takes ==, !=,"
					" <, <=, >, >= and &" :
	       field->kind >= SIDE_JMP_STRING ? "an array, which can't be"
					" compared with one value" :
	       "an integer, which takes ==, !=, <, <=, >, >= and &";
}

/* By one of its labels; it may be that of several values. */
static int filter_label(const struct filter_parser *p, const char *at,
			const struct sj_field_at *field,
			struct sj_filter_test *t)
{
	const char *label = field->labels, *text = p->build->text + t->value;
	unsigned found = 0;
	int64_t value = 0;

	for (uint32_t i = 0; i < field->field->count; i++) {
		if (filter_is(text, t->length, label) &&
		    (!found || value != field->values[i])) {
			value = field->values[i];
			found++;
		}
		label = side_jmp_event_next_text(label);
	}
	if (found != 1)
		return filter_say(p, -EINVAL, at, "%s \"%.*s\" in the enum %.60s of"
			" %.40s:%.40s", found ? "several values are called" :
			"no value is called", (int)(t->length < 40 ? t->length :
			40), text, field->name,
			side_jmp_event_provider(p->desc),
			side_jmp_event_name(p->desc));
	p->build->head.n_text = (uint32_t)t->value;
	t->value = (uint64_t)value;
	return 0;
}

/* Whatever the field holds, it is the same: the number is beyond its range. */
static void filter_beyond(struct sj_filter_test *t, bool above)
{
	t->kind = FILTER_CONSTANT;
	t->value = t->op == FILTER_NE ||
		   (above ? t->op == FILTER_LT || t->op == FILTER_LE :
			    t->op == FILTER_GT || t->op == FILTER_GE);
}

/* Its bits as they are, for &; or so that they compare. */
static void filter_integer(struct sj_filter_test *t, uint8_t elem,
			   const struct filter_number *n)
{
	uint64_t bits = n->negative ? -n->digits : n->digits;
	bool is_signed = SIDE_JMP_ELEM_SIGNED_(elem);

	t->kind = is_signed && t->op != FILTER_AND ? FILTER_SIGNED :
						      FILTER_UNSIGNED;
	t->value = t->kind == FILTER_SIGNED ? bits ^ FILTER_SIGN : bits;
	if (t->op == FILTER_AND)
		return;
	if (n->negative && n->digits &&
	    (!is_signed || n->digits > FILTER_SIGN))
		filter_beyond(t, false);
	else if (!n->negative && is_signed && n->digits >= FILTER_SIGN)
		filter_beyond(t, true);
}

static int filter_real(const struct filter_parser *p, const char *at,
		       struct sj_filter_test *t, uint8_t elem,
		       const struct filter_number *n)
{
	uint64_t bits;

	if (!sj_read_double(n->digits, n->exponent, elem == SIDE_JMP_F32, &bits))
		return filter_say(p, -EINVAL, at, "the number is beyond the range"
				  " of %s", elem == SIDE_JMP_F32 ? "float" :
				  "double");
	t->kind = FILTER_REAL;
	t->value = filter_order(n->negative ? bits | FILTER_SIGN : bits);
	return 0;
}

/* Against a field of this event. */
static int filter_value(struct filter_parser *p, const struct sj_field_at *field,
			struct sj_filter_test *t)
{
	const char *at = p->at;
	struct filter_number n;
	int r;

	if (filter_is_bytes(field->field)) {
		t->kind = FILTER_BYTES;
		return filter_text(p, t, t->op == FILTER_GLOB);
	}
	if (field->field->kind == SIDE_JMP_ENUM && *at != '-' &&
	    !filter_digit(*at)) {
		struct filter_number label = { .whole = true };

		r = filter_text(p, t, false);
		if (!r)
			r = filter_label(p, at, field, t);
		label.negative = (int64_t)t->value < 0;
		label.digits = label.negative ? -t->value : t->value;
		if (!r)
			filter_integer(t, field->field->elem, &label);
		return r;
	}
	if (!filter_digit(*at) && *at != '-' && *at != '.')
		return filter_unfit(p, at, field->name,
				    field->field->kind == SIDE_JMP_FLOAT ?
				    "a floating point number" : "an integer",
				    ": a number was expected");
	r = filter_number(p, &n);
	if (r)
		return r;
	if (field->field->kind == SIDE_JMP_FLOAT)
		return filter_real(p, at, t, field->field->elem, &n);
	if (!n.whole)
		return filter_unfit(p, at, field->name, "an integer",
				    ": a whole number was expected");
	filter_integer(t, field->field->elem, &n);
	return 0;
}

/* Of no event in particular: what it may be. */
static int filter_any_value(struct filter_parser *p, struct sj_filter_test *t)
{
	struct filter_number n;

	if (*p->at == '"' || *p->at == '\'' || filter_letter(*p->at) ||
	    t->op == FILTER_GLOB)
		return filter_text(p, t, t->op == FILTER_GLOB);
	if (*p->at == '-' || *p->at == '.' || filter_digit(*p->at))
		return filter_number(p, &n);
	return filter_expected(p, "a number, a text in quotes or a word");
}

/* The field, and does it have that operator? */
static int filter_field(struct filter_parser *p, struct sj_filter_test *t,
			struct sj_field_at *field)
{
	const char *name = p->at, *at;
	size_t n = filter_word(name);
	bool found;
	int r;

	if (!n)
		return filter_expected(p, "a field, ! or (");
	p->at += n;
	filter_skip(p);
	at = p->at;
	r = filter_operator(p, &t->op);
	filter_skip(p);
	if (r || !p->desc)
		return r;
	found = filter_find(p->desc, name, n, field, &t->field);
	if (!found)
		return filter_say(p, -EINVAL, name, "%.40s:%.40s has no field"
			" \"%.*s\"", side_jmp_event_provider(p->desc),
			side_jmp_event_name(p->desc), (int)(n < 60 ? n : 60),
			name);
	if (!(filter_ops_of(field->field) >> t->op & 1))
		return filter_unfit(p, at, field->name,
				    filter_type(field->field), "");
	return 0;
}

static int filter_comparison(struct filter_parser *p, struct filter_piece *piece)
{
	struct sj_filter *head = &p->build->head;
	struct sj_filter_test *t = &p->build->test[head->n_tests];
	struct sj_field_at field = { .field = NULL };
	int r;

	if (head->n_tests == SJ_FILTER_TESTS)
		return filter_say(p, -E2BIG, p->at, "a comparison more than %d",
				  SJ_FILTER_TESTS);
	*t = (struct sj_filter_test){ .on = { FILTER_NONE, FILTER_NONE } };
	r = filter_field(p, t, &field);
	if (r)
		return r;
	r = p->desc ? filter_value(p, &field, t) : filter_any_value(p, t);
	if (r)
		return r;
	piece->jumps[0] = (uint8_t)(2 * head->n_tests);
	piece->jumps[1] = (uint8_t)(2 * head->n_tests + 1);
	head->n_tests++;
	return 0;
}

/* ---- an expression ------------------------------------------------------ */

static uint8_t *filter_jump(struct sj_filter_build *b, uint8_t jump)
{
	return &b->test[jump / 2].on[jump % 2];
}

/* All of the list go there. */
static void filter_decide(struct sj_filter_build *b, uint8_t list, uint8_t to)
{
	while (list != FILTER_NONE) {
		uint8_t *jump = filter_jump(b, list);

		list = *jump;
		*jump = to;
	}
}

static uint8_t filter_join(struct sj_filter_build *b, uint8_t list, uint8_t other)
{
	uint8_t *end = &list;

	while (*end != FILTER_NONE)
		end = filter_jump(b, *end);
	*end = other;
	return list;
}

static int filter_push(struct filter_parser *p, char what,
		       const struct filter_piece *left)
{
	if (p->n_open == SJ_FILTER_DEPTH)
		return filter_say(p, -E2BIG, p->at, "an operator or parenthesis"
				  " more than %d open ones", SJ_FILTER_DEPTH);
	p->open[p->n_open++] = (struct filter_open){ what, *left };
	return 0;
}

static char filter_top(const struct filter_parser *p)
{
	return p->n_open ? p->open[p->n_open - 1].what : '\0';
}

/* Those on top that are among `what` have their right side: the piece. */
static void filter_reduce(struct filter_parser *p, const char *what,
			  struct filter_piece *piece)
{
	while (filter_top(p) && strchr(what, filter_top(p))) {
		const struct filter_open *o = &p->open[--p->n_open];
		unsigned early = o->what == '|';	/* it is decided by */

		if (o->what == '!') {
			uint8_t no = piece->jumps[0];

			piece->jumps[0] = piece->jumps[1];
			piece->jumps[1] = no;
			continue;
		}
		piece->jumps[early] = filter_join(p->build,
						  o->left.jumps[early],
						  piece->jumps[early]);
	}
}

/* ! and ( that stand before a comparison, and that. */
static int filter_operand(struct filter_parser *p, struct filter_piece *piece)
{
	for (;;) {
		int r;

		filter_skip(p);
		if (*p->at != '!' && *p->at != '(')
			return filter_comparison(p, piece);
		r = filter_push(p, *p->at, &(struct filter_piece){ { 0 } });
		if (r)
			return r;
		p->at++;
	}
}

/* After an operand: 1, another one follows; 0, the expression has ended. */
static int filter_after(struct filter_parser *p, struct filter_piece *piece)
{
	for (;;) {
		bool both, either;
		int r;

		filter_reduce(p, "!", piece);
		filter_skip(p);
		both = !strncmp(p->at, "&&", 2);
		either = !strncmp(p->at, "||", 2);
		filter_reduce(p, both ? "&" : "&|", piece);
		if (both || either) {
			/* The right side is looked at where that is not enough. */
			filter_decide(p->build, piece->jumps[both],
				      (uint8_t)p->build->head.n_tests);
			p->at += 2;
			r = filter_push(p, both ? '&' : '|', piece);
			return r ? r : 1;
		}
		if (filter_top(p) != '(')
			return 0;
		if (*p->at != ')')
			return filter_expected(p, "&&, || or )");
		p->at++;
		p->n_open--;
	}
}

static int filter_expression(struct filter_parser *p)
{
	struct filter_piece piece = { { FILTER_NONE, FILTER_NONE } };
	int r;

	do {
		r = filter_operand(p, &piece);
		if (!r)
			r = filter_after(p, &piece);
	} while (r == 1);
	if (r)
		return r;
	filter_decide(p->build, piece.jumps[0], FILTER_NO);
	filter_decide(p->build, piece.jumps[1], FILTER_YES);
	return 0;
}

/* ---- all of it ---------------------------------------------------------- */

static int filter_limit(struct filter_parser *p)
{
	static const struct { char unit; uint32_t seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 },
	};
	int r = filter_count(p, &p->build->head.limit);

	if (r)
		return r;
	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (*p->at == '/' && p->at[1] == units[i].unit &&
		    !filter_word(p->at + 2) && !filter_digit(p->at[2])) {
			p->build->head.period = units[i].seconds *
						UINT64_C(1000000000);
			p->at += 2;
			return 0;
		}
	return filter_expected(p, "/s, /m or /h");
}

int sj_filter_compile(struct sj_filter_build *build, const char *item,
		      unsigned at, const struct side_jmp_event_desc *desc,
		      char why[SJ_FILTER_WHY])
{
	struct filter_parser p = {
		.item = item, .at = item + at, .desc = desc, .build = build,
		.why = why,
	};
	bool condition, every, limit;
	int r = 0;

	build->head = (struct sj_filter){ 0 };
	condition = filter_next_is(&p, "if");
	if (condition)
		r = filter_expression(&p);
	every = !r && filter_next_is(&p, "every");
	if (every)
		r = filter_count(&p, &build->head.every);
	limit = !r && filter_next_is(&p, "limit");
	if (limit)
		r = filter_limit(&p);
	if (r)
		return r;
	filter_skip(&p);
	if (*p.at || !(condition || every || limit))
		return filter_expected(&p, limit ? "the end, or a comma," :
			every ? "limit, or a comma," : condition ?
			"&&, ||, every, limit or a comma" :
			"if, every, limit or a comma");
	return 0;
}

static size_t filter_tests_size(const struct sj_filter *f)
{
	return f->n_tests * sizeof(struct sj_filter_test);
}

size_t sj_filter_size(const struct sj_filter *filter)
{
	return sizeof(*filter) + filter_tests_size(filter) + filter->n_text;
}

void sj_filter_store(const struct sj_filter_build *build, struct sj_filter *to)
{
	char *at = (char *)(to + 1);
	size_t tests = filter_tests_size(&build->head);

	*to = build->head;
	__builtin_memcpy(at, build->test, tests);
	__builtin_memcpy(at + tests, build->text, build->head.n_text);
}
