/* SPDX-License-Identifier: MIT */
/*
 * A frozen copy of version 1 of everything that is ABI: a table, its object,
 * its keys and a subscriber, written down as bytes and not through the header.
 * When this fails, programs that are out there have stopped working.
 */
#include <stddef.h>
#include <stdint.h>

#include <side_jmp.h>

#include "tests/expect.h"
#include "tests/tap.h"

/*
 * One site of each kind; frozen_NAME() returns whether it took the enabled
 * path.  Record: site, check, key (relative to themselves), version, layout,
 * flags, reserved.  Object: version, record size, start, stop, private.
 * Key: 8 bytes of word, lock, version, width, reserved, subscribers, name.
 */
#define FUNCTION(name, site) \
	"	.balign 16\n" \
	"frozen_" name ":\n" \
	site \
	"	xor %eax, %eax\n" \
	"	ret\n"
#define CHECK(name, test) \
	"frozen_" name "_check:\n" \
	test \
	"	setne %al\n" \
	"	movzbl %al, %eax\n" \
	"	ret\n"
#define JUMP(name) \
	"frozen_" name "_site:\n" \
	"	.byte 0xe9\n" \
	"	.long frozen_" name "_check - . - 4\n"
#define RECORD(name, key, tail) \
	"	.long frozen_" name "_site - .\n" \
	"	.long frozen_" name "_check - .\n" \
	"	.long " key " - .\n" \
	"	.byte 1, " tail ", 0\n"
#define KEY(name, width) \
	"	.balign 8\n" \
	name ":\n" \
	"	.quad 0\n" \
	"	.long 0\n" \
	"	.short 1\n" \
	"	.byte " width ", 0\n" \
	"	.quad 0, 0\n"

__asm__(
"	.text\n"
FUNCTION("inline", JUMP("inline"))
FUNCTION("inline64", JUMP("inline64"))
FUNCTION("dense", JUMP("dense"))
FUNCTION("slot", JUMP("slot"))
FUNCTION("slot64", JUMP("slot64"))
FUNCTION("wide",
	"	xorl %eax, %eax\n"
	"frozen_wide_site:\n"
	"	.byte 0x3b, 0x05\n"
	"	.long frozen_key32 - . - 4\n"
	"	jc frozen_wide_check\n")
FUNCTION("wide64",
	"	xorl %eax, %eax\n"
	"frozen_wide64_site:\n"
	"	.byte 0x48, 0x3b, 0x05\n"
	"	.long frozen_key64 - . - 4\n"
	"	jc frozen_wide64_check\n")
FUNCTION("nop",
	"frozen_nop_site:\n"
	"	.byte 0x0f, 0x1f, 0x00, 0xe9\n"
	"	.long frozen_nop_check - . - 4\n")
CHECK("inline", "	cmpl $0, frozen_key32(%rip)\n")
CHECK("inline64", "	cmpq $0, frozen_key64(%rip)\n")
CHECK("dense", "	cmpl $0, frozen_key32(%rip)\n")
CHECK("slot", "	cmpl $0, frozen_key32(%rip)\n")
CHECK("slot64", "	cmpq $0, frozen_key64(%rip)\n")
CHECK("wide", "	cmpl $0, frozen_key32(%rip)\n")
CHECK("wide64", "	cmpq $0, frozen_key64(%rip)\n")
CHECK("nop", "	cmpl $0, frozen_key32(%rip)\n")
"	.section frozen_table, \"a\", @progbits\n"
"	.balign 4\n"
"frozen_start:\n"
RECORD("inline", "frozen_key32", "0, 0")
RECORD("inline64", "frozen_key64", "0, 2")
RECORD("dense", "frozen_key32", "1, 0")
RECORD("slot", "frozen_holder32", "0, 1")
RECORD("slot64", "frozen_holder64", "0, 3")
RECORD("wide", "frozen_key32", "2, 0")
RECORD("wide64", "frozen_key64", "2, 2")
RECORD("nop", "frozen_key32", "3, 0")
"frozen_stop:\n"
"	.data\n"
"	.balign 8\n"
"frozen_object:\n"
"	.long 1, 16\n"
"	.quad frozen_start, frozen_stop, 0\n"
"frozen_holder32: .quad frozen_key32\n"
"frozen_holder64: .quad frozen_key64\n"
KEY("frozen_key32", "32")
KEY("frozen_key64", "64")
"	.text\n");

extern struct side_jmp_object frozen_object;
extern struct side_jmp_key frozen_key32, frozen_key64;
int frozen_inline(void), frozen_inline64(void), frozen_dense(void),
    frozen_slot(void), frozen_slot64(void), frozen_wide(void),
    frozen_wide64(void), frozen_nop(void);

SIDE_JMP_KEY(own_key);

__attribute__((noinline)) static bool own_site(void)
{
	return side_jmp_unlikely(own_key);
}

static int hits32(void)
{
	return frozen_inline() + frozen_dense() + frozen_slot() +
	       frozen_wide() + frozen_nop();
}

static int hits64(void)
{
	return frozen_inline64() + frozen_slot64() + frozen_wide64();
}

static void test_table(void)
{
	struct side_jmp_info before = info();
	int r = side_jmp_object_register(&frozen_object);

	if (r)
		tap_note("%s", info().reject_reason);
	tap_equal(r, 0, "objects_abi_accepts_version_1");
	tap_equal((long long)(info().sites - before.sites), 8,
		  "objects_abi_finds_every_record");
	tap_equal((long long)(info().keys - before.keys), 2,
		  "objects_abi_finds_both_keys");
	tap_equal((long long)(info().idle - before.idle), 8,
		  "objects_abi_makes_all_idle");
	tap_equal(hits32() + hits64(), 0, "objects_abi_starts_disabled");
	tap_ok(!side_jmp_enable(&frozen_key32) && hits32() == 5 &&
	       hits64() == 0, "objects_abi_enables_32_bits");
	tap_ok(!side_jmp_enable(&frozen_key64) && hits32() == 5 &&
	       hits64() == 3, "objects_abi_enables_64_bits");
	tap_ok(frozen_key32.word32 == 1 && frozen_key64.word64 == 1,
	       "objects_abi_counts_users_in_the_word");
	tap_ok(!side_jmp_disable(&frozen_key32) &&
	       !side_jmp_disable(&frozen_key64) && hits32() + hits64() == 0,
	       "objects_abi_disables");
	tap_equal((long long)(info().idle - before.idle), 8,
		  "objects_abi_makes_all_idle_again");
}

/* The top bit is somebody else's: it wants the key, it is no user of ours. */
static void test_top_bit(void)
{
	__atomic_or_fetch(&frozen_key32.word32, 1u << 31, __ATOMIC_SEQ_CST);
	__atomic_or_fetch(&frozen_key64.word64, 1ull << 63, __ATOMIC_SEQ_CST);
	tap_ok(!side_jmp_sync(&frozen_key32) && hits32() == 5 &&
	       !side_jmp_sync(&frozen_key64) && hits64() == 3,
	       "objects_abi_top_bit_enables");
	tap_ok(side_jmp_disable(&frozen_key32) == -EINVAL &&
	       side_jmp_disable(&frozen_key64) == -EINVAL,
	       "objects_abi_top_bit_is_no_user");
	tap_ok(!side_jmp_enable(&frozen_key64) &&
	       !side_jmp_disable(&frozen_key64) && hits64() == 3 &&
	       frozen_key64.word64 == 1ull << 63,
	       "objects_abi_top_bit_outlasts_users");
	frozen_key32.word32 = 0;
	frozen_key64.word64 = 0;
	tap_ok(!side_jmp_sync(&frozen_key32) && !side_jmp_sync(&frozen_key64) &&
	       hits32() + hits64() == 0, "objects_abi_top_bit_disables");
}

static void test_limits(void)
{
	frozen_key32.word32 = (1u << 31) - 1;
	frozen_key64.word64 = (1ull << 63) - 1;
	tap_ok(side_jmp_enable(&frozen_key32) == -EOVERFLOW &&
	       frozen_key32.word32 == (1u << 31) - 1,
	       "objects_abi_32_bits_do_not_overflow");
	tap_ok(side_jmp_enable(&frozen_key64) == -EOVERFLOW &&
	       frozen_key64.word64 == (1ull << 63) - 1,
	       "objects_abi_64_bits_do_not_overflow");
	frozen_key32.word32 = 0;
	frozen_key64.word64 = 0;
}

/* ---- a subscriber: how another copy of the library takes part ----------- */

struct frozen_subscriber {
	struct frozen_subscriber *next;
	int (*sync)(struct side_jmp_key *key, unsigned flags);
};

static int calls, answer;
static unsigned last_flags;
static uint32_t last_word, lock_was;

static int on_sync(struct side_jmp_key *key, unsigned flags)
{
	calls++;
	last_flags = flags;
	last_word = key->word32;
	lock_was = key->lock;
	return answer;
}

static struct frozen_subscriber subscriber = { .sync = on_sync };

static void subscribe(struct side_jmp_key *key)
{
	subscriber.next = (struct frozen_subscriber *)key->subscribers;
	key->subscribers = (struct side_jmp_subscriber *)&subscriber;
}

static void test_subscriber(void)
{
	struct side_jmp_key *both[] = { &frozen_key64, &frozen_key32 };

	subscribe(&frozen_key32);
	tap_ok(!side_jmp_enable(&frozen_key32) && calls == 1 &&
	       last_word == 1 && last_flags == 0 && lock_was != 0,
	       "objects_abi_subscriber_is_told_of_enable");
	tap_ok(!side_jmp_disable(&frozen_key32) && calls == 2 &&
	       last_word == 0 && frozen_key32.lock == 0,
	       "objects_abi_subscriber_is_told_of_disable");
	answer = -EACCES;
	tap_ok(side_jmp_enable_many(both, 2) == -EACCES &&
	       frozen_key32.word32 == 0 && frozen_key64.word64 == 0 &&
	       calls == 4 && hits32() + hits64() == 0,
	       "objects_abi_subscriber_can_fail_an_enable");
	tap_ok(side_jmp_freeze() == -EACCES && last_flags == 1,
	       "objects_abi_subscriber_can_fail_a_freeze");
	answer = 0;
	tap_ok(side_jmp_freeze() == 0 && last_flags == 1,
	       "objects_abi_subscriber_is_told_of_freeze");
	calls = 0;
	tap_ok(!side_jmp_enable(&frozen_key32) && calls == 1 && hits32() == 5,
	       "objects_abi_subscriber_is_told_by_a_frozen_copy");
}

int main(void)
{
	tap_ok(sizeof(struct side_jmp_key) == 32 &&
	       sizeof(struct side_jmp_record) == 16 &&
	       sizeof(struct side_jmp_object) == 32,
	       "objects_abi_sizes_are_those_of_version_1");
	test_table();
	test_top_bit();
	test_limits();
	test_subscriber();
	tap_ok(!side_jmp_object_unregister(&frozen_object) && !own_site(),
	       "objects_abi_unregisters");
	return tap_done();
}
