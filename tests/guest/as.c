/* SPDX-License-Identifier: MIT */
/* as UID COMMAND...: as that user, with that group and no other. */
#define _GNU_SOURCE
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned id = argc > 2 ? (unsigned)atoi(argv[1]) : 0;

	if (!id || setgroups(0, NULL) || setgid(id) || setuid(id)) {
		fputs("as: not that user\n", stderr);
		return 125;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
