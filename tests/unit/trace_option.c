/* SPDX-License-Identifier: MIT */
/* The built-in tracer's options and snapshots, as a program asks for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/tap.h"

SIDE_JMP_EVENT(option, e, "One that is traced", (u32, n));

static char folder[] = "/tmp/trace_option.XXXXXX";

static const char *in(const char *name)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static bool is_there(const char *name)
{
	struct stat st;

	return !stat(in(name), &st);
}

static void values(void)
{
	static const struct { const char *name, *value; int r; } cases[] = {
		{ "mode", "overwrite", 0 }, { "mode", "buffered", 0 },
		{ "mode", "sideways", -EINVAL }, { "mode", "", 0 },
		{ "size", "2M", 0 }, { "size", "2T", -EINVAL },
		{ "size", "0", -EINVAL }, { "size", "", 0 },
		{ "pieces", "2", 0 }, { "pieces", "64", 0 },
		{ "pieces", "1", -EINVAL }, { "pieces", "65", -EINVAL },
		{ "pieces", "-2", -EINVAL }, { "pieces", "", 0 },
		{ "period", "1", 0 }, { "period", "90s", 0 },
		{ "period", "36525d", 0 }, { "period", "36526d", -EINVAL },
		{ "period", "1w", -EINVAL }, { "period", "s", -EINVAL },
		{ "period", "0", -EINVAL }, { "period", "", 0 },
		{ "context", "cpu,comm, thread_time,stack", 0 },
		{ "context", "cpu,sak", -EINVAL }, { "context", "", 0 },
		{ "colour", "red", -ENOENT }, { NULL, "", -EINVAL },
		{ "mode", NULL, -EINVAL },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = side_jmp_trace_option(cases[i].name, cases[i].value);

		if (r != cases[i].r)
			tap_note("%s=%s: %d", cases[i].name, cases[i].value, r);
		tap_ok(r == cases[i].r, "trace_option_value");
	}
}

/* One descriptor is left: for the trace, not for the copy. */
static void few(void)
{
	struct rlimit old, one;
	int next = dup(0);

	close(next);
	getrlimit(RLIMIT_NOFILE, &old);
	one = old;
	one.rlim_cur = (rlim_t)next + 1;
	setrlimit(RLIMIT_NOFILE, &one);
	tap_equal(side_jmp_trace_snapshot(in("few")), -EMFILE,
		  "trace_option_snapshot_needs_descriptors");
	setrlimit(RLIMIT_NOFILE, &old);
	tap_ok(!is_there("few"), "trace_option_failed_snapshot_leaves_nothing");
}

static void recorder(void)
{
	tap_equal(side_jmp_trace_snapshot(in("none")), -EINVAL,
		  "trace_option_no_snapshot_without_a_trace");
	side_jmp_trace_option("mode", "overwrite");
	side_jmp_trace_option("size", "3M");
	tap_equal(side_jmp_trace_start("option:*", "trace/"), 0,
		  "trace_option_starts_a_recorder");
	side_jmp_event(option, e, 1);
	tap_equal(side_jmp_trace_option("mode", ""), -EBUSY,
		  "trace_option_not_while_there_is_an_output");
	tap_equal(side_jmp_trace_snapshot(in("s")), 0, "trace_option_snapshot");
	tap_ok(is_there("s/metadata") && is_there("s/stream_0") &&
	       !is_there("s/stream_0_0"), "trace_option_snapshot_is_one_trace");
	tap_equal(side_jmp_trace_snapshot(in("s")), -EEXIST,
		  "trace_option_snapshot_needs_a_new_directory");
	tap_equal(side_jmp_trace_snapshot(in("no/s")), -ENOENT,
		  "trace_option_snapshot_needs_a_folder");
	tap_equal(side_jmp_trace_snapshot(""), -EINVAL,
		  "trace_option_snapshot_needs_a_name");
	few();
	tap_ok(!chdir("/") && !side_jmp_trace_snapshot(in("elsewhere")),
	       "trace_option_snapshot_from_elsewhere");
	side_jmp_trace_stop();
}

/* What was asked for an output is not the next one's. */
static void lines(void)
{
	side_jmp_trace_option("mode", "");
	tap_equal(side_jmp_trace_start("option:*", in("text")), 0,
		  "trace_option_starts_lines");
	tap_equal(side_jmp_trace_snapshot(in("t")), -EOPNOTSUPP,
		  "trace_option_no_snapshot_of_text");
	side_jmp_event(option, e, 2);
	side_jmp_trace_stop();
	tap_ok(is_there("text") && !is_there("t"), "trace_option_text_is_there");
}

int main(void)
{
	char command[100];

	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	values();
	recorder();
	lines();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return tap_done() | system(command);
}
