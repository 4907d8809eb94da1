/* SPDX-License-Identifier: MIT */
/* What is going on, counted from the text itself and not from memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "runtime/sites/sites.h"

struct counting {
	struct side_jmp_info *info;
	struct sj_arming at;		/* the same order: the newest first */
};

static void count_site(struct side_jmp_info *info,
		       const struct side_jmp_record *record,
		       enum side_jmp_state wanted)
{
	struct side_jmp_insn insn;
	enum side_jmp_state now;

	sj_record_insn(record, &insn);
	now = sj_insn_state(&insn);
	info->sites++;
	info->armed += now == SIDE_JMP_ARMED;
	info->idle += now == SIDE_JMP_IDLE;
	info->foreign += now == SIDE_JMP_FOREIGN;
	/* Without a back end armed is all that anybody asks for. */
	info->refused += now != wanted &&
			 !(now == SIDE_JMP_ARMED &&
			   (sj_frozen() || !sj_backend_chosen() ||
			    sj_backend()->id == SIDE_JMP_BACKEND_NONE));
}

static bool count_object(struct batch *b, struct counting *c, struct object *o)
{
	for (; c->at.next < o->n_sites; c->at.next++) {
		struct group *g = &o->groups[o->which[c->at.next]];
		uint32_t record = o->sorted[c->at.next];

		if (sj_batch_over(b, SJ_COST_LOOK))
			return false;
		count_site(c->info, &o->abi->start[record],
			   sj_key_wanted(g->ref->key, o->kernel));
	}
	return true;
}

static void count_the_rest(struct side_jmp_info *info)
{
	sj_objects_info(info);
	sj_adopt_info(info);
	info->keys = sj_keyref_count();
	sj_backend_info(info);
	sj_pages_info(info);
	sj_batch_info(info);
}

static bool step_count(struct batch *b, void *arg)
{
	struct counting *c = arg;
	struct object *o;

	while ((o = sj_object_before(c->at.before)) != NULL) {
		if (o->id != c->at.current) {
			c->at.current = o->id;
			c->at.next = 0;
		}
		if (!count_object(b, c, o))
			return false;
		c->at.before = o->id;
	}
	count_the_rest(c->info);
	return true;
}

int side_jmp_get_info(struct side_jmp_info *info, size_t size)
{
	struct side_jmp_info now = { 0 };
	struct counting c = { &now, SJ_ARMING_INIT };

	if (!info || !size)
		return -EINVAL;
	(void)sj_in_slices(step_count, &c, false);
	memset(info, 0, size);
	memcpy(info, &now, size < sizeof(now) ? size : sizeof(now));
	return 0;
}
