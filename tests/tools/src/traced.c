/* SPDX-License-Identifier: MIT */
/*
 * A trace for side-jmp convert and report: traced [N] makes N orders, in a
 * thread and beside it, with strings that look like HTML, JSON and worse.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <side_jmp_event.h>

#define EVIL "</script><img src=x onerror=alert(1)>"

enum mood { SAD = -3, GLAD = 12 };

SIDE_JMP_SPAN(shop, checkout, "From the cart to the receipt", (u32, items),
	      (string, customer));
SIDE_JMP_SPAN(shop, pay, "");
SIDE_JMP_SPAN(shop, order, "Across threads", (u64, number));
SIDE_JMP_COUNTER(shop, queue, "Orders that wait", u32);
SIDE_JMP_COUNTER(shop, balance, "", double);
SIDE_JMP_COUNTER(shop, bytes, "Large", u64);
SIDE_JMP_EVENT(shop, values, "Of every kind", (u64, a), (s64, b), (double, c), (float, d),
	       (pointer, e), (enum, f, (SAD, "s<a>d"), (GLAD, "very \"glad\"")),
	       (array, g, u16, 3), (seq, h, s64), (bytes, i, 2), (chars, j, 8));
SIDE_JMP_EVENT(shop, text, "Strings", (string, s));

static void nap(long us)
{
	const struct timespec t = { 0, us * 1000 };

	nanosleep(&t, NULL);
}

static void checkout(unsigned i)
{
	side_jmp_span(shop, checkout, i % 7, i % 5 ? "Ada" : EVIL);
	nap(50 + 40 * (i % 11));
	if (i % 3) {
		side_jmp_span(shop, pay);
		nap(20 + 10 * (i * i % 13));
	}
	side_jmp_counter(shop, queue, i * 37 % 23);
	side_jmp_counter(shop, balance, 100.5 - i * 0.25);
	side_jmp_counter(shop, bytes, UINT64_MAX - i);
	side_jmp_span_end(shop, order, i + 1);
}

static void values(void)
{
	static const uint16_t g[3] = { 1, 2, 65535 };
	static const int64_t h[2] = { INT64_MIN, 9007199254740993 };
	static const char i[2] = { 1, (char)0xff };

	side_jmp_event(shop, values, UINT64_MAX, INT64_MIN, 0.1, 0.5f,
		       (void *)0xabcdef, GLAD, g, side_jmp_seq(h, 2), i, "chars");
	side_jmp_event(shop, values, 9007199254740992, -9007199254740992, 1e300, -2.5f,
		       (void *)0, 5, g, side_jmp_seq(h, 0), i, "longer than that");
	side_jmp_event(shop, values, 0, 0, __builtin_inf(), __builtin_nanf(""),
		       (void *)0, SAD, g, side_jmp_seq(h, 1), i, "");
	side_jmp_counter(shop, balance, __builtin_nan(""));
}

static void texts(void)
{
	static const char *const all[] = {
		"plain", EVIL, "\"}],\\", "line\nbreak\ttab\x01\x1b[31m",
		"\xff\xfe not UTF-8 \xc3", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
		"\xe2\x80\xae turned", "\xed\xa0\x80 surrogate", "", "&amp;<!--",
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		side_jmp_event(shop, text, all[i]);
}

static unsigned n = 20;

static void *worker(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < n; i++)
		checkout(i);
	return NULL;
}

int main(int argc, char **argv)
{
	struct timespec t = { 0, 0 };
	pthread_t thread;

	if (argc > 1)
		n = (unsigned)atoi(argv[1]);
	values();
	texts();
	side_jmp_span_end(shop, pay, 0);	/* of nothing */
	for (unsigned i = 0; i < n; i++)
		side_jmp_span_begin(shop, order, i + 1, i);
	if (pthread_create(&thread, NULL, worker, NULL))
		return 1;
	for (unsigned i = 0; i < n; i++) {
		side_jmp_span(shop, pay);
		nap(100 + 300 * (i % 4 == 0));
	}
	pthread_join(thread, NULL);
	side_jmp_span_begin(shop, order, 999999, 1);	/* never ends */
	return nanosleep(&t, NULL);
}
