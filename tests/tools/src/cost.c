/* SPDX-License-Identifier: MIT */
/*
 * cost SECONDS KIB COMMAND...: runs it, says on stderr what it cost, and fails
 * if it failed, took more CPU time than that, or had more memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct rusage used;
	double cpu;
	int status;

	if (argc < 4)
		return 2;
	if (fork() == 0) {
		execv(argv[3], argv + 3);
		_exit(127);
	}
	if (wait(&status) < 0 || getrusage(RUSAGE_CHILDREN, &used))
		return 2;
	cpu = seconds(used.ru_utime) + seconds(used.ru_stime);
	fprintf(stderr, "cost: %.2f s of CPU time, %ld KiB\n", cpu,
		used.ru_maxrss);
	return status || cpu > atof(argv[1]) || used.ru_maxrss > atol(argv[2]);
}
