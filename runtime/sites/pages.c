/* SPDX-License-Identifier: MIT */
/*
 * Pages of text: which are changed, and so private to the process, and how many
 * may be.  sj_patch_lock.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "runtime/sites/sites.h"

static uint64_t pages_dirtied;
static uint64_t pages_budget = SIDE_JMP_DIRTY_PAGES_DEFAULT;

static size_t page_index(const struct object *o, uintptr_t addr)
{
	return (addr - o->first_page) / sj_page_size();
}

static bool page_bit(const uint8_t *bits, size_t i)
{
	return bits[i / 8] & 1u << i % 8;
}

bool sj_page_dirty(const struct object *o, uintptr_t addr)
{
	return page_bit(o->dirty, page_index(o, addr));
}

void sj_page_set_dirty(struct object *o, uintptr_t addr, bool dirty)
{
	size_t i = page_index(o, addr);
	uint64_t change = dirty ? 1 : (uint64_t)-1;

	if (dirty == page_bit(o->dirty, i))
		return;
	o->dirty[i / 8] ^= (uint8_t)(1u << i % 8);
	o->n_dirty += change;
	pages_dirtied += change;
}

void sj_page_set_unsure(struct object *o, const struct side_jmp_insn *insn)
{
	size_t i = page_index(o, (uintptr_t)insn->site +
			      side_jmp_arch_host()->patch_offset(insn));

	o->unsure[i / 8] |= (uint8_t)(1u << i % 8);
}

bool sj_page_unsure(const struct object *o, uintptr_t addr)
{
	return page_bit(o->unsure, page_index(o, addr));
}

bool sj_page_affordable(const struct object *o, uintptr_t addr)
{
	return sj_page_dirty(o, addr) || pages_dirtied < pages_budget;
}

bool sj_pages_affordable(uint64_t more)
{
	return more <= pages_budget && pages_dirtied <= pages_budget - more;
}

void sj_pages_forget(struct object *o)
{
	pages_dirtied -= o->n_dirty;
	o->n_dirty = 0;
}

bool sj_pages_ask(const char *budget)
{
	unsigned long long n;
	char *end;

	if (!budget || !*budget)
		return true;
	n = strtoull(budget, &end, 10);
	if (*end || *budget < '0' || *budget > '9')
		return false;
	pages_budget = n;
	return true;
}

void sj_pages_info(struct side_jmp_info *info)
{
	info->pages_dirtied = pages_dirtied;
	info->pages_budget = pages_budget;
}

void side_jmp_set_dirty_pages(uint64_t pages)
{
	sigmask_t mask = sj_enter(&sj_patch_lock);

	pages_budget = pages;
	sj_leave(&sj_patch_lock, mask);
}
