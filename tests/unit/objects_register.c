/* SPDX-License-Identifier: MIT */
/*
 * Taking in a table of this very program, and giving it up: once, again, in
 * the wrong place, while its key is enabled.  What tables may hold:
 * objects_corpus.c.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <side_jmp.h>

#include "tests/expect.h"
#include "tests/tap.h"

/* Code by hand: eight armed sites 16 bytes apart, of one check block. */
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
"hand_check:\n"
"	ret\n");

extern char hand_sites[], hand_check[];

enum { STEP = 16, N_RECORDS = 8 };

SIDE_JMP_KEY(own_key);
struct side_jmp_key hand_key = SIDE_JMP_KEY_INIT_(hand_key, 32);

/* In the object, as every good table. */
static struct side_jmp_record table[N_RECORDS + 1];
static struct side_jmp_object object;

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
	bool armed = true;

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
	set_check(&table[1], (char *)(uintptr_t)&abort);
	expect_rejected("objects_reject_check_in_another_object", -EINVAL,
			"check block");
	free(heap);
	free(stranger);
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
	before = info();
	good(3);
	test_places();
	test_twice();
	test_executable_stays();
	test_no_records();
	test_enabled_before();
	expect_accepted("objects_accept_a_good_table", 3);
	return tap_done();
}
