/* SPDX-License-Identifier: MIT */
/*
 * A CTF trace's lane that an event was left in by siglongjmp(): SIGSEGV struck it
 * at bytes that can't be read.  They are more than a CPU's lane takes, so it has a
 * spare one.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <side_jmp_event.h>

#include "tests/folder.h"
#include "tests/tap.h"

SIDE_JMP_EVENT(left, data, "", (byte_seq, s));

enum { BYTES = 900, TIMES = 40 };

static sigjmp_buf back;

static void leave(int signo)
{
	(void)signo;
	siglongjmp(back, 1);
}

int main(void)
{
	static const char data[BYTES];
	struct sigaction action = { .sa_handler = leave, .sa_flags = SA_NODEFER };
	char folder[] = "/tmp/side_jmp_left.XXXXXX", output[40];
	struct side_jmp_event_info info;
	const char *page = mmap(NULL, 4096, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile int left = 0;

	if (page == MAP_FAILED || !mkdtemp(folder) ||
	    sigaction(SIGSEGV, &action, NULL))
		return 1;
	snprintf(output, sizeof(output), "%s/", folder);
	tap_equal(side_jmp_trace_start("left:*", output), 0,
		  "ctf_left_begins");
	for (volatile int i = 0; i < TIMES; i++) {
		if (sigsetjmp(back, 1))
			left++;
		else
			side_jmp_event(left, data, side_jmp_seq(page, BYTES));
	}
	tap_equal(left, TIMES, "ctf_left_events_are_left");
	for (int i = 0; i < TIMES; i++)
		side_jmp_event(left, data, side_jmp_seq(data, BYTES));
	side_jmp_event_get_info(&info, sizeof(info));
	tap_equal((int)info.lost, 0, "ctf_left_lanes_are_used_again");
	tap_equal(side_jmp_trace_stop(), 0, "ctf_left_ends");
	remove_folder(folder);
	return tap_done();
}
