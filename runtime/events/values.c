/* SPDX-License-Identifier: MIT */
/*
 * What a callback gets of what a site gave.  All of it in general registers.
 *
 * Strings and copies are short, mostly: those that are not are left to the C
 * library, which is faster then, and needs the vectors kept.
 */
#define _GNU_SOURCE
#include <string.h>

#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/events/events.h"

enum { VALUES_SHORT = 64 };	/* bytes */

/* ---- memory ------------------------------------------------------------- */

struct values_scan {
	const char *at;
	size_t limit, length;
};

struct values_copy {
	void *to;
	const void *from;
	size_t n;
};

SJ_GENERAL_END
static void values_scan(void *arg)
{
	struct values_scan *scan = arg;

	scan->length = scan->limit == SIZE_MAX ? strlen(scan->at) :
						 strnlen(scan->at, scan->limit);
}

static void values_copy(void *arg)
{
	const struct values_copy *copy = arg;

	memcpy(copy->to, copy->from, copy->n);
}
SJ_GENERAL_BEGIN

/* Up to the first 0, at most `limit`, which SIZE_MAX is not. */
static size_t values_length(const char *at, size_t limit)
{
	const char *end = at + (limit < VALUES_SHORT ? limit : VALUES_SHORT);
	const char *p = at;
	struct values_scan scan;
	size_t n;

	while (p < end && *p)
		p++;
	n = (size_t)(p - at);
	if (p < end || n == limit)
		return n;
	scan.at = at + n;
	scan.limit = limit == SIZE_MAX ? limit : limit - n;
	sj_keep_vectors(values_scan, &scan);
	return n + scan.length;
}

/* The compiler would make a call of memcpy() of the loop, and memset() below. */
void sj_copy(char *to, const char *from, size_t n)
{
	struct values_copy copy = { to, from, n };

	if (n > VALUES_SHORT) {
		sj_keep_vectors(values_copy, &copy);
		return;
	}
	for (; n >= 8; n -= 8, to += 8, from += 8) {
		__builtin_memcpy(to, from, 8);
		__asm__ volatile ("" : "+r" (to));
	}
	for (; n; n--) {
		*to++ = *from++;
		__asm__ volatile ("" : "+r" (to));
	}
}

void sj_clear(char *to, size_t n)
{
	for (; n >= 8; n -= 8, to += 8) {
		__builtin_memset(to, 0, 8);
		__asm__ volatile ("" : "+r" (to));
	}
	for (; n; n--) {
		*to++ = 0;
		__asm__ volatile ("" : "+r" (to));
	}
}

/* ---- values ------------------------------------------------------------- */

static void value_of_integer(struct side_jmp_value *value, unsigned elem)
{
	unsigned shift = (unsigned)(64 - 8 * sj_elem_size(elem));

	value->u64 <<= shift;
	if (SIDE_JMP_ELEM_SIGNED_(elem))
		value->s64 >>= shift;
	else
		value->u64 >>= shift;
}

/* At most `limit` bytes, up to the first 0 if there is one. */
static void value_of_text(struct side_jmp_value *value, const void *data,
			  size_t limit)
{
	if (!data) {
		data = "(null)";
		limit = limit < 6 ? limit : 6;
	}
	value->data = data;
	value->count = values_length(data, limit);
}

void sj_value(const struct side_jmp_field *field, uint64_t bits,
	      struct side_jmp_value *value)
{
	const void *at = (const void *)(uintptr_t)bits;
	const struct side_jmp_seq *seq = at;

	value->u64 = bits;
	value->count = 0;
	switch (field->kind) {
	case SIDE_JMP_INT:
	case SIDE_JMP_ENUM:
		value_of_integer(value, field->elem);
		break;
	case SIDE_JMP_STRING:
		if (field->flags & SIDE_JMP_FIELD_COUNTED)
			value_of_text(value, seq->data, seq->count);
		else
			value_of_text(value, at, SIZE_MAX);
		break;
	case SIDE_JMP_CHARS:
		value_of_text(value, at, field->count - 1);
		break;
	case SIDE_JMP_ARRAY:
		value->data = at;
		value->count = field->count;
		break;
	case SIDE_JMP_SEQ:
		value->data = seq->data;
		value->count = seq->count;
		break;
	default:
		break;
	}
}

void sj_values(const struct side_jmp_event_desc *desc, const uint64_t *bits,
	       struct side_jmp_value *values)
{
	const struct side_jmp_field *field = side_jmp_event_fields(desc);

	for (unsigned i = 0; i < desc->n_fields; i++)
		sj_value(&field[i], bits[i], &values[i]);
}

SJ_GENERAL_END
