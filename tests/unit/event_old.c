/* SPDX-License-Identifier: MIT */
/*
 * Events of files that were compiled with version 1.0.0's header, written down
 * as they were: refused with a reason, and harmless if their key is enabled all
 * the same.
 */
#include <side_jmp_event.h>

#include <errno.h>
#include <string.h>

#include "tests/tap.h"

/* Of version 1.0.0. */
struct old_desc {
	uint32_t size;
	uint16_t version, n_fields;
	uint32_t n_values;
	uint16_t flags, text;
	struct side_jmp_field fields[2];
	int64_t values[1];
	char strings[16];
};
struct old_event {
	uint32_t version, id;
	struct side_jmp_key *key;
	const struct old_desc *desc;
	void *slots;
	uint32_t write_index, state;
	void *reserved[5];		/* 1.0.0 had 2 */
};
struct old_object {
	uint32_t version, event_size;
	void *start, *stop, *priv, *next;
};

SIDE_JMP_KEY(key);

static struct old_desc desc = {
	sizeof(desc), 1, 1, 0, 0, offsetof(struct old_desc, strings),
	{ { SIDE_JMP_STRING, 0, 0, 0 }, { 0, 0, 0, 0 } }, { 0 }, "old\0one\0\0text",
};
static struct old_event events[] = {
	{ 1, 0, &key, &desc, NULL, 0, 0, { NULL, NULL, NULL, NULL, NULL } },
};
static struct old_object object = {
	1, sizeof(struct old_event), events, events + 1, NULL, NULL,
};

static int called;
static void callback(const struct side_jmp_event *event,
		     const struct side_jmp_value values[], void *data)
{
	(void)event;
	(void)values;
	(void)data;
	called++;
}

static struct side_jmp_event_info info(void)
{
	struct side_jmp_event_info i;

	side_jmp_event_get_info(&i, sizeof(i));
	return i;
}

static bool says(const char *a, const char *b)
{
	struct side_jmp_event_info i = info();

	tap_note("%s", i.reject_reason);
	return strstr(i.reject_reason, a) && strstr(i.reject_reason, b) &&
	       strstr(i.reject_reason, "the executable: ");
}

int main(void)
{
	struct side_jmp_event_object *now = (void *)&object;
	struct side_jmp_value value = { .data = "text", .count = 4 };
	struct side_jmp_tracer *tracer;
	void *old_value = &value;

	tap_equal((long long)info().objects_rejected, 0, "old_none_yet");
	tap_equal(side_jmp_tracer_register(&tracer, "old:*", callback, NULL), 0,
		  "old_tracer");
	tap_equal(side_jmp_event_register(now), -EINVAL, "old_is_refused");
	tap_equal((long long)info().objects_rejected, 1, "old_is_counted");
	tap_ok(says("version 1, not 2", "compile"), "old_says_why");
	tap_equal((long long)info().events, 0, "old_has_no_events");
	tap_equal(side_jmp_event_unload(now), 0, "old_unloads");

	/* Who enables the key himself gets nothing, and nothing is misread. */
	side_jmp_enable(&key);
	side_jmp_event_fire((void *)&events[0], old_value);
	tap_equal(called, 0, "old_does_not_fire");
	side_jmp_disable(&key);

	object.version = SIDE_JMP_EVENT_VERSION;
	tap_equal(side_jmp_event_register(now), -EINVAL, "old_event_is_refused");
	tap_ok(says("event 0 is of version 1", "compile"), "old_event_says_why");
	events[0].version = SIDE_JMP_EVENT_VERSION;
	desc.version = 9;
	tap_equal(side_jmp_event_register(now), -EINVAL, "old_desc_is_refused");
	tap_ok(says("description of version 9", "not 1"), "old_desc_says_why");
	object.event_size = 8;
	tap_equal(side_jmp_event_register(now), -EINVAL, "old_size_is_refused");
	tap_ok(says("8 bytes", "not"), "old_size_says_why");
	tap_equal((long long)info().objects_rejected, 4, "old_each_is_counted");
	side_jmp_tracer_unregister(tracer);
	return tap_done();
}
