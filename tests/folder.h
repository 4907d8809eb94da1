/* SPDX-License-Identifier: MIT */
/* Folders of a test's own, taken away without a program that a guest lacks. */
#ifndef FOLDER_H
#define FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

__attribute__((unused))
static int folder_entry(const char *path, const struct stat *status, int type,
			struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

/* Returns 0, or -1 with what could not be removed still there and errno set. */
__attribute__((unused))
static int remove_folder(const char *path)
{
	return nftw(path, folder_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
