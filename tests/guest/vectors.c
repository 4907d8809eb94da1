/* SPDX-License-Identifier: MIT */
/*
 * vectors LENGTH FILE: a program with sites whose thread has all of SVE's
 * registers full of what it knows, of LENGTH bytes each, and looks at them until
 * there is such a file: "vectors: ok".  It makes no system call meanwhile, which
 * would be allowed to lose them: a child looks for the file.  Status 4: there is
 * no SVE, or no vectors of that length.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <side_jmp_event.h>

SIDE_JMP_EVENT(vectors, tick, "It goes on", (u32, n));

enum { LONGEST = 256 };

#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+sve")

/*
 * Registers are filled from `in`, and stored to `out` when *go is not 0: 32 of
 * vl bytes, 16 of vl / 8, and ffr.
 */
static void hold(const uint8_t *in, uint8_t *out, const volatile int *go,
		 const uint8_t *in_p, uint8_t *out_p)
{
#define Z(n)	"ldr z" #n ", [%0, #" #n ", mul vl]\n"
#define P(n)	"ldr p" #n ", [%3, #" #n ", mul vl]\n"
#define EIGHT(what, a, b, c, d, e, f, g, h) \
	what(a) what(b) what(c) what(d) what(e) what(f) what(g) what(h)
#define SZ(n)	"str z" #n ", [%1, #" #n ", mul vl]\n"
#define SP(n)	"str p" #n ", [%4, #" #n ", mul vl]\n"
#define ALL(v, p) \
	EIGHT(v, 0, 1, 2, 3, 4, 5, 6, 7) EIGHT(v, 8, 9, 10, 11, 12, 13, 14, 15) \
	EIGHT(v, 16, 17, 18, 19, 20, 21, 22, 23) \
	EIGHT(v, 24, 25, 26, 27, 28, 29, 30, 31) \
	EIGHT(p, 0, 1, 2, 3, 4, 5, 6, 7) EIGHT(p, 8, 9, 10, 11, 12, 13, 14, 15)
	__asm__ volatile(
		"ldr	p0, [%3, #16, mul vl]\n"
		"wrffr	p0.b\n"
		ALL(Z, P)
		"1:	ldr	w9, [%2]\n"
		"cbz	w9, 1b\n"
		ALL(SZ, SP)
		"rdffr	p0.b\n"
		"str	p0, [%4, #16, mul vl]\n"
		: : "r" (in), "r" (out), "r" (go), "r" (in_p), "r" (out_p)
		: "x9", "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5",
		"v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
		"v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23",
		"v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "p0",
		"p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10",
		"p11", "p12", "p13", "p14", "p15");
}

#pragma GCC pop_options

int main(int argc, char **argv)
{
	static uint8_t in[33 * LONGEST], out[33 * LONGEST];
	static uint8_t in_p[17 * LONGEST / 8], out_p[17 * LONGEST / 8];
	int length = argc == 3 ? atoi(argv[1]) : 0;
	volatile int *go = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool ok;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (length <= 0 || length > LONGEST || go == MAP_FAILED ||
	    (prctl(50 /* PR_SVE_SET_VL */, length) & 0xffff) != length)
		return 4;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + i / 256 + 1);
	for (size_t i = 0; i < sizeof(in_p); i++)
		in_p[i] = (uint8_t)(i * 5 + 3);
	/* The first fault register is of ones and then zeros. */
	memset(in_p + 2 * length, 0, (size_t)length / 8);
	memset(in_p + 2 * length, 0xff, (size_t)length / 16);
	side_jmp_event(vectors, tick, 1);
	if (!fork()) {
		pid_t parent = getppid();

		while (access(argv[2], F_OK) && getppid() == parent)
			usleep(20000);
		*go = 1;
		_exit(0);
	}
	puts("here");
	hold(in, out, go, in_p, out_p);
	ok = !memcmp(in, out, 32 * (size_t)length) &&
	     !memcmp(in_p, out_p, 17 * (size_t)length / 8);
	printf("vectors: %s\n", ok ? "ok" : "WRONG");
	return !ok;
}
