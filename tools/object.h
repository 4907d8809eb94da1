/* SPDX-License-Identifier: MIT */
/*
 * What a relocatable object says of side_jmp before it is linked: how many
 * sites, for which keys, and its events.  A site has no address yet, and is in
 * no state.
 */
#ifndef TOOLS_OBJECT_H
#define TOOLS_OBJECT_H

#include "tools/table.h"

struct object {
	struct table table;	/* without sites; keys as key.name and .sites,
				   external: of another object */
	uint64_t n_sites;
};

/* im: of image_object().  Never fails: what can't be read is not there. */
void object_load(struct object *o, const struct image *im);
void object_free(struct object *o);

#endif
