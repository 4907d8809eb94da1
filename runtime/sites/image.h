/* SPDX-License-Identifier: MIT */
/*
 * What the program headers of a loaded object say.  Reads; must not know of
 * tables, keys or locks.
 */
#ifndef SIDE_JMP_IMAGE_H
#define SIDE_JMP_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A range of memory with its rights. */
struct sj_segment {
	uint64_t start, end;
	uint32_t flags;			/* PF_* */
};

enum { SJ_IMAGE_SEGMENTS = 16 };

struct sj_image {
	char name[160];
	struct sj_segment segments[SJ_IMAGE_SEGMENTS];
	size_t n_segments;
	struct sj_segment relro;	/* read-only once relocated */
	uintptr_t code_lo, code_hi;	/* of all that may be executed */
	bool found;
	bool textrel;			/* its text was relocated */
	bool executable;		/* not a library: never unloaded */
};

/*
 * The object that `inside` points into.  False: no loaded one does; the rest
 * of *im is empty then, but for a name.  Takes the dynamic loader's lock.
 */
bool sj_image_find(const void *inside, struct sj_image *im);
/* Likewise. */
bool sj_image_in_executable(const void *p);

#endif
