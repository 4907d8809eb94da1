/* SPDX-License-Identifier: MIT */
/* The files that a process had mapped when its core was written. */
#ifndef TOOLS_CORE_H
#define TOOLS_CORE_H

#include "tools/image.h"

/*
 * Call visit for each ELF file of our architectures that the core's NT_FILE
 * note names, opened (below the folder `root`, NULL: /), with the core's
 * memory over it.  problem is called for a file that can't be opened or is not
 * the one that the process had.  0, or -1 and why: no such note.
 */
int core_each(const struct image *core, const char *root,
	      void (*visit)(void *arg, const struct image *im),
	      void (*problem)(void *arg, const char *path, const char *why),
	      void *arg, char why[WHY_MAX]);

#endif
