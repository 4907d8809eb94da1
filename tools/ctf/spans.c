/* SPDX-License-Identifier: MIT */
/* See spans.h.  A table by hash, whose entries are also in a list by age. */
#include <stdlib.h>

#include "tools/ctf/spans.h"
#include "tools/memory.h"

enum { OPEN_MAX = 65536, BUCKETS = 65536 };

struct entry {
	struct span span;
	struct entry *next;			/* of its bucket, or free */
	struct entry *older, *younger;
};

struct spans {
	void (*unfinished)(const struct span *span, void *arg);
	void *arg;
	struct entry *free;
	struct entry *oldest, *youngest;
	struct entry *buckets[BUCKETS];
	struct entry entries[OPEN_MAX];
};

struct spans *spans_new(void (*unfinished)(const struct span *span, void *arg),
			void *arg)
{
	struct spans *s = tool_alloc(1, sizeof(*s));

	s->unfinished = unfinished;
	s->arg = arg;
	for (size_t i = OPEN_MAX; i-- > 0; ) {
		s->entries[i].next = s->free;
		s->free = &s->entries[i];
	}
	return s;
}

/* The link to it, or to where it would be. */
static struct entry **find(struct spans *s, const char *name, int64_t pid,
			   uint64_t span)
{
	uint64_t hash = ((uint64_t)(uintptr_t)name >> 4) ^ (uint64_t)pid << 20 ^ span;
	struct entry **p = &s->buckets[hash * UINT64_C(0x9e3779b97f4a7c15) >> 48];

	while (*p && ((*p)->span.name != name || (*p)->span.pid != pid ||
		      (*p)->span.span != span))
		p = &(*p)->next;
	return p;
}

static void take_out(struct spans *s, struct entry **p)
{
	struct entry *e = *p;

	*p = e->next;
	*(e->older ? &e->older->younger : &s->oldest) = e->younger;
	*(e->younger ? &e->younger->older : &s->youngest) = e->older;
	e->next = s->free;
	s->free = e;
}

static void give_up(struct spans *s, struct entry **p)
{
	s->unfinished(&(*p)->span, s->arg);
	take_out(s, p);
}

static void give_up_oldest(struct spans *s)
{
	const struct span *span = &s->oldest->span;

	give_up(s, find(s, span->name, span->pid, span->span));
}

void spans_begin(struct spans *s, const struct ctf_event *begin, void *more)
{
	struct entry **p = find(s, begin->class->name, begin->pid, begin->span), *e;

	if (*p)				/* its end was lost */
		give_up(s, p);
	if (!s->free)
		give_up_oldest(s);
	e = s->free;
	s->free = e->next;
	e->span = (struct span){
		begin->class->name, begin->class->provider, begin->span,
		begin->time, begin->pid, begin->tid, more,
	};
	p = find(s, begin->class->name, begin->pid, begin->span);
	e->next = NULL;
	*p = e;
	e->younger = NULL;
	e->older = s->youngest;
	*(s->youngest ? &s->youngest->younger : &s->oldest) = e;
	s->youngest = e;
}

bool spans_end(struct spans *s, const struct ctf_event *end, struct span *span)
{
	struct entry **p;

	if (!end->span)
		return false;
	p = find(s, end->class->name, end->pid, end->span);
	if (!*p)
		return false;
	*span = (*p)->span;
	take_out(s, p);
	return true;
}

void spans_free(struct spans *s)
{
	while (s->oldest)
		give_up_oldest(s);
	free(s);
}
