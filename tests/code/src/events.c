/* SPDX-License-Identifier: MIT */
/*
 * Functions with events, to be looked at as machine code.  With -DHAND an event
 * is what somebody would write by hand who wants nothing but a no-op: a 5-byte
 * nop (arm64: hint #55; elsewhere a nop) and a cold block that has the same values
 * and does nothing.  With -DNONE_AT_ALL there is none.
 */
#include <side_jmp_event.h>

SIDE_JMP_EVENT_DECLARE(code, none, "Nothing");
SIDE_JMP_EVENT_DECLARE(code, number, "A number", (s32, n));
SIDE_JMP_EVENT_DECLARE(code, three, "Three", (u32, n), (string, s), (double, d));
SIDE_JMP_EVENT_DECLARE(code, four, "Four", (u64, a), (pointer, b), (s64, c),
		       (u8, d));
SIDE_JMP_SPAN_DECLARE(code, span, "A span");
SIDE_JMP_SPAN_DECLARE(code, long_span, "With fields", (s32, n), (string, s));
SIDE_JMP_KEY_DECLARE(key);

#ifdef HAND
#ifdef __clang__
struct everything { char bytes[0x7fffffff]; };
#define AT(pointer) (*(const struct everything *)(const void *)(pointer))
#define COLD __attribute__((__unused__))
#else
#define AT(pointer) (*(const char (*)[])(pointer))
#define COLD __attribute__((__cold__, __unused__))
#endif
#ifdef __aarch64__
#define NOP	"hint #55"
#define IN_FLOAT "w"
#elif !defined(__x86_64__)
#ifdef __s390x__
#define NOP	"nopr"
#else
#define NOP	"nop"
#endif
#define IN_FLOAT "f"
#else
#define NOP	".byte 0x0f, 0x1f, 0x44, 0x00, 0x00"
#define IN_FLOAT "x"
#endif
#define BY_HAND(values) do { \
	__label__ cold, out; \
	__asm__ __inline__ goto (NOP \
		: : : "cc" : cold); \
	goto out; \
cold: COLD; \
	values; \
out: COLD; \
} while (0)
#define NONE()		BY_HAND(__asm__ volatile (""))
#define W(x)		"r" ((uint64_t)(x))
#define NUMBER(n)	BY_HAND(__asm__ volatile ("" : : W(n)))
#define THREE(n, s, d) \
	BY_HAND(__asm__ volatile ("" : : W(n), W(s), IN_FLOAT (d), "m" AT(s)))
#define FOUR(a, b, c, d) \
	BY_HAND(__asm__ volatile ("" : : W(a), W(b), W(c), W(d)))
#define CALL(f, a, b) \
	BY_HAND(__asm__ volatile ("" : : W(a), W(b) : "memory"))
#define ENDS(values) \
	__attribute__((__unused__, __cleanup__(end))) const char ends = 0
static inline __attribute__((__always_inline__)) void end(const char *nothing)
{
	(void)nothing;
	BY_HAND(__asm__ volatile ("" : : W(0), W(0)));
}
#define SPAN()		BY_HAND(__asm__ volatile ("" : : W(0))); ENDS()
#define LONG_SPAN(n, s) \
	BY_HAND(__asm__ volatile ("" : : W(0), W(n), W(s), "m" AT(s))); ENDS()
#elif defined(NONE_AT_ALL)
#define SPAN()		((void)0)
#define LONG_SPAN(n, s)	((void)(n), (void)(s))
#define NONE()		((void)0)
#define NUMBER(n)	((void)(n))
#define THREE(n, s, d)	((void)(n), (void)(s), (void)(d))
#define FOUR(a, b, c, d) ((void)(a), (void)(b), (void)(c), (void)(d))
#define CALL(f, a, b)	((void)(a), (void)(b))
#else
#define SPAN()		side_jmp_span(code, span)
#define LONG_SPAN(n, s)	side_jmp_span(code, long_span, n, s)
#define NONE()		side_jmp_event(code, none)
#define NUMBER(n)	side_jmp_event(code, number, n)
#define THREE(n, s, d)	side_jmp_event(code, three, n, s, d)
#define FOUR(a, b, c, d)	side_jmp_event(code, four, a, b, c, d)
#define CALL(f, a, b)	side_jmp_call(key, f, a, b)
#endif

struct node {
	struct node *next;
	long value;
	int kind;
};

#ifdef __cplusplus
extern "C" {
#endif
int leaf(int x);
int leaf_of_three(int x, const char *s, double d);
double leaf_of_double(double d, const char *s);
long leaf_of_four(unsigned long a, void *b, long c, unsigned char d);
int nothing(int x);
long sum(const int *p, long n);
double dot(const double *p, const double *q, long n, const char *s);
long list(const struct node *node, const char *s);
int interpreter(const unsigned char *code, int *stack);
int called(int x, int y);
int calls(int x, long *y);
int within(int x);
int spanned(int x);
int spanned_call(int x, int y);
int spanned_early(int x, const char *s);
void report(int a, long *b);
int other(int x);
#ifdef __cplusplus
}
#endif

int leaf(int x)
{
	NUMBER(x);
	return x + 1;
}

int nothing(int x)
{
	NONE();
	return x * 3;
}

int leaf_of_three(int x, const char *s, double d)
{
	THREE(x, s, d);
	return x + 1;
}

double leaf_of_double(double d, const char *s)
{
	d *= 2;
	THREE(1, s, d);
	return d + 1;
}

long leaf_of_four(unsigned long a, void *b, long c, unsigned char d)
{
	FOUR(a, b, c, d);
	return (long)a + c;
}

/* Loads that the loop needs once are made once. */
long sum(const int *p, long n)
{
	long s = 0;

	for (long i = 0; i < n; i++) {
		s += p[i];
		NUMBER(p[i]);
	}
	return s;
}

double dot(const double *p, const double *q, long n, const char *s)
{
	double d = 0;

	for (long i = 0; i < n; i++) {
		d += p[i] * q[i];
		THREE(7, s, d);
	}
	return d;
}

long list(const struct node *node, const char *s)
{
	long n = 0;

	for (; node; node = node->next) {
		if (node->kind == 3)
			NONE();
		n += node->value;
		NUMBER(node->kind);
	}
	(void)s;
	return n;
}

int interpreter(const unsigned char *code, int *stack)
{
	int top = 0;

	for (;;) {
		NUMBER(top);
		switch (*code++) {
		case 0: return top;
		case 1: *stack++ = top; break;
		case 2: top += *--stack; break;
		case 3: top -= *--stack; break;
		case 4: top = -top; break;
		case 5: top *= *--stack; break;
		case 6: top ^= *--stack; break;
		default: top++; break;
		}
	}
}

int called(int x, int y)
{
	int z = other(x);

	NUMBER(y);
	return z + y;
}

int calls(int x, long *y)
{
	CALL(report, x, y);
	return x + 1;
}

int spanned(int x)
{
	SPAN();
	return x + 1;
}

int spanned_call(int x, int y)
{
	SPAN();
	return other(x) + y;
}

int spanned_early(int x, const char *s)
{
	LONG_SPAN(x, s);
	if (x > 5)
		return other(x);
	return x * 3;
}

/* In a function that has a frame already. */
int within(int x)
{
	int n = other(x);

	for (int i = 0; i < n; i++) {
		NUMBER(i);
		x += other(i);
	}
	return x;
}
