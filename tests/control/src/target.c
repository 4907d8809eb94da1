// SPDX-License-Identifier: MIT
/*
 * A hostile target: target FOLDER [mute|more|forks].  Listens there as a controlled process
 * does, and lies: in the length of its replies, in what it lists, in its ring, each
 * connection otherwise, by a seed that counts up.  Or it says nothing, on a hundred
 * sockets; or that there is more to list, whatever memory it is brought; or it is
 * honest, and has children without number, whose numbers are used again.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "runtime/control/control.h"
#include <side_jmp_event.h>

SIDE_JMP_EVENT(lie, all, "\033[2J",
	(u8, a), (string, b), (seq, c, u64), (array, d, u16, 3), (chars, e, 9),
	(enum, f, (1, "\033]0;title\a"), (2, "two")), (float, g));

SIDE_JMP_EVENT(child, one, "", (u32, a));
SIDE_JMP_EVENT(child, two, "", (u32, a));

static unsigned seed;
static bool more, forks;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* One byte of a thousand, or of ten. */
static void spoil(void *at, size_t n)
{
	unsigned one_in = seed % 3 ? 1000 : 10;

	for (size_t i = 0; i < n; i++)
		if (rand() % (int)one_in == 0)
			((char *)at)[i] = (char)rand();
}

static size_t put_record(char *at, uint32_t kind, uint64_t number,
			 const void *payload, size_t n)
{
	struct sj_record r = {
		(uint32_t)(sizeof(r) + (n + 7) / 8 * 8), kind, number,
		rand() % 50 ? now() : (uint64_t)rand() << 33,
		rand() % 10 ? 1 : rand(), rand(),
	};

	memcpy(at, &r, sizeof(r));
	memcpy(at + sizeof(r), payload, n);
	return r.size;
}

static const char values[] = "\7a \033[31mstring\0\2\0\0\0"
	"12345678" "87654321" "aabbcc" "eight ch\0" "\1\0\0\0" "\0\0\200\77";

static size_t fill_lane(char *at, size_t size)
{
	const struct side_jmp_event_desc *d = lie_side_jmp_all_side_jmp_event.desc;
	size_t n = put_record(at, SJ_RING_DESC, 1, d, d->size);

	n += put_record(at + n, SJ_RING_FORK, 1, "", 0);	/* of itself */
	while (n + 4096 < size)
		n += put_record(at + n, rand() % 20 ? SJ_RING_EVENT :
				(uint32_t)rand() % 6, 1, values,
				sizeof(values) - (size_t)(rand() % 30 == 0) * 9);
	return n;
}

static void fill_ring(char *at, size_t size)
{
	struct sj_ring *ring = (void *)at;
	size_t lane = (size - SJ_RING_AT) / SJ_RING_LANES;

	for (unsigned i = 0; i < SJ_RING_LANES; i++) {
		char *memory = at + SJ_RING_AT + i * lane;
		size_t n = fill_lane(memory, lane);

		if (seed % 4)
			spoil(memory, n);
		ring->lanes[i].owner = rand() % 4 ? 0 : (uint32_t)rand();
		__atomic_store_n(&ring->lanes[i].head, seed % 5 ? n :
				 rand() % 2 ? UINT64_MAX - (uint64_t)rand() :
				 (uint64_t)rand(), __ATOMIC_RELEASE);
	}
}

/* ---- children ----------------------------------------------------------------- */

static void put_of(char *area, size_t size, uint32_t kind, int32_t pid,
		   uint64_t number, const void *payload, size_t n)
{
	size_t lane_size = (size - SJ_RING_AT) / SJ_RING_LANES;
	struct sj_lane *lane = &((struct sj_ring *)area)->lanes[0];
	size_t whole = sizeof(struct sj_record) + (n + 7) / 8 * 8;
	struct sj_record r = { (uint32_t)whole, kind, number, now(), pid, pid };
	size_t at = lane->head & (lane_size - 8);

	while (lane->head + 2 * whole - __atomic_load_n(&lane->tail,
				__ATOMIC_ACQUIRE) > lane_size)
		usleep(100);
	if (at + whole > lane_size) {
		uint32_t pad[2] = { (uint32_t)(lane_size - at), SJ_RING_PAD };

		memcpy(area + SJ_RING_AT + at, pad, sizeof(pad));
		lane->head += lane_size - at;
		at = 0;
	}
	memcpy(area + SJ_RING_AT + at, &r, sizeof(r));
	memcpy(area + SJ_RING_AT + at + sizeof(r), payload, n);
	__atomic_store_n(&lane->head, lane->head + whole, __ATOMIC_RELEASE);
}

/* 7 dies, and another has its number; and 150,000 others come and go. */
static void fill_with_forks(char *at, size_t size)
{
	const struct side_jmp_event_desc
		*one = child_side_jmp_one_side_jmp_event.desc,
		*two = child_side_jmp_two_side_jmp_event.desc;
	uint32_t a = 0;

	put_of(at, size, SJ_RING_DESC, 1, 1, one, one->size);
	for (unsigned life = 0; life < 2; life++) {
		const struct side_jmp_event_desc *d = life ? two : one;

		put_of(at, size, SJ_RING_FORK, 7, 1, "", 0);
		put_of(at, size, SJ_RING_DESC, 7, 2, d, d->size);
		a++, put_of(at, size, SJ_RING_EVENT, 7, 2, &a, sizeof(a));
		usleep(500000);		/* until somebody has shown it */
	}
	for (int32_t pid = 1000; pid < 151000; pid++)	/* each the next's parent */
		put_of(at, size, SJ_RING_FORK, pid, pid == 1000 ? 7 : pid - 1, "",
		       0);
	a++, put_of(at, size, SJ_RING_EVENT, 150999, 2, &a, sizeof(a));
	put_of(at, size, SJ_RING_DESC, 150999, 3, one, one->size);
	a++, put_of(at, size, SJ_RING_EVENT, 150999, 3, &a, sizeof(a));
	a++, put_of(at, size, SJ_RING_EVENT, 150999, 1, &a, sizeof(a));
}

/* It goes on changing what is read. */
struct area {
	char *at;
	size_t size;
};

static void *change(void *arg)
{
	struct area *a = arg;
	unsigned s = seed;

	for (unsigned i = 0; i < 300000; i++)
		a->at[(size_t)rand_r(&s) % a->size] = (char)rand_r(&s);
	return NULL;
}

static void fill_list(char *at, size_t size)
{
	const struct side_jmp_event_desc *d = lie_side_jmp_all_side_jmp_event.desc;
	struct sj_control_list head = { 0, sizeof(head), sizeof(head) };

	for (unsigned i = 0; i < 200 && head.used + 8192 < size; i++) {
		static const char name[] = "evil:\033[2J\033[1;31mname";
		struct sj_control_entry e = {
			.kind = i % 2 ? SJ_CONTROL_EVENT : SJ_CONTROL_KEY,
			.key = i, .number = i, .users = (uint64_t)rand(),
			.name = sizeof(name), .desc = i % 2 ? d->size : 0,
		};
		size_t room = (sizeof(e) + sizeof(name) + 7) / 8 * 8;

		e.size = (uint32_t)(room + (e.desc + 7) / 8 * 8);
		memcpy(at + head.used, &e, sizeof(e));
		memcpy(at + head.used + sizeof(e), name, sizeof(name));
		memcpy(at + head.used + room, d, e.desc);
		head.used += e.size;
	}
	if (seed % 4)
		spoil(at + sizeof(head), head.used - sizeof(head));
	head.wanted = head.used;
	if (seed % 7 == 0)
		head.used = (uint64_t)rand() << 20 | 7;
	if (seed % 7 == 1)
		head.wanted = UINT64_MAX - 7;
	if (more)			/* and 5/4 of it are next to nothing */
		head.wanted = UINT64_MAX / 5 * 4 + 4096;
	memcpy(at, &head, sizeof(head));
}

static int receive(int fd, struct sj_control_request *r)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec to = { r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &to, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	int area = -1;

	if (recvmsg(fd, &m, 0) <= 0)
		return -2;
	if (CMSG_FIRSTHDR(&m))
		memcpy(&area, CMSG_DATA(&control.head), sizeof(area));
	return area;
}

static void reply(int fd, const struct sj_control_request *r)
{
	union {
		struct sj_control_hello hello;
		char bytes[4 * sizeof(struct sj_control_hello)];
	} to = { 0 };
	size_t n = r->op == SJ_CONTROL_HELLO ? sizeof(to.hello) :
					       sizeof(to.hello.reply);

	to.hello.reply = (struct sj_control_reply){
		.magic = SJ_CONTROL_MAGIC, .version = SJ_CONTROL_VERSION,
		.op = r->op, .size = (uint32_t)n, .matched = 1,
	};
	memset(to.hello.reply.text, 'x', sizeof(to.hello.reply.text));
	if (r->op == SJ_CONTROL_HELLO) {
		memset(to.hello.backend, '\033', sizeof(to.hello.backend));
		memset(to.hello.program, '\033', sizeof(to.hello.program));
	}
	if (seed % 11 == 5 && r->op != SJ_CONTROL_HELLO)
		to.hello.reply.error = seed % 2 ? -rand() : rand();
	if (seed % 13 == 6)
		n = (size_t)rand() % sizeof(to);
	(void)send(fd, &to, n, MSG_NOSIGNAL);
}

static void serve(int fd)
{
	struct sj_control_request r;
	int memfd;

	srand(++seed);
	seed = forks ? 4 : seed;		/* nothing of it is spoilt */
	while ((memfd = receive(fd, &r)) != -2) {
		struct area a = { NULL, 0 };
		struct stat st;
		pthread_t thread;
		bool changes = false;

		if (memfd >= 0 && !fstat(memfd, &st)) {
			a.size = (size_t)st.st_size;
			a.at = mmap(NULL, a.size, PROT_READ | PROT_WRITE,
				    MAP_SHARED, memfd, 0);
		}
		if (a.at && r.op == SJ_CONTROL_LIST)
			fill_list(a.at, a.size);
		if (a.at && r.op == SJ_CONTROL_TRACE && !forks)
			fill_ring(a.at, a.size);
		if (a.at && r.op == SJ_CONTROL_COUNT)
			memset(a.at, 0xff, a.size);
		changes = a.at && seed % 4 == 3 &&
			  !pthread_create(&thread, NULL, change, &a);
		reply(fd, &r);
		if (forks && a.at && r.op == SJ_CONTROL_TRACE)
			fill_with_forks(a.at, a.size);
		if (changes)
			pthread_join(thread, NULL);
		if (a.at)
			munmap(a.at, a.size);
		if (memfd >= 0)
			close(memfd);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	if (argc < 2)
		return 2;
	more = argc > 2 && !strcmp(argv[2], "more");
	forks = argc > 2 && !strcmp(argv[2], "forks");
	signal(SIGPIPE, SIG_IGN);
	mkdir(argv[1], 0700);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/%d-1", argv[1],
		 (int)getpid());
	if (bind(fd, (void *)&name, sizeof(name)) || listen(fd, 100))
		return 1;
	for (unsigned i = 2; argc > 2 && !strcmp(argv[2], "mute") && i < 100; i++) {
		char other[200];

		snprintf(other, sizeof(other), "%s/%d-%u", argv[1], (int)getpid(),
			 i);
		if (link(name.sun_path, other))
			return 1;
	}
	puts("here");
	fflush(stdout);
	while (argc > 2 && !strcmp(argv[2], "mute"))
		pause();
	for (;;)
		serve(accept(fd, NULL, NULL));
}
