// SPDX-License-Identifier: MIT
/*
 * A library that a server loads: a key, and an event in a thread of its own.  With
 * STAYS it is unloaded no sooner than that file has gone, which it makes then.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include <side_jmp_event.h>

SIDE_JMP_KEY(plugin_key);
SIDE_JMP_EVENT(plugin, loaded, "The library is there", (u64, n));

static int stop;
static pthread_t thread;
uint64_t plugin_taken;

static void *work(void *arg)
{
	(void)arg;
	for (uint64_t n = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); n++) {
		if (side_jmp_unlikely(plugin_key))
			plugin_taken++;
		side_jmp_event(plugin, loaded, n);
		usleep(100);
	}
	return NULL;
}

__attribute__((constructor))
static void begin(void)
{
	pthread_create(&thread, NULL, work, NULL);
}

/* At exit, too: the library must not go under its thread. */
__attribute__((destructor))
static void end(void)
{
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
#ifdef STAYS
	close(open(STAYS, O_CREAT | O_WRONLY, 0600));
	while (!access(STAYS, F_OK))
		usleep(1000);
#endif
}
