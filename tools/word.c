/* SPDX-License-Identifier: MIT */
/*
 * See word.h.  (Under qemu-user a slot's address is one of the emulated machine.
 * Those of 64-bit machines are the same as ours.)
 */
#define _GNU_SOURCE
#include "tools/word.h"

void word_places(const struct table *t, struct word_place *places)
{
	for (size_t i = 0; i < t->n_keys; i++)
		places[i] = (struct word_place){ t->keys[i].addr, 0 };
	for (size_t i = 0; i < t->n_sites; i++) {
		const struct site *s = &t->sites[i];

		if (s->flags & SIDE_JMP_RECORD_KEY_SLOT && s->key != NO_KEY)
			places[s->key].slot = s->insn.word;
	}
}

uint64_t word_find(struct process *p, const struct image *im,
		   struct word_place place, uint64_t bias)
{
	uint8_t pointer[8];

	if (!place.slot)
		return bias + place.addr;
	return process_read(p, bias + place.slot, pointer, sizeof(pointer)) ?
		image_get64(im, pointer) : 0;
}

bool word_read(struct process *p, const struct image *im, uint64_t at,
	       struct side_jmp_key *key, uint64_t *word)
{
	if (!at || !process_read(p, at, key, sizeof(*key)) ||
	    image_get16(im, (const uint8_t *)&key->version) !=
	    SIDE_JMP_KEY_VERSION)
		return false;
	*word = key->width == 64 ?
		image_get64(im, (const uint8_t *)&key->word64) :
		image_get32(im, (const uint8_t *)&key->word32);
	return true;
}
