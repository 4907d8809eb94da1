/* SPDX-License-Identifier: MIT */
/*
 * The built-in tracer's lines of text, each of which is one write(2):
 *
 *	seconds.nanoseconds tid provider:name field=value...
 *
 * Whatever strings hold, a line stays one line and its fields can be told
 * apart: strings are in double quotes with ", \ and everything but printable
 * ASCII and UTF-8 escaped as C does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/events/events.h"
#include "runtime/events/sink.h"

/* ---- a line ------------------------------------------------------------- */

static void text_hex_byte(struct sj_text *t, unsigned char c)
{
	sj_text_char(t, "0123456789abcdef"[c >> 4]);
	sj_text_char(t, "0123456789abcdef"[c & 15]);
}

static void text_quoted_char(struct sj_text *t, unsigned char c)
{
	if (c == '"' || c == '\\') {
		sj_text_char(t, '\\');
		sj_text_char(t, (char)c);
	} else if (c == '\n' || c == '\t') {
		sj_text_char(t, '\\');
		sj_text_char(t, c == '\n' ? 'n' : 't');
	} else if (c < 0x20 || c == 0x7f) {
		sj_text_string(t, "\\x");
		text_hex_byte(t, c);
	} else {
		sj_text_char(t, (char)c);
	}
}

static void text_quoted(struct sj_text *t, const char *s, size_t n)
{
	sj_text_char(t, '"');
	for (size_t i = 0; i < n && s[i] && !t->full; i++)
		text_quoted_char(t, (unsigned char)s[i]);
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

static void text_time(struct sj_text *t, uint64_t ns)
{
	uint64_t below = ns % 1000000000;

	sj_text_unsigned(t, ns / 1000000000);
	sj_text_char(t, '.');
	for (uint64_t digit = 100000000; digit; digit /= 10)
		sj_text_char(t, (char)('0' + below / digit % 10));
}

enum { TEXT_LINE = 4096 };

/* With its newline; returns its length. */
static size_t text_line(char line[TEXT_LINE],
			const struct side_jmp_event *event,
			const struct side_jmp_value values[],
			const struct sj_origin *origin)
{
	static const char cut[] = "...\n";
	struct sj_text t = { line, line + TEXT_LINE - sizeof(cut), false };

	text_time(&t, origin ? origin->now : sj_now());
	sj_text_char(&t, ' ');
	sj_text_unsigned(&t, (uint64_t)(origin ? origin->tid : sj_tid()));
	sj_text_char(&t, ' ');
	sj_text_string(&t, side_jmp_event_provider(event->desc));
	sj_text_char(&t, ':');
	sj_text_string(&t, side_jmp_event_name(event->desc));
	text_fields(&t, event->desc, values);
	t.end = line + TEXT_LINE;
	sj_text_string(&t, t.full ? cut : cut + 3);
	return (size_t)(t.at - line);
}

/* ---- the file ----------------------------------------------------------- */

/* Set by open and not changed until close: no event is written meanwhile. */
static struct {
	int fd;
	bool plain;			/* a file: never waits, never signals */
	struct sj_file file;		/* fd when it was opened */
	const char *name;
} text_out;

static uint64_t text_unsaid;		/* atomic; events lost */
static uint32_t text_torn;		/* atomic; half a line stands there */

static bool text_still_ours(void)
{
	return text_out.fd == STDERR_FILENO ||
	       sj_file_still(text_out.fd, &text_out.file);
}

/*
 * Whole, at once, or not at all.  A pipe that polls writable takes PIPE_BUF
 * bytes (pipe(7)), and a line is no longer.  A file that is full may take half
 * a line.
 */
static bool text_write_line(const char *line, size_t length)
{
	struct pollfd ready = { .fd = text_out.fd, .events = POLLOUT };
	struct timespec now = { 0, 0 };
	long n;

	if (!text_still_ours())
		return false;
	if (text_out.plain)
		n = sj_file_write(text_out.fd, line, length);
	else if (syscall(SYS_ppoll, &ready, 1, &now, NULL, 0) == 1 &&
		 ready.revents == POLLOUT)
		n = sj_file_write_quietly(text_out.fd, line, length);
	else
		return false;
	if (n > 0 && n < (long)length)
		__atomic_store_n(&text_torn, 1, __ATOMIC_RELAXED);
	return n == (long)length;
}

static void text_forget_lost(void)
{
	__atomic_store_n(&text_unsaid, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&text_torn, 0, __ATOMIC_RELAXED);
}

/* How many events are missing before the next line. */
static bool text_say_lost(void)
{
	uint64_t n = __atomic_exchange_n(&text_unsaid, 0, __ATOMIC_RELAXED);
	uint32_t was_torn;
	char line[80];
	struct sj_text t = { line, line + sizeof(line), false };

	if (!n)
		return true;
	was_torn = __atomic_exchange_n(&text_torn, 0, __ATOMIC_RELAXED);
	if (was_torn)
		sj_text_char(&t, '\n');
	sj_text_string(&t, "side_jmp: ");
	sj_text_unsigned(&t, n);
	sj_text_string(&t, n == 1 ? " event lost\n" : " events lost\n");
	if (text_write_line(line, (size_t)(t.at - line)))
		return true;
	if (was_torn)
		__atomic_store_n(&text_torn, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&text_unsaid, n, __ATOMIC_RELAXED);
	return false;
}

static bool text_write(const struct side_jmp_event *event,
		       const struct side_jmp_value values[],
		       const struct sj_origin *origin)
{
	char line[TEXT_LINE];

	if (text_say_lost() &&
	    text_write_line(line, text_line(line, event, values, origin)))
		return true;
	__atomic_fetch_add(&text_unsaid, 1, __ATOMIC_RELAXED);
	return false;
}

/* ---- opening and closing ------------------------------------------------ */

static bool text_is_plain(void)
{
	struct rlimit limit;
	struct stat st;

	return !fstat(text_out.fd, &st) && S_ISREG(st.st_mode) &&
	       !getrlimit(RLIMIT_FSIZE, &limit) &&
	       limit.rlim_cur == RLIM_INFINITY;
}

static int text_open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
		      O_NOCTTY | O_NONBLOCK, 0666);

	return fd < 0 ? -errno : sj_file_aside(fd);
}

/* `path` is trace.c's, and stays. */
static int text_open(const char *name, uint64_t size, char path[SJ_OUTPUT_NAME])
{
	int r = name ? text_open_file(name) : STDERR_FILENO;

	(void)size;
	if (r < 0)
		return r;
	text_out.fd = r;
	if (!sj_file_note(r, &text_out.file)) {
		r = -errno;
		if (name)
			close(text_out.fd);
		return r;
	}
	text_out.plain = text_is_plain();
	text_out.name = strcpy(path, name ? name : "stderr");
	return 0;
}

/*
 * A reader that is slow, but there, gets some time to hear of it.  Where the
 * output takes nothing any more, stderr does.
 */
static void text_exit(void)
{
	struct pollfd ready = { .fd = text_out.fd, .events = POLLOUT };
	struct timespec patience = { 0, 200000000 };

	if (!__atomic_load_n(&text_unsaid, __ATOMIC_RELAXED))
		return;
	(void)syscall(SYS_ppoll, &ready, 1, &patience, NULL, 0);
	if (!text_say_lost() && text_out.fd != STDERR_FILENO)
		sj_say("%.160s: %llu events lost", text_out.name,
		       (unsigned long long)__atomic_load_n(&text_unsaid,
							   __ATOMIC_RELAXED));
}

static void text_close(void)
{
	text_exit();
	if (text_out.fd != STDERR_FILENO && text_still_ours())
		close(text_out.fd);
	text_forget_lost();
}

const struct sj_output sj_text_output = {
	.open = text_open,
	.close = text_close,
	.write = text_write,
	.after_fork = text_forget_lost,
	.exit = text_exit,
};
