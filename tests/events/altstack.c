/* SPDX-License-Identifier: MIT */
// ldflags: -Wl,-z,now
/*
 * Events in signal handlers that have a stack of their own, with no more on it than
 * side_jmp_event.h says that they need beside what the kernel puts there.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/folder.h"
#include "tests/tap.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ	51	/* Linux 5.14 */
#endif

SIDE_JMP_EVENT(alt, e, "", (u32, n), (string, s), (double, d));

enum { OURS = 256, GUARD = 64 * 1024 };	/* the handler's own; pages of 64 kB */

static void event(int n)
{
	side_jmp_event(alt, e, (unsigned)n, "on a stack of its own", 1e-300);
}

/* In a child: its own stack ends in the midst of a handler, or does not. */
static void handle_on(size_t bytes)
{
	size_t least = getauxval(AT_MINSIGSTKSZ);
	const struct sigaction action = { .sa_handler = event,
					  .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_size = (least ? least : 4096) + OURS + bytes };
	char *at = mmap(NULL, 3 * GUARD, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	stack.ss_sp = at + GUARD;
	if (at == MAP_FAILED || mprotect(at, GUARD, PROT_NONE) ||
	    sigaction(SIGUSR1, &action, NULL))
		_exit(2);
	/* A kernel may want more, whatever it says (ppc64le's). */
	while (sigaltstack(&stack, NULL)) {
		if (errno != ENOMEM || stack.ss_size > GUARD)
			_exit(3);
		stack.ss_size += 512;
	}
	raise(SIGUSR1);
	_exit(0);
}

static void test(const char *output, const char *context, size_t bytes,
		 const char *name)
{
	int status = -1;
	pid_t pid;

	if (side_jmp_trace_option("context", context) ||
	    side_jmp_trace_start("alt:*", output))
		exit(1);
	event(1);		/* what is resolved when it is first called */
	pid = fork();
	if (!pid)
		handle_on(bytes);
	waitpid(pid, &status, 0);
	tap_equal(status, 0, name);
	side_jmp_trace_stop();
}

int main(void)
{
	char folder[] = "/tmp/side_jmp_alt.XXXXXX", directory[40], file[40];

	if (!mkdtemp(folder))
		return 1;
	snprintf(directory, sizeof(directory), "%s/", folder);
	snprintf(file, sizeof(file), "%s/text", folder);
	test(directory, "", 5 * 1024, "altstack_of_an_event_in_ctf");
	test(directory, "cpu,comm,thread_time,stack", 7 * 1024,
	     "altstack_of_an_event_with_context");
	test(file, "", 11 * 1024, "altstack_of_an_event_in_text");
	test(file, "stack", 11 * 1024, "altstack_of_an_event_in_text_with_context");
	remove_folder(folder);
	return tap_done();
}
