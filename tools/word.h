/* SPDX-License-Identifier: MIT */
/* Keys in the memory of a running process, of an object whose file is at hand. */
#ifndef TOOLS_WORD_H
#define TOOLS_WORD_H

#include "runtime/side_jmp.h"
#include "tools/proc.h"
#include "tools/table.h"

/*
 * Where key i of the table is by the file: its address, and (not 0) that of a slot
 * that the loader has filled with it.  Both in the file's addresses.
 */
struct word_place {
	uint64_t addr, slot;
};

/*
 * Keys that may be in another object have a slot with their address; also where
 * the file has such a key of its own, the loader may have chosen another's.
 * `places`: of t->n_keys.
 */
void word_places(const struct table *t, struct word_place *places);
/* Its address in the process, with the object's bias.  0: not known. */
uint64_t word_find(struct process *p, const struct image *im,
		   struct word_place place, uint64_t bias);
/* False: there is no key of a version that is known. */
bool word_read(struct process *p, const struct image *im, uint64_t at,
	       struct side_jmp_key *key, uint64_t *word);

#endif
