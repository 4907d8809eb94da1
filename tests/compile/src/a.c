/* SPDX-License-Identifier: MIT */
/* Sites wherever a condition may stand. */
#include "matrix.h"

SIDE_JMP_KEY(of_a);
SIDE_JMP_KEY64(of_a64);
SIDE_JMP_KEY_STATIC(of_file);
SIDE_JMP_KEY64_STATIC(of_file64);

static int in_if(int a) { if (side_jmp_unlikely(of_a)) return a + 1; return a; }
static int in_else(int a) { if (!side_jmp_unlikely(of_a64)) return a; else return a + 1; }
static int in_while(int a) { while (side_jmp_unlikely(of_a) && a < 20) a++; return a; }
static int in_do(int a) { do a++; while (side_jmp_unlikely(of_file) && a < 20); return a; }

static int in_for(int a)
{
	for (int i = 0; side_jmp_unlikely(of_file64) && i < 5; i++)
		a += 2;
	return a;
}

static int in_loop(int a)
{
	for (int i = 0; i < 100; i++)
		if (side_jmp_unlikely(of_a))
			a++;
	return a;
}

static int in_and(int a) { return a > 0 && side_jmp_unlikely(of_a); }
static int in_or(int a) { return a < 0 || side_jmp_unlikely(of_a64); }
static int in_ternary(int a) { return side_jmp_unlikely(of_file) ? a * 2 : a; }
static int in_argument(int a) { return in_and(side_jmp_unlikely(of_a) ? a : -a); }
static int on_one_line(int a) { return side_jmp_unlikely(of_a) + side_jmp_unlikely(of_a) + side_jmp_unlikely(of_a) + a; }
static int in_switch(int a) { switch (side_jmp_unlikely(of_a) ? 1 : 0) { case 1: return a + 7; default: return a; } }
static int as_value(int a) { bool wanted = side_jmp_unlikely(of_file64); return a + wanted; }
static inline int inlined(int a) { return side_jmp_unlikely(of_a64) ? a + 1 : a; }
static int in_inline(int a) { return inlined(a) + inlined(a) + inlined(a); }
static int of_other_object(int a) { return side_jmp_unlikely(of_lib) ? a + 3 : a; }
static int of_other_object64(int a) { return side_jmp_unlikely(of_lib64) ? a + 3 : a; }
#ifdef __cplusplus
static int comdat(int a) { return in_comdat(a) - holder<int>{a}.get(); }
#endif

const struct check checks_a[] = {
	{ "if", &of_a, in_if, 10, 11 },
	{ "else", &of_a64, in_else, 10, 11 },
	{ "while", &of_a, in_while, 10, 20 },
	{ "do", &of_file, in_do, 11, 20 },
	{ "for", &of_file64, in_for, 10, 20 },
	{ "loop", &of_a, in_loop, 10, 110 },
	{ "and", &of_a, in_and, 0, 1 },
	{ "or", &of_a64, in_or, 0, 1 },
	{ "ternary", &of_file, in_ternary, 10, 20 },
	{ "argument", &of_a, in_argument, 0, 1 },
	{ "one line", &of_a, on_one_line, 10, 13 },
	{ "switch", &of_a, in_switch, 10, 17 },
	{ "value", &of_file64, as_value, 10, 11 },
	{ "inline", &of_a64, in_inline, 30, 33 },
	{ "other object", &of_lib, of_other_object, 10, 13 },
	{ "other object, 64 bits", &of_lib64, of_other_object64, 10, 13 },
#ifdef __cplusplus
	{ "comdat in another file", &of_lib, comdat, 0, 999 },
#endif
	{ NULL, NULL, NULL, 0, 0 },
};
