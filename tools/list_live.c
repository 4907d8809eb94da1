/* SPDX-License-Identifier: MIT */
/*
 * Keys and events of running processes, as these themselves say: libraries that
 * were loaded later are among them.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/list_live.h"
#include "tools/live.h"
#include "tools/out.h"
#include "tools/side-jmp.h"
#include "tools/table.h"

static const struct image native = {
	.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
};

struct lister {
	bool keys, events;
	struct json *j;			/* NULL: text */
	int status;
};

/* An event's description; it names its fields.  False: it is damaged. */
static bool read_desc(const struct live_entry *entry, struct event *e)
{
	*e = (struct event){ 0 };
	if (!table_read_event(&native, e, entry->desc, entry->e.desc))
		return true;
	free(e->fields);
	return false;
}

static const char *const flag_words[] = {
	"kernel", "control", "kept armed",
};

static bool enabled(const struct live_entry *entry)
{
	return entry->e.users || entry->e.flags & SJ_CONTROL_BY_KERNEL;
}

/* ---- text --------------------------------------------------------------------- */

static void text_state(const struct live_entry *entry)
{
	printf("  %-8s  users %" PRIu64, enabled(entry) ? "enabled" : "disabled",
	       entry->e.users);
	for (unsigned i = 0; i < 3; i++)
		if (entry->e.flags & 1u << i)
			printf(", %s", flag_words[i]);
	printf("  ");
	put_text(*entry->name ? entry->name : "(unnamed)");
}

static void text_fields(const struct event *e)
{
	for (size_t i = 0; i < e->n_fields; i++) {
		char type[FIELD_TYPE_MAX];

		field_type(&e->fields[i], type);
		printf("    %s ", type);
		put_text(e->fields[i].name);
		putchar('\n');
	}
}

static void text_list(const struct lister *to, const struct live_list *list)
{
	if (to->keys)
		printf(" %zu keys\n", list->n_keys);
	for (size_t i = 0; to->keys && i < list->n_keys; i++) {
		text_state(&list->keys[i]);
		printf("  %" PRIu32 " site%s\n", list->keys[i].e.sites,
		       list->keys[i].e.sites == 1 ? "" : "s");
	}
	if (to->events)
		printf(" %zu events\n", list->n_events);
	for (size_t i = 0; to->events && i < list->n_events; i++) {
		struct event e;

		text_state(&list->events[i]);
		if (!read_desc(&list->events[i], &e)) {
			puts("  (its description is damaged)");
			continue;
		}
		printf("  \"");
		put_text(e.doc);
		puts("\"");
		text_fields(&e);
		free(e.fields);
	}
}

static void text_process(const struct live *l, const struct live_copy *copy)
{
	const struct sj_control_hello *h = &copy->hello;

	printf("%d ", (int)l->pid);
	put_text(h->program);
	printf(": %" PRIu64 " objects, %" PRIu64 " sites, back end ",
	       h->objects, h->sites);
	put_text(h->backend);
	puts(h->frozen ? ", frozen" : "");
}

/* ---- JSON --------------------------------------------------------------------- */

static void json_state(struct json *j, const struct live_entry *entry)
{
	json_string(j, "name", entry->name);
	json_bool(j, "enabled", enabled(entry));
	json_unsigned(j, "users", entry->e.users);
	json_bool(j, "by_kernel", entry->e.flags & SJ_CONTROL_BY_KERNEL);
	json_bool(j, "by_control", entry->e.flags & SJ_CONTROL_BY_CONTROL);
	json_bool(j, "kept_armed", entry->e.flags & SJ_CONTROL_KEPT_ARMED);
}

static void json_fields(struct json *j, const struct event *e)
{
	json_string(j, "doc", e->doc);
	json_array(j, "fields");
	for (size_t i = 0; i < e->n_fields; i++) {
		char type[FIELD_TYPE_MAX];

		field_type(&e->fields[i], type);
		json_object(j, NULL);
		json_string(j, "name", e->fields[i].name);
		json_string(j, "type", type);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_list(const struct lister *to, const struct live_list *list)
{
	struct json *j = to->j;

	json_array(j, "keys");
	for (size_t i = 0; to->keys && i < list->n_keys; i++) {
		json_object(j, NULL);
		json_state(j, &list->keys[i]);
		json_unsigned(j, "sites", list->keys[i].e.sites);
		json_object_end(j);
	}
	json_array_end(j);
	json_array(j, "events");
	for (size_t i = 0; to->events && i < list->n_events; i++) {
		struct event e;

		json_object(j, NULL);
		json_state(j, &list->events[i]);
		if (read_desc(&list->events[i], &e)) {
			json_fields(j, &e);
			free(e.fields);
		}
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_process(struct json *j, const struct live *l,
			 const struct live_copy *copy)
{
	const struct sj_control_hello *h = &copy->hello;

	json_number(j, "pid", l->pid);
	json_string(j, "program", h->program);
	json_unsigned(j, "objects", h->objects);
	json_unsigned(j, "sites", h->sites);
	json_string(j, "backend", h->backend);
	json_string(j, "backend_reason", h->backend_reason);
	json_bool(j, "frozen", h->frozen);
}

/* ---- all ---------------------------------------------------------------------- */

static void list_copy(struct lister *to, const struct live *l,
		      struct live_copy *copy)
{
	struct live_list list;
	char why[WHY_MAX];

	if (live_list(copy, &list, why)) {
		to->status = tool_error(NULL, "process %d: %s", (int)l->pid,
					why);
		return;
	}
	if (to->j) {
		json_object(to->j, NULL);
		json_process(to->j, l, copy);
		json_list(to, &list);
		json_object_end(to->j);
	} else {
		text_process(l, copy);
		text_list(to, &list);
	}
	live_list_free(&list);
}

int list_live(const struct choice *who, bool keys, bool events, bool json)
{
	struct lister to = { keys, events, json ? json_begin() : NULL, EXIT_OK };
	char why[WHY_MAX];
	bool there;

	if (to.j) {
		json_object(to.j, NULL);
		json_array(to.j, "processes");
	}
	for (size_t i = 0; i < who->n; i++) {
		struct live l;

		if (!live_reach(&l, who->chosen[i].pid, who->all, &there,
				why)) {
			for (size_t k = 0; k < l.n; k++)
				list_copy(&to, &l, &l.copies[k]);
			live_close(&l);
		} else if (there || !who->all) {
			to.status = tool_error(NULL, "%s", why);
		}
	}
	if (to.j) {
		json_array_end(to.j);
		json_object_end(to.j);
	}
	json_end(to.j);
	return to.status;
}
