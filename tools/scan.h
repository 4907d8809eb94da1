/* SPDX-License-Identifier: MIT */
/*
 * Which files a command is about: those that it names and, if it asks for that,
 * everything below the folders that it names.  Knows nothing of what is done
 * with them.
 */
#ifndef TOOLS_SCAN_H
#define TOOLS_SCAN_H

#include <stdbool.h>

struct scan {
	char **names;
	int n_names;
	bool recursive;
	/* Called for each file; its status is that of a subcommand. */
	int (*visit)(void *arg, const char *path);
	void *arg;
};

/*
 * Below a folder: in the order of names, regular files alone; a link is
 * followed only if it is named.  File systems that are not made of files (proc,
 * sysfs, ...) are left out unless they are named.  Returns the largest status;
 * a folder that can't be read is said, and EXIT_BAD.
 */
int scan(const struct scan *s);

#endif
