/* SPDX-License-Identifier: MIT */
/*
 * Functions with sites, to be looked at as machine code.  With -DHAND a site
 * is what somebody would write by hand with the same cold block: a 5-byte nop,
 * one of 8 bytes for the layout nop, or for the wide layout the three
 * instructions that it is meant to be.  With
 * -DLOAD it is a plain test.
 */
#include <side_jmp.h>

#if defined(LOAD)
#define SITE(name) __builtin_expect(SIDE_JMP_WORD_(name) != 0, 0)
#elif defined(HAND)
#ifdef SIDE_JMP_LAYOUT_WIDE
#define HAND_ASM(name) \
	__asm__ __inline__ goto ("xorl %%eax, %%eax\n" \
		".if %c[width] == 8\n" \
		"cmpq %c[key](%%rip), %%rax\n" \
		".else\n" \
		"cmpl %c[key](%%rip), %%eax\n" \
		".endif\n" \
		"jc %l[side_jmp_on]" \
		: : [key] "i" (&(name)), \
		    [width] "i" (sizeof(side_jmp_word_of_##name)) \
		: "rax", "cc" : side_jmp_check, side_jmp_on)
#elif defined(SIDE_JMP_LAYOUT_NOP)
#define HAND_ASM(name) \
	__asm__ __inline__ goto (".byte 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0" \
		: : : : side_jmp_check)
#else
#define HAND_ASM(name) \
	__asm__ __inline__ goto (".byte 0x0f, 0x1f, 0x44, 0x00, 0x00" \
		: : : "cc" : side_jmp_check)
#endif
#define SITE(name) __extension__ ({ \
	__label__ side_jmp_check, side_jmp_on, side_jmp_out; \
	bool side_jmp_value_; \
	HAND_ASM(name); \
	side_jmp_value_ = false; \
	goto side_jmp_out; \
side_jmp_check: SIDE_JMP_COLD_; \
	side_jmp_value_ = false; \
	if (SIDE_JMP_WORD_(name) == 0) \
		goto side_jmp_out; \
side_jmp_on: SIDE_JMP_COLD_; \
	side_jmp_value_ = true; \
side_jmp_out: \
	side_jmp_value_; \
})
#else
#define SITE(name) side_jmp_unlikely(name)
#endif

SIDE_JMP_KEY_DECLARE(key);
SIDE_JMP_KEY_DECLARE(other);
SIDE_JMP_KEY64_DECLARE(wide);

void report(int a, int b);
int work(int a);
int straight(int a, int b);
int loop(int n);
int loop_with_call(int n);
int two(int a);
int early_return(const int *p);
int condition(int a, int b);
int loop_condition(int n);
int sum(const int *p, int n);
int nested(int n);

int straight(int a, int b)
{
	a = a * 7 + b;
	if (SITE(key))
		report(a, b);
	return a ^ b;
}

int loop(int n)
{
	int s = 1;

	for (int i = 0; i < n; i++) {
		s += i * s + 1;
		if (SITE(key))
			report(i, s);
	}
	return s;
}

int loop_with_call(int n)
{
	int s = 0;

	for (int i = 0; i < n; i++) {
		s += work(i);
		if (SITE(wide)) {
			report(i, s);
			report(s, i);
		}
		s *= 3;
	}
	return s;
}

int two(int a)
{
	if (SITE(key))
		report(a, 1);
	a = work(a);
	if (SITE(other))
		report(a, 2);
	return a + 1;
}

int early_return(const int *p)
{
	if (!p)
		return -1;
	if (SITE(key))
		return work(*p);
	return *p;
}

int condition(int a, int b)
{
	if (a > b && (SITE(key) || SITE(other)))
		return work(a);
	return a - b;
}

int loop_condition(int n)
{
	while (n > 0 && !SITE(key))
		n = work(n) - 1;
	return n;
}

int sum(const int *p, int n)
{
	int s = 0;

	for (int i = 0; i < n; i++) {
		if (SITE(key))
			s -= p[i];
		s += p[i] * p[i];
	}
	return s;
}

static inline int inner(int a)
{
	if (SITE(other))
		report(a, a);
	return a * 5;
}

int nested(int n)
{
	int s = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			s += inner(i) ^ inner(j);
	return s;
}
