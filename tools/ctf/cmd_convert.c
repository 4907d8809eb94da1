/* SPDX-License-Identifier: MIT */
/*
 * side-jmp convert: a trace in the Trace Event Format, which Perfetto and
 * Chrome show.
 *
 * Written as it is read; what is kept is the spans that are open, with their
 * fields, and which threads were named.  A span is written when its end is
 * known, as one complete event (X): a pair of B and E that lacks one would
 * take another's. So events do not come in the order of time, which the format
 * allows.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/base.h"
#include "tools/ctf/command.h"
#include "tools/ctf/ctf.h"
#include "tools/ctf/quote.h"
#include "tools/ctf/spans.h"
#include "tools/ctf/threads.h"
#include "tools/memory.h"
#include "tools/side-jmp.h"

static struct {
	FILE *to;
	bool begun;
	uint64_t begin;			/* ns: what times are counted from */
	const char *comma;
	struct spans *spans;
	struct threads named;
} convert;

/* ---- values ------------------------------------------------------------- */

enum { EXACT = 53 };			/* bits of an integer in a double */

static void put_unsigned(FILE *to, uint64_t v)
{
	const char *quote = v > UINT64_C(1) << EXACT ? "\"" : "";

	fprintf(to, "%s%" PRIu64 "%s", quote, v, quote);
}

static void put_signed(FILE *to, int64_t v)
{
	uint64_t size = v < 0 ? -(uint64_t)v : (uint64_t)v;
	const char *quote = size > UINT64_C(1) << EXACT ? "\"" : "";

	fprintf(to, "%s%" PRId64 "%s", quote, v, quote);
}

/* JSON has no number for what is not finite. */
static void put_real(FILE *to, double v, bool is_float)
{
	char digits[40];
	struct sj_text text = { digits, digits + sizeof(digits) - 1, false };

	if (isnan(v))
		fputs("\"NaN\"", to);
	else if (isinf(v))
		fputs(v < 0 ? "\"-Infinity\"" : "\"Infinity\"", to);
	else {
		sj_text_double(&text, v, is_float);
		*text.at = '\0';
		fputs(digits, to);
	}
}

static bool is_hex(const bt_field *field)
{
	return bt_field_class_integer_get_preferred_display_base(
			bt_field_borrow_class_const(field)) ==
	       BT_FIELD_CLASS_INTEGER_PREFERRED_DISPLAY_BASE_HEXADECIMAL;
}

/* Arrays of bytes are numbers, of addresses not. */
static bool is_byte(const bt_field *field)
{
	return bt_field_class_integer_get_field_value_range(
			bt_field_borrow_class_const(field)) <= 8;
}

/* An enumeration's label, where there is just one. */
static bool put_label(FILE *to, const bt_field *field, bool is_signed)
{
	bt_field_class_enumeration_mapping_label_array labels;
	uint64_t n = 0;
	int r = is_signed ?
		(int)bt_field_enumeration_signed_get_mapping_labels(field, &labels, &n) :
		(int)bt_field_enumeration_unsigned_get_mapping_labels(field, &labels, &n);

	if (r || n != 1)
		return false;
	quote_json(to, labels[0]);
	return true;
}

static void put_integer(FILE *to, const bt_field *field, bt_field_class_type type,
			bool in_array)
{
	bool is_signed = bt_field_class_type_is(type,
						BT_FIELD_CLASS_TYPE_SIGNED_INTEGER);

	if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_ENUMERATION) &&
	    put_label(to, field, is_signed))
		return;
	if (is_signed)
		put_signed(to, bt_field_integer_signed_get_value(field));
	else if (is_hex(field) && (!in_array || !is_byte(field)))
		fprintf(to, "\"0x%" PRIx64 "\"",
			bt_field_integer_unsigned_get_value(field));
	else
		put_unsigned(to, bt_field_integer_unsigned_get_value(field));
}

static void put_field(FILE *to, const bt_field *field, bool in_array);

static void put_array(FILE *to, const bt_field *field)
{
	putc('[', to);
	for (uint64_t i = 0; i < bt_field_array_get_length(field); i++) {
		if (i)
			putc(',', to);
		put_field(to, bt_field_array_borrow_element_field_by_index_const(field,
									      i), true);
	}
	putc(']', to);
}

static const char *member_name(const bt_field_class *structure, uint64_t i)
{
	return bt_field_class_structure_member_get_name(
		bt_field_class_structure_borrow_member_by_index_const(structure, i));
}

/* What CTF has before a sequence, which says its own length: _NAME_length. */
static bool is_length(const bt_field_class *structure, uint64_t i, uint64_t n)
{
	const char *name = member_name(structure, i), *of;
	size_t length;

	if (i + 1 >= n || *name != '_')
		return false;
	of = member_name(structure, i + 1);
	length = strlen(of);
	return !strncmp(name + 1, of, length) && !strcmp(name + 1 + length, "_length");
}

/* Of these, what is shown elsewhere. */
enum skip { SKIP_NONE, SKIP_SPAN, SKIP_THREAD };

static bool is_skipped(const bt_field_class *structure, uint64_t i, uint64_t n,
		       enum skip skip)
{
	const char *name = member_name(structure, i);

	return is_length(structure, i, n) ||
	       (skip == SKIP_SPAN && !i && !strcmp(name, "span")) ||
	       (skip == SKIP_THREAD && (!strcmp(name, "vpid") ||
					!strcmp(name, "vtid")));
}

/* Each behind a comma, but for the first of all.  Returns how many. */
static unsigned put_members(FILE *to, const bt_field *field, enum skip skip)
{
	const bt_field_class *class = bt_field_borrow_class_const(field);
	uint64_t n = bt_field_class_structure_get_member_count(class);
	unsigned done = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (is_skipped(class, i, n, skip))
			continue;
		fputs(done++ ? "," : "", to);
		quote_json(to, member_name(class, i));
		putc(':', to);
		put_field(to, bt_field_structure_borrow_member_field_by_index_const(field,
										i), false);
	}
	return done;
}

static bool has_context(const struct ctf_event *e)
{
	const bt_field_class *class = e->context ?
				      bt_field_borrow_class_const(e->context) : NULL;
	uint64_t n = class ? bt_field_class_structure_get_member_count(class) : 0, i = 0;

	while (i < n && is_skipped(class, i, n, SKIP_THREAD))
		i++;
	return i < n;
}

/* An event's fields, and its context as one more. */
static void put_event(FILE *to, const struct ctf_event *e, enum skip skip)
{
	unsigned done;

	putc('{', to);
	done = e->fields ? put_members(to, e->fields, skip) : 0;
	if (has_context(e)) {
		fprintf(to, "%s\"context\":{", done ? "," : "");
		(void)put_members(to, e->context, SKIP_THREAD);
		putc('}', to);
	}
	putc('}', to);
}

static void put_field(FILE *to, const bt_field *field, bool in_array)
{
	bt_field_class_type type = bt_field_get_class_type(field);

	if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_INTEGER))
		put_integer(to, field, type, in_array);
	else if (type == BT_FIELD_CLASS_TYPE_SINGLE_PRECISION_REAL)
		put_real(to, (double)bt_field_real_single_precision_get_value(field), true);
	else if (type == BT_FIELD_CLASS_TYPE_DOUBLE_PRECISION_REAL)
		put_real(to, bt_field_real_double_precision_get_value(field), false);
	else if (type == BT_FIELD_CLASS_TYPE_STRING)
		quote_json(to, bt_field_string_get_value(field));
	else if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_ARRAY))
		put_array(to, field);
	else if (type == BT_FIELD_CLASS_TYPE_STRUCTURE) {
		putc('{', to);
		(void)put_members(to, field, SKIP_NONE);
		putc('}', to);
	} else if (type == BT_FIELD_CLASS_TYPE_BOOL)
		fputs(bt_field_bool_get_value(field) ? "true" : "false", to);
	else
		fputs("null", to);	/* options and variants: not ours */
}

/* ---- events ------------------------------------------------------------- */

/* Microseconds, as the format has them. */
static void put_time(const char *name, uint64_t ns)
{
	fprintf(convert.to, ",\"%s\":%" PRIu64 ".%03u", name, ns / 1000,
		(unsigned)(ns % 1000));
}

static void put_begin(const char *phase, const char *name, const char *extra,
		      int64_t pid, int64_t tid)
{
	fprintf(convert.to, "%s{\"ph\":\"%s\",\"name\":", convert.comma, phase);
	quote_json(convert.to, name);
	fprintf(convert.to, "%s,\"pid\":%" PRId64 ",\"tid\":%" PRId64, extra, pid, tid);
	convert.comma = ",\n";
}

static void put_category(const char *provider)
{
	fputs(",\"cat\":", convert.to);
	quote_json(convert.to, *provider ? provider : "event");
}

static void put_name_of(const char *what, const struct ctf_event *e, int64_t tid)
{
	char *name;

	if (asprintf(&name, tid && tid != e->pid ? "%s %" PRId64 : "%s",
		     *e->program ? e->program : "process", tid) < 0)
		return;
	put_begin("M", what, "", e->pid, tid ? tid : e->pid);
	fputs(",\"args\":{\"name\":", convert.to);
	quote_json(convert.to, name);
	fputs("}}", convert.to);
	free(name);
}

static void name_threads(const struct ctf_event *e)
{
	if (threads_add(&convert.named, e->pid, 0))
		put_name_of("process_name", e, 0);
	if (e->tid && threads_add(&convert.named, e->pid, e->tid))
		put_name_of("thread_name", e, e->tid);
}

static void instant(const struct ctf_event *e, const char *what)
{
	char *name;

	if (asprintf(&name, "%s%s", e->class->name, what) < 0)
		return;
	put_begin("i", name, ",\"s\":\"t\"", e->pid, e->tid);
	put_category(e->class->provider);
	put_time("ts", e->time - convert.begin);
	fputs(",\"args\":", convert.to);
	put_event(convert.to, e, SKIP_NONE);
	putc('}', convert.to);
	free(name);
}

static void counter(const struct ctf_event *e)
{
	bt_field_class_type type = bt_field_get_class_type(e->value);
	double value = 0;

	if (!ctf_number(e->value, &value) || !isfinite(value)) {
		instant(e, "");
		return;
	}
	put_begin("C", e->class->name, "", e->pid, e->tid);
	put_time("ts", e->time - convert.begin);
	fputs(",\"args\":{\"value\":", convert.to);
	/* All digits, as a number: a track is of numbers. */
	if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER))
		fprintf(convert.to, "%" PRIu64,
			bt_field_integer_unsigned_get_value(e->value));
	else if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER))
		fprintf(convert.to, "%" PRId64,
			bt_field_integer_signed_get_value(e->value));
	else
		put_field(convert.to, e->value, false);
	fputs("}}", convert.to);
}

/* ---- spans -------------------------------------------------------------- */

static void put_span(const struct span *s, const char *phase, int64_t tid,
		     uint64_t time)
{
	put_begin(phase, s->name, "", s->pid, tid);
	put_category(s->provider);
	if (span_has_id(s->span))
		fprintf(convert.to, ",\"id2\":{\"local\":\"0x%" PRIx64 "\"}", s->span);
	put_time("ts", time - convert.begin);
}

static void put_args(const struct span *s)
{
	fprintf(convert.to, ",\"args\":%s}", (const char *)s->more);
}

static void begin_span(const struct ctf_event *e)
{
	char *args = NULL;
	size_t size;
	FILE *to;

	if (!e->span) {
		instant(e, " (begin without an end)");
		return;
	}
	to = open_memstream(&args, &size);
	if (to) {
		put_event(to, e, SKIP_SPAN);
		fclose(to);
	}
	spans_begin(convert.spans, e, args ? args : tool_strdup("{}"));
}

static void end_span(const struct ctf_event *e)
{
	struct span s;

	if (!spans_end(convert.spans, e, &s)) {
		instant(e, " (end without a begin)");
		return;
	}
	if (span_has_id(s.span)) {
		put_span(&s, "b", s.tid, s.begun);
		put_args(&s);
		put_span(&s, "e", e->tid, e->time);
		putc('}', convert.to);
	} else {
		put_span(&s, "X", s.tid, s.begun);
		put_time("dur", e->time - s.begun);
		put_args(&s);
	}
	free(s.more);
}

/* One that has no end is shown to the trace's end. */
static void unfinished(const struct span *s, void *arg)
{
	(void)arg;
	put_span(s, span_has_id(s->span) ? "b" : "B", s->tid, s->begun);
	put_args(s);
	free(s->more);
}

/* ---- the command -------------------------------------------------------- */

static void begin_file(uint64_t begin)
{
	convert.begun = true;
	convert.begin = begin;
	fprintf(convert.to, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"begin_ns\":\""
		"%" PRIu64 "\"},\"traceEvents\":[\n", begin);
	convert.comma = "";
}

/* Of a span that ends before what is wanted, nothing is. */
static void forget_span(const struct ctf_event *e)
{
	struct span s;

	if (spans_end(convert.spans, e, &s))
		free(s.more);
}

static void visit(const struct ctf_event *e, void *arg)
{
	(void)arg;
	if (!convert.begun)
		begin_file(e->time);
	if (e->earlier && (e->class->is == CTF_SPAN_END || !e->span)) {
		forget_span(e);
		return;
	}
	name_threads(e);
	switch (e->class->is) {
	case CTF_SPAN_BEGIN: begin_span(e); break;
	case CTF_SPAN_END: end_span(e); break;
	case CTF_COUNTER:
		if (e->value) {
			counter(e);
			break;
		}
		/* fall through */
	default: instant(e, "");
	}
}

static int write_all(struct ctf_seen *seen)
{
	int status;

	convert.to = ctf_command_open();
	if (!convert.to)
		return EXIT_BAD;
	convert.spans = spans_new(unfinished, NULL);
	status = ctf_command_read(visit, NULL, seen);
	if (!convert.begun && status == EXIT_OK)
		begin_file(0);
	spans_free(convert.spans);
	if (convert.begun)
		fputs("\n]}\n", convert.to);
	free(convert.named.slots);
	tool_worse(&status, ctf_command_close(convert.to));
	return status;
}

int cmd_convert(int argc, char **argv)
{
	static const struct ctf_command command = {
		.doc = "Write a CTF trace as JSON for Perfetto"
		       " (https://ui.perfetto.dev) and Chrome.\v"
		       "Spans become slices, counters tracks, other events instants"
		       " with their fields.",
		.run = write_all,
	};

	return ctf_command(&command, argc, argv);
}
