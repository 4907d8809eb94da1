/* SPDX-License-Identifier: MIT */
/*
 * End to end, in a guest of its own: the demo, and a worker and its libraries
 * whose events are enabled and disabled through tracefs while they work.  The
 * same binaries under a kernel with the series and under one without it:
 * SIDE_JMP_EXPECT (kernel or self; by default what the prctl says) is who has
 * to patch.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernel/e2e/site.h"
#include "tests/tap.h"

#define TRACING		"/sys/kernel/tracing/"
#define EVENTS		TRACING "events/user_events/"
#define TEXT		"/lib/text"

static bool by_kernel;			/* expected */

/* ---- files ------------------------------------------------------------------ */

static int put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int enable(const char *event, bool on)
{
	char path[256];

	snprintf(path, sizeof(path), EVENTS "%s/enable", event);
	return put(path, on ? "1" : "0");
}

static char trace[1 << 16];

/* What the trace holds now; read once. */
static void read_trace(void)
{
	int fd = open(TRACING "trace", O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r;

	while (fd >= 0 && n < sizeof(trace) - 1 &&
	       (r = read(fd, trace + n, sizeof(trace) - 1 - n)) > 0)
		n += (size_t)r;
	trace[n] = '\0';
	if (fd >= 0)
		close(fd);
}

static void clear_trace(void)
{
	put(TRACING "trace", "");
}

/* Does an event with this in its line arrive within ten seconds? */
__attribute__((format(printf, 1, 2)))
static bool arrives(const char *format, ...)
{
	char what[128];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	for (int i = 0; i < 100; i++) {
		read_trace();
		if (strstr(trace, what))
			return true;
		usleep(100 * 1000);
	}
	tap_note("no '%s' in the trace, which ends with%s", what,
		 strlen(trace) > 300 ? trace + strlen(trace) - 300 : trace);
	return false;
}

static bool traces_process(int pid)
{
	return arrives("work_pass: pid=0x%x (%d) pass=", (unsigned)pid, pid);
}

/* Does none come?  What was under way may still end. */
static bool is_quiet(const char *what)
{
	usleep(100 * 1000);
	clear_trace();
	usleep(300 * 1000);
	read_trace();
	return !strstr(trace, what);
}

/* ---- the worker --------------------------------------------------------------- */

static struct worker {
	pid_t pid;
	int in, out;
} w;

static char line[1024];

static bool read_line(void)
{
	struct pollfd p = { .fd = w.out, .events = POLLIN };
	size_t n = 0;

	while (n < sizeof(line) - 1) {
		if (poll(&p, 1, 60 * 1000) <= 0 || read(w.out, line + n, 1) != 1)
			break;
		if (line[n++] == '\n')
			break;
	}
	line[n ? n - 1 : 0] = '\0';
	return n;
}

static const char *ask(const char *command)
{
	dprintf(w.in, "%s\n", command);
	if (!read_line())
		snprintf(line, sizeof(line), "(no answer to %s)", command);
	return line;
}

/* Does it say so?  Otherwise what it says is noted. */
static bool says(const char *command, const char *what)
{
	if (strstr(ask(command), what))
		return true;
	tap_note("%s: '%s', expected '%s'", command, line, what);
	return false;
}

static void start(const char *variable)
{
	char *argv[] = { "/bin/worker", TEXT, NULL };
	char *envp[] = { (char *)(uintptr_t)variable, NULL };
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		exit(1);
	fflush(NULL);
	w.pid = fork();
	if (w.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execve(argv[0], argv, envp);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	w.in = in[1];
	w.out = out[0];
	if (!read_line() || strncmp(line, "ready", 5))
		tap_ok(false, "e2e_worker_starts");
}

static int finish(void)
{
	int status = -1;

	dprintf(w.in, "quit\n");
	waitpid(w.pid, &status, 0);
	close(w.in);
	close(w.out);
	if (status)
		tap_note("the worker ended with %#x", (unsigned)status);
	return status;
}

static unsigned long address(const char *site)
{
	unsigned long at = 0;

	sscanf(ask(site), "at=%lx", &at);
	return at;
}

/* ---- cases --------------------------------------------------------------------- */

static void demo(void)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		execl("/bin/demo", "demo", TEXT, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "e2e_demo_runs");
}

static void who_patches(void)
{
	start(NULL);
	tap_ok(says("info", by_kernel ? "backend=kernel" : "backend=self"),
	       "e2e_who_patches");
	tap_ok(says("info", " armed=0 "), "e2e_all_sites_are_idle");
	tap_ok(says("events", by_kernel ? "registered=2 refused=0" :
		    "reason=not asked for"),
	       by_kernel ? "e2e_events_are_registered" :
	       "e2e_events_are_not_registered");
	ask("key 1");
	tap_ok(says("hits", "hits=1"), "e2e_enabled_key_hits");
	ask("key 0");
	usleep(100 * 1000);
	tap_ok(says("hits", "hits=0"), "e2e_disabled_key_does_not");
	tap_equal(finish(), 0, "e2e_worker_ends");
	start("SIDE_JMP_BACKEND=none");
	tap_ok(says("info", "backend=none") && says("info", " idle=0 "),
	       "e2e_none_patches_nothing");
	finish();
	start("SIDE_JMP_BACKEND=self");
	tap_ok(says("info", "backend=self") && says("info", " armed=0 "),
	       "e2e_self_works");
	finish();
	start("SIDE_JMP_BACKEND=kernel");
	tap_ok(says("info", by_kernel ? "backend=kernel" : "backend=none"),
	       "e2e_kernel_can_be_asked_for");
	finish();
}

/* Where the kernel can't patch, sites of registered events are armed. */
static const char *off(void)
{
	return by_kernel ? "state=idle" : "state=armed";
}

/* From here on every worker registers its events. */
static void start_registered(void)
{
	start("SIDE_JMP_USER_EVENTS=1");
}

static void tracefs(void)
{
	bool right = true;

	start_registered();
	tap_ok(exists(EVENTS "work_pass") && exists(EVENTS "words_scanned"),
	       "e2e_events_are_in_tracefs");
	tap_ok(says("site", off()), "e2e_site_before");
	clear_trace();
	tap_equal(enable("work_pass", true), 0, "e2e_enable");
	tap_ok(says("site", "state=armed"), "e2e_armed_when_enable_returns");
	tap_ok(traces_process(w.pid) && arrives("who=first") &&
	       arrives("who=second"),
	       "e2e_trace_has_the_event_of_each_thread");
	tap_ok(!strstr(trace, "words_scanned"), "e2e_trace_has_no_other");
	tap_equal(enable("work_pass", false), 0, "e2e_disable");
	tap_ok(says("site", off()), "e2e_idle_when_disable_returns");
	tap_ok(is_quiet("work_pass"), "e2e_disabled_is_quiet");
	for (int i = 0; i < 100 && right; i++)
		right = !enable("work_pass", i % 2 == 0) &&
			says("site", i % 2 ? off() : "state=armed");
	tap_ok(right, "e2e_flips_while_it_works");
	put(EVENTS "enable", "1");
	tap_ok(arrives("words_scanned: bytes=0x4000 (16384) words=") &&
	       arrives("work_pass: "), "e2e_all_events_and_the_library");
	put(EVENTS "enable", "0");
	tap_ok(says("events", "lost=0"), "e2e_none_was_lost");
}

/* The kernel's bit and the count of user tracers are independent. */
static void tracers(void)
{
	ask("enable");
	enable("work_pass", true);
	enable("work_pass", false);
	tap_ok(says("site", "state=armed"), "e2e_user_tracer_keeps_it_armed");
	enable("work_pass", true);
	ask("disable");
	clear_trace();
	tap_ok(says("site", "state=armed") && arrives("work_pass: "),
	       "e2e_kernel_keeps_it_armed");
	enable("work_pass", false);
	tap_ok(says("site", off()), "e2e_idle_when_nobody_is_left");
}

static void plugin(void)
{
	bool right = true;

	for (int i = 0; i < 5 && right; i++) {
		right = says("load", "r=0") && exists(EVENTS "plugin_tick");
		clear_trace();
		enable("plugin_tick", true);
		right = right && arrives("plugin_tick: n=0x");
		enable("plugin_tick", i % 2);
		right = right && says("unload", "r=0");
		enable("plugin_tick", false);
	}
	tap_ok(right, "e2e_dlopen_and_dlclose");
	tap_ok(says("info", "objects=2 "), "e2e_dlclose_forgets");
	enable("work_pass", true);
	tap_ok(says("site", "state=armed") && says("load", "r=0") &&
	       says("unload", "r=0"), "e2e_dlopen_while_enabled");
	enable("work_pass", false);
	tap_ok(says("site", off()), "e2e_after_dlclose");
}

static void forks(void)
{
	int pid;

	enable("work_pass", true);
	pid = atoi(ask("fork") + 2);
	clear_trace();
	tap_ok(pid > 0 && traces_process(pid),
	       "e2e_child_is_traced");
	enable("work_pass", false);
	tap_ok(says("child", off()), "e2e_child_goes_idle");
	enable("work_pass", true);
	tap_ok(says("child", "state=armed") && says("site", "state=armed"),
	       "e2e_child_is_armed_again");
	enable("work_pass", false);
	tap_ok(says("reap", "r=9") && says("site", off()), "e2e_child_ends");
}

static void execs(void)
{
	enable("work_pass", true);
	tap_ok(says("exec", "ready"), "e2e_exec");
	clear_trace();
	tap_ok(says("info", by_kernel ? "backend=kernel" : "backend=self"),
	       "e2e_exec_who_patches");
	tap_ok(says("site", "state=armed") && traces_process(w.pid),
	       "e2e_exec_begins_enabled");
	enable("work_pass", false);
	tap_ok(says("site", off()), "e2e_exec_goes_idle");
	tap_equal(finish(), 0, "e2e_traced_worker_ends");
	/* A worker of the kernel's removes it. */
	for (int i = 0; i < 50 && exists(EVENTS "work_pass"); i++)
		usleep(100 * 1000);
	tap_ok(!exists(EVENTS "work_pass"), "e2e_event_ends_with_it");
}

/* An opcode, or (0) the one that is there: 0 or -errno. */
static int force_write(unsigned long at, site_op op)
{
	char path[64];
	int fd, r = 0;

	snprintf(path, sizeof(path), "/proc/%d/mem", w.pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if ((!op && pread(fd, &op, sizeof(op), (off_t)at) != sizeof(op)) ||
	    pwrite(fd, &op, sizeof(op), (off_t)at) != sizeof(op))
		r = -errno;
	close(fd);
	return r;
}

/* A no-op under a debugger's breakpoint: nobody can promise what comes. */
static void breakpoint(void)
{
	unsigned long at = address("cold");

	if (!by_kernel) {
		tap_skip("e2e_integrity_busy", "no such kernel");
		return;
	}
	force_write(at, SITE_BREAKPOINT);
	tap_ok(says("cold", "state=foreign") && says("integrity", "r=-16") &&
	       says("info", "backend=kernel"), "e2e_integrity_busy");
	force_write(at, SITE_IDLE);
}

static void integrity(void)
{
	char path[64], status[4096] = "";
	unsigned long at;
	int fd;

	start_registered();
	at = address("site");
	tap_equal(force_write(at, 0), 0, "e2e_forced_write_before");
	breakpoint();
	tap_ok(says("integrity", by_kernel ? "r=0" : "r=-95"), "e2e_integrity");
	tap_ok(says("info", "backend=none") && says("info", " idle=0 "),
	       "e2e_integrity_arms");
	clear_trace();
	enable("work_pass", true);
	tap_ok(traces_process(w.pid), "e2e_integrity_is_traced");
	enable("work_pass", false);
	tap_ok(says("site", "state=armed") && is_quiet("work_pass"),
	       "e2e_integrity_stays_armed");
	if (by_kernel) {
		tap_ok(force_write(at, 0) < 0, "e2e_integrity_no_forced_write");
		tap_ok(says("patch", "code_patch: Operation not permitted"),
		       "e2e_integrity_no_patch");
		snprintf(path, sizeof(path), "/proc/%d/status", w.pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		(void)!read(fd, status, sizeof(status) - 1);
		close(fd);
		tap_ok(strstr(status, "Code_integrity:\t1"),
		       "e2e_integrity_is_in_status");
	} else {
		tap_skip("e2e_integrity_no_forced_write", "no such kernel");
		tap_ok(says("patch", "code_patch: Function not implemented"),
		       "e2e_integrity_no_patch");
		tap_skip("e2e_integrity_is_in_status", "no such kernel");
	}
	ask("exec");
	tap_ok(says("info", by_kernel ? "backend=none" : "backend=self"),
	       "e2e_integrity_is_inherited");
	if (by_kernel)
		tap_ok(says("info", "refuse") && says("info", " idle=0 "),
		       "e2e_begins_under_integrity_and_says_so");
	else
		tap_skip("e2e_begins_under_integrity_and_says_so",
			 "no such kernel");
	ask("key 1");
	tap_ok(says("hits", "hits=1"), "e2e_integrity_keys_work");
	finish();
}

/* perf, where whoever built this had one. */
static void perf(void)
{
	int status = -1;
	pid_t pid;

	if (!exists("/bin/perf")) {
		tap_skip("e2e_perf_record", "no perf in the guest");
		return;
	}
	start_registered();
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		execl("/bin/busybox", "sh", "-c",
		      "perf record -q -e user_events:work_pass -a"
		      " -o /tmp/perf.data sleep 2 >/tmp/perf.log 2>&1 &&"
		      " perf script -i /tmp/perf.data 2>/tmp/perf.log |"
		      " grep -c 'work_pass: pid=' >/tmp/perf.count ||"
		      " { cat /tmp/perf.log; exit 1; }", (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "e2e_perf_record");
	tap_ok(says("site", off()), "e2e_idle_after_perf");
	finish();
}

/* SIDE_JMP_CASES: those whose letters it has. */
static bool wanted(char letter)
{
	const char *cases = getenv("SIDE_JMP_CASES");

	return !cases || strchr(cases, letter);
}

int main(void)
{
	const char *expect = getenv("SIDE_JMP_EXPECT");

	signal(SIGPIPE, SIG_IGN);
	by_kernel = expect ? !strcmp(expect, "kernel") :
		    prctl(0x47434947, 0, 0, 0, 0) >= 0;
	tap_note("the %s has to patch", by_kernel ? "kernel" : "process itself");
	if (!exists(TRACING "user_events_data")) {
		printf("1..0 # SKIP no user_events here\n");
		return 4;
	}
	put(TRACING "buffer_size_kb", "64");
	if (wanted('d'))
		demo();
	if (wanted('w'))
		who_patches();
	tracefs();
	if (wanted('t'))
		tracers();
	if (wanted('p'))
		plugin();
	if (wanted('f'))
		forks();
	execs();
	if (wanted('i'))
		integrity();
	if (wanted('r'))
		perf();
	return tap_done();
}
