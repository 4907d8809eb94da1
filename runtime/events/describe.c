/* SPDX-License-Identifier: MIT */
/* The one walk over what an event's description says of its fields. */
#define _GNU_SOURCE
#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/events/events.h"

struct sj_field_at sj_fields(const struct side_jmp_event_desc *desc)
{
	const char *doc = side_jmp_event_doc(desc);

	return (struct sj_field_at){
		.left = desc->n_fields,
		.next = side_jmp_event_fields(desc),
		.next_name = side_jmp_event_next_text(doc),
		.next_values = side_jmp_event_values(desc),
	};
}

/* Text: of each field its name, and of an enum its labels. */
bool sj_next_field(struct sj_field_at *at)
{
	if (!at->left)
		return false;
	at->left--;
	at->field = at->next++;
	at->name = at->next_name;
	at->labels = side_jmp_event_next_text(at->name);
	at->values = at->next_values;
	at->next_name = at->labels;
	if (at->field->kind != SIDE_JMP_ENUM)
		return true;
	at->next_values += at->field->count;
	for (uint32_t i = 0; i < at->field->count; i++)
		at->next_name = side_jmp_event_next_text(at->next_name);
	return true;
}

size_t sj_chars_length(const struct side_jmp_field *field,
		       const struct side_jmp_value *v)
{
	return v->count < field->count ? v->count :
	       field->count ? field->count - 1 : 0;
}

SJ_GENERAL_END
