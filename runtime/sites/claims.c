/* SPDX-License-Identifier: MIT */
/*
 * Claims to many keys, in slices.  Owns the list of the calls that have some:
 * in the child of a fork(), those of other threads are nobody's any more, and
 * are given back.  So they lie in pages of their own, with a copy of what the
 * caller named: stacks of threads that are gone are used again before we come to
 * look.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/sites/sites.h"

static struct sj_claims *claims_list;	/* sj_patch_lock */

static bool step_claim(struct batch *b, void *arg)
{
	struct sj_claims *c = arg;

	if (!c->thread) {
		c->thread = sj_thread();
		c->next = claims_list;
		claims_list = c;
	}
	for (; c->to < c->n && !c->error; c->to += !c->error) {
		if (sj_batch_over(b, SJ_COST_LOOK))
			return false;
		c->error = sj_word_claim(c->keys[c->to]);
	}
	return true;
}

static bool step_give_back(struct batch *b, void *arg)
{
	struct sj_claims *c = arg, **p = &claims_list;

	for (; c->from < c->to; c->to--) {
		if (sj_batch_over(b, SJ_COST_LOOK))
			return false;
		sj_word_unclaim(c->keys[c->to - 1]);
	}
	while (*p && *p != c)
		p = &(*p)->next;
	if (*p)
		*p = c->next;
	return true;
}

static size_t claims_size(size_t n)
{
	return sizeof(struct sj_claims) + n * sizeof(struct side_jmp_key *);
}

void sj_claims_end(struct sj_claims *c)
{
	(void)sj_in_slices(step_give_back, c, false);
	munmap(c, claims_size(c->n));
}

int sj_claims_begin(struct side_jmp_key *const keys[], size_t n,
		    struct sj_claims **out)
{
	struct sj_claims *c = sj_map_pages(claims_size(n));
	int r;

	if (!c)
		return -ENOMEM;
	c->n = n;
	memcpy(c->keys, keys, n * sizeof(keys[0]));
	(void)sj_in_slices(step_claim, c, false);
	r = c->error;
	if (r)
		sj_claims_end(c);
	else
		*out = c;
	return r;
}

void sj_claims_after_fork(void)
{
	struct sj_claims **p = &claims_list, *c;

	while ((c = *p) != NULL) {
		if (c->thread == sj_thread()) {
			p = &c->next;
			continue;
		}
		while (c->from < c->to)
			sj_word_unclaim(c->keys[--c->to]);
		*p = c->next;
	}
}
