/* SPDX-License-Identifier: MIT */
/* What stands around an event, where somebody has asked for it; see context.c. */
#ifndef SIDE_JMP_EVENT_CONTEXT_H
#define SIDE_JMP_EVENT_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sj_packer;

/* In this order where they are written. */
enum sj_context_part {
	SJ_CONTEXT_CPU = 1, SJ_CONTEXT_COMM = 2, SJ_CONTEXT_THREAD_TIME = 4,
	SJ_CONTEXT_STACK = 8,
	SJ_CONTEXT_ALL = 15,
};

enum {
	SJ_CONTEXT_COMM_SIZE = 16,	/* bytes, with the final 0: TASK_COMM_LEN */
	SJ_CONTEXT_FRAMES = 32,		/* at most */
};

struct sj_context {
	unsigned parts;			/* enum sj_context_part; what is here */
	uint32_t cpu;
	char comm[SJ_CONTEXT_COMM_SIZE];
	uint64_t thread_time;		/* ns of a CPU */
	uint32_t n_frames;
	uint64_t frames[SJ_CONTEXT_FRAMES];	/* the site's first */
};

/* "cpu,stack", "" is 0; false: some word is none of these, and *parts is as before. */
bool sj_context_parse(const char *list, unsigned *parts);
/*
 * Of this thread, now.  frame: a frame pointer, of a call from whose frame `skip`
 * more lead to one that the site has called.  Of any thread, signal handlers too.
 */
void sj_context_take(struct sj_context *context, unsigned parts,
		     const void *frame, unsigned skip);
/* As CTF has it, as ctf_metadata.c describes it.  In general registers. */
size_t sj_context_size(const struct sj_context *context);
void sj_context_pack(struct sj_packer *w, const struct sj_context *context);

#endif
