/* SPDX-License-Identifier: MIT */
/*
 * What the sites of a test are, and what they have to be.  Natively, and in a guest, the process
 * patches itself; where it can't (qemu-user) whoever runs the test says
 * SIDE_JMP_EXPECT=none, and then every site has to be armed, always.
 */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdlib.h>
#include <string.h>

#include <side_jmp.h>

static inline bool expect_patching(void)
{
	const char *s = getenv("SIDE_JMP_EXPECT");

	return !s || strcmp(s, "none");
}

static inline uint32_t expect_backend(void)
{
	return expect_patching() ? SIDE_JMP_BACKEND_SELF :
				   SIDE_JMP_BACKEND_NONE;
}

/* How many of n sites that could be idle are. */
static inline uint64_t expect_idle(uint64_t n)
{
	return expect_patching() ? n : 0;
}

/* Of rounds that are all alike, a tenth where all is emulated. */
static inline int expect_rounds(int n)
{
	return expect_patching() ? n : n / 10;
}

static inline struct side_jmp_info info(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	return i;
}

/*
 * Every site belongs to a key that is disabled: all idle, or all armed.  How
 * many there are is the compiler's business, which may duplicate an asm goto.
 */
static inline bool all_sites_rest(void)
{
	struct side_jmp_info i = info();

	return i.sites && i.idle == expect_idle(i.sites) &&
	       i.armed == i.sites - i.idle;
}

/* This program's sites of a key. */
static inline uint64_t sites_of(const struct side_jmp_key *key)
{
	const struct side_jmp_record *r = side_jmp_this_object.start;
	uint64_t n = 0;

	for (; r < side_jmp_this_object.stop; r++)
		n += (intptr_t)&r->key + r->key == (intptr_t)key;
	return n;
}

#endif
