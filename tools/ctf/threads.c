/* SPDX-License-Identifier: MIT */
/* See threads.h. */
#include <stdlib.h>

#include "tools/ctf/threads.h"
#include "tools/memory.h"

/* Where it is, or a free place. */
static struct thread *find(const struct threads *t, int64_t pid, int64_t tid)
{
	uint64_t hash = ((uint64_t)pid << 32 ^ (uint64_t)tid) *
			UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(hash >> 32) % t->room;

	while (t->slots[i].taken && (t->slots[i].pid != pid ||
				     t->slots[i].tid != tid))
		i = (i + 1) % t->room;
	return &t->slots[i];
}

static void grow(struct threads *t)
{
	struct threads old = *t;

	t->room = old.room ? 2 * old.room : 256;
	t->slots = tool_alloc(t->room, sizeof(*t->slots));
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].taken)
			*find(t, old.slots[i].pid, old.slots[i].tid) = old.slots[i];
	free(old.slots);
}

bool threads_add(struct threads *t, int64_t pid, int64_t tid)
{
	struct thread *slot;

	if (2 * t->n >= t->room)
		grow(t);
	slot = find(t, pid, tid);
	if (slot->taken)
		return false;
	*slot = (struct thread){ pid, tid, true };
	t->n++;
	return true;
}
