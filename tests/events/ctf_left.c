/* SPDX-License-Identifier: MIT */
/*
 * A CTF trace's lane that an event was left in by siglongjmp(), or whose handler
 * forked: SIGSEGV struck it at bytes that can't be read.  They are more than a
 * CPU's lane takes, so it has a spare one.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/folder.h"
#include "tests/tap.h"

SIDE_JMP_EVENT(left, data, "", (byte_seq, s));

enum { BYTES = 900, TIMES = 40 };

static sigjmp_buf back;
static char *page;
static bool forks;
static pid_t forked;
static int gate[2];

static void handler(int signo)
{
	char byte;

	(void)signo;
	if (!forks)
		siglongjmp(back, 1);
	forked = fork();
	/* The parent goes first. */
	if (!forked && read(gate[0], &byte, 1) != 1)
		abort();
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void fire(const char *data, int times)
{
	for (int i = 0; i < times; i++)
		side_jmp_event(left, data, side_jmp_seq(data, BYTES));
}

static void test_jump(void)
{
	static const char data[BYTES];
	struct side_jmp_event_info info;
	volatile int left = 0;

	for (volatile int i = 0; i < TIMES; i++) {
		if (sigsetjmp(back, 1))
			left++;
		else
			fire(page, 1);
	}
	tap_equal(left, TIMES, "ctf_left_events_are_left");
	fire(data, TIMES);
	side_jmp_event_get_info(&info, sizeof(info));
	tap_equal((int)info.lost, 0, "ctf_left_lanes_are_used_again");
}

/* How often these bytes are in the trace's streams that packets tell of. */
static int found(const struct stat *st, const char *path)
{
	static const char mark[] = "forked in here";
	int fd = open(path, O_RDONLY), n = 0;
	char *at = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_SHARED, fd, 0);

	close(fd);
	for (off_t p = 0; at != MAP_FAILED && p + 64 <= st->st_size; ) {
		uint64_t content, size;

		memcpy(&content, at + p + 32, 8);
		memcpy(&size, at + p + 40, 8);
		if (content / 8 > (uint64_t)(st->st_size - p) || !size)
			break;
		for (char *m = at + p; (m = memmem(m, (size_t)(at + p - m) +
				content / 8, mark, sizeof(mark))); m++)
			n++;
		p += (off_t)(size / 8);
	}
	if (at != MAP_FAILED)
		munmap(at, (size_t)st->st_size);
	return n;
}

static int all;

static int visit(const char *path, const struct stat *st, int type,
		 struct FTW *where)
{
	(void)where;
	if (type == FTW_F && strstr(path, "/stream_"))
		all += found(st, path);
	return 0;
}

static void test_fork(const char *folder)
{
	static char data[BYTES] = "forked in here";
	int status = -1;

	strcpy(page, data);
	mprotect(page, 4096, PROT_NONE);
	forks = true;
	fire(page, 1);
	if (!forked)
		_exit(0);		/* the child, when its own event is over */
	fire(data, 5);
	tap_ok(write(gate[1], "", 1) == 1 &&
	       waitpid(forked, &status, 0) == forked && !status,
	       "ctf_left_a_writer_that_forks_goes_on_twice");
	fire(data, 5);
	nftw(folder, visit, 16, FTW_PHYS);
	tap_equal(all, 12, "ctf_left_events_of_a_writer_that_forks_are_there");
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_NODEFER };
	char folder[] = "/tmp/side_jmp_left.XXXXXX", output[40];

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || !mkdtemp(folder) || pipe(gate) ||
	    sigaction(SIGSEGV, &action, NULL))
		return 1;
	snprintf(output, sizeof(output), "%s/", folder);
	tap_equal(side_jmp_trace_start("left:*", output), 0,
		  "ctf_left_begins");
	mprotect(page, 4096, PROT_NONE);
	test_jump();
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	test_fork(folder);
	tap_equal(side_jmp_trace_stop(), 0, "ctf_left_ends");
	remove_folder(folder);
	return tap_done();
}
