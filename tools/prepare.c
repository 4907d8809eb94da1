/* SPDX-License-Identifier: MIT */
/* See prepare.h. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/check.h"
#include "tools/prepare.h"
#include "runtime/events/pattern.h"

enum { KEEP = SIDE_JMP_FOREIGN };	/* a key that nobody wished anything */

/* ---- who may be prepared ----------------------------------------------------- */

static void keep_first(void *arg, const struct finding *f)
{
	struct finding *first = arg;

	if (!f->note && !first->rule)
		*first = *f;
}

/*
 * Only what every runtime takes in, and whose text nobody but the linker
 * wrote: a loader that relocates text makes the file's bytes unreachable.
 */
static int may_prepare(const struct table *t, char why[WHY_MAX])
{
	struct finding f = { 0 };

	if (t->image->type == ET_CORE)
		return say(why, "a core");
	if (t->image->textrel)
		return say(why, "its text is relocated when it is loaded"
			   " (DT_TEXTREL)");
	check_table(t, NULL, false, keep_first, &f);
	if (f.rule)
		return say(why, "its table does not pass side-jmp check: %#"
			   PRIx64 ": %s: expected %.120s; found %.120s", f.at,
			   f.rule, f.expected, f.found);
	return 0;
}

/* ---- wishes ------------------------------------------------------------------ */

static bool is_event(const struct key *k)
{
	return k->event || strchr(key_name(k), ':');
}

static int wish_one(const struct table *t, const char *pattern,
		    enum side_jmp_state state, bool events, uint8_t *wanted,
		    char why[WHY_MAX])
{
	bool any = false;

	for (size_t i = 0; i < t->n_keys; i++) {
		const struct key *k = &t->keys[i];

		if (!k->name || !sj_pattern_matches_key(pattern, k->name))
			continue;
		if (state == SIDE_JMP_IDLE && is_event(k) && !events)
			return say(why, "'%.60s' is an event, which may be"
				   " registered with the kernel (user_events)"
				   " and then must not be idle in the file;"
				   " --events insists", k->name);
		wanted[i] = (uint8_t)state;
		any = true;
	}
	return any ? 0 : say(why, "no key matches '%s'", pattern);
}

static int wish(const struct table *t, const struct wish *w, bool events,
		uint8_t *wanted, char why[WHY_MAX])
{
	const char *list = w->patterns;
	char pattern[SJ_PATTERN_MAX];
	int r;

	while ((r = sj_pattern_next_key(&list, pattern)) == 1)
		if (wish_one(t, pattern, w->state, events, wanted, why))
			return -1;
	return r ? say(why, "'%s' is not a pattern: expected 'provider:name' or"
		       " the name of a key, with * and ?", pattern) : 0;
}

/* ---- edits ------------------------------------------------------------------- */

static int edit_site(const struct table *t, const struct site *s,
		     enum side_jmp_state state, struct plan *plan,
		     char why[WHY_MAX])
{
	const struct side_jmp_arch *arch = t->image->arch;
	struct edit *e = &plan->edits[plan->n_edits];
	uint8_t bytes[SIDE_JMP_INSN_MAX];
	unsigned at = arch->patch_offset(&s->insn);

	if (s->state == state) {
		plan->kept++;
		return 0;
	}
	arch->encode(&s->insn, state, bytes);
	e->len = arch->patch_len;
	memcpy(e->bytes, bytes + at, e->len);
	if (!image_offset(t->image, s->insn.site + at, e->len, &e->offset))
		return say(why, "site %#" PRIx64 " is not in the file",
			   s->insn.site);
	plan->n_edits++;
	if (state == SIDE_JMP_IDLE)
		plan->idled++;
	else
		plan->armed++;
	return 0;
}

static int edit_sites(const struct table *t, const uint8_t *wanted,
		      struct plan *plan, char why[WHY_MAX])
{
	plan->edits = tool_alloc(t->n_sites, sizeof(*plan->edits));
	plan->states = tool_alloc(t->n_sites, sizeof(*plan->states));
	for (size_t i = 0; i < t->n_sites; i++) {
		const struct site *s = &t->sites[i];

		plan->states[i] = s->state;
		if (s->key == NO_KEY || wanted[s->key] == KEEP)
			continue;
		plan->states[i] = wanted[s->key];
		if (edit_site(t, s, wanted[s->key], plan, why))
			return -1;
	}
	return 0;
}

int prepare_plan(const struct table *t, const struct wish *wishes, size_t n,
		 bool events, struct plan *plan, char why[WHY_MAX])
{
	uint8_t *wanted = tool_alloc(t->n_keys, 1);
	int r = may_prepare(t, why);

	*plan = (struct plan){ 0 };
	memset(wanted, KEEP, t->n_keys);
	for (size_t i = 0; i < n && !r; i++)
		r = wish(t, &wishes[i], events, wanted, why);
	if (!r)
		r = edit_sites(t, wanted, plan, why);
	if (r)
		prepare_free(plan);
	free(wanted);
	return r;
}

/* ---- reading back ------------------------------------------------------------ */

static int compare(const struct table *t, const struct plan *plan,
		   char why[WHY_MAX])
{
	if (may_prepare(t, why))
		return -1;
	for (size_t i = 0; i < t->n_sites; i++)
		if (t->sites[i].state != plan->states[i])
			return say(why, "the site %#" PRIx64 " is %s, expected"
				   " %s", t->sites[i].insn.site,
				   state_name(t->sites[i].state),
				   state_name(plan->states[i]));
	return 0;
}

int prepare_apply(const struct table *t, const struct plan *plan,
		  char why[WHY_MAX])
{
	const struct image *im = t->image;
	uint8_t *bytes = (uint8_t *)(uintptr_t)im->bytes;
	size_t n_sites = t->n_sites;
	char inner[WHY_MAX] = "it has lost sites";
	struct image after;
	struct table seen;
	int r = -1;

	for (size_t i = 0; i < plan->n_edits; i++)
		memcpy(bytes + plan->edits[i].offset, plan->edits[i].bytes,
		       plan->edits[i].len);
	if (!image_from_memory(&after, "prepared", bytes, im->size, inner)) {
		if (!table_load(&seen, &after, inner)) {
			if (seen.n_sites == n_sites)
				r = compare(&seen, plan, inner);
			table_free(&seen);
		}
		image_close(&after);
	}
	return r ? say(why, "it would not be as planned: %.300s", inner) : 0;
}

void prepare_free(struct plan *plan)
{
	free(plan->edits);
	free(plan->states);
	*plan = (struct plan){ 0 };
}
