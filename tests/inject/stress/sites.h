/* SPDX-License-Identifier: MIT */
/*
 * The keys of the stress test, and lists to say things of each.
 *
 * Keys 0 to 3 are exported, for the libraries that come and go; the others
 * belong to the executable.  Odd keys have 64 bits.
 */
#ifndef STRESS_SITES_H
#define STRESS_SITES_H

#include <stdint.h>

#include <side_jmp.h>

#define N_KEYS		64
#define N_SHARED	4	/* keys that the libraries have sites of, too */
#define N_PER_LAYOUT	16	/* sites of one key in a layout, in a library */
#define ALL_SITES	(~UINT64_C(0))
#define LIBRARY_SITES	((UINT64_C(1) << N_PER_LAYOUT) - 1)

#define SHARED_KEYS(X) \
	X(0, ) X(1, 64) X(2, ) X(3, 64)
#define LOCAL_KEYS(X) \
	X(4, ) X(5, 64) X(6, ) X(7, 64) X(8, ) X(9, 64) X(10, ) X(11, 64) \
	X(12, ) X(13, 64) X(14, ) X(15, 64) X(16, ) X(17, 64) X(18, ) \
	X(19, 64) X(20, ) X(21, 64) X(22, ) X(23, 64) X(24, ) X(25, 64) \
	X(26, ) X(27, 64) X(28, ) X(29, 64) X(30, ) X(31, 64) X(32, ) \
	X(33, 64) X(34, ) X(35, 64) X(36, ) X(37, 64) X(38, ) X(39, 64) \
	X(40, ) X(41, 64) X(42, ) X(43, 64) X(44, ) X(45, 64) X(46, ) \
	X(47, 64) X(48, ) X(49, 64) X(50, ) X(51, 64) X(52, ) X(53, 64) \
	X(54, ) X(55, 64) X(56, ) X(57, 64) X(58, ) X(59, 64) X(60, ) \
	X(61, 64) X(62, ) X(63, 64)
#define ALL_KEYS(X)	SHARED_KEYS(X) LOCAL_KEYS(X)

#define DECLARE_SHARED(n, w)	SIDE_JMP_KEY##w##_EXTERN(key_##n);
SHARED_KEYS(DECLARE_SHARED)
#define DECLARE_LOCAL(n, w)	SIDE_JMP_KEY##w##_DECLARE(key_##n);
#ifndef STRESS_LIBRARY
LOCAL_KEYS(DECLARE_LOCAL)
#endif

/* Bit b of m: which path the b-th site of the key took. */
#define SITE(name, b) \
	if (side_jmp_unlikely(name)) \
		m |= UINT64_C(1) << (b);
#define SITES_4(name, b) \
	SITE(name, b) SITE(name, b + 1) SITE(name, b + 2) SITE(name, b + 3)
#define SITES_16(name) \
	SITES_4(name, 0) SITES_4(name, 4) SITES_4(name, 8) SITES_4(name, 12)

typedef uint64_t pass_fn(void);

/* One function a key and layout: which of its sites took the enabled path? */
extern pass_fn *const stress_inline[N_KEYS];
extern pass_fn *const stress_dense[N_KEYS];
extern pass_fn *const stress_wide[N_KEYS];
extern pass_fn *const stress_nop[N_KEYS];

/* What a library has: the same, and a key of its own. */
struct stress_library {
	pass_fn *shared[N_SHARED];
	pass_fn *own;
	struct side_jmp_key *own_key;
};

#endif
