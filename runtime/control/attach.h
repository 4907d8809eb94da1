/* SPDX-License-Identifier: MIT */
/*
 * Attaching: what a process that did not ask to be controlled and a tool that
 * may debug it agree upon.  control.h begins where this ends: with a
 * connection.
 *
 *
 * FINDING IT.  Each copy of the runtime has an ELF note, SJ_ATTACH_NAME, which
 * is in memory wherever its file is mapped, stripped or replaced: a struct
 * sj_attach_note.  Offsets count from their own address.
 *
 *
 * THE CALL.  The tool stops one thread, writes a signal frame (signal(7)) to
 * `frame` that has all of the thread's registers and its signal mask in it, and
 * puts the thread to `entry`, its stack pointer at the frame (at its ucontext
 * where the port's rt_sigreturn(2) wants that) and the stack below.  The call
 * makes a pair of sockets, sees to it that there is a thread to serve one, and
 * says so in `error` and `theirs`; and then goes to rt_sigreturn(2).  There the
 * tool stops it, and puts everything back by itself: exactly, and a system call
 * that was under way goes on.  A tool that was killed meanwhile stops nothing,
 * and the kernel puts everything back by the frame: then such a system call
 * begins anew. So the thread needs nobody to get back to where it was.
 *
 * A tool takes its end by pidfd_getfd(2) and checks that it is such a socket,
 * the process's (SO_PEERCRED).  The process keeps that open for SJ_ATTACH_MS or
 * until the first request; and the connection, as every other, ends with the
 * tool.  With the last one the thread ends.
 *
 *
 * `owner` is the tool's: the thread that is, or may still be, in the call.  Who
 * finds it set by a tool that is no more stops that thread before he writes to
 * the frame: if its stack pointer is not here it is out of it.  `gone` is the
 * process's: the text is about to be unmapped.  Each sets his own and then
 * looks at the other's (both sequentially consistent): so one of them sees it.
 */
#ifndef SIDE_JMP_CONTROL_ATTACH_H
#define SIDE_JMP_CONTROL_ATTACH_H

#include <stdint.h>

#define SJ_ATTACH_NAME		"side_jmp"

enum {
	SJ_ATTACH_TYPE = 1,		/* of the note */
	SJ_ATTACH_VERSION = 1,		/* of all this */
	SJ_ATTACH_STACK = 8192,
	SJ_ATTACH_FRAME = 16384,
	SJ_ATTACH_MS = 1000,
};

struct sj_attach_note {
	uint32_t version;
	int32_t entry, place;
};

/* In the process; what it writes is believed no more than other replies. */
struct sj_attach_place {
	/* The tool's. */
	uint32_t owner;			/* atomic; thread number, or 0 */
	uint32_t reserved;
	/* The process's. */
	uint32_t gone;			/* atomic */
	uint32_t thread;		/* atomic; that serves; 0: none.  The
					   kernel clears it when it has ended */
	uint32_t pid;			/* whose thread that is */
	uint32_t door;			/* atomic; attach.c's */
	/* What the call says, and for whom it is. */
	int32_t error;			/* 0 or -errno */
	int32_t ours, theirs;		/* descriptors */
	uint8_t stack[SJ_ATTACH_STACK] __attribute__((aligned(64)));
	uint8_t frame[SJ_ATTACH_FRAME] __attribute__((aligned(64)));
};

#endif
