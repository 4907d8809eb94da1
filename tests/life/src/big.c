/* SPDX-License-Identifier: MIT */
/*
 * big LIBRARY exit|close|load: load a library with 100,000 sites beside another
 * thread, and say by how many writes its sites went idle, or how many were made
 * from then on.  Writes are system calls, and counted as such.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp.h>

SIDE_JMP_KEY(own);

static unsigned long *writes;		/* in memory of the parent's, too */

/* libc's, which the library calls. */
long syscall(long number, ...)
{
	long (*real)(long, ...);
	va_list args;
	long a[6];

	*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (writes && number == SYS_pwrite64)
		__atomic_fetch_add(writes, 1, __ATOMIC_RELAXED);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void *wait_for_ever(void *arg)
{
	pause();
	return arg;
}

static int load_and_end(const char *path, const char *when)
{
	struct side_jmp_info info;
	pthread_t thread;
	void *library;

	if (pthread_create(&thread, NULL, wait_for_ever, NULL))
		return 1;
	side_jmp_get_info(&info, sizeof(info));
	*writes = 0;
	library = dlopen(path, RTLD_NOW);
	side_jmp_get_info(&info, sizeof(info));
	if (!library || info.idle < 100000 || side_jmp_unlikely(own)) {
		fprintf(stderr, "%s, %lu idle\n", library ? "loaded" :
			dlerror(), (unsigned long)info.idle);
		return 1;
	}
	if (strcmp(when, "load"))
		*writes = 0;
	if (!strcmp(when, "close"))
		dlclose(library);
	if (strcmp(when, "exit"))
		_exit(0);
	return 0;		/* and all destructors */
}

int main(int argc, char **argv)
{
	int status = -1;
	pid_t pid;

	writes = mmap(NULL, sizeof(*writes), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (writes == MAP_FAILED || argc < 3)
		return 1;
	pid = fork();
	if (pid == 0)
		exit(load_and_end(argv[1], argv[2]));
	waitpid(pid, &status, 0);
	printf("%lu\n", *writes);
	return status ? 2 : 0;
}
