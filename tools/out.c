/* SPDX-License-Identifier: MIT */
/* See out.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "tools/out.h"

/* Bytes of the UTF-8 character at s (RFC 3629), or 0: it is none. */
static size_t utf8_length(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 :
		   *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Characters of the sets C0 and C1, which are orders to a terminal. */
static bool is_control(const char *s)
{
	unsigned char c = (unsigned char)*s;

	return c < ' ' || c == 0x7f ||
	       (c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

void put_text_to(FILE *to, const char *s)
{
	while (*s) {
		size_t n = is_control(s) ? 0 : utf8_length(s);

		if (n)
			fwrite(s, 1, n, to);
		else
			fprintf(to, "\\x%02x", (unsigned char)*s);
		s += n ? n : 1;
	}
}

void put_text(const char *s)
{
	put_text_to(stdout, s);
}

bool out_flush(void)
{
	if (!ferror(stdout) && !fflush(stdout))
		return true;
	fprintf(stderr, "side-jmp: can't write the output: %s\n",
		strerror(errno));
	return false;
}

/* ---- JSON ------------------------------------------------------------------- */

static void print(void *to, const char *s, size_t n)
{
	fwrite(s, 1, n, to);
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

static bool is_utf8(const char *s)
{
	size_t n = 1;

	for (; *s && n; s += n)
		n = utf8_length(s);
	return n;
}

static void put_cleaned(struct json *j, const char *s)
{
	char *clean = malloc(3 * strlen(s) + 1), *to = clean;

	for (size_t n; clean && *s; s += n ? n : 1) {
		n = utf8_length(s);
		memcpy(to, n ? s : "\xef\xbf\xbd", n ? n : 3);
		to += n ? n : 3;
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
	else if (is_utf8(s))
		yajl_gen_string((yajl_gen)j, bytes(s), strlen(s));
	else
		put_cleaned(j, s);
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
