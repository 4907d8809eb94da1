/* SPDX-License-Identifier: MIT */
/*
 * Tables that are wrong in one respect each: every one is refused with its
 * errno and its reason, leaves nothing behind, and the program goes on.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <side_jmp.h>

#include "tests/tap.h"

/*
 * Code by hand: eight armed sites 16 bytes apart that all jump to one check
 * block, one place that holds something else, one wide site.
 */
__asm__(
"	.text\n"
"	.balign 16\n"
"hand_sites:\n"
"	.rept 8\n"
"	.balign 16\n"
"	.byte 0xe9\n"
"	.long hand_check - . - 4\n"
"	ret\n"
"	.endr\n"
"	.balign 16\n"
"hand_no_site:\n"
"	nop; nop; nop; nop; nop; ret\n"
"hand_wide:\n"
"	.byte 0x3b, 0x05\n"
"	.long hand_key - . - 4\n"
"	ret\n"
/* Two jumps, one in the operand of the other. */
"hand_overlap:\n"
"	.byte 0xe9, 0xe9, 0, 0, 0, 0\n"
"	.fill 0xe9 - 1, 1, 0x90\n"
"	ret\n"
"hand_check:\n"
"	ret\n"
"hand_other_check:\n"
"	ret\n");

extern char hand_sites[], hand_no_site[], hand_wide[], hand_check[],
	    hand_other_check[], hand_overlap[];

enum { STEP = 16, N_RECORDS = 8 };

SIDE_JMP_KEY(own_key);
struct side_jmp_key hand_key = SIDE_JMP_KEY_INIT_(hand_key, 32);
static struct side_jmp_key other_key = SIDE_JMP_KEY_INIT_(other_key, 32);
static const struct side_jmp_key constant_key =
	SIDE_JMP_KEY_INIT_(constant_key, 32);
static struct side_jmp_key *slot = &hand_key;
static const char constant[64] = "not code";

/* In the object, as every good table. */
static struct side_jmp_record table[N_RECORDS + 1];
static struct side_jmp_object object;

/* An address that is in no object, near enough for a record to name it. */
static void *far_away;

static int32_t offset(const void *to, const int32_t *field)
{
	return (int32_t)((intptr_t)to - (intptr_t)field);
}

static void set_site(struct side_jmp_record *r, const void *to)
{
	r->site = offset(to, &r->site);
}

static void set_check(struct side_jmp_record *r, const void *to)
{
	r->check = offset(to, &r->check);
}

static void set_key(struct side_jmp_record *r, const void *to)
{
	r->key = offset(to, &r->key);
}

/* A good table of the first n sites by hand. */
static void good(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct side_jmp_record *r = &table[i];

		*r = (struct side_jmp_record){
			.version = SIDE_JMP_RECORD_VERSION,
		};
		set_site(r, hand_sites + i * STEP);
		set_check(r, hand_check);
		set_key(r, &hand_key);
	}
	object = (struct side_jmp_object){
		.version = SIDE_JMP_OBJECT_VERSION,
		.record_size = sizeof(struct side_jmp_record),
		.start = table, .stop = table + n,
	};
	hand_key = (struct side_jmp_key)SIDE_JMP_KEY_INIT_(hand_key, 32);
}

static struct side_jmp_info info(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	return i;
}

__attribute__((noinline)) static int own_hits(void)
{
	int n = 0;

	for (int i = 0; i < 10; i++)
		n += side_jmp_unlikely(own_key);
	return n;
}

static bool program_goes_on(void)
{
	bool ok = own_hits() == 0;

	ok &= !side_jmp_enable(&own_key) && own_hits() == 10;
	ok &= !side_jmp_disable(&own_key) && own_hits() == 0;
	return ok;
}

static bool all_armed(void)
{
	bool armed = hand_no_site[0] == (char)0x90 &&
		     hand_wide[0] == 0x3b;

	for (unsigned i = 0; i < N_RECORDS; i++)
		armed &= hand_sites[i * STEP] == (char)0xe9;
	return armed;
}

static bool same_but_rejected(const struct side_jmp_info *a,
			      const struct side_jmp_info *b)
{
	return a->objects == b->objects && a->sites == b->sites &&
	       a->keys == b->keys && a->idle == b->idle &&
	       a->pages_dirtied == b->pages_dirtied &&
	       b->objects_rejected == a->objects_rejected + 1;
}

static struct side_jmp_info before;

/* `why` is the telling word of the reason. */
static void expect_rejected_as(struct side_jmp_object *o, const char *name,
			       int error, const char *why)
{
	int seen = side_jmp_object_register(o);
	struct side_jmp_info after = info();
	bool ok = seen == error && after.reject_error == error;

	ok &= strstr(after.reject_reason, why) != NULL;
	ok &= same_but_rejected(&before, &after) && !o->priv;
	ok &= all_armed() && !hand_key.subscribers && program_goes_on();
	if (!ok)
		tap_note("%d, %d: %s", seen, after.reject_error,
			 after.reject_reason);
	tap_ok(ok, name);
	before = after;
	ok = !side_jmp_object_unregister(o);
	good(3);
}

static void expect_rejected(const char *name, int error, const char *why)
{
	expect_rejected_as(&object, name, error, why);
}

static void test_table(void)
{
	object.stop = (struct side_jmp_record *)((char *)(table + 3) - 4);
	expect_rejected("objects_reject_truncated_table", -EINVAL,
			"whole number");
	object.stop = (struct side_jmp_record *)((char *)(table + 3) + 1);
	expect_rejected("objects_reject_odd_size", -EINVAL, "whole number");
	object.start = (struct side_jmp_record *)((char *)table + 2);
	object.stop = (struct side_jmp_record *)((char *)(table + 2) + 2);
	expect_rejected("objects_reject_misaligned_table", -EINVAL, "aligned");
	object.start = table + 2;
	object.stop = table;
	expect_rejected("objects_reject_table_that_ends_before_it_starts",
			-EINVAL, "not inside");
	object.stop = far_away;
	expect_rejected("objects_reject_table_that_leaves_the_object", -EINVAL,
			"not inside");
	object.start = (struct side_jmp_record *)16;
	object.stop = object.start + 1;
	expect_rejected("objects_reject_table_in_nothing", -EINVAL,
			"not inside");
}

static void test_places(void)
{
	struct side_jmp_record *heap = calloc(2, sizeof(*heap));
	struct side_jmp_object *stranger = malloc(sizeof(*stranger));

	object.start = heap;
	object.stop = heap + 2;
	expect_rejected("objects_reject_table_outside", -EINVAL, "not inside");
	*stranger = object;
	expect_rejected_as(stranger, "objects_reject_object_outside", -EINVAL,
			   "no loaded object");
	free(heap);
	free(stranger);
}

static void test_versions(void)
{
	object.version = SIDE_JMP_OBJECT_VERSION + 1;
	expect_rejected("objects_reject_foreign_object_version", -EINVAL,
			"object of version 2");
	object.version = 0;
	expect_rejected("objects_reject_object_version_0", -EINVAL,
			"object of version 0");
	object.record_size = 24;
	expect_rejected("objects_reject_foreign_record_size", -EINVAL,
			"records of 24");
	object.record_size = 0;
	expect_rejected("objects_reject_record_size_0", -EINVAL,
			"records of 0");
	table[2].version = SIDE_JMP_RECORD_VERSION + 1;
	expect_rejected("objects_reject_foreign_record_version", -EINVAL,
			"record 2 has version 2");
	table[0].version = 0;
	expect_rejected("objects_reject_record_version_0", -EINVAL,
			"record 0 has version 0");
	table[1].layout = 3;
	expect_rejected("objects_reject_unknown_layout", -EINVAL,
			"unknown layout 3");
	table[1].flags = 0x4;
	expect_rejected("objects_reject_unknown_flags", -EINVAL, "flags 0x4");
	table[1].flags = 0x80 | SIDE_JMP_RECORD_WORD64;
	expect_rejected("objects_reject_unknown_high_flag", -EINVAL,
			"flags 0x82");
	table[1].reserved = 1;
	expect_rejected("objects_reject_reserved_byte", -EINVAL, "record 1");
	table[1].layout = 2;
	table[1].flags = SIDE_JMP_RECORD_KEY_SLOT;
	set_site(&table[1], hand_wide);
	set_key(&table[1], &slot);
	expect_rejected("objects_reject_wide_with_slot", -EINVAL,
			"unknown layout 2 or flags 0x1");
}

static void test_sites(void)
{
	set_site(&table[1], constant);
	expect_rejected("objects_reject_site_that_is_no_code", -EINVAL,
			"not code");
	set_site(&table[1], far_away);
	expect_rejected("objects_reject_site_outside", -EINVAL, "not code");
	set_check(&table[1], constant);
	expect_rejected("objects_reject_check_that_is_no_code", -EINVAL,
			"check block");
	set_check(&table[1], (char *)(uintptr_t)&abort);
	expect_rejected("objects_reject_check_outside", -EINVAL,
			"check block");
	set_site(&table[2], hand_no_site);
	expect_rejected("objects_reject_other_bytes", -EILSEQ, "neither");
	set_check(&table[2], hand_other_check);
	expect_rejected("objects_reject_jump_to_another_check", -EILSEQ,
			"neither");
	set_site(&table[2], hand_sites + 1);
	expect_rejected("objects_reject_middle_of_a_site", -EILSEQ, "neither");
	table[2].layout = 2;
	expect_rejected("objects_reject_jump_that_is_said_to_be_wide",
			-EILSEQ, "neither");
	set_site(&table[2], hand_wide);
	expect_rejected("objects_reject_wide_that_is_said_to_be_a_jump",
			-EILSEQ, "neither");
	table[2].layout = 2;
	set_site(&table[2], hand_wide);
	set_key(&table[2], &other_key);
	expect_rejected("objects_reject_wide_of_another_key", -EILSEQ,
			"neither");
}

static void test_keys(void)
{
	static struct side_jmp_key *null_slot, *odd_slot;

	set_key(&table[1], &constant_key);
	expect_rejected("objects_reject_key_that_is_constant", -EINVAL,
			"writable");
	set_key(&table[1], hand_no_site);
	expect_rejected("objects_reject_key_in_code", -EINVAL, "writable");
	set_key(&table[1], far_away);
	expect_rejected("objects_reject_key_outside", -EINVAL, "writable");
	set_key(&table[1], (char *)&hand_key + 4);
	expect_rejected("objects_reject_misaligned_key", -EINVAL, "its key");
	hand_key.version = 2;
	expect_rejected("objects_reject_foreign_key_version", -EINVAL,
			"version 2");
	hand_key.width = 64;
	expect_rejected("objects_reject_key_of_another_width", -EINVAL,
			"64 bits");
	table[1].flags = SIDE_JMP_RECORD_WORD64;
	expect_rejected("objects_reject_record_of_another_width", -EINVAL,
			"expected 1 and 64");
	table[1].flags = SIDE_JMP_RECORD_KEY_SLOT;
	set_key(&table[1], &null_slot);
	expect_rejected("objects_reject_slot_with_null", -EINVAL,
			"holds no key");
	odd_slot = (struct side_jmp_key *)((char *)&hand_key + 1);
	table[1].flags = SIDE_JMP_RECORD_KEY_SLOT;
	set_key(&table[1], &odd_slot);
	expect_rejected("objects_reject_slot_with_odd_address", -EINVAL,
			"holds no key");
	table[1].flags = SIDE_JMP_RECORD_KEY_SLOT;
	set_key(&table[1], far_away);
	expect_rejected("objects_reject_slot_outside", -EINVAL, "slot");
}

static void test_contradictions(void)
{
	set_site(&table[2], hand_sites);
	set_key(&table[2], &other_key);
	expect_rejected("objects_reject_one_site_with_two_keys", -EINVAL,
			"contradict");
	set_site(&table[1], hand_overlap);
	set_check(&table[1], hand_overlap + 5 + 0xe9);
	set_site(&table[2], hand_overlap + 1);
	set_check(&table[2], hand_overlap + 6);
	expect_rejected("objects_reject_overlapping_sites", -EINVAL,
			"contradict");
	set_site(&table[2], hand_sites);
	table[2].layout = 1;
	expect_rejected("objects_reject_one_site_with_two_layouts", -EINVAL,
			"contradict");
}

/* ---- good ones ---------------------------------------------------------- */

static unsigned idle_by_hand(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N_RECORDS; i++)
		n += hand_sites[i * STEP] == (char)0xa9;
	return n;
}

/* Registered, idled, flipped, forgotten; it counts `sites` sites. */
static void expect_accepted(const char *name, unsigned sites)
{
	int seen = side_jmp_object_register(&object);
	struct side_jmp_info after = info();
	bool ok = seen == 0 && after.objects == before.objects + 1;

	ok &= after.sites == before.sites + sites && idle_by_hand() == sites;
	ok &= !side_jmp_enable(&hand_key) && all_armed();
	ok &= !side_jmp_disable(&hand_key) && idle_by_hand() == sites;
	ok &= after.objects_rejected == before.objects_rejected;
	ok &= !side_jmp_object_unregister(&object) && all_armed();
	after = info();
	ok &= after.objects == before.objects && after.sites == before.sites;
	ok &= !hand_key.subscribers && program_goes_on();
	if (!ok)
		tap_note("%d: %s", seen, after.reject_reason);
	tap_ok(ok, name);
	good(3);
}

static void test_accepted(void)
{
	expect_accepted("objects_accept_a_good_table", 3);
	table[3] = table[1];
	set_site(&table[3], hand_sites + STEP);
	set_check(&table[3], hand_check);
	set_key(&table[3], &hand_key);
	object.stop = table + 4;
	expect_accepted("objects_collapse_exact_duplicates", 3);
	for (unsigned i = 0; i < 3; i++)
		set_site(&table[i], hand_sites + (2 - i) * STEP);
	expect_accepted("objects_accept_unsorted_table", 3);
	table[1].flags = SIDE_JMP_RECORD_KEY_SLOT;
	set_key(&table[1], &slot);
	expect_accepted("objects_accept_slot", 3);
	good(N_RECORDS);
	for (unsigned i = 0; i < N_RECORDS; i++)
		set_site(&table[i], hand_sites + i * 5 % N_RECORDS * STEP);
	expect_accepted("objects_accept_shuffled_table", N_RECORDS);
}

static void test_twice(void)
{
	tap_ok(!side_jmp_object_register(&object) &&
	       !side_jmp_object_register(&object) &&
	       info().sites == before.sites + 3 &&
	       info().objects == before.objects + 1,
	       "objects_register_once");
	tap_ok(!side_jmp_object_unregister(&object) &&
	       !side_jmp_object_unregister(&object) &&
	       info().sites == before.sites &&
	       info().objects == before.objects && all_armed(),
	       "objects_unregister_once");
	tap_equal(side_jmp_object_unregister(&object), 0,
		  "objects_unregister_what_never_was");
	tap_ok(side_jmp_object_register(NULL) == -EINVAL &&
	       side_jmp_object_unregister(NULL) == -EINVAL,
	       "objects_reject_null");
	expect_accepted("objects_register_again", 3);
}

static void test_executable_stays(void)
{
	side_jmp_object_register(&object);
	tap_ok(!side_jmp_object_unload(&object) &&
	       info().objects == before.objects + 1,
	       "objects_of_the_executable_are_not_unloaded");
	side_jmp_object_unregister(&object);
	good(3);
}

static void test_no_records(void)
{
	object.stop = object.start;
	tap_ok(!side_jmp_object_register(&object) && !object.priv &&
	       info().objects == before.objects, "objects_accept_empty_table");
	object.start = object.stop = NULL;
	tap_ok(!side_jmp_object_register(&object) &&
	       info().objects == before.objects &&
	       info().objects_rejected == before.objects_rejected,
	       "objects_accept_no_table");
	good(3);
}

/* A word that is not 0 already: every site has to be armed from the start. */
static void test_enabled_before(void)
{
	side_jmp_enable(&hand_key);
	side_jmp_object_register(&object);
	tap_ok(all_armed(), "objects_of_an_enabled_key_start_armed");
	side_jmp_disable(&hand_key);
	tap_equal(idle_by_hand(), 3, "objects_of_a_disabled_key_go_idle");
	side_jmp_object_unregister(&object);
	good(3);
}

int main(void)
{
	far_away = (void *)((uintptr_t)table + (1 << 30));
	before = info();
	good(3);
	test_accepted();
	test_table();
	test_places();
	test_versions();
	test_sites();
	test_keys();
	test_contradictions();
	test_twice();
	test_executable_stays();
	test_no_records();
	test_enabled_before();
	test_accepted();
	return tap_done();
}
