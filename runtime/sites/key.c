/* SPDX-License-Identifier: MIT */
/*
 * Keys, as programs use them.  Counted changes are all or nothing: what is not
 * to be had from every key is had from none.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "runtime/sites/sites.h"

static bool keys_valid(struct side_jmp_key *const keys[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!sj_key_valid(keys[i]))
			return false;
	return true;
}

static int keys_may_add(struct side_jmp_key *const keys[], size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = sj_word_may_add(keys[i]);
	return r;
}

/*
 * Words go up one after the other, and at the first that may not, or whose
 * sites can't be armed, they go down again.  Nobody is hurt by a key that was
 * enabled for a moment.
 */
int side_jmp_enable_many(struct side_jmp_key *const keys[], size_t n)
{
	struct sj_key_walk up = { .keys = keys, .n = n, .change = SJ_ADD };
	int r = keys_valid(keys, n) ? keys_may_add(keys, n) : -EINVAL;

	if (r)
		return r;
	r = sj_walk_keys(&up);
	if (r && up.done) {
		struct sj_key_walk down = {
			.keys = keys, .n = up.done, .change = SJ_TAKE,
		};

		(void)sj_walk_keys(&down);
	}
	return r;
}

/*
 * One that goes down for a moment would hurt: a site goes idle that somebody
 * relies on.  So claims come first, and nothing goes down before all are had.
 */
static int disable_claimed(struct side_jmp_key *const keys[], size_t n)
{
	struct sj_key_walk down = {
		.keys = keys, .n = n, .change = SJ_TAKE_CLAIMED,
	};
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)	/* mostly it is that simple */
		r = sj_word_may_take(keys[i]);
	if (!r)
		r = sj_claims_begin(keys, n, &down.claims);
	if (r)
		return r;
	(void)sj_walk_keys(&down);
	sj_claims_end(down.claims);
	return 0;
}

/*
 * One key.  Or many of a frozen process, which makes no system call: nothing
 * goes idle there, and what went down in vain goes up again.
 */
static int disable_plainly(struct side_jmp_key *const keys[], size_t n)
{
	struct sj_key_walk down = { .keys = keys, .n = n, .change = SJ_TAKE };
	struct sj_key_walk up = { .keys = keys, .change = SJ_ADD };

	(void)sj_walk_keys(&down);
	if (down.done == n)
		return 0;
	up.n = down.done;
	(void)sj_walk_keys(&up);
	return -EINVAL;
}

int side_jmp_disable_many(struct side_jmp_key *const keys[], size_t n)
{
	if (!keys_valid(keys, n))
		return -EINVAL;
	return n > 1 && !(sj_frozen() && !sj_stuck()) ?
		disable_claimed(keys, n) : disable_plainly(keys, n);
}

int side_jmp_enable(struct side_jmp_key *key)
{
	return side_jmp_enable_many(&key, 1);
}

int side_jmp_disable(struct side_jmp_key *key)
{
	return side_jmp_disable_many(&key, 1);
}

int side_jmp_sync(struct side_jmp_key *key)
{
	struct sj_key_walk w = { .keys = &key, .n = 1 };

	return sj_key_valid(key) ? sj_walk_keys(&w) : -EINVAL;
}

/* Of side_jmp/call.h, should a compiler leave a call of it. */
int side_jmp_cold_(void)
{
	return 0;
}
