/* SPDX-License-Identifier: MIT */
/*
 * Tables of sites: the good, and every way to be bad.  The bad ones say what is
 * wrong, leave nothing registered, and the program goes on.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <side_jmp.h>

#include "tests/tap.h"

SIDE_JMP_KEY(key);

__attribute__((noinline)) static bool site(void)
{
	return side_jmp_unlikely(key);
}

/*
 * Four sites that are in no table, and a copy of the table as version 1 has
 * it, byte by byte: this is the ABI, so nothing of it comes from the header.
 */
extern struct side_jmp_key made_keys[2] __attribute__((visibility("hidden")));
struct side_jmp_key made_keys[2] = {
	SIDE_JMP_KEY_INIT_(made_first, 32), SIDE_JMP_KEY_INIT_(made_second, 64),
};
extern struct side_jmp_key *const made_null
	__attribute__((visibility("hidden")));

__asm__ (
	"	.text\n"
	"made_site_0:	.byte 0xe9\n	.long made_check - . - 4\n"
	"	xorl %eax, %eax\n	ret\n"
	"made_site_1:	.byte 0xe9\n	.long made_check - . - 4\n"
	"	xorl %eax, %eax\n	ret\n"
	"made_check:	movl $1, %eax\n	ret\n"
	"made_bytes:	.fill 16, 1, 0x90\n"
	"	.section .data.rel.ro, \"aw\"\n"
	"	.balign 8\n"
	"made_null:	.quad 0\n"
	"	.data\n"
	"	.balign 8\n"
	"	.globl made_table\n"
	"made_table:\n"
	"	.long made_site_0 - ., made_check - ., made_keys - .\n"
	"	.byte 1, 0, 0, 0\n"
	"	.long made_site_1 - ., made_check - ., made_keys - .\n"
	"	.byte 1, 0, 0, 0\n"
	"	.zero 64\n"
	"	.text\n");
extern struct side_jmp_record made_table[6];
extern const char made_site_0[] __asm__("made_site_0");
extern const char made_site_1[] __asm__("made_site_1");
extern const char made_check[] __asm__("made_check");
extern const char made_bytes[] __asm__("made_bytes");

static struct side_jmp_record good[2];

static struct side_jmp_info info(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	return i;
}

/* An object is found by where it lies, so it can't be on a stack. */
static struct side_jmp_object object_;

static struct side_jmp_object object(unsigned records)
{
	return (struct side_jmp_object){
		SIDE_JMP_OBJECT_VERSION, sizeof(struct side_jmp_record),
		made_table, made_table + records, NULL,
	};
}

static void point(int32_t *field, const void *to)
{
	*field = (int32_t)((intptr_t)to - (intptr_t)field);
}

/* Expects `o` to be refused with `error` and a reason that contains `word`. */
static void refused(struct side_jmp_object o, int error, const char *word,
		    const char *name)
{
	struct side_jmp_info before = info(), after;
	int r;

	object_ = o;
	r = side_jmp_object_register(&object_);
	after = info();
	if (r != error || !strstr(after.reject_reason, word))
		tap_note("%s: %d, \"%s\"; expected %d, \"...%s...\"", name, r,
			 after.reject_reason, error, word);
	tap_ok(r == error && strstr(after.reject_reason, word) && !object_.priv &&
	       after.objects == before.objects &&
	       after.sites == before.sites && after.keys == before.keys &&
	       after.objects_rejected == before.objects_rejected + 1 &&
	       after.reject_error == error, name);
	memcpy(made_table, good, sizeof(good));
}

/* ---- the frame ------------------------------------------------------------- */

static void test_frame(void)
{
	struct side_jmp_object o = object(2);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	o.version = 2;
	refused(o, -EINVAL, "version 2", "objects_reject_foreign_version");
	o = object(2);
	o.record_size = 24;
	refused(o, -EINVAL, "24 bytes", "objects_reject_foreign_record_size");
	o = object(2);
	o.stop = (void *)((char *)o.stop - 6);
	refused(o, -EINVAL, "whole number", "objects_reject_truncated_table");
	o = object(2);
	o.start = (void *)((char *)o.start + 2);
	o.stop = (void *)((char *)o.stop + 2);
	refused(o, -EINVAL, "not aligned", "objects_reject_misaligned_table");
	o = object(2);
	o.start = made_table + 2;
	o.stop = made_table;
	refused(o, -EINVAL, "not inside", "objects_reject_backward_table");
	o.start = (void *)page;
	o.stop = o.start + 2;
	refused(o, -EINVAL, "not inside", "objects_reject_table_elsewhere");
	o = object(2);
	o.stop = (void *)((uintptr_t)o.start + (UINT64_C(1) << 40));
	refused(o, -EINVAL, "not inside", "objects_reject_oversized_table");
}

/* ---- a record --------------------------------------------------------------- */

static void refused_record(int error, const char *word, const char *name)
{
	refused(object(2), error, word, name);
}

static void test_record(void)
{
	struct side_jmp_record *r = &made_table[1];

	r->version = 9;
	refused_record(-EINVAL, "version 9", "objects_reject_record_version");
	r->layout = 3;
	refused_record(-EINVAL, "layout 3", "objects_reject_unknown_layout");
	r->flags = 0x80;
	refused_record(-EINVAL, "flags 0x80", "objects_reject_unknown_flags");
	r->reserved = 1;
	refused_record(-EINVAL, "layout", "objects_reject_reserved_field");
	r->layout = 2;
	r->flags = SIDE_JMP_RECORD_KEY_SLOT;
	refused_record(-EINVAL, "layout 2", "objects_reject_wide_with_slot");
	point(&r->site, made_keys);
	refused_record(-EINVAL, "reach", "objects_reject_site_in_data");
	r->site = INT32_MAX;
	refused_record(-EINVAL, "reach", "objects_reject_site_out_of_object");
	point(&r->site, made_bytes);
	refused_record(-EILSEQ, "neither", "objects_reject_other_bytes");
	point(&r->check, made_site_0);
	refused_record(-EILSEQ, "neither", "objects_reject_other_operand");
	point(&r->check, made_keys);
	refused_record(-EINVAL, "check block", "objects_reject_check_in_data");
	r->check = INT32_MIN;
	refused_record(-EINVAL, "check block", "objects_reject_check_outside");
}

static void test_key(void)
{
	struct side_jmp_record *r = &made_table[1];

	point(&r->key, made_check);
	refused_record(-EINVAL, "key", "objects_reject_key_in_code");
	point(&r->key, (char *)made_keys + 4);
	refused_record(-EINVAL, "key", "objects_reject_misaligned_key");
	r->key = INT32_MAX - 7;
	refused_record(-EINVAL, "key", "objects_reject_key_outside");
	point(&r->key, &made_keys[1]);
	refused_record(-EINVAL, "64 bits", "objects_reject_key_of_other_width");
	made_keys[0].version = 7;
	refused_record(-EINVAL, "version 7", "objects_reject_key_version");
	made_keys[0].version = SIDE_JMP_KEY_VERSION;
	point(&r->key, &made_null);
	r->flags = SIDE_JMP_RECORD_KEY_SLOT;
	refused_record(-EINVAL, "slot holds no key",
		       "objects_reject_empty_slot");
}

static void test_pairs(void)
{
	struct side_jmp_record *r = made_table;

	/* The same place for two keys of one width. */
	r[1] = r[0];
	point(&r[1].site, made_site_0);
	point(&r[1].check, made_check);
	point(&r[1].key, &key);
	refused_record(-EINVAL, "contradict", "objects_reject_contradiction");
	/* A site inside a site: e9 in the operand of another. */
	point(&r[1].site, made_site_0 + 1);
	refused_record(-EILSEQ, "neither", "objects_reject_overlap");
}

/* ---- what is accepted ------------------------------------------------------- */

static bool call(const char *at)
{
	int (*f)(void);

	memcpy(&f, &at, sizeof(f));
	return f();
}

static void test_good(void)
{
	uint64_t sites = info().sites;

	object_ = object(2);
	tap_equal(side_jmp_object_register(&object_), 0,
		  "objects_accept_version_1");
	tap_equal((long long)info().sites, (long long)sites + 2,
		  "objects_count_its_sites");
	tap_equal(side_jmp_object_register(&object_), 0, "objects_register_twice");
	tap_equal((long long)info().sites, (long long)sites + 2,
		  "objects_register_twice_counts_once");
	tap_ok(!call(made_site_0) && !call(made_site_1), "objects_idle");
	tap_ok(side_jmp_enable(&made_keys[0]) == 0 && call(made_site_0) &&
	       call(made_site_1), "objects_enable");
	side_jmp_disable(&made_keys[0]);
	tap_ok(!call(made_site_0), "objects_disable");
	tap_ok(side_jmp_object_unregister(&object_) == 0 && call(made_site_0) &&
	       info().sites == sites, "objects_unregister_arms_and_forgets");
	tap_ok(side_jmp_object_unregister(&object_) == 0, "objects_unregister_twice");
}

static void test_odd_but_good(void)
{
	uint64_t sites = info().sites;

	object_ = object(3);
	/* Unsorted, and the first one again. */
	point(&made_table[0].site, made_site_1);
	point(&made_table[1].site, made_site_0);
	made_table[2] = made_table[1];
	point(&made_table[2].site, made_site_0);
	point(&made_table[2].check, made_check);
	point(&made_table[2].key, made_keys);
	tap_equal(side_jmp_object_register(&object_), 0,
		  "objects_accept_unsorted_table");
	tap_equal((long long)info().sites, (long long)sites + 2,
		  "objects_collapse_exact_duplicates");
	tap_ok(side_jmp_enable(&made_keys[0]) == 0 && call(made_site_0) &&
	       call(made_site_1), "objects_unsorted_enable");
	side_jmp_disable(&made_keys[0]);
	side_jmp_object_unregister(&object_);
	memcpy(made_table, good, sizeof(good));
	object_ = object(0);
	tap_ok(side_jmp_object_register(&object_) == 0 && !object_.priv,
	       "objects_accept_empty_table");
}

static void test_program_goes_on(void)
{
	bool before = site(), on;

	side_jmp_enable(&key);
	on = site();
	side_jmp_disable(&key);
	tap_ok(!before && on && !site(), "objects_program_goes_on");
}

int main(void)
{
	memcpy(good, made_table, sizeof(good));
	test_frame();
	test_record();
	test_key();
	test_pairs();
	test_good();
	test_odd_but_good();
	test_program_goes_on();
	tap_ok(side_jmp_object_register(NULL) == -EINVAL &&
	       side_jmp_object_unregister(NULL) == -EINVAL &&
	       side_jmp_get_info(NULL, 1) == -EINVAL, "objects_refuse_null");
	return tap_done();
}
