/* SPDX-License-Identifier: MIT */
/* Which keys and events there are, written into an area as control.h says. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "runtime/control/agent.h"

enum { LIST_NAME = 1024 };		/* longer names are cut off */

struct list_writer {
	char *area;
	uint64_t size, wanted, used, entries;
};

/* Of an entry that fits. */
static void list_put(struct list_writer *w, struct sj_control_entry *e,
		     const char *name, const void *desc)
{
	uint64_t room = (sizeof(*e) + e->name + 1 + 7) / 8 * 8;
	char *at = w->area + w->used;

	e->size = (uint32_t)(room + (e->desc + 7) / 8 * 8);
	w->wanted += e->size;
	if (w->wanted > w->size)
		return;
	memset(at, 0, e->size);
	memcpy(at + sizeof(*e), name, e->name);
	if (desc)
		memcpy(at + room, desc, e->desc);
	e->name++;			/* with its 0 */
	memcpy(at, e, sizeof(*e));
	w->used += e->size;
	w->entries++;
}

static void list_key_state(struct sj_control_entry *e,
			   const struct side_jmp_key *key)
{
	uint8_t flags = __atomic_load_n(&key->flags, __ATOMIC_SEQ_CST);

	e->key = (uintptr_t)key;
	e->users = sj_word_users(key);
	e->flags = (uint16_t)
		((sj_word_kernel_bit(key) ? SJ_CONTROL_BY_KERNEL : 0) |
		 (flags & SIDE_JMP_KEY_CONTROLLED ? SJ_CONTROL_BY_CONTROL : 0) |
		 (flags & SIDE_JMP_KEY_ARMED ? SJ_CONTROL_KEPT_ARMED : 0));
}

static void list_key(struct side_jmp_key *key, uint32_t sites, void *arg)
{
	struct sj_control_entry e = { .kind = SJ_CONTROL_KEY, .sites = sites };
	const char *name = key->name ? key->name : "";

	list_key_state(&e, key);
	e.name = (uint32_t)strnlen(name, LIST_NAME);
	list_put(arg, &e, name, NULL);
}

static void list_event(struct list_writer *w, const struct side_jmp_event *event)
{
	struct sj_control_entry e = {
		.kind = SJ_CONTROL_EVENT,
		.number = event->number,
		.desc = event->desc->size,
	};
	const char *name = event->key->name ? event->key->name : "";

	list_key_state(&e, event->key);
	e.name = (uint32_t)strnlen(name, LIST_NAME);
	list_put(w, &e, name, event->desc);
}

static void list_events(struct list_writer *w)
{
	struct sj_slice slice = { 0 };
	const struct side_jmp_event *event;
	struct sj_walk walk;

	sj_slice_enter(&slice);
	sj_walk_begin(&walk);
	for (unsigned n = 1; (event = sj_walk_next(&walk)); n++) {
		list_event(w, event);
		if (n >= slice.n) {
			sj_slice_next(&slice);
			n = 0;
		}
	}
	sj_walk_end(&walk);
	sj_slice_leave(&slice);
}

int sj_control_list(const struct control_area *area)
{
	struct sj_control_list head = { 0 };
	struct list_writer w = {
		area->at, area->size, sizeof(head), sizeof(head), 0,
	};

	if (area->size < sizeof(head))
		return -EINVAL;
	list_events(&w);
	sj_keys_each(list_key, &w);
	head = (struct sj_control_list){ w.entries, w.used, w.wanted };
	memcpy(area->at, &head, sizeof(head));
	return 0;
}

static void list_count(struct side_jmp_key *key, uint32_t sites, void *arg)
{
	(void)sites;
	*(uint64_t *)arg += side_jmp_enabled(key);
}

uint64_t sj_control_enabled(void)
{
	uint64_t n = 0;

	sj_keys_each(list_count, &n);
	return n;
}
