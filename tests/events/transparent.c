/* SPDX-License-Identifier: MIT */
/*
 * An event is no call to the compiler: whatever a callback does with registers,
 * the function that emits has its own as they were, general ones, vectors in all
 * their width, the x87 stack; and what it wrote for the callback is there.
 */
#include <side_jmp_event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/general.h"
#include "tests/folder.h"
#include "tests/tap.h"

SIDE_JMP_EVENT(pass, zero, "0");
SIDE_JMP_EVENT(pass, one, "1", (s64, a));
SIDE_JMP_EVENT(pass, two, "2", (s64, a), (u8, b));
SIDE_JMP_EVENT(pass, three, "3", (s64, a), (u8, b), (double, c));
SIDE_JMP_EVENT(pass, four, "4", (s64, a), (u8, b), (double, c), (string, d));
SIDE_JMP_EVENT(pass, five, "5", (s64, a), (u8, b), (double, c), (string, d),
	       (seq, e, s32));
SIDE_JMP_EVENT(pass, six, "6", (s64, a), (u8, b), (double, c), (string, d),
	       (seq, e, s32), (s16, f));
SIDE_JMP_EVENT(pass, seven, "7", (s64, a), (u8, b), (double, c), (string, d),
	       (seq, e, s32), (s16, f), (u32, g));
SIDE_JMP_EVENT(pass, text, "A long one", (string, a));
SIDE_JMP_KEY(key);

enum { N = 16 };
static volatile long longs[N];
static volatile double doubles[N];
static volatile int seen, wrong;

#if defined(__aarch64__)
#include <sys/auxv.h>
static bool has_sve(void)
{
	return getauxval(AT_HWCAP) >> 22 & 1;	/* HWCAP_SVE */
}
#elif defined(__riscv)
#include <sys/auxv.h>
#include <sys/prctl.h>
static bool has_v(void)
{
	/* 70, PR_RISCV_V_GET_CONTROL, is 1: not for this thread */
	return (getauxval(AT_HWCAP) >> ('V' - 'A') & 1) &&
	       (prctl(70, 0, 0, 0, 0) & 3) != 1;
}
static bool v_is_there;	/* a system call loses what is in vectors */
#elif defined(__s390x__)
#include <sys/auxv.h>
static bool has_vx(void)
{
	return getauxval(AT_HWCAP) >> 11 & 1;	/* HWCAP_S390_VXRS */
}
#endif

#define ALL_TO_31	"0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, " \
			"18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31"

/* ppc64le's, to the compiler */
#define VOLATILE_VECTORS \
	"vs0", "vs1", "vs2", "vs3", "vs4", "vs5", "vs6", "vs7", "vs8", "vs9", "vs10", \
	"vs11", "vs12", "vs13", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", \
	"v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19"

/* Every register that a function may destroy. */
static void trash(void)
{
#if defined(__x86_64__)
	__asm__ volatile (
		"mov $0x5555, %%eax; mov %%rax, %%rcx; mov %%rax, %%rdx\n"
		"mov %%rax, %%rsi; mov %%rax, %%rdi; mov %%rax, %%r8\n"
		"mov %%rax, %%r9; mov %%rax, %%r10; mov %%rax, %%r11\n"
		".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
		"movq %%rax, %%xmm\\r\n"
		".endr\n"
		"fldpi; fldpi; fldpi; fldpi; fldpi; fldpi; fldpi; fldpi\n"
		"fninit\n"
		: : : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
		      "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
		      "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
		      "xmm13", "xmm14", "xmm15", "cc", "memory");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile ("vzeroall" : : : "memory");
	if (__builtin_cpu_supports("avx512bw"))
		__asm__ volatile (
			".irp r, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, "
			"28, 29, 30, 31\n"
			"vpxorq %%zmm\\r, %%zmm\\r, %%zmm\\r\n"
			".endr\n"
			".irp r, 0, 1, 2, 3, 4, 5, 6, 7\n"
			"kxnorq %%k\\r, %%k\\r, %%k\\r\n"
			".endr\n" : : : "memory");
#elif defined(__aarch64__)
	__asm__ volatile (
		"mov x0, #0x5555\n"
		".irp r, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17\n"
		"mov x\\r, x0\n"
		".endr\n"
		".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, "
		"18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
		"dup v\\r\\().2d, x0\n"
		".endr\n"
		: : : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9",
		      "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
		      "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",
		      "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",
		      "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
		      "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
	/* What is not said here is a callee's to destroy: bits from 128 on. */
	if (has_sve())
		__asm__ volatile (
			".arch_extension sve\n"
			".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, "
			"23, 24, 25, 26, 27, 28, 29, 30, 31\n"
			"dup z\\r\\().b, #0x55\n"
			".endr\n"
			".irp r, 8, 9, 10, 11, 12, 13, 14, 15\n"
			"mov v\\r\\().16b, v\\r\\().16b\n"
			".endr\n"
			".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
			"pfalse p\\r\\().b\n"
			".endr\n"
			"wrffr p0.b\n"
			: : : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16",
			      "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
			      "v25", "v26", "v27", "v28", "v29", "v30", "v31",
			      "memory");
#elif defined(__riscv) && __riscv_flen == 64
	__asm__ volatile (
		"li t0, 0x5555\n"
		".irp r, t1, t2, t3, t4, t5, t6, ra, a0, a1, a2, a3, a4, a5, a6, a7\n"
		"mv \\r, t0\n"
		".endr\n"
		".irp r, " ALL_TO_31 "\n"
		"fmv.d.x f\\r, t0\n"
		".endr\n"
		: : : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ra", "a0", "a1", "a2",
		      "a3", "a4", "a5", "a6", "a7", "ft0", "ft1", "ft2", "ft3", "ft4",
		      "ft5", "ft6", "ft7", "ft8", "ft9", "ft10", "ft11", "fa0", "fa1",
		      "fa2", "fa3", "fa4", "fa5", "fa6", "fa7", "fs0", "fs1", "fs2",
		      "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11",
		      "memory");
	/* vsetvli t1, x0, e8, m1; vmv.v.i v<r>, 5; csrwi vcsr, 0 */
	if (v_is_there)
		__asm__ volatile (
			".4byte 0x00007357\n"
			".irp r, " ALL_TO_31 "\n"
			".4byte 0x5e02b057 | \\r << 7\n"
			".endr\n"
			"csrwi 0x00f, 0\n" : : : "t1", "memory");
#elif defined(__s390x__)
	__asm__ volatile (
		"lghi %%r0, 0x5555\n"
		".irp r, 1, 2, 3, 4, 5, 14\n"
		"lgr %%r\\r, %%r0\n"
		".endr\n"
		".irp r, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
		"sar %%a\\r, %%r0\n"
		".endr\n"
		".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
		"ldgr %%f\\r, %%r0\n"
		".endr\n"
		: : : "r0", "r1", "r2", "r3", "r4", "r5", "r14", "f0", "f1", "f2", "f3",
		      "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12", "f13",
		      "f14", "f15", "cc", "memory");
	/* f8 to f15, which are parts of v8 to v15, are kept. */
	if (has_vx())
		__asm__ volatile (
			".machine push\n.machine z13\n"
			".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, "
			"23, 24, 25, 26, 27, 28, 29, 30, 31\n"
			"vrepib %%v\\r, 0x55\n"
			".endr\n"
			"lghi %%r1, 0x55\n"
			".irp r, 8, 9, 10, 11, 12, 13, 14, 15\n"
			"vlvgg %%v\\r, %%r1, 1\n"
			".endr\n"
			".machine pop\n"
			: : : "r1", "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7",
			      "memory");
#elif defined(__powerpc64__) && defined(__VSX__)
	/* Of cr all but cr2 to cr4; of vs14 to vs31 the half that is no double. */
	__asm__ volatile (
		"li 0, 0x5555\n"
		".irp r, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12\n"
		"mr \\r, 0\n"
		".endr\n"
		"mtctr 0\n"
		"mtlr 0\n"
		"mtxer 0\n"
		"mtcrf 0xc7, 0\n"
		".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 32, 33, 34, 35, "
		"36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51\n"
		"mtvsrd \\r, 0\n"
		"xxspltd \\r, \\r, 0\n"
		".endr\n"
		".irp r, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, "
		"30, 31\n"
		"xxmrghd \\r, \\r, 0\n"
		".endr\n"
		: : : "r0", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11",
		      "r12", "lr", "ctr", "xer", "cr0", "cr1", "cr5", "cr6", "cr7",
		      "memory", VOLATILE_VECTORS);
#endif
}

static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	unsigned n = event->desc->n_fields;
	char text[64];

	(void)data;
	if (n == 1 && event == &pass_side_jmp_text_side_jmp_event) {
		trash();
		return;
	}
	seen++;
	snprintf(text, sizeof(text), "%f", n > 2 ? values[2].f64 : 0.0);
	if ((n > 0 && values[0].s64 != -5) || (n > 1 && values[1].u64 != 200) ||
	    (n > 2 && values[2].f64 != 2.5) ||
	    (n > 3 && strcmp(values[3].data, "a text")) ||
	    (n > 4 && (values[4].count != 3 ||
		       memcmp(values[4].data, (int[3]){ 7, 8, 9 }, 12))) ||
	    (n > 5 && values[5].s64 != -1) || (n > 6 && values[6].u64 != 77))
		wrong++;
	trash();
}

static int report_seen;
static void report(int a, long b, const char *text)
{
	report_seen += a == -3 && b == 1L << 40 && !strcmp(text, "a text");
	trash();
}

/*
 * What a called function reads and writes: of the file's variables also one whose
 * address nobody takes, when the call is in a function that is not inlined.
 */
static int counted, counted_before;
static void count(void)
{
	counted_before = counted++;
}
__attribute__((noinline)) static void call_count(void)
{
	side_jmp_call(key, count);
}
__attribute__((noinline)) static bool is_counted(int from)
{
	int after;

	counted = from;
	call_count();
	after = counted;
	counted = 0;
	return after == from + 1 && counted_before == from;
}

static int flags_seen;
static void flagged(bool flag, bool other)
{
	flags_seen += flag && !other;
	trash();
}

/* Integers of 32 bits as the ABI has them: a callee may compare all 64. */
static volatile unsigned unsigned_word = 0x80000001;
static volatile int signed_word = -5, words_arrive;

__attribute__((noinline)) static void words(unsigned a, int b)
{
	words_arrive = a == unsigned_word && b == signed_word;
}

__attribute__((noinline)) static bool takes_words(void)
{
	words_arrive = 0;
	side_jmp_call(key, words, unsigned_word, signed_word);
	return words_arrive;
}

#define FIVE_TO_ONE	-5, 200, 2.5, text, side_jmp_seq(numbers, 3)

/* More values than there are registers, across events of every size. */
__attribute__((noinline)) static double general(int rounds)
{
	long a = longs[0], b = longs[1], c = longs[2], d = longs[3], e = longs[4],
	     f = longs[5], g = longs[6], h = longs[7], i = longs[8];
	double p = doubles[0], q = doubles[1], r = doubles[2], s = doubles[3],
	       t = doubles[4], u = doubles[5], v = doubles[6], w = doubles[7];
	long double x = doubles[8], y = doubles[9];

	for (int n = 0; n < rounds; n++) {
		int numbers[3] = { 7, 8, 9 };
		char text[8] = "a text";

		a += b; q += p; x += y;
		side_jmp_event(pass, zero);
		b ^= c; r += q; y *= 0.5L;
		side_jmp_event(pass, one, -5);
		c += d; s += r;
		side_jmp_event(pass, two, -5, 200);
		d -= e; t += s; x += 1;
		side_jmp_event(pass, three, -5, 200, 2.5);
		e += f; u += t;
		side_jmp_event(pass, four, -5, 200, 2.5, text);
		f ^= g; v += u;
		side_jmp_event(pass, five, FIVE_TO_ONE);
		g += h; w += v;
		side_jmp_event(pass, six, FIVE_TO_ONE, -1);
		h += i; p += w * 1e-9;
		side_jmp_event(pass, seven, FIVE_TO_ONE, -1, 77);
		side_jmp_call(key, report, -3, 1L << 40, (const char *)text);
		i += a;
	}
	return (double)(a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i) + p + q + r + s + t + u +
	       v + w + (double)x + (double)y;
}

/* Nobody but the event looks at what it points at. */
__attribute__((noinline)) static void local(void)
{
	int numbers[3] = { 7, 8, 9 };
	char text[8] = "a text";

	side_jmp_event(pass, four, -5, 200, 2.5, text);
	side_jmp_event(pass, six, FIVE_TO_ONE, -1);
}

#if defined(__x86_64__)
#include <immintrin.h>

/* Code that is compiled for more than its file. */
__attribute__((noinline, target("avx2"))) static long wide(int rounds)
{
	__m256i a = _mm256_set_epi64x(1, 2, 3, longs[1]), b = a, c = a, d = a;
	long out[4];

	for (int n = 0; n < rounds; n++) {
		a = _mm256_add_epi64(a, b);
		side_jmp_event(pass, one, -5);
		b = _mm256_xor_si256(b, c);
		side_jmp_event(pass, zero);
		c = _mm256_add_epi64(c, d);
		d = _mm256_add_epi64(d, a);
	}
	_mm256_storeu_si256((__m256i *)(void *)out, _mm256_add_epi64(a,
		_mm256_add_epi64(b, _mm256_add_epi64(c, d))));
	return out[0] ^ out[1] ^ out[2] ^ out[3];
}

__attribute__((noinline, target("avx512f,avx512bw"))) static long widest(int rounds)
{
	__m512i a = _mm512_set1_epi64(longs[1]), b = _mm512_set1_epi64(longs[2]),
		c = _mm512_set1_epi64(longs[3]), d = _mm512_set1_epi64(longs[4]);
	__mmask64 m = 0x1234567890abcdefull, k = 0x0f0f0f0f0f0f0f0full;
	long sum;

	for (int n = 0; n < rounds; n++) {
		a = _mm512_mask_add_epi8(a, m, a, b);
		b = _mm512_mask_sub_epi8(b, k, b, c);
		side_jmp_event(pass, one, -5);
		m = _kxor_mask64(m, _mm512_cmpgt_epi8_mask(a, b));
		c = _mm512_xor_si512(c, d);
		d = _mm512_mask_add_epi8(d, m, d, a);
		k = _kxnor_mask64(k, m);
	}
	sum = (long)_cvtmask64_u64(_kxor_mask64(m, k)) ^
	      _mm512_reduce_add_epi64(_mm512_xor_si512(
		_mm512_xor_si512(a, b), _mm512_xor_si512(c, d)));
	return sum;
}

/* More masks than predicates: k0, which can't be one, holds one, too. */
__attribute__((noinline, target("avx512f,avx512bw"))) static long masks(int rounds)
{
	char text[100];
	__mmask64 a = (__mmask64)longs[1], b = (__mmask64)longs[2],
		  c = (__mmask64)longs[3], d = (__mmask64)longs[4],
		  e = (__mmask64)longs[5], f = (__mmask64)longs[6],
		  g = (__mmask64)longs[7], h = (__mmask64)longs[8];

	/* Long, so that the outputs leave it to the C library. */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (int n = 0; n < rounds; n++) {
		a = _kxnor_mask64(a, b); b = _kandn_mask64(b, c);
		c = _kadd_mask64(c, d); d = _kxor_mask64(d, e);
		e = _kxnor_mask64(e, f); f = _kadd_mask64(f, g);
		g = _kxor_mask64(g, h); h = _kxnor_mask64(h, a);
		side_jmp_event(pass, text, text);
	}
	return (long)_cvtmask64_u64(_kxor_mask64(
		_kadd_mask64(_kxor_mask64(a, b), _kxor_mask64(c, d)),
		_kadd_mask64(_kxor_mask64(e, f), _kxor_mask64(g, h))));
}

/* Named, as a compiler is free to name it. */
__attribute__((noinline, target("avx512f,avx512bw"))) static bool first_mask(void)
{
	register __mmask64 k0 __asm__("k0");
	unsigned long after;
	char text[100];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	__asm__ volatile ("kxnorq %%k1, %%k1, %0" : "=k" (k0) : : "k1");
	side_jmp_event(pass, text, text);
	__asm__ volatile ("kmovq %1, %0" : "=r" (after) : "k" (k0));
	return after == ~0ul;
}
#endif

#if defined(__aarch64__) && SIDE_JMP_HAS_CALL_
/*
 * All of them at once, by hand: what a compiler has in them at a site, it may
 * have in any.
 */
struct registers {
	unsigned long general[32];		/* as many as GENERAL_ONES says */
	unsigned char vectors[256 * 32];	/* z0, z1... or q0... */
	unsigned char predicates[32 * 17];	/* p0, p1... and FFR */
};
static struct registers before, after;

#define GENERAL_ONES	"0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 30"
#define EVERY_SVE(what, ffr_before, ffr_after) \
	".irp r, " ALL_TO_31 "\n" \
	what " z\\r, [x20, #\\r, mul vl]\n" \
	".endr\n" ffr_before \
	".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n" \
	what " p\\r, [x22, #\\r, mul vl]\n" \
	".endr\n" ffr_after

__attribute__((noinline)) static bool every_register(bool sve)
{
	unsigned long length = 16;	/* of a vector */
	register struct registers *b __asm__("x19") = &before;
	register void *vectors __asm__("x20") = before.vectors;
	register void (*f)(void) __asm__("x21") = trash;
	register void *predicates __asm__("x22") = before.predicates;
	register struct registers *a __asm__("x23") = &after;
	register void *vectors_after __asm__("x24") = after.vectors;
	register void *predicates_after __asm__("x25") = after.predicates;
	register unsigned long with_sve __asm__("x26") = sve;

	if (sve)
		__asm__ volatile (".arch_extension sve\nrdvl %0, #1" : "=r" (length));
	memset(&after, 0, sizeof(after));
	for (size_t i = 0; i < sizeof(before); i++)
		((unsigned char *)&before)[i] = (unsigned char)(i * 7 + i / 251);
	/* FFR is a row of ones, then zeros. */
	memset(before.predicates + 16 * length / 8, 0, length / 8);
	before.predicates[16 * length / 8] = 0x7f;
	__asm__ volatile (
		".arch_extension sve\n"
		"cbz x26, 1f\n"
		EVERY_SVE("ldr", "ldr p0, [x22, #16, mul vl]\nwrffr p0.b\n", "")
		"b 2f\n"
		"1:\n"
		".irp r, " ALL_TO_31 "\n"
		"ldr q\\r, [x20, #16 * \\r]\n"
		".endr\n"
		"2:\n"
		".irp r, " GENERAL_ONES "\n"
		"ldr x\\r, [x19, #8 * \\r]\n"
		".endr\n"
		SIDE_JMP_ARCH_CALL("side_jmp_call_0", "", "str x21, [sp, #8]\n")
		".irp r, " GENERAL_ONES "\n"
		"str x\\r, [x23, #8 * \\r]\n"
		".endr\n"
		"mov x20, x24\n"
		"mov x22, x25\n"
		"cbz x26, 1f\n"
		EVERY_SVE("str", "", "rdffr p0.b\nstr p0, [x22, #16, mul vl]\n")
		"b 2f\n"
		"1:\n"
		".irp r, " ALL_TO_31 "\n"
		"str q\\r, [x20, #16 * \\r]\n"
		".endr\n"
		"2:\n"
		: "+r" (vectors), "+r" (predicates)
		: "r" (b), "r" (f), "r" (a), "r" (vectors_after),
		  "r" (predicates_after), "r" (with_sve)
		: "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
		  "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x30", "v0", "v1",
		  "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12",
		  "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21",
		  "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
		  "v31", "cc", "memory");
	for (int i = 0; i < 31; i++)
		if ((i < 16 || i == 30) && before.general[i] != after.general[i])
			return false;
	return !memcmp(before.vectors, after.vectors, 32 * (sve ? length : 16)) &&
	       (!sve || !memcmp(before.predicates, after.predicates, 17 * length / 8));
}
#endif

#if defined(__riscv) && SIDE_JMP_HAS_CALL_
/* All of them at once, by hand. */
struct registers {
	unsigned long general[16];		/* as GENERAL_ONES says */
	unsigned long floats[32];
	unsigned long state[4];			/* of vectors: vl, vtype, vcsr, vstart */
	unsigned char vectors[1024 * 32];	/* v0, v1... */
};
static struct registers before, after;

#define GENERAL_ONES	"ra, t1, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7"
#define EVERY(what, r, registers, at) \
	".set at, 0\n" \
	".irp r, " registers "\n" \
	what " " r "\\r, at(" at ")\n" \
	".set at, at + 8\n" \
	".endr\n"
/* vs8r.v and vl8re8.v of v0, v8, v16, v24 at t0 */
#define EVERY_V(instruction) \
	"csrr t1, 0xc22\n" \
	"slli t1, t1, 3\n" \
	".irp r, 0, 8, 16, 24\n" \
	".4byte " instruction " | \\r << 7\n" \
	"add t0, t0, t1\n" \
	".endr\n"

__attribute__((noinline)) static bool every_register(bool v)
{
	unsigned long length = 0;	/* of a vector */
	register struct registers *b __asm__("s2") = &before;
	register struct registers *a __asm__("s3") = &after;
	register unsigned long *b_floats __asm__("s4") = before.floats;
	register unsigned long *a_floats __asm__("s5") = after.floats;
	register unsigned char *b_vectors __asm__("s6") = before.vectors;
	register unsigned char *a_vectors __asm__("s7") = after.vectors;
	register void (*f)(void) __asm__("s8") = trash;
	register unsigned long with_v __asm__("s9") = v;
	register unsigned long *state __asm__("s10") = after.state;

	memset(&after, 0, sizeof(after));
	for (size_t i = 0; i < sizeof(before); i++)
		((unsigned char *)&before)[i] = (unsigned char)(i * 7 + i / 251);
	v_is_there = v;
	if (v)
		__asm__ volatile ("csrr %0, 0xc22" : "=r" (length));
	__asm__ volatile (
		"beqz s9, 1f\n"
		"csrw 0x008, zero\n"
		"mv t0, s6\n"
		EVERY_V("0xe2828007")
		"li t1, 3\n"
		".4byte 0x051372d7\n"		/* vsetvli t0, t1, e32, m2, ta, mu */
		"csrwi 0x00f, 5\n"
		"csrwi 0x008, 2\n"
		"1:\n"
		EVERY("fld", "f", ALL_TO_31, "s4")
		EVERY("ld", "", GENERAL_ONES, "s2")
		SIDE_JMP_ARCH_CALL("side_jmp_call_0", "", "sd s8, 8(sp)\n")
		EVERY("sd", "", GENERAL_ONES, "s3")
		EVERY("fsd", "f", ALL_TO_31, "s5")
		"beqz s9, 1f\n"
		"csrr t0, 0xc20\n"
		"sd t0, 0(s10)\n"
		"csrr t0, 0xc21\n"
		"sd t0, 8(s10)\n"
		"csrr t0, 0x00f\n"
		"sd t0, 16(s10)\n"
		"csrr t0, 0x008\n"
		"sd t0, 24(s10)\n"
		"csrw 0x008, zero\n"
		"mv t0, s7\n"
		EVERY_V("0xe2828027")
		"1:\n"
		: : "r" (b), "r" (a), "r" (b_floats), "r" (a_floats), "r" (b_vectors),
		    "r" (a_vectors), "r" (f), "r" (with_v), "r" (state)
		: "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ra", "a0", "a1", "a2",
		  "a3", "a4", "a5", "a6", "a7", "ft0", "ft1", "ft2", "ft3", "ft4",
		  "ft5", "ft6", "ft7", "ft8", "ft9", "ft10", "ft11", "fa0", "fa1",
		  "fa2", "fa3", "fa4", "fa5", "fa6", "fa7", "fs0", "fs1", "fs2",
		  "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11",
		  "memory");
	v_is_there = false;
	return !memcmp(before.general, after.general, 14 * 8) &&
	       !memcmp(before.floats, after.floats, sizeof(before.floats)) &&
	       (!v || (after.state[0] == 3 && after.state[1] == 0x51 &&
		       after.state[2] == 5 && after.state[3] == 2 &&
		       !memcmp(before.vectors, after.vectors, 32 * length)));
}
#endif

#if defined(__s390x__) && SIDE_JMP_HAS_CALL_
/* All of them at once, by hand. */
struct registers {
	unsigned long general[6];		/* r2 to r6, r14 */
	unsigned int access[14];		/* a2 to a15 */
	unsigned long vectors[2 * 32];		/* v0, v1... or f0... */
};
static struct registers before, after;

__attribute__((noinline)) static bool every_register(bool vx)
{
	register struct registers *b __asm__("r7") = &before;
	register struct registers *a __asm__("r8") = &after;
	register void (*f)(void) __asm__("r9") = trash;
	register unsigned long with_vx __asm__("r10") = vx;

	memset(&after, 0, sizeof(after));
	for (size_t i = 0; i < sizeof(before); i++)
		((unsigned char *)&before)[i] = (unsigned char)(i * 7 + i / 251);
	__asm__ volatile (
		".machine push\n.machine z13\n"
		"cgijne %%r10, 0, 1f\n"
		".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
		"ld %%f\\r, 104 + 8 * \\r(%%r7)\n"
		".endr\n"
		"j 2f\n"
		"1:\n"
		"vlm %%v0, %%v15, 104(%%r7)\n"
		"vlm %%v16, %%v31, 104 + 256(%%r7)\n"
		"2:\n"
		"lam %%a2, %%a15, 48(%%r7)\n"
		"lmg %%r2, %%r6, 0(%%r7)\n"
		"lg %%r14, 40(%%r7)\n"
		SIDE_JMP_ARCH_CALL("side_jmp_call_0", "", "stg %%r9, 8(%%r15)\n")
		"stmg %%r2, %%r6, 0(%%r8)\n"
		"stg %%r14, 40(%%r8)\n"
		"stam %%a2, %%a15, 48(%%r8)\n"
		"cgijne %%r10, 0, 1f\n"
		".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
		"std %%f\\r, 104 + 8 * \\r(%%r8)\n"
		".endr\n"
		"j 2f\n"
		"1:\n"
		"vstm %%v0, %%v15, 104(%%r8)\n"
		"vstm %%v16, %%v31, 104 + 256(%%r8)\n"
		"2:\n"
		".machine pop\n"
		: : "r" (b), "r" (a), "r" (f), "r" (with_vx)
		: "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r14", "f0", "f1", "f2",
		  "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12", "f13",
		  "f14", "f15", "cc", "memory");
	return !memcmp(before.general, after.general, sizeof(before.general)) &&
	       !memcmp(before.access, after.access, sizeof(before.access)) &&
	       !memcmp(before.vectors, after.vectors, vx ? 512 : 128);
}
#endif

#if defined(__powerpc64__) && defined(__VSX__) && SIDE_JMP_HAS_CALL_
/* All of them at once, by hand. */
struct registers {
	unsigned long general[11];		/* r2 to r12, of which r12 is not kept */
	unsigned long special[4];		/* LR, CR, XER, CTR */
	unsigned long unused;
	unsigned long vectors[2 * 64];		/* vs0, vs1... */
};
static struct registers before, after;

#define EVERY_VSX(what, at) \
	"mr 12, " at "\n" \
	".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, " \
	"21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, " \
	"41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, " \
	"61, 62, 63\n" \
	what " \\r, 0, 12\n" \
	"addi 12, 12, 16\n" \
	".endr\n"
#define EVERY_GENERAL(what, at) \
	".irp r, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n" \
	what " \\r, 8 * \\r - 16(" at ")\n" \
	".endr\n"

/* Another module's leaves its own TOC pointer, too. */
__attribute__((noinline)) static void trash_all(void)
{
	trash();
	__asm__ volatile ("li 2, 0x5555" : : : "memory");
}

__attribute__((noinline)) static bool every_register(void)
{
	register struct registers *b __asm__("r14") = &before;
	register struct registers *a __asm__("r15") = &after;
	register unsigned long *b_vectors __asm__("r16") = before.vectors;
	register unsigned long *a_vectors __asm__("r17") = after.vectors;
	register void (*f)(void) __asm__("r18") = trash_all;

	memset(&after, 0, sizeof(after));
	for (size_t i = 0; i < sizeof(before); i++)
		((unsigned char *)&before)[i] = (unsigned char)(i * 7 + i / 251);
	before.special[1] &= 0xffffffff;	/* CR has so many bits */
	before.special[2] = 0xe0000000;		/* XER: SO, OV, CA */
	__asm__ volatile (
		"mr 19, 2\n"
		EVERY_VSX("lxvd2x", "16")
		"ld 12, 88(14)\n"
		"mtlr 12\n"
		"ld 12, 96(14)\n"
		"mtcr 12\n"
		"ld 12, 104(14)\n"
		"mtxer 12\n"
		"ld 12, 112(14)\n"
		"mtctr 12\n"
		EVERY_GENERAL("ld", "14")
		SIDE_JMP_ARCH_CALL("side_jmp_call_0", "", "std 18, 32(1)\n")
		EVERY_GENERAL("std", "15")
		"mr 2, 19\n"
		"mflr 12\n"
		"std 12, 88(15)\n"
		"mfcr 12\n"
		"std 12, 96(15)\n"
		"mfxer 12\n"
		"std 12, 104(15)\n"
		"mfctr 12\n"
		"std 12, 112(15)\n"
		EVERY_VSX("stxvd2x", "17")
		: : "r" (b), "r" (a), "r" (b_vectors), "r" (a_vectors), "r" (f)
		: "r0", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12",
		  "r19", "lr", "ctr", "xer", "cr0", "cr1", "cr2", "cr3", "cr4", "cr5",
		  "cr6", "cr7", "memory", VOLATILE_VECTORS, "vs14", "vs15", "vs16",
		  "vs17", "vs18", "vs19", "vs20", "vs21", "vs22", "vs23", "vs24",
		  "vs25", "vs26", "vs27", "vs28", "vs29", "vs30", "vs31", "v20", "v21",
		  "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
	return !memcmp(before.general, after.general, 10 * 8) &&
	       !memcmp(before.special, after.special, sizeof(before.special)) &&
	       !memcmp(before.vectors, after.vectors, sizeof(before.vectors));
}
#endif

#define OUTPUT_NAMES(of) (const char *const[]){ \
	"transparent_starts_" of, "transparent_to_registers_with_" of, \
	"transparent_to_256_bit_vectors_with_" of, \
	"transparent_to_512_bit_vectors_with_" of }

/* The built-in outputs keep vectors by themselves. */
static void with_output(const char *output, const char *const names[])
{
	enum { ROUNDS = 20000 };	/* many packets */
	char long_text[200];
	double off = general(ROUNDS);
#if defined(__x86_64__)
	bool avx2 = __builtin_cpu_supports("avx2"),
	     avx512 = __builtin_cpu_supports("avx512bw");
	long off_wide = avx2 ? wide(ROUNDS) : 0,
	     off_widest = avx512 ? widest(ROUNDS) : 0,
	     off_masks = avx512 ? masks(ROUNDS) : 0;
#endif

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = 0;
	tap_equal(side_jmp_trace_start("pass:*", output), 0,
		  names[0]);
	tap_ok(general(ROUNDS) == off, names[1]);
	side_jmp_event(pass, four, -5, 200, 2.5, long_text);
#if defined(__x86_64__)
	if (avx2)
		tap_ok(wide(ROUNDS) == off_wide, names[2]);
	else
		tap_skip(names[2], "this processor has none");
	if (avx512)
		tap_ok(widest(ROUNDS) == off_widest &&
		       masks(ROUNDS) == off_masks && first_mask(), names[3]);
	else
		tap_skip(names[3], "this processor has none");
#endif
	side_jmp_trace_stop();
}

/* ---- callbacks in general registers -------------------------------------- */

#if defined(__x86_64__)
#define GENERAL	__attribute__((target("general-regs-only")))
#else
#define GENERAL
#endif

static int general_seen;

GENERAL static void in_general(const struct side_jmp_event *event,
			       const struct side_jmp_value values[], void *data)
{
	unsigned n = event->desc->n_fields;

	if ((n > 0 && values[0].s64 != -5) || (n > 1 && values[1].u64 != 200) ||
	    data != &general_seen)
		wrong++;
	general_seen++;
#if defined(__x86_64__)
	__asm__ volatile (
		"mov $0x5555, %%eax; mov %%rax, %%rcx; mov %%rax, %%rdx\n"
		"mov %%rax, %%rsi; mov %%rax, %%rdi; mov %%rax, %%r8\n"
		"mov %%rax, %%r9; mov %%rax, %%r10; mov %%rax, %%r11\n"
		: : : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
		      "r11", "cc", "memory");
#endif
}

/* Which is not what it says: is what it does undone? */
static void trash_vectors(const struct side_jmp_event *event,
			  const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
#if defined(__x86_64__)
	__asm__ volatile ("pxor %%xmm15, %%xmm15" : : : "xmm15");
#endif
}

static bool keeps_vectors(void)
{
#if defined(__x86_64__)
	register double x __asm__("xmm15") = doubles[1];

	__asm__ volatile ("" : "+x" (x));
	side_jmp_event(pass, zero);
	__asm__ volatile ("" : "+x" (x));
	return x == doubles[1];
#else
	return true;
#endif
}

/*
 * The lowest variable of a function is where the stack pointer points, in which
 * gcc 14 leaves its address: an argument that moves while it is pushed.  clang
 * does that with this register variable, but with no variable's address.
 */
static uintptr_t place;

static void placed(uintptr_t p, int other)
{
	place = other == 7 ? p : 0;
}

#if defined(__x86_64__)
#define STACK_POINTER	"rsp"
#elif defined(__s390x__)
#define STACK_POINTER	"r15"
#elif defined(__powerpc64__)
#define STACK_POINTER	"r1"
#elif defined(__riscv)
#define STACK_POINTER	"sp"
#endif

__attribute__((noinline)) static bool keeps_stack_pointer(void)
{
#if defined(STACK_POINTER) && !defined(__clang__)
	register uintptr_t sp __asm__(STACK_POINTER);

	side_jmp_call(key, placed, sp, 7);
	return place == sp;
#else
	uintptr_t other;

	side_jmp_call(key, placed, (uintptr_t)&other, 7);
	return place == (uintptr_t)&other;
#endif
}

static bool kept_with(int (*how)(struct side_jmp_tracer **, const char *,
				 side_jmp_callback *, void *),
		      side_jmp_callback *function)
{
	struct side_jmp_tracer *tracer;
	bool kept;

	if (how(&tracer, "pass:zero", function, NULL))
		return false;
	kept = keeps_vectors();
	return !side_jmp_tracer_unregister(tracer) && kept;
}

static void with_general(double off)
{
	struct side_jmp_tracer *tracer;

	tap_equal(side_jmp_tracer_register_general(&tracer, "pass:*", in_general,
						   &general_seen), 0,
		  "transparent_general_register");
	tap_ok(general(100) == off && general_seen == 800,
	       "transparent_general_to_registers");
	tap_equal(wrong, 0, "transparent_general_arguments_arrive");
	tap_equal(side_jmp_tracer_unregister(tracer), 0,
		  "transparent_general_unregister");
	tap_ok(kept_with(side_jmp_tracer_register, trash_vectors),
	       "transparent_vectors_are_kept_around_others");
#if SJ_GENERAL
	tap_ok(!kept_with(side_jmp_tracer_register_general, trash_vectors),
	       "transparent_vectors_are_not_saved_around_general_ones");
#else
	tap_skip("transparent_vectors_are_not_saved_around_general_ones",
		 "here an event is a call, or keeps all for all");
#endif
}

static struct side_jmp_tracer *on(void)
{
	struct side_jmp_tracer *tracer = NULL;

	tap_equal(side_jmp_tracer_register(&tracer, "pass:*", callback, NULL), 0,
		  "transparent_register");
	side_jmp_enable(&key);
	return tracer;
}

int main(void)
{
	char folder[] = "/tmp/side_jmp.XXXXXX", path[64], *ctf;
	struct side_jmp_tracer *tracer;
	double off;
#if defined(__x86_64__)
	long off_wide = 0, off_widest = 0, off_masks = 0;
#endif

	for (int i = 0; i < N; i++) {
		longs[i] = i * 1234567 + 1;
		doubles[i] = i * 0.25 + 1;
	}
	off = general(100);
	tap_equal(seen, 0, "transparent_nothing_is_seen_while_off");
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		off_wide = wide(100);
	if (__builtin_cpu_supports("avx512bw"))
		off_widest = widest(100), off_masks = masks(100);
#endif
	tracer = on();
	tap_ok(general(100) == off, "transparent_to_registers");
	tap_equal(seen, 800, "transparent_every_event_is_seen");
	tap_equal(wrong, 0, "transparent_arguments_arrive");
	tap_equal(report_seen, 100, "transparent_call_arrives");
	for (int n = 0; n < 4; n++) {
		bool odd = n & 1, high = n & 2;

		side_jmp_call(key, flagged, odd, high);
	}
	tap_equal(flags_seen, 1, "transparent_bool_arrives");
	tap_ok(is_counted(7), "transparent_call_reads_and_writes_the_files_variables");
#if defined(__aarch64__) && SIDE_JMP_HAS_CALL_
	tap_ok(every_register(false), "transparent_to_every_register");
	if (has_sve())
		tap_ok(every_register(true), "transparent_to_every_register_of_sve");
	else
		tap_skip("transparent_to_every_register_of_sve", "this processor has none");
#elif defined(__riscv) && SIDE_JMP_HAS_CALL_
	tap_ok(every_register(false), "transparent_to_every_register");
	if (has_v())
		tap_ok(every_register(true), "transparent_to_every_register_of_v");
	else
		tap_skip("transparent_to_every_register_of_v", "this processor has none");
#elif defined(__s390x__) && SIDE_JMP_HAS_CALL_
	tap_ok(every_register(has_vx()), "transparent_to_every_register");
#elif defined(__powerpc64__) && defined(__VSX__) && SIDE_JMP_HAS_CALL_
	tap_ok(every_register(), "transparent_to_every_register");
#endif
	tap_ok(takes_words(), "transparent_words_are_extended");
	local();
	tap_equal(wrong, 0, "transparent_memory_arrives");
	tap_ok(keeps_stack_pointer(), "transparent_the_stack_pointer_arrives");
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		tap_ok(wide(100) == off_wide, "transparent_to_256_bit_vectors");
	else
		tap_skip("transparent_to_256_bit_vectors", "this processor has none");
	if (__builtin_cpu_supports("avx512bw"))
		tap_ok(widest(100) == off_widest && masks(100) == off_masks,
		       "transparent_to_512_bit_vectors");
	else
		tap_skip("transparent_to_512_bit_vectors", "this processor has none");
#endif
	side_jmp_tracer_unregister(tracer);
	side_jmp_disable(&key);
	with_general(off);
	with_output("/dev/null", OUTPUT_NAMES("text"));
	ctf = mkdtemp(folder);
	if (ctf && snprintf(path, sizeof(path), "%s/trace/", ctf) > 0)
		with_output(path, OUTPUT_NAMES("ctf"));
	tap_ok(ctf && !remove_folder(ctf), "transparent_cleans_up");
	return tap_done();
}
