/* SPDX-License-Identifier: MIT */
/*
 * libraries FOLDER: a thousand libraries at once, and libraries that come and
 * go while threads flip.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "shared.h"
#include "tests/expect.h"
#include "tests/tap.h"

enum { LIBRARIES = 1000, LOADERS = 2, LOADS = 300, FLIPPERS = 2 };

SIDE_JMP_KEY_EXPORT(shared_key);
SIDE_JMP_KEY(local_key);
DEFINE_HITS(shared_hits, shared_key)
DEFINE_HITS(local_hits, local_key)

SIDE_JMP_EXPORTED int early_flips, late_flips, wrong_flips;

static const char *folder;
static void *handles[LIBRARIES];
static const struct library *libraries[LIBRARIES];
static struct side_jmp_key *keys[LIBRARIES];

static void *load(int n, const struct library **library)
{
	char path[512];
	void *handle;

	snprintf(path, sizeof(path), "%s/%d.so", folder, n);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		printf("# %s\n", dlerror());
		exit(1);
	}
	*library = dlsym(handle, "library");
	return handle;
}

/* How many libraries hit `own` and `shared` at every pass? */
static bool all_hit(int own, int shared)
{
	bool ok = shared_hits() == shared;

	for (int i = 0; i < LIBRARIES; i++)
		ok &= libraries[i]->own_hits() == own &&
		      libraries[i]->shared_hits() == shared;
	return ok;
}

static void test_loaded(const struct side_jmp_info *before)
{
	struct side_jmp_info i = info();

	tap_equal((long long)(i.objects - before->objects), LIBRARIES,
		  "life_libraries_all_registered");
	tap_equal((long long)(i.sites - before->sites), 2 * LIBRARIES,
		  "life_libraries_all_sites_found");
	tap_equal((long long)i.idle, (long long)i.sites,
		  "life_libraries_all_idle");
	tap_ok(all_hit(0, 0), "life_libraries_start_disabled");
}

static void test_flips(void)
{
	uint64_t syncs = info().syncs;

	tap_ok(!side_jmp_enable_many(keys, LIBRARIES) && all_hit(PASSES, 0),
	       "life_libraries_enable_all_their_keys");
	tap_equal((long long)(info().syncs - syncs), 1,
		  "life_libraries_one_sync_for_all");
	tap_ok(!side_jmp_enable(&shared_key) && all_hit(PASSES, PASSES),
	       "life_libraries_enable_a_shared_key");
	tap_ok(!side_jmp_disable_many(keys, LIBRARIES) && all_hit(0, PASSES),
	       "life_libraries_disable_all_their_keys");
	tap_ok(!side_jmp_disable(&shared_key) && all_hit(0, 0),
	       "life_libraries_disable_a_shared_key");
}

static void test_thousand(void)
{
	struct side_jmp_info before = info(), after;

	for (int i = 0; i < LIBRARIES; i++) {
		handles[i] = load(i, &libraries[i]);
		keys[i] = libraries[i]->own;
	}
	test_loaded(&before);
	test_flips();
	for (int i = 0; i < LIBRARIES; i++)
		dlclose(handles[i]);
	after = info();
	tap_ok(after.objects == before.objects && after.sites == before.sites &&
	       after.keys == before.keys && after.idle == before.idle &&
	       after.pages_dirtied == before.pages_dirtied,
	       "life_libraries_leave_nothing_behind");
	tap_ok(early_flips == LIBRARIES && late_flips == LIBRARIES,
	       "life_libraries_flip_before_and_after_ours");
	tap_equal(wrong_flips, 0, "life_libraries_early_and_late_flips_work");
	tap_ok(!side_jmp_enable(&shared_key) && shared_hits() == PASSES &&
	       !side_jmp_disable(&shared_key) && shared_hits() == 0,
	       "life_libraries_gone_shared_key_works");
}

/* ---- coming and going --------------------------------------------------- */

static atomic_bool stop;
static atomic_ulong flips, bad;

static void *flip(void *arg)
{
	struct side_jmp_key *both[] = { &shared_key, &local_key };

	(void)arg;
	while (!stop) {
		bool ok = !side_jmp_enable_many(both, 2);

		ok &= shared_hits() == PASSES && local_hits() == PASSES;
		ok &= !side_jmp_disable_many(both, 2);
		bad += !ok;
		flips++;
	}
	return NULL;
}

static void *come_and_go(void *first)
{
	for (int i = 0; i < LOADS; i++) {
		const struct library *l;
		void *handle = load(*(int *)first + i % 7, &l);
		bool ok = l->own_hits() == 0;

		ok &= !side_jmp_enable(l->own) && l->own_hits() == PASSES;
		ok &= !side_jmp_enable(&shared_key) &&
		      l->shared_hits() == PASSES;
		ok &= !side_jmp_disable(l->own) && l->own_hits() == 0;
		ok &= !side_jmp_disable(&shared_key);
		bad += !ok;
		dlclose(handle);
	}
	return NULL;
}

static void test_beside_flips(void)
{
	struct side_jmp_info before = info(), after;
	pthread_t loaders[LOADERS], flippers[FLIPPERS];
	int first[LOADERS];

	for (int i = 0; i < FLIPPERS; i++)
		pthread_create(&flippers[i], NULL, flip, NULL);
	for (int i = 0; i < LOADERS; i++) {
		first[i] = 100 * i;
		pthread_create(&loaders[i], NULL, come_and_go, &first[i]);
	}
	for (int i = 0; i < LOADERS; i++)
		pthread_join(loaders[i], NULL);
	stop = true;
	for (int i = 0; i < FLIPPERS; i++)
		pthread_join(flippers[i], NULL);
	after = info();
	printf("# %lu flips beside %d loads\n", flips, LOADERS * LOADS);
	tap_ok(flips > 0 && bad == 0, "life_libraries_come_and_go_beside_flips");
	tap_equal(wrong_flips, 0,
		  "life_libraries_early_and_late_flips_work_beside_flips");
	tap_ok(after.objects == before.objects && after.sites == before.sites &&
	       after.idle == before.idle &&
	       after.pages_dirtied == before.pages_dirtied,
	       "life_libraries_come_and_go_without_trace");
}

int main(int argc, char **argv)
{
	folder = argc > 1 ? argv[1] : ".";
	tap_equal(info().backend, SIDE_JMP_BACKEND_SELF,
		  "life_libraries_begin_with_self");
	test_thousand();
	test_beside_flips();
	return tap_done();
}
