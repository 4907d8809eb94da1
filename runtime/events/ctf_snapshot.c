/* SPDX-License-Identifier: MIT */
/*
 * A copy of a CTF trace that goes on being written, from its files alone: by
 * the process that writes it, by another one, or of one that has ended.  Knows
 * of a trace what ctf.h and PARTS in trace_ctf.c say, and nothing of who writes
 * it.
 *
 * The copy has one file a stream, in which the packets follow each other
 * without gaps.  All that had been emitted before is in it, unless it is given
 * up for newer events while the copy is made: then the packets' numbers say so.
 * In this order:
 *
 * - A packet's length first, and what is filled of it after that. If there is a
 *   next packet, then this one is full and does not change any more; if there
 *   was none, whatever comes later is left out.
 * - What is filled, then the packet with its header: its end is never before
 *   the last event that is taken.
 * - After a packet, whether its part still is what it was (P1 of PARTS).
 * - The streams, and then the metadata: an event that a stream has is
 *   described.
 *
 * Read by pread(2), not mapped: who truncates a file gives an error, no signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/percpu.h"
#include "runtime/base/base.h"
#include "runtime/events/ctf.h"
#include "runtime/events/sink.h"

enum { SNAPSHOT_NAME = 64 };

struct snapshot {
	int from, to;			/* directories */
	char *packet;			/* room for one */
};

/* One that a stream consists of. */
struct snapshot_part {
	unsigned part;
	uint64_t number;		/* of its first packet */
};

/* ---- files ---------------------------------------------------------------- */

/* 0 or -errno; a file that ends before is -EILSEQ. */
static int snapshot_read(int fd, void *to, size_t n, uint64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t now = pread(fd, (char *)to + done, n - done,
				    (off_t)(at + done));

		if (now < 0 && errno == EINTR)
			continue;
		if (now <= 0)
			return now ? -errno : -EILSEQ;
		done += (size_t)now;
	}
	/* What is read next is read later; pairs with who writes it. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return 0;
}

static int snapshot_write(int fd, const void *bytes, size_t n)
{
	for (size_t done = 0; done < n;) {
		long now = sj_file_write_quietly(fd, (const char *)bytes + done,
						 n - done);

		if (now < 0 && errno == EINTR)
			continue;
		if (now <= 0)
			return now ? -errno : -ENOSPC;
		done += (size_t)now;
	}
	return 0;
}

static int snapshot_create(const struct snapshot *s, const char *name)
{
	int fd = openat(s->to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0666);

	return fd < 0 ? -errno : fd;
}

/* No link is followed: root may copy a user's. */
static int snapshot_open(const struct snapshot *s, const char *name)
{
	int fd = openat(s->from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
			O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EILSEQ;
	}
	return fd;
}

/* In whichever of the forms that there are: see ctf_file_name(). */
static int snapshot_open_part(const struct snapshot *s, unsigned lane,
			      unsigned part)
{
	char name[SNAPSHOT_NAME];
	int fd;

	snprintf(name, sizeof(name), SJ_CTF_STREAM "%u_%u", lane, part);
	fd = snapshot_open(s, name);
	if (fd != -ENOENT)
		return fd;
	snprintf(name, sizeof(name), SJ_CTF_PIECE "%u/" SJ_CTF_STREAM "%u", part,
		 lane);
	fd = snapshot_open(s, name);
	if (fd != -ENOENT || part)
		return fd;
	snprintf(name, sizeof(name), SJ_CTF_STREAM "%u", lane);
	return snapshot_open(s, name);
}

/* ---- packets -------------------------------------------------------------- */

/* 0 or -errno. */
static int snapshot_header(int fd, uint64_t at, struct sj_ctf_packet *p)
{
	int r = snapshot_read(fd, p, sizeof(*p), at);

	if (r)
		return r;
	return p->magic == SJ_CTF_MAGIC && !(p->content_bits & 7) &&
	       p->content_bits >= 8 * sizeof(*p) &&
	       p->content_bits <= 8 * SJ_PERCPU_PACKET &&
	       p->packet_bits >= p->content_bits && !(p->packet_bits & 7) ?
	       0 : -EILSEQ;
}

/* Does it have what it had? */
static bool snapshot_still(int fd, unsigned lane, uint64_t number)
{
	struct sj_ctf_packet p;

	return !snapshot_header(fd, 0, &p) && p.instance == lane &&
	       p.number == number;
}

/* What is there by now of one that is as long as that says, into s->packet. */
static int snapshot_take(const struct snapshot *s, int fd, uint64_t at,
			 size_t *n)
{
	struct sj_ctf_packet filled, *p = (struct sj_ctf_packet *)(void *)s->packet;
	int r = snapshot_header(fd, at, &filled);

	if (r)
		return r;
	*n = filled.content_bits / 8;
	r = snapshot_read(fd, s->packet, *n, at);
	p->content_bits = p->packet_bits = filled.content_bits;
	return r;
}

/* Packet after packet, as long as the part is what it was. */
static int snapshot_part(const struct snapshot *s, int fd, int to, unsigned lane,
			 uint64_t number)
{
	uint64_t at = 0, size;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	for (size = (uint64_t)st.st_size; at < size;) {
		struct sj_ctf_packet length;
		size_t n = 0;
		int r = snapshot_header(fd, at, &length);

		if (!r)
			r = snapshot_take(s, fd, at, &n);
		if (!snapshot_still(fd, lane, number))
			return 0;
		if (!r)
			r = snapshot_write(to, s->packet, n);
		if (r)
			return r;
		at += length.packet_bits / 8;
	}
	return at == size ? 0 : -EILSEQ;
}

/* ---- streams -------------------------------------------------------------- */

/* Those that hold packets of the lane, by their order.  How many, or -errno. */
static int snapshot_order(const struct snapshot *s, unsigned lane,
			  struct snapshot_part parts[SJ_OUTPUT_PIECES])
{
	int n = 0;

	for (unsigned part = 0; part < SJ_OUTPUT_PIECES; part++) {
		struct sj_ctf_packet p;
		int fd = snapshot_open_part(s, lane, part), r, i;

		if (fd == -ENOENT)
			return part ? n : -ENOENT;
		if (fd < 0)
			return fd;
		r = snapshot_header(fd, 0, &p);
		close(fd);
		if (r)
			return r;
		if (p.instance != lane)
			continue;
		for (i = n++; i && parts[i - 1].number > p.number; i--)
			parts[i] = parts[i - 1];
		parts[i] = (struct snapshot_part){ part, p.number };
	}
	return n;
}

static int snapshot_parts(const struct snapshot *s, int to, unsigned lane,
			  const struct snapshot_part *parts, int n)
{
	int r = 0;

	for (int i = 0; i < n && !r; i++) {
		int fd = snapshot_open_part(s, lane, parts[i].part);

		if (fd < 0)
			return fd;
		r = snapshot_part(s, fd, to, lane, parts[i].number);
		close(fd);
	}
	return r;
}

/* -ENOENT: there is no such lane. */
static int snapshot_lane(const struct snapshot *s, unsigned lane)
{
	struct snapshot_part parts[SJ_OUTPUT_PIECES];
	int n = snapshot_order(s, lane, parts), to, r;
	char name[SNAPSHOT_NAME];

	if (n < 0)
		return n;
	snprintf(name, sizeof(name), SJ_CTF_STREAM "%u", lane);
	to = snapshot_create(s, name);
	if (to < 0)
		return to;
	r = snapshot_parts(s, to, lane, parts, n);
	close(to);
	return r;
}

/* ---- metadata ------------------------------------------------------------- */

static int snapshot_text(const struct snapshot *s, int fd, int to)
{
	struct sj_ctf_metadata p;
	int r = snapshot_read(fd, &p, SJ_CTF_METADATA_HEADER, 0);
	uint32_t at = SJ_CTF_METADATA_HEADER, end;

	if (r)
		return r;
	end = p.content_bits / 8;
	if (p.magic != SJ_CTF_METADATA_MAGIC || end < at)
		return -EILSEQ;
	p.packet_bits = p.content_bits;
	r = snapshot_write(to, &p, SJ_CTF_METADATA_HEADER);
	while (at < end && !r) {
		uint32_t n = end - at < SJ_PERCPU_PACKET ? end - at :
							   SJ_PERCPU_PACKET;

		r = snapshot_read(fd, s->packet, n, at);
		if (!r)
			r = snapshot_write(to, s->packet, n);
		at += n;
	}
	return r;
}

static int snapshot_metadata(const struct snapshot *s)
{
	int fd = snapshot_open(s, SJ_CTF_METADATA), to, r;

	if (fd == -ENOENT)
		fd = snapshot_open(s, SJ_CTF_PIECE "0/" SJ_CTF_METADATA);
	if (fd < 0)
		return fd;
	to = snapshot_create(s, SJ_CTF_METADATA_YET);
	r = to < 0 ? to : snapshot_text(s, fd, to);
	if (to >= 0)
		close(to);
	close(fd);
	if (!r && renameat(s->to, SJ_CTF_METADATA_YET, s->to, SJ_CTF_METADATA))
		r = -errno;
	return r;
}

/* ---- a trace -------------------------------------------------------------- */

static int snapshot_all(const struct snapshot *s)
{
	unsigned lane = 0;
	int r;

	while (!(r = snapshot_lane(s, lane)))
		lane++;
	return r == -ENOENT && lane ? snapshot_metadata(s) : r;
}

static void snapshot_remove(const struct snapshot *s, const char *directory)
{
	char name[SNAPSHOT_NAME];
	unsigned lane = 0;

	do
		snprintf(name, sizeof(name), SJ_CTF_STREAM "%u", lane++);
	while (!unlinkat(s->to, name, 0));
	unlinkat(s->to, SJ_CTF_METADATA_YET, 0);
	unlinkat(s->to, SJ_CTF_METADATA, 0);
	rmdir(directory);
}

int sj_ctf_snapshot(int trace, const char *directory)
{
	struct snapshot s = { .from = trace };
	int r;

	if (mkdir(directory, 0777))
		return -errno;
	s.to = open(directory, O_DIRECTORY | O_CLOEXEC);
	if (s.to < 0) {
		r = -errno;
		rmdir(directory);
		return r;
	}
	s.packet = sj_map_pages(SJ_PERCPU_PACKET);
	r = s.packet ? snapshot_all(&s) : -ENOMEM;
	if (s.packet)
		munmap(s.packet, SJ_PERCPU_PACKET);
	if (r)
		snapshot_remove(&s, directory);
	close(s.to);
	return r;
}

