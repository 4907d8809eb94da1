/* SPDX-License-Identifier: MIT */
/*
 * One site: what its record says, and what state its bytes are in.  Reads
 * only; must not know of objects, keys' words or who writes.
 */
#include <string.h>

#include "runtime/sites/sites.h"
#include "runtime/sites/table.h"

static uintptr_t at(const int32_t *field)
{
	return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

struct side_jmp_key *sj_record_key(const struct side_jmp_record *record)
{
	uintptr_t p = at(&record->key);

	if (record->flags & SIDE_JMP_RECORD_KEY_SLOT)
		return *(struct side_jmp_key *const *)p;
	return (struct side_jmp_key *)p;
}

void sj_record_insn(const struct side_jmp_record *record,
		 struct side_jmp_insn *insn)
{
	insn->site = at(&record->site);
	insn->target = at(&record->check);
	insn->word = at(&record->key);	/* wide sites have no slot */
	insn->layout = record->layout;
	insn->word64 = record->flags & SIDE_JMP_RECORD_WORD64;
}

enum side_jmp_state sj_insn_state(const struct side_jmp_insn *insn)
{
	return sj_bytes_state(side_jmp_arch_host(), insn,
			      (const uint8_t *)(uintptr_t)insn->site,
			      SIDE_JMP_INSN_MAX);
}

bool sj_insn_idle_beneath(const struct side_jmp_insn *insn)
{
	const struct side_jmp_arch *arch = side_jmp_arch_host();
	unsigned second = arch->second ? arch->second(insn) : 0, len;
	uint8_t armed[SIDE_JMP_INSN_MAX], seen[SIDE_JMP_INSN_MAX];

	if (!second)
		return false;
	len = arch->encode(insn, SIDE_JMP_ARMED, armed);
	memcpy(seen, (const void *)(uintptr_t)insn->site, len);
	for (unsigned at = 0; at <= second; at += second)
		if (arch->breakpoint(seen + at, arch->align))
			seen[at] = armed[at];
	return sj_bytes_state(arch, insn, seen, len) == SIDE_JMP_IDLE;
}
