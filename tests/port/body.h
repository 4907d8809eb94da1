/* SPDX-License-Identifier: MIT */
/*
 * A port in one layout, whichever back end is at work: SIDE_JMP_EXPECT says
 * which one has to be ("self" or "none"), SECONDS_ how long to flip a key under
 * running threads.  Included by one file for each layout.
 */
#ifndef TESTS_PORT_BODY_H
#define TESTS_PORT_BODY_H

#include <pthread.h>
#include <string.h>
#include <time.h>

#include <side_jmp.h>

#include "arch/arch.h"
#include "tests/expect.h"
#include "tests/tap.h"

SIDE_JMP_KEY(key32);
SIDE_JMP_KEY64(key64);
SIDE_JMP_KEY_STATIC(file_key);
SIDE_JMP_KEY_EXTERN(shared_key);
SIDE_JMP_KEY_EXPORT(shared_key);

#define NAME(what)	LAYOUT_NAME "_" what

/* Bits of what was taken: one a key. */
__attribute__((noinline)) static unsigned taken(void)
{
	unsigned bits = 0;

	if (side_jmp_unlikely(key32))
		bits |= 1;
	if (side_jmp_unlikely(key64))
		bits |= 2;
	if (side_jmp_unlikely(file_key))
		bits |= 4;
	if (side_jmp_unlikely(shared_key))
		bits |= 8;
	return bits;
}

static bool patches(void)
{
	return info().backend != SIDE_JMP_BACKEND_NONE;
}

/* ---- back end, records -------------------------------------------------- */

static void backend(void)
{
	const char *expected = getenv("SIDE_JMP_EXPECT");
	struct side_jmp_info i = info();

	if (!expected)
		expected = "self";
	tap_note("%s: %s", i.backend_name, i.backend_reason);
	tap_ok(!strcmp(i.backend_name, expected), NAME("backend_is_as_expected"));
	if (side_jmp_arch_host()->self_off && !getenv("SIDE_JMP_BACKEND"))
		tap_ok(!strcmp(i.backend_reason,
			       side_jmp_arch_host()->self_off),
		       NAME("without_promises_says_so"));
	tap_ok(i.objects == 1 && i.keys == 4 && i.sites >= 4,
	       NAME("sites_are_found"));
	tap_equal((long long)i.objects_rejected, 0, NAME("table_is_accepted"));
	tap_equal((long long)(patches() ? i.idle : i.armed),
		  (long long)i.sites, NAME("sites_start_as_the_back_end_can"));
}

/* What the compiler and the linker made is what the port's encoder makes. */
static bool record_agrees(const struct side_jmp_record *r)
{
	uint8_t bytes[SIDE_JMP_INSN_MAX], *text;
	struct side_jmp_insn insn = { 0 };
	unsigned len;

	insn.site = (uintptr_t)&r->site + (uintptr_t)(intptr_t)r->site;
	insn.target = (uintptr_t)&r->check + (uintptr_t)(intptr_t)r->check;
	insn.word = (uintptr_t)&r->key + (uintptr_t)(intptr_t)r->key;
	insn.layout = r->layout;
	insn.word64 = r->flags & SIDE_JMP_RECORD_WORD64;
	text = (uint8_t *)(uintptr_t)insn.site;
	len = side_jmp_arch_host()->encode(&insn, patches() ? SIDE_JMP_IDLE :
					   SIDE_JMP_ARMED, bytes);
	return len && !memcmp(text, bytes, len) &&
	       insn.site % side_jmp_arch_host()->align == 0 &&
	       (r->layout == LAYOUT || r->flags & SIDE_JMP_RECORD_KEY_SLOT);
}

static void records(void)
{
	const struct side_jmp_record *r = side_jmp_this_object.start;
	bool agree = true;

	for (; r < side_jmp_this_object.stop; r++)
		agree &= record_agrees(r);
	tap_ok(agree, NAME("encoder_agrees_with_assembler"));
}

/* ---- keys ---------------------------------------------------------------- */

static struct side_jmp_key *const all[] = {
	&key32, &key64, &file_key, &shared_key,
};

static void keys(void)
{
	bool right = taken() == 0;

	for (unsigned on = 1; on < 16; on++) {
		for (unsigned i = 0; i < 4; i++)
			if (on & 1u << i)
				right &= !side_jmp_enable(all[i]);
		right &= taken() == on;
		for (unsigned i = 0; i < 4; i++)
			if (on & 1u << i)
				right &= !side_jmp_disable(all[i]);
		right &= taken() == 0;
	}
	tap_ok(right, NAME("every_set_of_keys_takes_its_paths"));
}

/* Whoever changes words without us: each single bit makes the key wanted. */
static void bits(void)
{
	bool right = true;

	for (unsigned i = 0; i < 32; i++) {
		__atomic_store_n(&key32.word32, 1u << i, __ATOMIC_SEQ_CST);
		right &= !side_jmp_sync(&key32) && taken() == 1;
	}
	__atomic_store_n(&key32.word32, 0, __ATOMIC_SEQ_CST);
	right &= !side_jmp_sync(&key32) && taken() == 0;
	tap_ok(right, NAME("every_bit_of_32_counts"));
	for (unsigned i = 0; i < 64; i++) {
		__atomic_store_n(&key64.word64, UINT64_C(1) << i,
				 __ATOMIC_SEQ_CST);
		right &= !side_jmp_sync(&key64) && taken() == 2;
	}
	__atomic_store_n(&key64.word64, 0, __ATOMIC_SEQ_CST);
	right &= !side_jmp_sync(&key64) && taken() == 0;
	tap_ok(right, NAME("every_bit_of_64_counts"));
}

/* ---- flips under running threads ----------------------------------------- */

/*
 * What the main thread has been promised: 1 mod 4 since an enable returned,
 * 3 mod 4 since a disable did, even while a call is under way.  A thread that
 * read the same odd number before and after a site was within the promise.
 */
static uint64_t promise;
static bool stop;

struct worker {
	pthread_t thread;
	uint64_t on, off, violations;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		uint64_t before = __atomic_load_n(&promise, __ATOMIC_SEQ_CST);
		unsigned seen = taken();

		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(&promise, __ATOMIC_SEQ_CST) != before)
			continue;
		if (before % 4 == 1) {
			w->on++;
			w->violations += seen != 15;
		} else if (before % 4 == 3) {
			w->off++;
			w->violations += seen != 0;
		}
	}
	return NULL;
}

static void pause_ns(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

/* One flip: to enabled and back. */
static bool flip(void)
{
	bool right;

	__atomic_add_fetch(&promise, 1, __ATOMIC_SEQ_CST);
	right = !side_jmp_enable_many(all, 4);
	__atomic_add_fetch(&promise, 1, __ATOMIC_SEQ_CST);
	pause_ns(200000);
	__atomic_add_fetch(&promise, 1, __ATOMIC_SEQ_CST);
	right &= !side_jmp_disable_many(all, 4);
	__atomic_add_fetch(&promise, 1, __ATOMIC_SEQ_CST);
	pause_ns(200000);
	return right;
}

static void flips(void)
{
	const char *s = getenv("SECONDS_");
	time_t end = time(NULL) + (s ? atoi(s) : 2);
	uint64_t on = 0, off = 0, violations = 0, n = 0;
	struct worker w[3] = { 0 };
	bool right = true;

	promise = 3;		/* 1 more is under way, 2 more is enabled */
	for (int i = 0; i < 3; i++)
		right &= !pthread_create(&w[i].thread, NULL, work, &w[i]);
	for (; right && (n < 100 || time(NULL) < end); n++)
		right &= flip();
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++) {
		pthread_join(w[i].thread, NULL);
		on += w[i].on;
		off += w[i].off;
		violations += w[i].violations;
	}
	tap_note("%llu flips; passes checked: %llu enabled, %llu disabled;"
		 " %llu violations; %llu writes, %llu syncs",
		 (unsigned long long)n, (unsigned long long)on,
		 (unsigned long long)off, (unsigned long long)violations,
		 (unsigned long long)info().writes,
		 (unsigned long long)info().syncs);
	tap_ok(right && n >= 100, NAME("flips_succeed"));
	tap_ok(on > 1000 && off > 1000, NAME("threads_ran_in_both_states"));
	tap_equal((long long)violations, 0, NAME("guarantee_holds"));
	tap_ok(!patches() || (info().writes >= 8 * n && info().syncs >= 2 * n),
	       NAME("every_flip_patched"));
}

/* ---- the end -------------------------------------------------------------- */

static void freeze(void)
{
	tap_equal(side_jmp_freeze(), 0, NAME("freeze_succeeds"));
	tap_equal((long long)info().armed, (long long)info().sites,
		  NAME("freeze_arms_everything"));
	keys();
}

int main(void)
{
	backend();
	records();
	keys();
	bits();
	flips();
	freeze();
	return tap_done();
}

#endif
