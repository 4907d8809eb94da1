/* SPDX-License-Identifier: MIT */
/* A program with one object: what every user does first. */
#include <side_jmp.h>

#include "tests/expect.h"
#include "tests/tap.h"

SIDE_JMP_KEY(key32);
SIDE_JMP_KEY64(key64);
SIDE_JMP_KEY_STATIC(file_key);

static int hits(void)
{
	int n = 0;

	for (int i = 0; i < 10; i++) {
		if (side_jmp_unlikely(key32))
			n += 1;
		if (side_jmp_unlikely(key64))
			n += 100;
		if (side_jmp_unlikely(file_key))
			n += 10000;
	}
	return n;
}

int main(void)
{
	struct side_jmp_key *all[] = { &key32, &key64, &file_key };
	struct side_jmp_info before = info();

	tap_equal(before.backend, expect_backend(), "basic_backend_is_expected");
	tap_note("%s", before.backend_reason);
	tap_ok(sites_of(&key32) && sites_of(&key64) && sites_of(&file_key) &&
	       before.sites == sites_of(&key32) + sites_of(&key64) +
			       sites_of(&file_key), "basic_finds_its_sites");
	tap_ok(all_sites_rest(), "basic_sites_start_idle");
	tap_equal(hits(), 0, "basic_disabled_takes_disabled_path");

	tap_equal(side_jmp_enable(&key32), 0, "basic_enable_succeeds");
	tap_equal(hits(), 10, "basic_enabled_takes_enabled_path");
	tap_equal(side_jmp_enable(&key64), 0, "basic_enable_64_succeeds");
	tap_equal(hits(), 1010, "basic_keys_are_independent");
	tap_ok(side_jmp_enabled(&key32) && side_jmp_enabled(&key64) &&
	       !side_jmp_enabled(&file_key), "basic_enabled_says_so");

	tap_equal(side_jmp_enable(&key32), 0, "basic_enable_counts");
	tap_equal(side_jmp_disable(&key32), 0, "basic_disable_counts");
	tap_equal(hits(), 1010, "basic_last_user_decides");
	side_jmp_disable(&key32);
	side_jmp_disable(&key64);
	tap_equal(hits(), 0, "basic_disabled_again");
	tap_ok(all_sites_rest(), "basic_idle_again");
	tap_equal(side_jmp_disable(&key32), -EINVAL,
		  "basic_disable_without_enable_is_refused");

	before = info();
	tap_equal(side_jmp_enable_many(all, 3), 0, "basic_batch_enables");
	tap_equal(hits(), 101010, "basic_batch_reaches_all");
	tap_equal((long long)(info().syncs - before.syncs), expect_patching(),
		  "basic_batch_synchronizes_once");
	tap_equal(side_jmp_disable_many(all, 3), 0, "basic_batch_disables");
	tap_equal(hits(), 0, "basic_batch_disables_all");
	tap_ok(side_jmp_get_info(NULL, 1) == -EINVAL &&
	       side_jmp_get_info(&before, 0) == -EINVAL,
	       "basic_info_refuses_nothing_to_fill");
	return tap_done();
}
