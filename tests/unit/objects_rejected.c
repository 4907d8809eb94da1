/* SPDX-License-Identifier: MIT */
/*
 * A program whose own table, as linked, has one bad record: it is refused
 * once, however many files register it, and the program runs on armed.
 */
#include <string.h>

#include <side_jmp.h>

#include "tests/tap.h"

SIDE_JMP_KEY(key);

__attribute__((noinline)) static int passes(void)
{
	int n = 0;

	for (int i = 0; i < 1000; i++)
		n += side_jmp_unlikely(key);
	return n;
}

/* A record of a version to come. */
__asm__(
"	.pushsection side_jmp, \"ao\", @progbits, .text\n"
"	.balign 4\n"
"	.long passes_by - ., passes_by - ., key - .\n"
"	.byte 2, 0, 0, 0\n"
"	.popsection\n"
"	.text\n"
"passes_by:\n"
"	.long 0\n");

int main(void)
{
	struct side_jmp_info info;

	side_jmp_get_info(&info, sizeof(info));
	tap_note("%s", info.reject_reason);
	tap_ok(info.reject_error == -EINVAL &&
	       strstr(info.reject_reason, "the executable") &&
	       strstr(info.reject_reason, "version 2"),
	       "objects_rejected_says_what_and_where");
	tap_equal((long long)info.objects_rejected, 1,
		  "objects_rejected_counts_it_once");
	tap_ok(info.objects == 0 && info.sites == 0 && info.keys == 0,
	       "objects_rejected_registers_nothing");
	tap_equal(passes(), 0, "objects_rejected_starts_disabled");
	tap_ok(!side_jmp_enable(&key) && passes() == 1000,
	       "objects_rejected_enables");
	tap_ok(!side_jmp_disable(&key) && passes() == 0,
	       "objects_rejected_disables");
	tap_equal(side_jmp_freeze(), 0, "objects_rejected_freezes");
	return tap_done();
}
