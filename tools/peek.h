/* SPDX-License-Identifier: MIT */
/*
 * May a file have a table of ours?  Answered by a few small reads, so that a
 * whole system can be asked; what is said here is not relied on.
 */
#ifndef TOOLS_PEEK_H
#define TOOLS_PEEK_H

/*
 * 1: it names a section of ours, or is an archive, whose members have to be
 * asked, or does not say.  0: no, or no file of a kind that could.  -errno: it
 * can't be read.
 */
int peek(const char *path);

#endif
