/* SPDX-License-Identifier: MIT */
/*
 * From tracefs to the text of a running program and back, with the library as
 * it is installed.  The same binary on a kernel with code_patch() and on one
 * without: there the process patches itself, and sites of registered events
 * stay armed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/tap.h"

#define TRACING	"/sys/kernel/tracing/"

SIDE_JMP_EVENT(e2e, tick, "A worker has done a round",
	(u32, worker), (u64, round), (string, text));

/* Not an event: what a program with tests of its own has. */
SIDE_JMP_KEY_STATIC(verbose);

static bool kernel_patches;
static bool stop;
static unsigned long rounds;

static struct side_jmp_info info(void)
{
	struct side_jmp_info i;

	side_jmp_get_info(&i, sizeof(i));
	return i;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) ==
			     (ssize_t)strlen(text);

	if (!ok)
		tap_note("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Every line of the trace that has `text` in it, and the first such line */
static int traced(const char *text, char *first, size_t size)
{
	FILE *f = fopen(TRACING "trace", "re");
	char line[512];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		if (line[0] != '#' && strstr(line, text) && n++ == 0 && first)
			snprintf(first, size, "%s", line);
	if (f)
		fclose(f);
	return n;
}

static bool event_enable(const char *name, bool on)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "events/user_events/%s/enable",
		 name);
	return write_text(path, on ? "1" : "0");
}

static bool clear_trace(void)
{
	return write_text(TRACING "trace", "");
}

static void *worker(void *arg)
{
	unsigned n = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		side_jmp_event(e2e, tick, (uint32_t)(uintptr_t)arg, n, "round");
		n++;
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
		if (n % 64 == 0)
			usleep(1000);
	}
	return NULL;
}

static void wait_rounds(unsigned long more)
{
	unsigned long until = __atomic_load_n(&rounds, __ATOMIC_RELAXED) + more;

	while (__atomic_load_n(&rounds, __ATOMIC_RELAXED) < until)
		usleep(1000);
}

/* Threads work while the event is enabled and disabled through tracefs. */
static void events(void)
{
	struct side_jmp_event_info e;
	struct side_jmp_info before = info();
	char line[512] = "";
	pthread_t threads[2];
	int n;

	side_jmp_event_get_info(&e, sizeof(e));
	if (!kernel_patches)
		tap_equal(side_jmp_user_events_start(0), 0,
			  "e2e_registers_when_asked");
	side_jmp_event_get_info(&e, sizeof(e));
	tap_ok(e.user_events > 0, "e2e_events_are_registered");
	tap_note("%s; user_events: %s", before.backend_reason,
		 e.user_events_reason);
	if (kernel_patches)
		tap_equal((long long)info().idle, (long long)info().sites,
			  "e2e_registered_sites_are_idle");
	else
		tap_ok(info().armed > 0, "e2e_registered_sites_are_armed");

	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, worker, (void *)i);
	wait_rounds(100);
	clear_trace();
	before = info();
	tap_ok(event_enable("e2e_tick", true), "e2e_enable_in_tracefs");
	if (kernel_patches)
		tap_ok(info().armed > before.armed, "e2e_enable_arms");
	wait_rounds(1000);
	n = traced("e2e_tick", line, sizeof(line));
	tap_note("%d lines, the first: %s", n, line);
	tap_ok(n > 100 && strstr(line, "worker=") && strstr(line, "round="),
	       "e2e_trace_has_the_events");
	tap_ok(event_enable("e2e_tick", false), "e2e_disable_in_tracefs");
	if (kernel_patches)
		tap_equal((long long)info().idle, (long long)before.idle,
			  "e2e_disable_idles");
	clear_trace();
	wait_rounds(1000);
	/* A writer that was past the test has had a thousand rounds' time. */
	clear_trace();
	wait_rounds(1000);
	tap_equal(traced("e2e_tick", NULL, 0), 0, "e2e_disabled_is_silent");
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	stop = false;
}

static bool is_verbose(void)
{
	return side_jmp_unlikely(verbose);
}

static void keys(void)
{
	bool off = is_verbose(), on;

	tap_equal(side_jmp_enable(&verbose), 0, "e2e_key_enables");
	on = is_verbose();
	tap_equal(side_jmp_disable(&verbose), 0, "e2e_key_disables");
	tap_ok(!off && on && !is_verbose(), "e2e_key_works");
}

static void plugin(void)
{
	void (*call)(int);
	uint64_t sites = info().sites;
	void *lib;

	for (int i = 0; i < 5; i++) {
		lib = dlopen("libplugin.so", RTLD_NOW);
		if (!lib)
			tap_note("%s", dlerror());
		*(void **)&call = lib ? dlsym(lib, "plugin_call") : NULL;
		if (!call) {
			tap_ok(false, "e2e_plugin_loads");
			return;
		}
		call(1);
		clear_trace();
		event_enable("plugin_call", true);
		call(42);
		if (i == 0) {
			tap_equal(traced("plugin_call: n=", NULL, 0), 1,
				  "e2e_plugin_is_traced");
			tap_ok(info().sites > sites, "e2e_plugin_has_sites");
		}
		/* Sometimes it leaves while it is enabled. */
		if (i % 2)
			event_enable("plugin_call", false);
		dlclose(lib);
	}
	tap_equal((long long)info().sites, (long long)sites,
		  "e2e_plugin_leaves_nothing");
}

static void child(void)
{
	int status, to_child[2], to_us[2];
	char c = 0;
	pid_t pid;

	if (pipe(to_child) || pipe(to_us))
		return;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		uint64_t armed = info().armed;
		bool arms;

		if (write(to_us[1], "r", 1) != 1 || read(to_child[0], &c, 1) != 1)
			_exit(1);
		/* The parent has enabled it meanwhile */
		arms = !kernel_patches || info().armed > armed;
		side_jmp_event(e2e, tick, 77, 0, "child");
		_exit(arms ? 0 : 2);
	}
	clear_trace();
	if (read(to_us[0], &c, 1) != 1)
		tap_note("no child");
	event_enable("e2e_tick", true);
	if (write(to_child[1], "g", 1) != 1)
		tap_note("no child");
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "e2e_child_is_armed");
	tap_equal(traced("text=child", NULL, 0), 1, "e2e_child_is_traced");
	event_enable("e2e_tick", false);
	close(to_child[0]), close(to_child[1]), close(to_us[0]), close(to_us[1]);
}

/* In a child that may be spoilt; `then` runs after exec in the same process */
static int run(void (*first)(void), const char *then)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (first)
			first();
		execl("/proc/self/exe", "e2e", then, NULL);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static void enter(void)
{
	int r = side_jmp_enter_integrity(0);
	bool works = false;

	if (r != (kernel_patches ? 0 : -EOPNOTSUPP))
		_exit(10);
	if (info().armed != info().sites)
		_exit(11);
	side_jmp_enable(&verbose);
	works = is_verbose();
	side_jmp_disable(&verbose);
	if (!works || is_verbose())
		_exit(12);
	clear_trace();
	if (!event_enable("e2e_tick", true))
		_exit(13);
	side_jmp_event(e2e, tick, 88, 0, "integrity");
	event_enable("e2e_tick", false);
	if (traced("text=integrity", NULL, 0) != 1)
		_exit(14);
	if (info().armed != info().sites)
		_exit(15);
}

/* What exec made of us: "fresh", or "integrity" that was inherited */
static int after_exec(const char *how)
{
	bool integrity = !strcmp(how, "integrity");

	if (integrity && kernel_patches) {
		printf("# after exec: %s\n", info().backend_reason);
		if (info().backend != SIDE_JMP_BACKEND_NONE ||
		    info().armed != info().sites)
			return 20;
	} else if (info().backend != (kernel_patches ? SIDE_JMP_BACKEND_KERNEL :
				      SIDE_JMP_BACKEND_SELF))
		return 21;
	side_jmp_enable(&verbose);
	if (!is_verbose())
		return 22;
	side_jmp_disable(&verbose);
	return is_verbose() ? 23 : 0;
}

int main(int argc, char **argv)
{
	kernel_patches = syscall(480, 0, NULL, 0, 0) != -1 || errno != ENOSYS;
	if (argc > 1)
		return after_exec(argv[1]);

	printf("TAP version 13\n");
	tap_note("%s", info().backend_reason);
	tap_equal(info().backend, kernel_patches ? SIDE_JMP_BACKEND_KERNEL :
		  SIDE_JMP_BACKEND_SELF, "e2e_backend");
	tap_equal((long long)info().idle, (long long)info().sites,
		  "e2e_sites_start_idle");
	keys();
	events();
	plugin();
	child();
	tap_equal(run(NULL, "fresh"), 0, "e2e_exec_starts_anew");
	tap_equal(run(enter, "integrity"), 0, "e2e_integrity");
	return tap_done();
}
