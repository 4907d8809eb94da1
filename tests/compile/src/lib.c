/* SPDX-License-Identifier: MIT */
/* The object that owns the shared keys: a shared library, or linked in. */
#include "matrix.h"

SIDE_JMP_KEY_EXPORT(of_lib);
SIDE_JMP_KEY64_EXPORT(of_lib64);
SIDE_JMP_KEY_STATIC(of_lib_alone);

static int own(int a) { return side_jmp_unlikely(of_lib) ? a + 2 : a; }
static int own64(int a) { return side_jmp_unlikely(of_lib64) ? a + 2 : a; }
static int alone(int a) { return side_jmp_unlikely(of_lib_alone) ? a + 2 : a; }

#ifdef __cplusplus
static int comdat(int a) { return in_comdat(a) + holder<int>{a}.get(); }
#endif

const struct check checks_lib[] = {
	{ "owner", &of_lib, own, 10, 12 },
	{ "owner, 64 bits", &of_lib64, own64, 10, 12 },
	{ "owner, static", &of_lib_alone, alone, 10, 12 },
#ifdef __cplusplus
	{ "comdat in a library", &of_lib, comdat, 20, 1021 },
#endif
	{ NULL, NULL, NULL, 0, 0 },
};
