/* SPDX-License-Identifier: MIT */
/* Messages from a child of ours, which may bring a descriptor along. */
#ifndef TOOLS_PASS_H
#define TOOLS_PASS_H

#include <stdbool.h>
#include <stddef.h>

/* fd: -1: none. */
void pass_send(int to, const void *message, size_t size, int fd);
/* False: it said nothing.  *fd: -1: none came along. */
bool pass_receive(int from, void *message, size_t size, int *fd);

#endif
