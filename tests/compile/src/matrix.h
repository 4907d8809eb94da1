/* SPDX-License-Identifier: MIT */
/* Shared by the files of the matrix program; C and C++. */
#ifndef MATRIX_H
#define MATRIX_H

#include <side_jmp.h>

/* Each function returns `off` while its key is disabled, `on` while enabled. */
struct check {
	const char *name;
	struct side_jmp_key *key;
	int (*f)(int);
	int off, on;
};

#ifdef __cplusplus
extern "C" {
#endif
/* Of a library, perhaps, that is compiled with -fvisibility=hidden. */
extern SIDE_JMP_EXPORTED const struct check checks_lib[];
extern const struct check checks_a[], checks_b[];
int never(int a);
#ifdef __cplusplus
}
#endif

SIDE_JMP_KEY_DECLARE(of_a);
SIDE_JMP_KEY64_DECLARE(of_a64);
SIDE_JMP_KEY_EXTERN(of_lib);
SIDE_JMP_KEY64_EXTERN(of_lib64);

#ifdef __cplusplus
/* In every file that calls it: one COMDAT group, one record. */
inline int in_comdat(int a)
{
	return side_jmp_unlikely(of_lib) ? a + 1000 : a;
}

template <class T> struct holder {
	T value;

	T get() const
	{
		if (side_jmp_unlikely(of_lib))
			return value + 1;
		return value;
	}
};
#endif

#endif
