/* SPDX-License-Identifier: MIT */
/*
 * A key's word, of 32 or 64 bits: how many want the key, see word.c, and in the
 * top bit whether the kernel does (user_events), which sets and clears it by itself.
 * Who asks for any of this asks here, and not by the key's width.
 */
#ifndef SIDE_JMP_WORD_H
#define SIDE_JMP_WORD_H

#include "side_jmp.h"
#include "arch/arch.h"

static inline uint64_t sj_word_load(const struct side_jmp_key *key)
{
	return key->width == 64 ?
		__atomic_load_n(&key->word64, __ATOMIC_SEQ_CST) :
		__atomic_load_n(&key->word32, __ATOMIC_SEQ_CST);
}

/* Of the events' path: no order. */
static inline bool sj_word_kernel_bit(const struct side_jmp_key *key)
{
	return key->width == 64 ?
		__atomic_load_n(&key->word64, __ATOMIC_RELAXED) >> 63 :
		__atomic_load_n(&key->word32, __ATOMIC_RELAXED) >> 31;
}

/* What the kernel, too, does when it forgets an event. */
static inline void sj_word_clear_kernel_bit(struct side_jmp_key *key)
{
	if (key->width == 64)
		__atomic_fetch_and(&key->word64, UINT64_MAX >> 1,
				   __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&key->word32, UINT32_MAX >> 1,
				   __ATOMIC_SEQ_CST);
}

/* For the kernel, with key->width. */
static inline uintptr_t sj_word_address(struct side_jmp_key *key)
{
	return key->width == 64 ? (uintptr_t)&key->word64 :
				  (uintptr_t)&key->word32;
}

uint64_t sj_word_users(const struct side_jmp_key *key);
/* 0 or -EOVERFLOW; one more user. */
int sj_word_may_add(const struct side_jmp_key *key);
int sj_word_add(struct side_jmp_key *key);
/* One less, or -EINVAL: there is none. */
int sj_word_may_take(const struct side_jmp_key *key);
int sj_word_take(struct side_jmp_key *key);
/* In two steps, of which the second can't fail.  -EINVAL, -EOVERFLOW */
int sj_word_claim(struct side_jmp_key *key);
void sj_word_take_claimed(struct side_jmp_key *key);
void sj_word_unclaim(struct side_jmp_key *key);
/* SIDE_JMP_KEY_*; key->lock held.  Others read it without. */
void sj_key_set_flag(struct side_jmp_key *key, uint8_t flag, bool on);
bool sj_key_valid(const struct side_jmp_key *key);
/*
 * SIDE_JMP_KEY_ARMED keeps sites armed for the sake of a kernel that sets the
 * word without a sync.  One that patches them itself needs no such thing.
 */
enum side_jmp_state sj_key_wanted(const struct side_jmp_key *key,
				  bool kernel_patches);

#endif
