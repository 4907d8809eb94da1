// SPDX-License-Identifier: MIT
/*
 * Live control: what an event leaves in a ring whose writing ends as nobody thinks of.
 * The peer is this process itself, which looks into the ring.
 *
 * An event with bytes on a page that can't be read is struck by SIGSEGV in the
 * midst of it, when it has a lane.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <side_jmp_event.h>
#include "tests/control/src/peer.h"
#include "tests/tap.h"

SIDE_JMP_EVENT(lanes, data, "", (byte_seq, s));

enum { BITS = 12, LANE = 1 << BITS };

static struct sj_ring *ring;
static char *page;			/* that can't be read, at first */

/* ---- the peer ------------------------------------------------------------- */

static int asked(int fd, enum sj_control_op op, int with, uint32_t argument)
{
	int r = peer_asked(fd, op, "lanes:*", with, argument);

	if (r > 0)
		abort();
	return r;
}

/* The connection; its ring is `ring`. */
static int traced(void)
{
	int fd = peer_connected(), area;

	if (ring)
		munmap(ring, PEER_RING_SIZE(BITS));
	area = peer_ring(BITS, &ring);
	if (area < 0 || asked(fd, SJ_CONTROL_TRACE, area, BITS))
		abort();
	close(area);
	return fd;
}

/* Events in all lanes together; -1: something is in there that is no record. */
static int events(void)
{
	int n = 0;

	for (unsigned i = 0; i < SJ_RING_LANES; i++)
		for (uint64_t at = 0; at < ring->lanes[i].head; ) {
			const struct sj_record *r = (void *)((char *)ring +
				SJ_RING_AT + i * LANE + at);

			if (r->size % 8 || !r->size || r->kind < SJ_RING_PAD ||
			    r->kind > SJ_RING_FORK)
				return -1;
			n += r->kind == SJ_RING_EVENT;
			at += r->size;
		}
	return n;
}

static int owned(void)
{
	int n = 0;

	for (unsigned i = 0; i < SJ_RING_LANES; i++)
		n += ring->lanes[i].owner != 0;
	return n;
}

/* ---- what the handler does ------------------------------------------------ */

static enum { JUMP, FORK, STAY } what;
static sigjmp_buf back;
static pid_t forked;
static int gate[2];

static void readable(bool yes)
{
	mprotect(page, 4096, yes ? PROT_READ | PROT_WRITE : PROT_NONE);
}

static void handler(int sig)
{
	char byte;

	(void)sig;
	if (what == JUMP)
		siglongjmp(back, 1);
	if (what == FORK) {
		forked = fork();
		/* The parent goes first. */
		if (!forked && read(gate[0], &byte, 1) != 1)
			abort();
	}
	if (what == STAY && read(gate[0], &byte, 1) != 1)
		abort();
	readable(true);
}

static void strike(void)
{
	readable(false);
	side_jmp_event(lanes, data, side_jmp_seq(page, 16));
}

static void test_jump(void)
{
	int fd = traced();

	what = JUMP;
	for (volatile int i = 0; i < 3 * SJ_RING_LANES; i++)
		if (!sigsetjmp(back, 1))
			strike();
	for (int i = 0; i < 10; i++)
		side_jmp_event(lanes, data, side_jmp_seq("well", 4));
	tap_equal(events(), 10, "lanes_that_a_siglongjmp_left_are_used_again");
	tap_equal((int)ring->lost, 0, "lanes_that_a_siglongjmp_left_lose_nothing");
	close(fd);
}

static void test_fork(void)
{
	int fd = traced(), status = -1, in_parent;
	bool whole;

	what = FORK;
	strike();
	if (!forked)
		_exit(0);		/* the child, when its own event is over */
	for (int i = 0; i < 5; i++)
		side_jmp_event(lanes, data, side_jmp_seq("well", 4));
	in_parent = events();
	whole = write(gate[1], "", 1) == 1 && waitpid(forked, &status, 0) == forked;
	tap_ok(whole && !status, "lanes_whose_writer_forks_let_both_go_on");
	tap_equal(in_parent, 6, "lanes_whose_writer_forks_have_its_events");
	/* It has happened in the child, too. */
	tap_equal(events(), 7, "lanes_whose_writer_forks_are_the_parents");
	tap_equal(owned(), 0, "lanes_whose_writer_forks_are_free_then");
	close(fd);
}

/* ---- a thread whose clock is ahead of ours -------------------------------- */

static struct sj_lane *last_written(void)
{
	struct sj_lane *last = ring->lanes;

	for (unsigned i = 1; i < SJ_RING_LANES; i++)
		if (ring->lanes[i].time > last->time)
			last = &ring->lanes[i];
	return last;
}

/* It wrote to our lane last: what comes after that has to come after it. */
static void test_order(void)
{
	int fd = traced();
	struct sj_lane *lane;
	uint64_t ahead;

	side_jmp_event(lanes, data, side_jmp_seq("1", 1));
	lane = last_written();
	ahead = lane->time += 900000;	/* ns */
	side_jmp_event(lanes, data, side_jmp_seq("2", 1));
	tap_equal((int)(lane->time - ahead), 0, "lanes_never_go_back");
	lane->owner = 1;		/* ours is another one now */
	side_jmp_event(lanes, data, side_jmp_seq("3", 1));
	tap_ok(events() == 3 && last_written() != lane &&
	       last_written()->time > ahead, "lanes_have_a_threads_events_in_order");
	close(fd);
}

/* ---- a peer that lies about where it reads -------------------------------- */

static void test_tail(void)
{
	static char data[LANE - 20], before[LANE];
	int fd = traced();
	const char *next = (char *)ring + SJ_RING_AT + LANE;
	uint64_t lost;

	memset(data, 'x', sizeof(data));
	/* The first is in the lane of this CPU, which may be that one. */
	side_jmp_event(lanes, data, side_jmp_seq("first", 5));
	memcpy(before, next, sizeof(before));
	for (unsigned i = 1; i < SJ_RING_LANES; i++)
		ring->lanes[i].owner = 1;
	ring->lanes[0] = (struct sj_lane){ .head = 0, .tail = LANE + 16 };
	lost = ring->lost;
	side_jmp_event(lanes, data, side_jmp_seq(data, sizeof(data)));
	tap_ok(!memcmp(next, before, sizeof(before)),
	       "lanes_end_where_they_do_whatever_the_peer_says");
	tap_equal((int)(ring->lost - lost), 1, "lanes_too_small_for_an_event_lose_it");
	close(fd);
}

/* ---- another PID namespace ------------------------------------------------ */

static void *stay(void *arg)
{
	what = STAY;
	strike();
	return arg;
}

/* In there: a thread whose number nobody has out here. */
static int elsewhere(void)
{
	int f = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);
	pthread_t thread;

	if (f < 0 || write(f, "31999", 5) != 5 ||
	    pthread_create(&thread, NULL, stay, NULL))
		return 1;
	pthread_join(thread, NULL);
	return 0;
}

static void test_elsewhere(void)
{
	static const char name[] = "lanes_of_another_pid_namespace_stay_its";
	int fd = traced(), status = 0;
	unsigned lane = 0;
	pid_t child;

	if (unshare(CLONE_NEWPID)) {
		tap_skip(name, "unshare: not permitted here");
		return;
	}
	child = fork();
	if (!child)
		_exit(elsewhere());
	while (!owned() && !waitpid(child, &status, WNOHANG))
		usleep(1000);
	if (status) {
		tap_skip(name, "ns_last_pid: not permitted here");
		return;
	}
	while (lane < SJ_RING_LANES && !ring->lanes[lane].owner)
		lane++;
	tap_equal(asked(fd, SJ_CONTROL_RECLAIM, -1, lane), -EBUSY, name);
	if (write(gate[1], "", 1) != 1)
		abort();
	waitpid(child, &status, 0);
	close(fd);
}

/* ---- one that does not come out ------------------------------------------- */

static void test_stay(void)
{
	int fd = traced(), r;
	pthread_t thread;

	pthread_create(&thread, NULL, stay, NULL);
	while (!owned())
		usleep(1000);
	r = asked(fd, SJ_CONTROL_STOP, -1, 0);
	tap_equal(r, -EBUSY, "lanes_that_are_written_to_do_not_stop");
	close(fd);
	/* Another's stream, of which the first's memory is not. */
	fd = traced();
	usleep(100000);
	if (write(gate[1], "", 1) != 1)
		abort();
	tap_ok(!pthread_join(thread, NULL),
	       "lanes_that_are_written_to_stay_mapped");
	close(fd);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_NODEFER };

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || sigaction(SIGSEGV, &action, NULL) ||
	    pipe(gate) || side_jmp_control_start())
		return tap_skip("lanes", "no control here"), tap_done();
	test_jump();
	test_fork();
	test_order();
	test_tail();
	test_stay();
	test_elsewhere();
	return tap_done();
}
