/* SPDX-License-Identifier: MIT */
/*
 * What stands around an event, where somebody has asked for it: which CPU, which
 * thread, how long that has run, who called.  Knows nothing of the event.
 *
 *
 * THE STACK is a chain of frame pointers (arch/frame.h).  The frames from ours to
 * the site are the library's own, and right.  From there on nothing is believed:
 * a function that was compiled without a frame pointer has in that register
 * whatever it likes.  So
 *
 *  - memory is read by process_vm_readv(2), of ourselves: the kernel finds out
 *    whether there is any, in the same moment in which it copies, whoever unmaps
 *    something just then.  To know where the thread's stack ends would not do:
 *    asking takes memory and locks (pthread_getattr_np(3)), and a coroutine, or a
 *    handler on a stack of its own, is elsewhere;
 *  - each frame lies above the one before, by less than a megabyte: a walk ends.
 *
 * What comes out may be wrong, then, but for its first address, and never takes
 * more than SJ_CONTEXT_FRAMES steps.  Where the system call is refused (a filter
 * of seccomp(2)) the first one is all there is.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>

#include "arch/frame.h"
#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/events/context.h"
#include "runtime/events/events.h"
SJ_GENERAL_END

enum {
	CONTEXT_COPY = 1024,		/* bytes of stack at a time */
	CONTEXT_FAR = 1 << 20,		/* no frame is as large */
};

/* ---- words -------------------------------------------------------------- */

/* Of bit i of the parts. */
static const char *const context_names[] = {
	"cpu", "comm", "thread_time", "stack",
};

enum { CONTEXT_PARTS = sizeof(context_names) / sizeof(context_names[0]) };

/* 0: there is none of that name. */
static unsigned context_part(const char *word, size_t length)
{
	for (unsigned i = 0; i < CONTEXT_PARTS; i++)
		if (strlen(context_names[i]) == length &&
		    !memcmp(context_names[i], word, length))
			return 1U << i;
	return 0;
}

bool sj_context_parse(const char *list, unsigned *parts)
{
	unsigned all = 0;

	while (*(list += strspn(list, ", \t"))) {
		size_t length = strcspn(list, ", \t");
		unsigned part = context_part(list, length);

		if (!part)
			return false;
		all |= part;
		list += length;
	}
	*parts = all;
	return true;
}

/* ---- the stack ---------------------------------------------------------- */

/* A part of it, as it was a moment ago. */
struct context_copy {
	uintptr_t from;
	size_t n;			/* bytes that there were */
	char bytes[CONTEXT_COPY];
};

/* From there on; in two pieces, as none that is not all there is copied. */
static void context_copy(struct context_copy *copy, uintptr_t from)
{
	size_t page = sj_page_size(), left = page - from % page;
	size_t first = left < CONTEXT_COPY ? left : CONTEXT_COPY;
	const struct iovec to = { copy->bytes, CONTEXT_COPY }, pieces[] = {
		{ (void *)from, first },
		{ (void *)(from + first), CONTEXT_COPY - first },
	};
	ssize_t n = process_vm_readv(sj_pid(), &to, 1, pieces, 2, 0);

	copy->from = from;
	copy->n = n < 0 ? 0 : (size_t)n;
}

/* False: there is no memory, or it can't be read. */
static bool context_read(struct context_copy *copy, uintptr_t at,
			 struct sj_frame *frame)
{
	if (at - copy->from > copy->n ||
	    copy->n - (at - copy->from) < sizeof(*frame))
		context_copy(copy, at);
	if (copy->n - (at - copy->from) < sizeof(*frame))
		return false;
	memcpy(frame, copy->bytes + (at - copy->from), sizeof(*frame));
	return true;
}

static bool context_is_above(uintptr_t next, uintptr_t at)
{
	return next > at && next - at < CONTEXT_FAR &&
	       !(next % sizeof(uintptr_t));
}

static void context_stack(struct sj_context *c, uintptr_t at, unsigned skip)
{
	struct context_copy copy;
	struct sj_frame frame;

	copy.from = copy.n = 0;
	for (unsigned i = 0; c->n_frames < SJ_CONTEXT_FRAMES; i++) {
		if (i <= skip)		/* ours */
			memcpy(&frame, (const void *)at, sizeof(frame));
		else if (!context_read(&copy, at, &frame))
			break;
		if (!frame.back)
			break;
		if (i >= skip)
			c->frames[c->n_frames++] = SJ_FRAME_BACK(frame.back);
		if (!context_is_above(frame.caller, at))
			break;
		at = frame.caller;
	}
}

/* ---- all of it ---------------------------------------------------------- */

void sj_context_take(struct sj_context *context, unsigned parts,
		     const void *frame, unsigned skip)
{
	struct timespec t = { 0, 0 };

	context->parts = parts;
	context->n_frames = 0;
	if (parts & SJ_CONTEXT_CPU)
		context->cpu = (uint32_t)sched_getcpu();
	if (parts & SJ_CONTEXT_COMM && prctl(PR_GET_NAME, context->comm))
		context->comm[0] = '\0';
	if (parts & SJ_CONTEXT_THREAD_TIME) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		context->thread_time = (uint64_t)t.tv_sec * 1000000000 +
				       (uint64_t)t.tv_nsec;
	}
	if (parts & SJ_CONTEXT_STACK && SJ_HAS_FRAMES)
		context_stack(context, (uintptr_t)frame, skip);
}

SJ_GENERAL_BEGIN

static size_t context_comm(const struct sj_context *c)
{
	size_t n = 0;

	while (n < SJ_CONTEXT_COMM_SIZE - 1 && c->comm[n])
		n++;
	return n;
}

size_t sj_context_size(const struct sj_context *c)
{
	return (c->parts & SJ_CONTEXT_CPU ? 4 : 0) +
	       (c->parts & SJ_CONTEXT_COMM ? context_comm(c) + 1 : 0) +
	       (c->parts & SJ_CONTEXT_THREAD_TIME ? 8 : 0) +
	       (c->parts & SJ_CONTEXT_STACK ? 4 + 8 * c->n_frames : 0);
}

void sj_context_pack(struct sj_packer *w, const struct sj_context *c)
{
	if (sj_context_size(c) > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	if (c->parts & SJ_CONTEXT_CPU)
		sj_pack_integer(w, c->cpu, 4);
	if (c->parts & SJ_CONTEXT_COMM) {
		for (size_t i = 0; i < context_comm(c); i++)
			*w->at++ = c->comm[i];
		*w->at++ = '\0';
	}
	if (c->parts & SJ_CONTEXT_THREAD_TIME)
		sj_pack_integer(w, c->thread_time, 8);
	if (!(c->parts & SJ_CONTEXT_STACK))
		return;
	sj_pack_integer(w, c->n_frames, 4);
	for (uint32_t i = 0; i < c->n_frames; i++)
		sj_pack_integer(w, c->frames[i], 8);
}

SJ_GENERAL_END
