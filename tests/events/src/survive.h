/* SPDX-License-Identifier: MIT */
/*
 * What survive.c and kills.c kill, and what a CTF trace holds then: read from
 * the raw files, without a tool's help.  Every packet is whole, times do not go
 * back, no event is there twice, none that was acknowledged (the emission had
 * returned) is missing but for those that are counted as lost where they were,
 * and those older than what is given up for newer ones.
 */
#ifndef SURVIVE_H
#define SURVIVE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <side_jmp_event.h>

#include "tests/folder.h"
#include "tests/tap.h"

SIDE_JMP_EVENT(survive, e, "One of those that are counted",
	(u32, who), (u32, n), (seq, bytes, u8));

enum { WRITERS = 4096, EVENTS = 1 << 17, HEADER = 64, EVENT = 20, PACKETS = 8192,
       FILES = 1024 };

/* Shared with all that write. */
static struct {
	uint32_t acknowledged[WRITERS];
	uint32_t next;			/* atomic; a writer's number */
} *shared;

static char directory[200];
/* Who emits does it one after the other. */
static bool in_turn;

/* ---- what is there -------------------------------------------------------- */

struct packet {
	uint64_t instance, number, begin, end, discarded;
	const uint8_t *at;
	size_t content;
	char file[40];
};

static struct packet packets[PACKETS];
static size_t n_packets;
static struct { uint8_t *base; size_t size; } files[FILES];
static size_t n_files;
static uint8_t (*seen)[EVENTS / 8];	/* by writer */
static uint32_t least[WRITERS];		/* of those that must be there */
static uint64_t lost, found;
static uint64_t given_up;		/* what is newer than that is there */

static bool wrong(const char *what, const char *file, uint64_t at)
{
	tap_note("%s, %s at %llu", what, file, (unsigned long long)at);
	return false;
}

static uint64_t get(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

static bool read_event(const uint8_t **at, const uint8_t *end, uint64_t *time,
		       const char *file)
{
	const uint8_t *p = *at;
	uint64_t who, n, length;

	if (end - p < EVENT + 12)
		return wrong("half an event", file, 0);
	if (get(p + 4, 8) < *time)
		return wrong("time goes back", file, get(p + 4, 8));
	*time = get(p + 4, 8);
	who = get(p + EVENT, 4);
	n = get(p + EVENT + 4, 4);
	length = get(p + EVENT + 8, 4);
	if (get(p, 4) != 1 || who >= WRITERS || n >= EVENTS ||
	    length > (uint64_t)(end - p - EVENT - 12))
		return wrong("not an event of ours", file, n);
	for (uint64_t i = 0; i < length; i++)
		if (p[EVENT + 12 + i] != (uint8_t)(n + i))
			return wrong("not its bytes", file, n);
	if (seen[who][n / 8] & 1 << n % 8)
		return wrong("an event twice", file, n);
	seen[who][n / 8] = (uint8_t)(seen[who][n / 8] | 1 << n % 8);
	if (*time >= given_up && n < least[who])
		least[who] = (uint32_t)n;
	found++;
	*at = p + EVENT + 12 + length;
	return true;
}

static bool read_events(const struct packet *p)
{
	const uint8_t *event = p->at + HEADER, *end = p->at + p->content;
	uint64_t time = p->begin;

	while (event < end)
		if (!read_event(&event, end, &time, p->file))
			return false;
	return p->end >= time ||
	       wrong("ends before its last event", p->file, p->number);
}

static bool read_packets(const uint8_t *base, size_t size, const char *file)
{
	uint64_t at = 0;

	while (at < size) {
		const uint8_t *p = base + at;
		uint64_t content = get(p + 32, 8) / 8, packet = get(p + 40, 8) / 8;
		struct packet *as = &packets[n_packets];

		if (++n_packets == PACKETS)
			return wrong("too many packets", file, at);
		if (get(p, 4) != 0xC1FC1FC1u || content < HEADER ||
		    packet < content || packet > size - at)
			return wrong("not a packet", file, at);
		*as = (struct packet){ get(p + 8, 8), get(p + 56, 8),
			get(p + 16, 8), get(p + 24, 8), get(p + 48, 8), p,
			content, "" };
		snprintf(as->file, sizeof(as->file), "%.39s", file);
		if (as->end < as->begin)
			return wrong("ends before it begins", file, at);
		if (at && as->number != as[-1].number + 1)
			return wrong("not the next packet", file, at);
		if (as->instance >> 32 && content > HEADER)
			return wrong("something is in a packet that is given up",
				     file, at);
		n_packets -= as->instance >> 32 != 0;
		at += packet;
	}
	return true;
}

static bool read_stream(const char *path, const char *name)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *base;

	if (fd < 0 || fstat(fd, &st) || n_files == FILES)
		return wrong("not to be read", name, 0);
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	files[n_files].base = base;
	files[n_files++].size = (size_t)st.st_size;
	return read_packets(base, (size_t)st.st_size, name);
}

/* A folder without metadata is no trace, and none that was not acknowledged. */
static bool has_metadata(const char *folder)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/metadata", folder);
	return !access(path, F_OK);
}

static bool read_metadata(const char *path)
{
	uint8_t head[37], last[3] = "";
	int fd = open(path, O_RDONLY);
	uint64_t content, packet;
	bool good;

	if (fd < 0 || read(fd, head, sizeof(head)) != sizeof(head))
		return wrong("no packet", path, 0);
	content = get(head + 24, 4) / 8;
	packet = get(head + 28, 4) / 8;
	good = get(head, 4) == 0x75D11D57u && content > sizeof(head) &&
	       packet >= content && lseek(fd, 0, SEEK_END) == (off_t)packet &&
	       pread(fd, last, 3, (off_t)content - 3) == 3 &&
	       !memcmp(last, "};\n", 3);
	close(fd);
	return good || wrong("not metadata", path, content);
}

/* Of the one trace that is in it. */
static bool read_files(const char *folder)
{
	bool trace = has_metadata(folder);
	DIR *dir = opendir(folder);
	struct dirent *d;
	bool good = dir;

	while (good && (d = readdir(dir))) {
		char path[700];

		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
		if (trace && !strncmp(d->d_name, "stream_", 7))
			good = read_stream(path, d->d_name);
		else if (!strcmp(d->d_name, "metadata"))
			good = read_metadata(path);
		else if (d->d_type == DT_DIR)
			good = read_files(path);
	}
	closedir(dir);
	return good;
}

static int by_number(const void *a_, const void *b_)
{
	const struct packet *a = a_, *b = b_;

	return a->instance != b->instance ?
	       (a->instance > b->instance) - (a->instance < b->instance) :
	       (a->number > b->number) - (a->number < b->number);
}

static bool in_order(const struct packet *p, const struct packet *before)
{
	if (p->number == before->number)
		return wrong("a number twice", p->file, p->number);
	if (p->begin <= before->begin || p->begin < before->end)
		return wrong("a packet begins before", p->file, p->number);
	if (p->discarded < before->discarded)
		return wrong("losses become less", p->file, p->number);
	return true;
}

/* Streams' order, what is lost in them, and what is given up. */
static bool sort_packets(void)
{
	qsort(packets, n_packets, sizeof(*packets), by_number);
	for (size_t i = 0; i < n_packets; i++) {
		const struct packet *p = &packets[i];
		bool first = !i || p[-1].instance != p->instance;

		if (!first && !in_order(p, p - 1))
			return false;
		if (p->number != (first ? 0 : p[-1].number + 1) &&
		    p->begin > given_up)
			given_up = p->begin;
		if (i + 1 == n_packets || p[1].instance != p->instance)
			lost += p->discarded;
	}
	return true;
}

static bool read_trace(void)
{
	bool good;

	lost = found = given_up = n_packets = 0;
	memset(seen, 0, sizeof(*seen) * shared->next);
	memset(least, 0xff, sizeof(least));
	good = read_files(directory) && sort_packets();
	for (size_t i = 0; i < n_packets && good; i++)
		good = read_events(&packets[i]);
	return good;
}

static uint64_t count_missing(void)
{
	uint64_t missing = 0;
	bool later = !given_up;

	for (uint32_t w = 0; w < shared->next; w++) {
		uint32_t n = given_up && !(in_turn && later) ? least[w] : 0;

		later |= in_turn && n != UINT32_MAX;
		for (; n < shared->acknowledged[w]; n++)
			missing += !(seen[w][n / 8] & 1 << n % 8);
	}
	return missing;
}

/* flying: how many may have been lost and counted, and not acknowledged. */
static bool all_there(uint64_t flying)
{
	uint64_t missing;
	bool good = read_trace();

	missing = good ? count_missing() : 0;
	for (; n_files; n_files--)
		munmap(files[n_files - 1].base, files[n_files - 1].size);
	if (!good)
		return false;
	if (missing <= lost && (given_up || lost - missing <= flying))
		return true;
	tap_note("%llu of those acknowledged are missing, %llu said to be lost",
		 (unsigned long long)missing, (unsigned long long)lost);
	return false;
}

static bool babeltrace(void)
{
	char command[400];

	snprintf(command, sizeof(command), "test $(babeltrace2 %s 2>&1 >/dev/null |"
		 " grep -vc 'WARNING: Tracer .*discarded') = 0", directory);
	return !system(command);
}

static void forget(void)
{
	if (remove_folder(directory) || mkdir(directory, 0700))
		exit(1);
	memset(shared, 0, sizeof(*shared));
}

/* ---- who writes ------------------------------------------------------------ */

static __thread uint8_t bytes[64 * 1024];

static void fill(uint32_t n, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(n + i);
}

static void emit(uint32_t who, uint32_t n, uint32_t length)
{
	side_jmp_event(survive, e, who, n, side_jmp_seq(bytes, length));
	__atomic_store_n(&shared->acknowledged[who], n + 1, __ATOMIC_RELEASE);
}

static uint32_t new_writer(void)
{
	uint32_t who = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);

	return who < WRITERS ? who : (uint32_t)(pause(), 0);
}

static void *write_on(void *arg)
{
	uint32_t who = new_writer();

	(void)arg;
	for (uint32_t n = 0; n < EVENTS; n++) {
		uint32_t length = n % 100 == 99 ? 1000 : n % 32;

		fill(n, length);
		emit(who, n, length);
	}
	pause();
	return NULL;
}

/* To keep the newest in as little as there may be, and in more. */
static const struct kind {
	const char *mode, *pieces, *size;
} plain = { "", "", "6M" },
  rounds[] = { { "overwrite", "", "1280k" }, { "overwrite", "", "3M" } },
  pieces[] = { { "", "2", "1280k" }, { "", "3", "3M" } };

static void start(const struct kind *kind)
{
	int r = side_jmp_trace_option("mode", kind->mode);

	if (!r)
		r = side_jmp_trace_option("pieces", kind->pieces);
	if (!r)
		r = side_jmp_trace_option("size", kind->size);
	/* A small file system may have no room for the start of one just now. */
	for (int i = 0; !r && i < 1000; i++) {
		r = side_jmp_trace_start("survive:*", directory);
		if (!r)
			return;
		usleep(10000);
		r = r == -ENOSPC && i < 999 ? 0 : r;
	}
	fprintf(stderr, "survive: start: %s\n", strerror(-r));
	_exit(2);
}

static void nap(unsigned us)
{
	usleep(us % 1000 + us / 1000 * 1000);
}

/* In DIRECTORY, which may be of a small file system; NULL: in /tmp. */
static bool survive_begin(const char *in)
{
	snprintf(directory, sizeof(directory), "%.150s/survive.XXXXXX",
		 in ? in : "/tmp");
	if (!mkdtemp(directory))
		return false;
	strcat(directory, "/");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	seen = mmap(NULL, sizeof(*seen) * WRITERS, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return seen != MAP_FAILED && shared != MAP_FAILED;
}

static int survive_end(void)
{
	directory[strlen(directory) - 1] = '\0';
	rmdir(directory);
	return tap_done();
}

#endif
