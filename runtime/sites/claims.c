/* SPDX-License-Identifier: MIT */
/*
 * Claims to many keys, in slices.  Owns the list of the calls that have some:
 * in the child of a fork(), those of other threads are nobody's any more, and
 * are given back.  (A call is on its thread's stack, which the child has, too.)
 */
#define _GNU_SOURCE
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

void sj_claims_end(struct sj_claims *c)
{
	(void)sj_in_slices(step_give_back, c, false);
}

int sj_claims_begin(struct sj_claims *c)
{
	(void)sj_in_slices(step_claim, c, false);
	if (c->error)
		sj_claims_end(c);
	return c->error;
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
