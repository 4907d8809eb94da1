/* SPDX-License-Identifier: MIT */
/*
 * The word of a key.  The top bit is the kernel's; below it stand claims, and
 * below those the count of users:
 *
 *	bits of the word	kernel	claims	users
 *	32			31	30..20	19..0
 *	64			63	62..40	39..0
 *
 * A claim is somebody's word to take a user away, who must know first whether
 * he may do so with other keys, too.  Users are never fewer than claims, so who
 * has a claim can't fail; and as they are still there, the word is not 0
 * meanwhile, and no site goes idle.
 *
 * Everybody changes the word atomically, with or without a lock.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "runtime/sites/sites.h"

struct fields {
	uint64_t user, users, claim, claims;
};

static struct fields word_fields(const struct side_jmp_key *key)
{
	return key->width == 64 ?
		(struct fields){ 1, (UINT64_C(1) << 40) - 1, UINT64_C(1) << 40,
				 (UINT64_C(1) << 63) - (UINT64_C(1) << 40) } :
		(struct fields){ 1, 0xfffff, 0x100000, 0x7ff00000 };
}

/* On failure *seen is what the word is. */
static bool word_replace(struct side_jmp_key *key, uint64_t *seen, uint64_t to)
{
	uint32_t seen32 = (uint32_t)*seen;
	bool done;

	if (key->width == 64)
		return __atomic_compare_exchange_n(&key->word64, seen, to,
				false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	done = __atomic_compare_exchange_n(&key->word32, &seen32, (uint32_t)to,
				false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	*seen = seen32;
	return done;
}

/* How many users nobody has a claim to. */
static uint64_t word_unclaimed(uint64_t word, const struct fields *f)
{
	return (word & f->users) - (word & f->claims) / f->claim;
}

uint64_t sj_word_users(const struct side_jmp_key *key)
{
	return sj_word_load(key) & word_fields(key).users;
}

int sj_word_may_add(const struct side_jmp_key *key)
{
	struct fields f = word_fields(key);

	return (sj_word_load(key) & f.users) == f.users ? -EOVERFLOW : 0;
}

int sj_word_may_take(const struct side_jmp_key *key)
{
	struct fields f = word_fields(key);

	return word_unclaimed(sj_word_load(key), &f) ? 0 : -EINVAL;
}

int sj_word_add(struct side_jmp_key *key)
{
	struct fields f = word_fields(key);
	uint64_t word = sj_word_load(key);

	do {
		if ((word & f.users) == f.users)
			return -EOVERFLOW;
	} while (!word_replace(key, &word, word + f.user));
	side_jmp_inject(INJECT_WORD_CHANGED);
	return 0;
}

int sj_word_take(struct side_jmp_key *key)
{
	struct fields f = word_fields(key);
	uint64_t word = sj_word_load(key);

	do {
		if (!word_unclaimed(word, &f))
			return -EINVAL;
	} while (!word_replace(key, &word, word - f.user));
	side_jmp_inject(INJECT_WORD_CHANGED);
	return 0;
}

int sj_word_claim(struct side_jmp_key *key)
{
	struct fields f = word_fields(key);
	uint64_t word = sj_word_load(key);

	do {
		if (!word_unclaimed(word, &f))
			return -EINVAL;
		if ((word & f.claims) == f.claims)
			return -EOVERFLOW;
	} while (!word_replace(key, &word, word + f.claim));
	return 0;
}

static void word_subtract(struct side_jmp_key *key, uint64_t what)
{
	uint64_t word = sj_word_load(key);

	while (!word_replace(key, &word, word - what))
		;
}

void sj_word_unclaim(struct side_jmp_key *key)
{
	word_subtract(key, word_fields(key).claim);
}

void sj_word_take_claimed(struct side_jmp_key *key)
{
	struct fields f = word_fields(key);

	word_subtract(key, f.claim + f.user);
	side_jmp_inject(INJECT_WORD_CHANGED);
}

enum side_jmp_state sj_key_wanted(const struct side_jmp_key *key,
				  bool kernel_patches)
{
	return sj_word_load(key) ||
	       (!kernel_patches &&
		__atomic_load_n(&key->flags, __ATOMIC_SEQ_CST) &
		SIDE_JMP_KEY_ARMED) ? SIDE_JMP_ARMED : SIDE_JMP_IDLE;
}

/* No exchange: not every machine has an atomic one of a byte. */
void sj_key_set_flag(struct side_jmp_key *key, uint8_t flag, bool on)
{
	uint8_t flags = __atomic_load_n(&key->flags, __ATOMIC_RELAXED);

	flags = on ? flags | flag : flags & (uint8_t)~flag;
	__atomic_store_n(&key->flags, flags, __ATOMIC_SEQ_CST);
}

bool sj_key_valid(const struct side_jmp_key *key)
{
	return key && key->version == SIDE_JMP_KEY_VERSION &&
	       (key->width == 32 || key->width == 64);
}
