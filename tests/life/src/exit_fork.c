/* SPDX-License-Identifier: MIT */
/*
 * exit() while another thread is in fork(), between our prepare handler and our
 * parent handler: libc takes the library's handlers away before its destructors
 * run, so nobody lets go of the locks that prepare took.  They wait a second, all
 * of them together (there are as many as the library has files).
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

int library_pass(void);
__attribute__((visibility("default"))) void library_ends(void);

static sem_t in_fork, in_exit;

/* Registered before the library's, so it runs when that has the locks. */
static void stay_in_fork(void)
{
	sem_post(&in_fork);
	sem_wait(&in_exit);
}

static void register_handler(void)
{
	sem_init(&in_fork, 0, 0);
	sem_init(&in_exit, 0, 0);
	pthread_atfork(stay_in_fork, NULL, NULL);
}

__attribute__((used, section(".preinit_array")))
static void (*const at_preinit)(void) = register_handler;

static void *fork_once(void *arg)
{
	if (fork() == 0)
		_exit(0);
	return arg;
}

void library_ends(void)
{
	sem_post(&in_exit);
}

int main(void)
{
	pthread_t thread;

	if (library_pass() || pthread_create(&thread, NULL, fork_once, NULL))
		return 2;
	sem_wait(&in_fork);
	return 0;
}
