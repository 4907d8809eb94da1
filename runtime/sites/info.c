/* SPDX-License-Identifier: MIT */
/* What is going on, counted from the text itself and not from memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/sites/sites.h"

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
			   (sj_state.backend == SIDE_JMP_BACKEND_NONE ||
			    sj_state_frozen()));
}

static void count_object(struct side_jmp_info *info, const struct object *o)
{
	info->objects++;
	for (uint32_t i = 0; i < o->n_groups; i++) {
		const struct group *g = &o->groups[i];
		enum side_jmp_state wanted = sj_key_wanted(g->ref->key,
							   o->kernel);

		for (uint32_t j = g->first; j < g->first + g->count; j++)
			count_site(info, &o->abi->start[o->order[j]], wanted);
	}
}

static const char *backend_name(enum side_jmp_backend backend)
{
	static const char *const names[] = { "none", "self", "kernel" };

	return names[backend];
}

static void fill(struct side_jmp_info *info)
{
	bool frozen = sj_state_frozen();

	info->backend = frozen ? SIDE_JMP_BACKEND_NONE : sj_state.backend;
	info->backend_name = backend_name(info->backend);
	info->backend_reason = frozen ? "ended by side_jmp_freeze()" :
		sj_state.chosen ? sj_state.backend_reason :
		!side_jmp_arch_host()->machine ?
		"no port for this architecture" :
		sj_state.objects ? "no site has had to be patched so far" :
		"no object with sites has been loaded";
	info->keys = sj_state.n_refs;
	info->pages_dirtied = sj_state.pages_dirtied;
	info->pages_budget = sj_state.pages_budget;
	info->syncs = sj_state.syncs;
	info->writes = sj_state.writes;
	info->dropped_pages = sj_state.dropped_pages;
	info->objects_refused = sj_state.objects_refused;
	info->refuse_error = sj_state.refuse_error;
	info->objects_rejected = sj_state.objects_rejected;
	info->reject_error = sj_state.reject_error;
	memcpy(info->reject_reason, sj_state.reject_reason,
	       sizeof(info->reject_reason));
	for (const struct object *o = sj_state.objects; o; o = o->next)
		count_object(info, o);
}

int side_jmp_get_info(struct side_jmp_info *info, size_t size)
{
	struct side_jmp_info now = { 0 };
	sigmask_t mask;

	if (!info || !size)
		return -EINVAL;
	mask = sj_block_signals();
	sj_lock(&sj_patch_lock);
	fill(&now);
	sj_unlock(&sj_patch_lock);
	sj_restore_signals(mask);
	memset(info, 0, size);
	memcpy(info, &now, size < sizeof(now) ? size : sizeof(now));
	return 0;
}

void side_jmp_set_dirty_pages(uint64_t pages)
{
	sigmask_t mask = sj_block_signals();

	sj_lock(&sj_patch_lock);
	sj_state.pages_budget = pages;
	sj_unlock(&sj_patch_lock);
	sj_restore_signals(mask);
}
