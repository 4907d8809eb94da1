/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing what reads the lines of a traced command: whatever they are, what is
 * shown is fit for a terminal, and what is kept is bounded.
 */
#define _GNU_SOURCE
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lines.h"
#include "tools/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drop(void *count)
{
	free(((struct event_count *)count)->name);
	free(count);
}

static void drop_counts(struct lines *l)
{
	struct event_count **all = lines_sorted(l);
	uint64_t sum = 0;

	for (size_t i = 0; all && all[i]; i++) {
		if (strlen(all[i]->name) > EVENT_NAME_MAX)
			abort();
		sum += all[i]->count;
	}
	if (!all || sum != l->total || l->lost > LOST_MAX)
		abort();
	free(all);
	tdestroy(l->counts, drop);
}

static void must_be_fit(const char *s, size_t left)
{
	for (size_t n; left; s += n, left -= n) {
		n = *s == '\n' ? 1 : text_plain(s, left, NULL);
		if (!n)
			abort();
	}
}

/* The first byte says whether in colours, and how much comes at a time. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lines l = { .out_max = 1 << 16 };
	size_t piece = size ? 1 + (*data >> 1) * 1024u : 1;

	l.colour = size && *data & 1;
	for (size_t at = 0, n; at < size; at += n) {
		n = size - at < piece ? size - at : piece;
		memcpy(buffer_room(&l.in, n), data + at, n);
		l.in.end += n;
		if (lines_take(&l, at + n == size) ||
		    buffer_length(&l.in) > LINE_SHOWN)
			abort();
	}
	if (!l.colour && l.out.data)
		must_be_fit(l.out.data + l.out.start, buffer_length(&l.out));
	drop_counts(&l);
	free(l.in.data);
	free(l.out.data);
	return 0;
}
