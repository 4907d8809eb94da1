/* SPDX-License-Identifier: MIT */
/*
 * The built-in tracer's lines of text:
 *
 *	seconds.nanoseconds tid provider:name {context=value...} field=value...
 *
 * Whatever strings hold, a line is valid UTF-8 and stays one line, and its fields
 * can be told apart: strings are in double quotes, and what is not UTF-8, is an
 * order to whoever shows it, or is one of " and \ is escaped as C does.
 */
#define _GNU_SOURCE
#include <string.h>

#include "runtime/events/context.h"
#include "runtime/events/events.h"
#include "runtime/events/lines.h"
#include "runtime/events/sink.h"

/* ---- a line ------------------------------------------------------------- */

static void text_hex_byte(struct sj_text *t, unsigned char c)
{
	sj_text_char(t, "0123456789abcdef"[c >> 4]);
	sj_text_char(t, "0123456789abcdef"[c & 15]);
}

/* All of it, or the line is full before. */
static void text_whole(struct sj_text *t, const unsigned char *bytes, size_t n)
{
	if ((size_t)(t->end - t->at) < n)
		t->end = t->at;
	for (size_t i = 0; i < n; i++)
		sj_text_char(t, (char)bytes[i]);
}

/*
 * Orders to a terminal (C0, C1), ends of lines, and what turns the direction of
 * all that follows: U+2028 to U+202E, U+2066 to U+2069.
 */
static bool text_is_order(const unsigned char *c, size_t n)
{
	return n == 1 ? c[0] < 0x20 || c[0] == 0x7f :
	       n == 2 ? c[0] == 0xc2 && c[1] < 0xa0 :
	       n == 3 && c[0] == 0xe2 &&
	       ((c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
		(c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

static void text_escaped(struct sj_text *t, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[4] = { '\\', c };

	if (c == '\n' || c == '\t')
		bytes[1] = c == '\n' ? 'n' : 't';
	if (c == '"' || c == '\\' || c == '\n' || c == '\t') {
		text_whole(t, bytes, 2);
		return;
	}
	bytes[1] = 'x';
	bytes[2] = (unsigned char)digits[c >> 4];
	bytes[3] = (unsigned char)digits[c & 15];
	text_whole(t, bytes, 4);
}

/*
 * One character of at most `left` bytes, or one byte that begins none; 0 at the
 * string's end.  Each byte is read once: another thread may write to them.
 */
static size_t text_character(struct sj_text *t, const volatile char *s,
			     size_t left)
{
	unsigned char c[4];
	size_t read = 0, n;

	do
		c[read] = (unsigned char)s[read];
	while (c[read++] >= 0x80 && read < sizeof(c) && read < left);
	n = sj_utf8_length(c, read);
	if (!c[0])
		return 0;
	if (!n || text_is_order(c, n) || c[0] == '"' || c[0] == '\\') {
		text_escaped(t, c[0]);
		return 1;
	}
	text_whole(t, c, n);
	return n;
}

static void text_quoted(struct sj_text *t, const char *s, size_t n)
{
	size_t done = 1;

	sj_text_char(t, '"');
	for (; n && done && !t->full; s += done, n -= done)
		done = text_character(t, s, n);
	sj_text_char(t, '"');
}

static bool text_is_word(const char *s)
{
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || strchr("_-.", *s)))
			return false;
	return true;
}

static void text_label(struct sj_text *t, const char *label)
{
	if (text_is_word(label))
		sj_text_string(t, label);
	else
		text_quoted(t, label, strlen(label));
}

static void text_enum(struct sj_text *t, const struct sj_field_at *at,
		      int64_t v)
{
	const char *label = at->labels;

	for (uint32_t i = 0; i < at->field->count; i++) {
		if (at->values[i] == v) {
			text_label(t, label);
			return;
		}
		label = side_jmp_event_next_text(label);
	}
	sj_text_signed(t, v);
}

static void text_element(struct sj_text *t, unsigned elem, const void *data,
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
		text_hex_byte(t, ((const uint8_t *)data)[i]);
	}
}

static void text_array(struct sj_text *t, unsigned elem,
		       const struct side_jmp_value *v)
{
	bool list = elem != SIDE_JMP_BYTE;

	if (list)
		sj_text_char(t, '[');
	for (size_t i = 0; i < v->count && !t->full; i++) {
		if (list && i)
			sj_text_char(t, ',');
		text_element(t, elem, v->data, i);
	}
	if (list)
		sj_text_char(t, ']');
}

static void text_value(struct sj_text *t, const struct sj_field_at *at,
		       const struct side_jmp_value *v)
{
	const struct side_jmp_field *field = at->field;

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
		text_enum(t, at, v->s64);
		break;
	case SIDE_JMP_STRING:
		text_quoted(t, v->data, v->count);
		break;
	case SIDE_JMP_CHARS:
		text_quoted(t, v->data, sj_chars_length(field, v));
		break;
	default:
		text_array(t, field->elem, v);
	}
}

static void text_fields(struct sj_text *t,
			const struct side_jmp_event_desc *desc,
			const struct side_jmp_value values[])
{
	struct sj_field_at at = sj_fields(desc);

	while (sj_next_field(&at)) {
		sj_text_char(t, ' ');
		sj_text_string(t, at.name);
		sj_text_char(t, '=');
		text_value(t, &at, values++);
	}
}

static void text_stack(struct sj_text *t, const struct sj_context *c)
{
	sj_text_string(t, "stack=[");
	for (uint32_t i = 0; i < c->n_frames; i++) {
		if (i)
			sj_text_char(t, ',');
		sj_text_hex(t, c->frames[i]);
	}
	sj_text_char(t, ']');
}

/* A name, behind a space if it is not the first. */
static void text_part(struct sj_text *t, const struct sj_context *c,
		      enum sj_context_part part, const char *name)
{
	if (c->parts & (part - 1))
		sj_text_char(t, ' ');
	sj_text_string(t, name);
}

static void text_context(struct sj_text *t, const struct sj_context *c)
{
	sj_text_string(t, " {");
	if (c->parts & SJ_CONTEXT_CPU) {
		text_part(t, c, SJ_CONTEXT_CPU, "cpu=");
		sj_text_unsigned(t, c->cpu);
	}
	if (c->parts & SJ_CONTEXT_COMM) {
		text_part(t, c, SJ_CONTEXT_COMM, "comm=");
		text_quoted(t, c->comm, sizeof(c->comm));
	}
	if (c->parts & SJ_CONTEXT_THREAD_TIME) {
		text_part(t, c, SJ_CONTEXT_THREAD_TIME, "thread_time=");
		sj_text_unsigned(t, c->thread_time);
	}
	if (c->parts & SJ_CONTEXT_STACK) {
		text_part(t, c, SJ_CONTEXT_STACK, "");
		text_stack(t, c);
	}
	sj_text_char(t, '}');
}

static void text_time(struct sj_text *t, uint64_t ns)
{
	uint64_t below = ns % 1000000000;

	sj_text_unsigned(t, ns / 1000000000);
	sj_text_char(t, '.');
	for (uint64_t digit = 100000000; digit; digit /= 10)
		sj_text_char(t, (char)('0' + below / digit % 10));
}

size_t sj_text_line(char line[SJ_TEXT_LINE],
			const struct side_jmp_event *event,
			const struct side_jmp_value values[],
			const struct sj_origin *origin)
{
	static const char cut[] = "...\n";
	struct sj_text t = { line, line + SJ_TEXT_LINE - sizeof(cut), false };

	text_time(&t, origin->now);
	sj_text_char(&t, ' ');
	sj_text_unsigned(&t, (uint64_t)origin->tid);
	sj_text_char(&t, ' ');
	sj_text_string(&t, side_jmp_event_provider(event->desc));
	sj_text_char(&t, ':');
	sj_text_string(&t, side_jmp_event_name(event->desc));
	if (origin->context)
		text_context(&t, origin->context);
	text_fields(&t, event->desc, values);
	t.end = line + SJ_TEXT_LINE;
	sj_text_string(&t, t.full ? cut : cut + 3);
	return (size_t)(t.at - line);
}

/* ---- an output ---------------------------------------------------------- */

static bool text_write(const struct side_jmp_event *event,
		       const struct side_jmp_value values[],
		       const struct sj_origin *origin)
{
	struct sj_origin here = { sj_now(), sj_pid(), sj_tid(), NULL };
	char line[SJ_TEXT_LINE];

	if (origin)
		here.context = origin->context;
	return sj_lines_put(line, sj_text_line(line, event, values,
					       origin && origin->now ?
					       origin : &here), here.now);
}

static bool text_buffered;		/* trace.c's lock */

static bool text_mode(const char *mode)
{
	text_buffered = !strcmp(mode, "buffered");
	return text_buffered;
}

/* `path` is trace.c's, and stays. */
static int text_open(const char *name, const struct sj_output_options *options,
		     char path[SJ_OUTPUT_NAME])
{
	strcpy(path, name ? name : "stderr");
	return sj_lines_open(name ? path : NULL, text_buffered, options);
}

const struct sj_output sj_text_output = {
	.mode = text_mode,
	.open = text_open,
	.close = sj_lines_close,
	.write = text_write,
	.lost = sj_lines_dropped,
	.left_out = sj_lines_left_out,
	.after_fork = sj_lines_after_fork,
	.exit = sj_lines_exit,
};
