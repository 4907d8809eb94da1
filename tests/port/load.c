/* SPDX-License-Identifier: MIT */
/*
 * dlopen, dlclose and fork on a port, whichever back end is at work, with a
 * thread that flips the key which program and library share.
 */
// ldflags: -rdynamic
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/port/src/plugin.h"
#include "tests/tap.h"

SIDE_JMP_KEY_EXPORT(host_key);

static bool stop;
static unsigned long flips;

static int taken(void)
{
	return side_jmp_unlikely(host_key) ? 1 : 0;
}

static uint64_t sites(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	return i.objects_rejected ? 0 : i.sites;
}

static void *flip(void *right)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		if (side_jmp_enable(&host_key) || !taken() ||
		    side_jmp_disable(&host_key))
			*(bool *)right = false;
		flips++;
	}
	return NULL;
}

struct plugin {
	void *handle;
	int (*taken)(void);
	struct side_jmp_key *key;
};

/* The library stands beside the program. */
static bool load(struct plugin *p, const char *program)
{
	struct side_jmp_key *(*key)(void);
	const char *slash = strrchr(program, '/');
	char path[512];

	snprintf(path, sizeof(path), "%.*s/plugin.so",
		 slash ? (int)(slash - program) : 1, slash ? program : ".");
	p->handle = dlopen(path, RTLD_NOW);
	if (!p->handle) {
		tap_note("%s", dlerror());
		return false;
	}
	*(void **)&p->taken = dlsym(p->handle, "plugin_taken");
	*(void **)&key = dlsym(p->handle, "plugin_own_key");
	p->key = p->taken && key ? key() : NULL;
	return p->key;
}

/* Its own key on and off, whatever the shared one is just now. */
static bool use(const struct plugin *p)
{
	bool right = !(p->taken() & 1);

	right &= !side_jmp_enable(p->key) && p->taken() & 1;
	right &= !side_jmp_disable(p->key) && !(p->taken() & 1);
	return right;
}

/* The child has one thread, its parent's text and words, and both work. */
static bool child_works(const struct plugin *p)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(use(p) && !side_jmp_enable(&host_key) &&
		      p->taken() == 2 && taken() ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv)
{
	bool loads = true, works = true, forks = true, flips_right = true;
	uint64_t before = sites(), with = 0;
	pthread_t thread;

	(void)argc;
	if (!tap_ok(before && !pthread_create(&thread, NULL, flip,
					      &flips_right),
		    "port_load_begins"))
		return tap_done();
	for (int i = 0; i < 50 && loads; i++) {
		struct plugin p;

		loads = load(&p, argv[0]);
		if (!loads)
			break;
		with = sites();
		works &= use(&p) && with > before;
		forks &= child_works(&p);
		loads &= !dlclose(p.handle) && sites() == before;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	tap_note("%llu sites, %llu with the library; %lu flips",
		 (unsigned long long)before, (unsigned long long)with, flips);
	tap_ok(loads, "port_load_comes_and_goes");
	tap_ok(works, "port_load_library_works");
	tap_ok(forks, "port_load_child_works");
	tap_ok(flips_right && flips > 10, "port_load_shared_key_flips");
	return tap_done();
}
