/* SPDX-License-Identifier: MIT */
/*
 * Every kind of probe, for C and C++ alike: what a program that knows nothing of
 * side_jmp has.  sdt.sh says what is expected.
 */
#include <sys/sdt.h>

#ifdef __cplusplus
#define PROBES_NULL	nullptr
#else
#define PROBES_NULL	((void *)0)
#endif

enum probes_colour { PROBES_RED, PROBES_GREEN };

struct probes_bits {
	unsigned low : 5;
	int high : 4;
};

static int probes_calls;

static int probes_called(void)
{
	return ++probes_calls;
}

#define PROBES_PROVIDER	kinds	/* as some programs say it */

static void probes_integers(void)
{
	signed char s8 = -1;
	unsigned char u8 = 255;
	short s16 = -2;
	unsigned short u16 = 65535;
	unsigned u32 = 4294967295u;
	long s64 = -3;
	unsigned long long u64 = 18446744073709551615ull;

	DTRACE_PROBE8(PROBES_PROVIDER, integers, s8, u8, s16, u16, -7, u32, s64, u64);
}

static void probes_others(void)
{
	char array[] = "array";
	const char *text = "text";
	void *pointer = (void *)0x10;
	unsigned char bytes[2] = { 1, 2 };
	struct probes_bits bits = { 31, -8 };
	enum probes_colour colour = PROBES_GREEN;
	double real = 0.5;
	float single = 1.5f;
	volatile int loose = 4;

	STAP_PROBE5(kinds, strings, "literal", text, array, (char *)PROBES_NULL, 'c');
	STAP_PROBE3(kinds, pointers, pointer, bytes != PROBES_NULL, PROBES_NULL);
	STAP_PROBE6(kinds, others, real, single, colour, bits.low, bits.high, loose);
}

static void probes_all(void)
{
	DTRACE_PROBE(kinds, none);
	DTRACE_PROBE1(kinds, once, probes_called());
	STAP_PROBEV(kinds, variadic);
	STAP_PROBEV(kinds, variadic, 1, "two");
	DTRACE_PROBE12(kinds, twelve, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "12");
	if (probes_calls > 1)
		DTRACE_PROBE(kinds, dangling);
	else
		DTRACE_PROBE2(kinds, dangling, 1, 2L);
	probes_integers();
	probes_others();
}

int main(void)
{
	probes_all();
	return probes_calls;
}
