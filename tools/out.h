/* SPDX-License-Identifier: MIT */
/*
 * What the tool prints: text for people, in which nothing from a file can move
 * the cursor, and JSON, written as it is made: nothing is collected.
 *
 * In JSON addresses are strings ("0x1234"): not every reader's numbers hold
 * 64 bits.  What is not UTF-8 becomes U+FFFD; what text.h keeps from a terminal
 * is written as \u.
 */
#ifndef TOOLS_OUT_H
#define TOOLS_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A string from outside, made fit by text.h. */
void put_text(const char *s);
void put_text_to(FILE *to, const char *s);

struct json;			/* one value; on stdout */

struct json *json_begin(void);
struct json *json_begin_to(FILE *to);
void json_end(struct json *j);	/* writes the final newline; NULL is fine */

/* `name` is NULL in an array and for the outermost value. */
void json_object(struct json *j, const char *name);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *name);
void json_array_end(struct json *j);
void json_string(struct json *j, const char *name, const char *s); /* or null */
void json_number(struct json *j, const char *name, int64_t n);
void json_unsigned(struct json *j, const char *name, uint64_t n);
void json_address(struct json *j, const char *name, uint64_t addr);
void json_double(struct json *j, const char *name, double d);	/* finite */
void json_bool(struct json *j, const char *name, bool b);

/* Everything written?  Otherwise says so, once, and returns false. */
bool out_flush(void);
/* Right after writing a lot: if that failed, errno still says why. */
void out_note(void);

/* Another file, which is done.  EXIT_OK, or EXIT_BAD: said. */
int out_close(FILE *to, const char *where);

#endif
