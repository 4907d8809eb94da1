/* SPDX-License-Identifier: MIT */
/*
 * 100,000 sites of 10,000 keys in one object, and batches over them: every
 * site is found, and a batch synchronizes the cores once, whatever its size.
 */
#include <stdint.h>

#include <side_jmp.h>

#include "tests/expect.h"
#include "tests/tap.h"

enum { N_SITES = 100000, N_KEYS = 10000 };

/* 32 bytes a key, in one array: site i is of key i % N_KEYS. */
extern struct side_jmp_key many_keys[N_KEYS];
struct side_jmp_key many_keys[N_KEYS];

/*
 * What the header's macro emits, by the assembler's loop: many_pass() goes
 * through all sites and returns how many took the enabled path.
 */
__asm__(
"	.text\n"
"	.globl many_pass\n"
"	.type many_pass, @function\n"
"many_pass:\n"
"	xorl %eax, %eax\n"
"	.set many_key, 0\n"
"	.rept 100000\n"
"0:	.byte 0xe9\n"
"	.long 2f - . - 4\n"
"1:\n"
"	.subsection 1\n"
"2:	cmpl $0, many_keys + many_key(%rip)\n"
"	je 1b\n"
"	incl %eax\n"
"	jmp 1b\n"
"	.previous\n"
"	.pushsection side_jmp, \"ao\", @progbits, .text\n"
"	.balign 4\n"
"	.long 0b - .\n"
"	.long 2b - .\n"
"	.long many_keys + many_key - .\n"
"	.byte 1, 0, 0, 0\n"
"	.popsection\n"
"	.set many_key, (many_key + 32) % (10000 * 32)\n"
"	.endr\n"
"	ret\n"
"	.size many_pass, . - many_pass\n");

int many_pass(void);

static struct side_jmp_key *all[N_KEYS];

/* The keys have to be there before the constructor that registers. */
static void fill_keys(void)
{
	for (unsigned i = 0; i < N_KEYS; i++) {
		many_keys[i] = (struct side_jmp_key)
			SIDE_JMP_KEY_INIT_(many, 32);
		all[i] = &many_keys[i];
	}
}

__attribute__((used, section(".preinit_array")))
static void (*const first)(void) = fill_keys;

static void expect_one_sync(size_t n, const char *name)
{
	struct side_jmp_info before = info(), between, after;
	bool ok = !side_jmp_enable_many(all, n);
	int hits = many_pass();

	between = info();
	ok &= !side_jmp_disable_many(all, n);
	after = info();
	tap_note("%zu keys: %d hits, %llu writes, %llu + %llu syncs", n, hits,
		 (unsigned long long)(after.writes - before.writes),
		 (unsigned long long)(between.syncs - before.syncs),
		 (unsigned long long)(after.syncs - between.syncs));
	tap_ok(ok && hits == (int)n * (N_SITES / N_KEYS) && many_pass() == 0 &&
	       between.syncs == before.syncs + 1 &&
	       after.syncs == between.syncs + 1, name);
}

static void test_nothing_to_do(void)
{
	struct side_jmp_info before;

	side_jmp_enable(all[0]);
	before = info();
	side_jmp_enable(all[0]);
	side_jmp_disable(all[0]);
	tap_ok(info().syncs == before.syncs && info().writes == before.writes,
	       "objects_many_no_sync_without_a_write");
	side_jmp_disable(all[0]);
}

/* One that fails in the middle: none of the batch has changed. */
static void test_all_or_nothing(void)
{
	many_keys[5000].word32 = (1u << 31) - 1;
	tap_equal(side_jmp_enable_many(all, N_KEYS), -EOVERFLOW,
		  "objects_many_batch_fails");
	many_keys[5000].word32 = 0;
	tap_ok(many_pass() == 0 && !side_jmp_enabled(all[0]) &&
	       !side_jmp_enabled(all[4999]) && !side_jmp_enabled(all[9999]),
	       "objects_many_failed_batch_changes_nothing");
	side_jmp_enable(all[77]);
	tap_ok(side_jmp_disable_many(all, N_KEYS) == -EINVAL &&
	       side_jmp_enabled(all[77]) && many_pass() == 10,
	       "objects_many_failed_disable_changes_nothing");
	side_jmp_disable(all[77]);
}

int main(void)
{
	struct side_jmp_info i = info();

	tap_equal((long long)i.sites, N_SITES, "objects_many_finds_all_sites");
	tap_equal((long long)i.keys, N_KEYS, "objects_many_finds_all_keys");
	tap_equal((long long)i.idle, N_SITES, "objects_many_idles_all");
	tap_equal(many_pass(), 0, "objects_many_start_disabled");
	expect_one_sync(1, "objects_many_one_key_one_sync");
	expect_one_sync(100, "objects_many_100_keys_one_sync");
	expect_one_sync(N_KEYS, "objects_many_10000_keys_one_sync");
	test_nothing_to_do();
	test_all_or_nothing();
	tap_equal((long long)info().idle, N_SITES, "objects_many_idle_again");
	tap_ok(!side_jmp_enable_many(all, N_KEYS) && !side_jmp_freeze() &&
	       many_pass() == N_SITES, "objects_many_freeze_enabled");
	tap_ok(!side_jmp_disable_many(all, N_KEYS) && many_pass() == 0 &&
	       info().armed == N_SITES, "objects_many_freeze_arms_all");
	return tap_done();
}
