/* SPDX-License-Identifier: MIT */
/*
 * Which bytes of a file have to change so that the sites of some keys are idle
 * or armed in it.  Works in memory; writes no file.
 */
#ifndef TOOLS_PREPARE_H
#define TOOLS_PREPARE_H

#include "tools/table.h"

struct wish {
	const char *patterns;		/* "provider:name,key,..." */
	enum side_jmp_state state;	/* armed or idle */
};

struct edit {
	uint64_t offset;		/* in the file */
	uint8_t len;
	uint8_t bytes[SIDE_JMP_INSN_MAX];
};

struct plan {
	struct edit *edits;
	size_t n_edits;
	uint8_t *states;		/* of each site, afterwards */
	uint64_t armed, idled, kept;	/* sites */
};

/*
 * Of several wishes for a key the last one holds.  events: keys of events may
 * be made idle.  0, or -1 and a sentence in `why`: a pattern is malformed or
 * matches nothing, the table does not pass check_table(), the file is not one
 * that can be prepared.  Then there is nothing to free.
 */
int prepare_plan(const struct table *t, const struct wish *wishes, size_t n,
		 bool events, struct plan *plan, char why[WHY_MAX]);

/*
 * Make the edits in the image's bytes, which have to be ours to change
 * (image_open() copies them), and read it all back: 0, or -1 and why, if it
 * is not then a file whose sites are as planned (bytes of a site that are also
 * bytes of a header, say).  Afterwards the table is good for freeing only.
 */
int prepare_apply(const struct table *t, const struct plan *plan,
		  char why[WHY_MAX]);
void prepare_free(struct plan *plan);

#endif
