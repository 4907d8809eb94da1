/* SPDX-License-Identifier: MIT */
/*
 * An event as a line of text:
 *
 *	seconds.nanoseconds tid provider:name field=value...
 *
 * Whatever strings hold, a line stays one line and its fields can be told
 * apart: strings are in double quotes with ", \ and everything but printable
 * ASCII and UTF-8 escaped as C does.
 */
#define _GNU_SOURCE
#include <string.h>

#include "runtime/events/events.h"

static void put_hex_byte(struct sj_text *t, unsigned char c)
{
	sj_text_char(t, "0123456789abcdef"[c >> 4]);
	sj_text_char(t, "0123456789abcdef"[c & 15]);
}

static void put_quoted_char(struct sj_text *t, unsigned char c)
{
	if (c == '"' || c == '\\') {
		sj_text_char(t, '\\');
		sj_text_char(t, (char)c);
	} else if (c == '\n' || c == '\t') {
		sj_text_char(t, '\\');
		sj_text_char(t, c == '\n' ? 'n' : 't');
	} else if (c < 0x20 || c == 0x7f) {
		sj_text_string(t, "\\x");
		put_hex_byte(t, c);
	} else {
		sj_text_char(t, (char)c);
	}
}

static void put_quoted(struct sj_text *t, const char *s, size_t n)
{
	sj_text_char(t, '"');
	for (size_t i = 0; i < n && s[i] && !t->full; i++)
		put_quoted_char(t, (unsigned char)s[i]);
	sj_text_char(t, '"');
}

static bool is_word(const char *s)
{
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || strchr("_-.", *s)))
			return false;
	return true;
}

static void put_label(struct sj_text *t, const char *label)
{
	if (is_word(label))
		sj_text_string(t, label);
	else
		put_quoted(t, label, strlen(label));
}

/* `label` is the enum's first one. */
static void put_enum(struct sj_text *t, const struct side_jmp_field *field,
		     int64_t v, const int64_t *values, const char *label)
{
	for (uint32_t i = 0; i < field->count; i++) {
		if (values[i] == v) {
			put_label(t, label);
			return;
		}
		label = side_jmp_event_next_text(label);
	}
	sj_text_signed(t, v);
}

static void put_element(struct sj_text *t, unsigned elem, const void *data,
			size_t i)
{
	switch (elem) {
	case SIDE_JMP_U8: sj_text_unsigned(t, ((const uint8_t *)data)[i]); break;
	case SIDE_JMP_U16: sj_text_unsigned(t, ((const uint16_t *)data)[i]); break;
	case SIDE_JMP_U32: sj_text_unsigned(t, ((const uint32_t *)data)[i]); break;
	case SIDE_JMP_U64: sj_text_unsigned(t, ((const uint64_t *)data)[i]); break;
	case SIDE_JMP_S8: sj_text_signed(t, ((const int8_t *)data)[i]); break;
	case SIDE_JMP_S16: sj_text_signed(t, ((const int16_t *)data)[i]); break;
	case SIDE_JMP_S32: sj_text_signed(t, ((const int32_t *)data)[i]); break;
	case SIDE_JMP_S64: sj_text_signed(t, ((const int64_t *)data)[i]); break;
	case SIDE_JMP_F32:
		sj_text_double(t, (double)((const float *)data)[i], true);
		break;
	case SIDE_JMP_F64:
		sj_text_double(t, ((const double *)data)[i], false);
		break;
	default:
		put_hex_byte(t, ((const uint8_t *)data)[i]);
	}
}

static void put_array(struct sj_text *t, unsigned elem,
		      const struct side_jmp_value *v)
{
	bool list = elem != SIDE_JMP_BYTE;

	if (list)
		sj_text_char(t, '[');
	for (size_t i = 0; i < v->count && !t->full; i++) {
		if (list && i)
			sj_text_char(t, ',');
		put_element(t, elem, v->data, i);
	}
	if (list)
		sj_text_char(t, ']');
}

static void put_value(struct sj_text *t, const struct side_jmp_field *field,
		      const struct side_jmp_value *v, const int64_t *values,
		      const char *label)
{
	switch (field->kind) {
	case SIDE_JMP_INT:
		if (SIDE_JMP_ELEM_SIGNED_(field->elem))
			sj_text_signed(t, v->s64);
		else
			sj_text_unsigned(t, v->u64);
		break;
	case SIDE_JMP_FLOAT:
		sj_text_double(t, v->f64, field->elem == SIDE_JMP_F32);
		break;
	case SIDE_JMP_POINTER:
		sj_text_hex(t, v->u64);
		break;
	case SIDE_JMP_ENUM:
		put_enum(t, field, v->s64, values, label);
		break;
	case SIDE_JMP_STRING:
		put_quoted(t, v->data, v->count);
		break;
	case SIDE_JMP_CHARS:
		put_quoted(t, v->data, sj_chars_length(field, v));
		break;
	default:
		put_array(t, field->elem, v);
	}
}

static void put_fields(struct sj_text *t, const struct side_jmp_event_desc *desc,
		       const struct side_jmp_value values[])
{
	const struct side_jmp_field *field = side_jmp_event_fields(desc);
	const int64_t *labels = side_jmp_event_values(desc);
	const char *text = side_jmp_event_doc(desc);

	for (unsigned i = 0; i < desc->n_fields; i++, field++) {
		text = side_jmp_event_next_text(text);
		sj_text_char(t, ' ');
		sj_text_string(t, text);
		sj_text_char(t, '=');
		put_value(t, field, &values[i], labels,
			  side_jmp_event_next_text(text));
		if (field->kind != SIDE_JMP_ENUM)
			continue;
		labels += field->count;
		for (uint32_t j = 0; j < field->count; j++)
			text = side_jmp_event_next_text(text);
	}
}

static void put_time(struct sj_text *t, uint64_t ns)
{
	uint64_t below = ns % 1000000000;

	sj_text_unsigned(t, ns / 1000000000);
	sj_text_char(t, '.');
	for (uint64_t digit = 100000000; digit; digit /= 10)
		sj_text_char(t, (char)('0' + below / digit % 10));
}

size_t sj_text_line(char line[SJ_LINE_MAX], const struct side_jmp_event *event,
		    const struct side_jmp_value values[])
{
	static const char cut[] = "...\n";
	struct sj_text t = { line, line + SJ_LINE_MAX - sizeof(cut), false };

	put_time(&t, sj_now());
	sj_text_char(&t, ' ');
	sj_text_unsigned(&t, (uint64_t)sj_tid());
	sj_text_char(&t, ' ');
	sj_text_string(&t, side_jmp_event_provider(event->desc));
	sj_text_char(&t, ':');
	sj_text_string(&t, side_jmp_event_name(event->desc));
	put_fields(&t, event->desc, values);
	t.end = line + SJ_LINE_MAX;
	sj_text_string(&t, t.full ? cut : cut + 3);
	return (size_t)(t.at - line);
}
