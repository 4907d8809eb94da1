/* SPDX-License-Identifier: MIT */
/* See out.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "tools/out.h"
#include "tools/side-jmp.h"
#include "tools/text.h"

void put_text_to(FILE *to, const char *s)
{
	char fit[TEXT_MAX(256)];

	for (size_t n, left = strlen(s); left; s += n, left -= n) {
		n = left < 256 ? left : 256;
		/* No character is torn: none begins in the last three bytes. */
		while (n < left && n > 253 && (s[n] & 0xc0) == 0x80)
			n--;
		fwrite(fit, 1, (size_t)(text_fit(fit, s, n) - fit), to);
	}
}

void put_text(const char *s)
{
	put_text_to(stdout, s);
}

/* Of a stream that failed before, and of which nothing was left to write. */
static const char *why_not_written(void)
{
	return errno ? strerror(errno) : "a part of it is missing";
}

static int out_error;			/* what was noted first */

void out_note(void)
{
	if (!out_error && ferror(stdout))
		out_error = errno;
}

bool out_flush(void)
{
	static bool said;

	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	if (out_error)
		errno = out_error;
	if (!said)
		fprintf(stderr, "side-jmp: can't write the output: %s\n",
			why_not_written());
	said = true;
	return false;
}

int out_close(FILE *to, const char *where)
{
	bool failed = ferror(to);

	errno = 0;
	if (fclose(to) || failed)
		return tool_error(where, "can't write: %s", why_not_written());
	return EXIT_OK;
}

/* ---- JSON ------------------------------------------------------------------- */

/* What must not be shown as it is stands in strings alone, where \u is its name. */
static void print_hidden(FILE *to, uint32_t c)
{
	if (c >= 0x10000)
		fprintf(to, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10),
			0xdc00 | (c & 0x3ff));
	else
		fprintf(to, "\\u%04x", c);
}

static void print(void *to, const char *s, size_t n)
{
	const char *end = s + n, *from = s;
	uint32_t c;

	while (s < end) {
		size_t plain = text_plain(s, (size_t)(end - s), &c);

		if (plain || c < 0x7f) {
			s += plain ? plain : 1;
			continue;
		}
		fwrite(from, 1, (size_t)(s - from), to);
		print_hidden(to, c);
		s += text_utf8(s, (size_t)(end - s));
		from = s;
	}
	fwrite(from, 1, (size_t)(end - from), to);
}

struct json *json_begin(void)
{
	return json_begin_to(stdout);
}

struct json *json_begin_to(FILE *to)
{
	yajl_gen gen = yajl_gen_alloc(NULL);

	if (!gen) {
		fputs("side-jmp: out of memory\n", stderr);
		exit(2);
	}
	yajl_gen_config(gen, yajl_gen_print_callback, print, to);
	yajl_gen_config(gen, yajl_gen_beautify, 1);
	yajl_gen_config(gen, yajl_gen_indent_string, "  ");
	return (struct json *)gen;
}

void json_end(struct json *j)
{
	if (j)
		yajl_gen_free((yajl_gen)j);
}

static const unsigned char *bytes(const char *s)
{
	return (const unsigned char *)s;
}

static bool is_utf8(const char *s, size_t left)
{
	size_t n = 1;

	for (; left && n; s += n, left -= n)
		n = text_utf8(s, left);
	return n;
}

static void put_cleaned(struct json *j, const char *s, size_t left)
{
	char *clean = malloc(3 * left + 1), *to = clean;

	for (size_t n; clean && left; left -= n, s += n) {
		n = text_utf8(s, left);
		to = n ? mempcpy(to, s, n) : mempcpy(to, "\xef\xbf\xbd", 3);
		n += !n;
	}
	if (clean)
		yajl_gen_string((yajl_gen)j, bytes(clean),
				(size_t)(to - clean));
	else
		yajl_gen_null((yajl_gen)j);
	free(clean);
}

static void put_string(struct json *j, const char *s)
{
	if (!s)
		yajl_gen_null((yajl_gen)j);
	else if (is_utf8(s, strlen(s)))
		yajl_gen_string((yajl_gen)j, bytes(s), strlen(s));
	else
		put_cleaned(j, s, strlen(s));
}

static void put_name(struct json *j, const char *name)
{
	if (name)
		put_string(j, name);
}

void json_object(struct json *j, const char *name)
{
	put_name(j, name);
	yajl_gen_map_open((yajl_gen)j);
}

void json_object_end(struct json *j)
{
	yajl_gen_map_close((yajl_gen)j);
}

void json_array(struct json *j, const char *name)
{
	put_name(j, name);
	yajl_gen_array_open((yajl_gen)j);
}

void json_array_end(struct json *j)
{
	yajl_gen_array_close((yajl_gen)j);
}

void json_string(struct json *j, const char *name, const char *s)
{
	put_name(j, name);
	put_string(j, s);
}

void json_number(struct json *j, const char *name, int64_t n)
{
	put_name(j, name);
	yajl_gen_integer((yajl_gen)j, n);
}

void json_unsigned(struct json *j, const char *name, uint64_t n)
{
	char text[24];

	put_name(j, name);
	snprintf(text, sizeof(text), "%" PRIu64, n);
	yajl_gen_number((yajl_gen)j, text, strlen(text));
}

void json_double(struct json *j, const char *name, double d)
{
	char text[64];

	put_name(j, name);
	snprintf(text, sizeof(text), "%.6f", d);
	yajl_gen_number((yajl_gen)j, text, strlen(text));
}

void json_address(struct json *j, const char *name, uint64_t addr)
{
	char text[24];

	snprintf(text, sizeof(text), "%#" PRIx64, addr);
	json_string(j, name, text);
}

void json_bool(struct json *j, const char *name, bool b)
{
	put_name(j, name);
	yajl_gen_bool((yajl_gen)j, b);
}
