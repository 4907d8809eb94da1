/* SPDX-License-Identifier: MIT */
/*
 * What a registered site costs in memory, and a key: by how much the process's
 * own pages grow, with no page of text changed.
 */
#include <string.h>

#include <side_jmp.h>

#include "tests/child.h"

enum { MANY = 1000000, FEWER = MANY / 10, STEP = 16 };
enum { SITE_BYTES = 16, KEY_BYTES = 96, SLACK = 128 << 10 };

/* Room for armed sites of one check block. */
__asm__(
"	.section .sea, \"ax\", @progbits\n"
"	.balign 65536\n"
"sea:	.skip 16 * 1000000, 0x90\n"
"sea_check:\n"
"	ret\n"
"	.skip 64, 0x90\n"
"	.balign 65536\n"
"	.text\n");

extern char sea[], sea_check[];

static struct side_jmp_key keys[MANY];
static struct side_jmp_record table[MANY];
static struct side_jmp_object object = {
	.version = SIDE_JMP_OBJECT_VERSION,
	.record_size = sizeof(struct side_jmp_record),
};

SIDE_JMP_KEY(own);

static int32_t offset(const void *to, const void *field)
{
	return (int32_t)((intptr_t)to - (intptr_t)field);
}

/* Site i is of key i % n_keys. */
static void fill_in(unsigned n_sites, unsigned n_keys)
{
	size_t size = (size_t)STEP * MANY;

	must(!mprotect(sea, size, PROT_READ | PROT_WRITE), "mprotect");
	for (unsigned i = 0; i < n_sites; i++) {
		struct side_jmp_record *r = &table[i];
		char *site = sea + (size_t)STEP * i;
		int32_t jump = (int32_t)(sea_check - site) - 5;

		*site = (char)0xe9;
		memcpy(site + 1, &jump, 4);
		*r = (struct side_jmp_record){
			.site = offset(site, &r->site),
			.check = offset(sea_check, &r->check),
			.key = offset(&keys[i % n_keys], &r->key),
			.version = SIDE_JMP_RECORD_VERSION,
		};
	}
	must(!mprotect(sea, size, PROT_READ | PROT_EXEC), "mprotect");
	for (unsigned i = 0; i < n_keys; i++)
		keys[i] = (struct side_jmp_key)SIDE_JMP_KEY_INIT_(keys, 32);
	object.start = table;
	object.stop = table + n_sites;
}

/* Bytes of ours alone that are in memory. */
static long anonymous(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	must(f != NULL, "/proc/self/status");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %ld kB", &kb) == 1)
			break;
	fclose(f);
	must(kb >= 0, "RssAnon");
	return kb << 10;
}

/* ---- each in a process of its own --------------------------------------- */

static unsigned n_sites, n_keys;
static long *grown;			/* in memory of the parent's, too */

static void register_them(void)
{
	struct side_jmp_info info;
	long before;

	side_jmp_set_dirty_pages(0);
	must(!side_jmp_unlikely(own), "own");
	fill_in(n_sites, n_keys);
	(void)anonymous();		/* stdio's own */
	before = anonymous();
	must(!side_jmp_object_register(&object), "register");
	*grown = anonymous() - before;
	side_jmp_get_info(&info, sizeof(info));
	must(info.sites >= n_sites && info.keys >= n_keys, "all are there");
}

static long cost(unsigned sites, unsigned keys_)
{
	n_sites = sites;
	n_keys = keys_;
	*grown = -1;
	if (in_child(register_them) || *grown < 0)
		return -1;
	tap_note("%u sites of %u keys: %ld bytes", sites, keys_, *grown);
	return *grown;
}

static bool within(long bytes, long n, long each)
{
	return bytes >= 0 && bytes <= n * each + SLACK;
}

int main(void)
{
	long few, many, few_keys, many_keys;

	grown = shared_memory(sizeof(*grown));
	few = cost(FEWER, 1);
	many = cost(MANY, 1);
	tap_ok(within(few, FEWER, SITE_BYTES),
	       "objects_memory_of_100000_sites");
	tap_ok(within(many, MANY, SITE_BYTES),
	       "objects_memory_of_1000000_sites");
	few_keys = cost(FEWER, FEWER);
	many_keys = cost(MANY, MANY);
	tap_ok(few_keys >= 0 && within(few_keys - few, FEWER, KEY_BYTES),
	       "objects_memory_of_100000_keys");
	tap_ok(many_keys >= 0 && within(many_keys - many, MANY, KEY_BYTES),
	       "objects_memory_of_1000000_keys");
	return tap_done();
}
