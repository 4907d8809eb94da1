/* SPDX-License-Identifier: MIT */
/*
 * Everything that must hold of a table of sites, as the runtime demands it
 * when it takes a table in, and what only the whole file can tell: functions,
 * relocations, alignment.
 */
#ifndef TOOLS_CHECK_H
#define TOOLS_CHECK_H

#include "tools/symbols.h"
#include "tools/table.h"

struct finding {
	const char *rule;		/* a word, documented */
	bool note;			/* of no consequence for the program */
	uint64_t at;
	char expected[WHY_MAX], found[WHY_MAX];
};

typedef void finding_fn(void *arg, const struct finding *finding);

struct check_counts {
	uint64_t findings, notes;
	uint64_t duplicates;		/* exact ones, which are fine */
	uint64_t no_function;		/* sites in no known function */
};

/*
 * strict: notes are findings.  symbols NULL: nothing is asked about functions.
 */
struct check_counts check_table(const struct table *t,
				const struct symbols *symbols, bool strict,
				finding_fn *emit, void *arg);

/* Bytes of an instruction as hex, as many of them as are in the file. */
enum { HEX_MAX = 3 * 16 + 1 };
const char *site_bytes(const struct image *im, uint64_t addr, unsigned len,
		       char out[HEX_MAX]);

#endif
