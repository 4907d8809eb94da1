/* SPDX-License-Identifier: MIT */
/* Where the built-in tracer's lines go; see lines.c. */
#ifndef SIDE_JMP_EVENT_LINES_H
#define SIDE_JMP_EVENT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sj_output_options;

/* name NULL: stderr; else it stays until close.  0 or -errno. */
int sj_lines_open(const char *name, bool buffered,
		  const struct sj_output_options *options);
void sj_lines_close(void);		/* nobody puts any more */
/*
 * One that ends in a newline, whole or not at all, at that time; of at most
 * SJ_TEXT_LINE bytes.  Of any thread, without a lock.  False: it is lost.
 */
bool sj_lines_put(const char *line, size_t n, uint64_t now);
uint64_t sj_lines_dropped(void);	/* true was said of, and lost later */
/*
 * Filters have left out so many events: the last line of a file or FIFO says so.
 * Standard error, which is the program's, hears of none.
 */
void sj_lines_left_out(uint64_t n);
void sj_lines_exit(void);
void sj_lines_after_fork(void);

#endif
