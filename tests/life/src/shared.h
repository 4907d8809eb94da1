/* SPDX-License-Identifier: MIT */
/* What the executables and the libraries of these tests share. */
#ifndef SHARED_H
#define SHARED_H

#include <stddef.h>

#include <side_jmp.h>

SIDE_JMP_KEY_EXTERN(shared_key);	/* the executable owns it */

enum { PASSES = 100 };

/* Counted by the executable: flips in constructors and destructors. */
extern int early_flips, late_flips, wrong_flips;

/* What a library offers, by dlsym(). */
struct library {
	int (*own_hits)(void);		/* of PASSES */
	int (*shared_hits)(void);
	struct side_jmp_key *own;
	int (*enable)(struct side_jmp_key *key);
	int (*disable)(struct side_jmp_key *key);
	int (*freeze)(void);
	int (*get_info)(struct side_jmp_info *info, size_t size);
};

/* One site: apart from the loop, which clang unrolls from 19 on. */
#define DEFINE_HITS(name, key) \
	__attribute__((noinline)) static int name##_once(void) \
	{ \
		return side_jmp_unlikely(key); \
	} \
	static int name(void) \
	{ \
		int n = 0; \
		for (int i = 0; i < PASSES; i++) \
			n += name##_once(); \
		return n; \
	}

#endif
