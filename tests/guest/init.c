/* SPDX-License-Identifier: MIT */
/*
 * The first and only process of a test guest: runs each file in /tests, in the
 * order of their names, and says between which lines its output stands and how
 * it ended, then turns the machine off.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int not_hidden(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int run(const char *path)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
	struct dirent **tests = NULL;
	int n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mkdir("/proc", 0555) | mount("proc", "/proc", "proc", 0, ""))
		perror("/proc");
	if (mkdir("/tmp", 01777))
		perror("/tmp");
	/* What the kernel's command line sets (NAME=value) is our environment. */
	n = scandir("/tests", &tests, not_hidden, alphasort);
	for (int i = 0; i < n; i++) {
		char path[512];

		snprintf(path, sizeof(path), "/tests/%s", tests[i]->d_name);
		printf("@begin %s\n", tests[i]->d_name);
		printf("@end %s %d\n", tests[i]->d_name, run(path));
	}
	printf("@done %d\n", n);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
