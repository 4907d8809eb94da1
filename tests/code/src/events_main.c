/* SPDX-License-Identifier: MIT */
/*
 * events_main N [interpreter]: runs the loops of events.c, N passes each, 4 1/4 N
 * events, or that one, N.  What it does besides costs the same however events.c
 * was compiled.
 */
#include <side_jmp_event.h>
#include <stdlib.h>

SIDE_JMP_EVENT(code, none, "Nothing");
SIDE_JMP_EVENT(code, number, "A number", (s32, n));
SIDE_JMP_EVENT(code, three, "Three", (u32, n), (string, s), (double, d));
SIDE_JMP_EVENT(code, four, "Four", (u64, a), (pointer, b), (s64, c), (u8, d));
SIDE_JMP_SPAN(code, span, "A span");
SIDE_JMP_SPAN(code, long_span, "With fields", (s32, n), (string, s));
SIDE_JMP_KEY(key);

struct node {
	struct node *next;
	long value;
	int kind;
};

long sum(const int *p, long n);
double dot(const double *p, const double *q, long n, const char *s);
long list(const struct node *node, const char *s);
int interpreter(const unsigned char *code, int *stack);
int within(int x);
int other(int x);
void report(int a, long *b);

int other(int x)
{
	return x;
}

void report(int a, long *b)
{
	(void)a;
	(void)b;
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? (size_t)atol(argv[1]) : 1;
	struct node *nodes = calloc(n, sizeof(*nodes));
	unsigned char *code = calloc(n + 1, 1);
	double *reals = calloc(n, sizeof(*reals));
	int *numbers = calloc(n, sizeof(*numbers)), stack[16] = { 0 };
	double all;

	if (!nodes || !code || !reals || !numbers)
		return 2;
	for (size_t i = 0; i < n; i++) {
		nodes[i].next = i + 1 < n ? nodes + i + 1 : NULL;
		nodes[i].kind = (int)(i % 4);
		code[i] = i % 2 ? 9 : 4;
	}
	all = argc > 2 ? interpreter(code, stack) :
	      (double)sum(numbers, (long)n) + dot(reals, reals, (long)n, "text") +
	      (double)list(nodes, "text") + within((int)n);
	free(nodes);
	free(code);
	free(reals);
	free(numbers);
	return all == 0.5;
}
