/* SPDX-License-Identifier: MIT */
/*
 * May an executable or library have a table of ours?  Answered by a few small
 * reads, so that a whole system can be asked; what is said here is not relied
 * on.
 */
#ifndef TOOLS_PEEK_H
#define TOOLS_PEEK_H

/*
 * 1: it names a section of ours, or a lot of sections.  0: no, or no file of a kind
 * that could (a relocatable object is not one yet, an archive has only such, and
 * a core has copies at most).  -errno: it can't be read.
 */
int peek(const char *path);

#endif
