/* SPDX-License-Identifier: MIT */
/*
 * Requests, and replies to them.  Runs in threads of our own, which have all
 * signals blocked; must not know how they came to be.
 *
 * A peer is believed nothing: what it sent is one message in memory of ours, of
 * which every length is checked.  It is not waited for: who does not take his
 * reply is disconnected.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/control/agent.h"

enum { SERVE_PATTERNS = 64 };

static uint32_t serve_lock SJ_WRITTEN_BY_FORK;	/* the message in hand */

static struct {
	union {
		struct sj_control_request request;
		char bytes[SJ_CONTROL_MESSAGE + 1];
	};
	int fd;				/* that came along; -1: none */
	const struct control_peer *all;	/* who is connected; n_all */
	unsigned n_all;
	union {
		struct sj_control_reply reply;
		struct sj_control_hello hello;
	};
	/* Of ENABLE and DISABLE. */
	char pattern[SERVE_PATTERNS][SJ_PATTERN_MAX];
	unsigned n_patterns;
} serve;

__attribute__((format(printf, 2, 3)))
static int serve_say(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(serve.reply.text, sizeof(serve.reply.text), format, args);
	va_end(args);
	return error;
}

/* ---- patterns --------------------------------------------------------------- */

static const char *serve_text(void)
{
	return serve.bytes + sizeof(serve.request);
}

static int serve_bad_pattern(int error, const char *pattern)
{
	return serve_say(error, "\"%s\" is %s", pattern, error == -EINVAL ?
		"no pattern: expected key or provider:name, of letters, digits,"
		" _, * and ?" : "too long for a pattern");
}

static int serve_parse_patterns(void)
{
	const char *list = serve_text();
	unsigned n = 0;
	int r;

	for (;; n++) {
		char pattern[SJ_PATTERN_MAX];

		r = sj_pattern_next_key(&list, pattern);
		if (r < 0)
			return serve_bad_pattern(r, pattern);
		if (!r)
			break;
		if (n == SERVE_PATTERNS)
			return serve_say(-E2BIG, "more than %d patterns",
					 SERVE_PATTERNS);
		memcpy(serve.pattern[n], pattern, sizeof(pattern));
	}
	serve.n_patterns = n;
	return n ? 0 : serve_say(-EINVAL, "no pattern");
}

static bool serve_matches(const struct side_jmp_key *key)
{
	for (unsigned i = 0; key->name && i < serve.n_patterns; i++)
		if (sj_pattern_matches_key(serve.pattern[i], key->name))
			return true;
	return false;
}

static bool serve_wants(const struct side_jmp_key *key, void *arg)
{
	(void)arg;
	return serve_matches(key);
}

static void serve_count(struct side_jmp_key *key, uint32_t sites, void *arg)
{
	(void)sites;
	(void)arg;
	serve.reply.matched += serve_matches(key);
}

static int serve_change(bool enable)
{
	struct sj_named named = { serve_wants, NULL, enable };
	struct sj_named_result result;
	int r = serve_parse_patterns();

	if (r)
		return r;
	sj_keys_each(serve_count, NULL);
	sj_keys_change(&named, &result);
	serve.reply.changed = result.changed;
	serve.reply.refused = result.refused;
	return result.refused ? serve_say(result.error,
		"%llu of %llu keys could not be %s:",
		(unsigned long long)result.refused,
		(unsigned long long)serve.reply.matched,
		enable ? "enabled" : "disabled") : 0;
}

/* ---- what there is ----------------------------------------------------------- */

/* Somebody sees this process by its parent's connection, with that mark. */
static bool serve_is_seen(uint32_t mark)
{
	for (const struct control_peer *p = serve.all; mark &&
	     p < serve.all + serve.n_all; p++)
		if (p->fd >= 0 && p->inherited && p->stream.area.at &&
		    sj_control_mark(&p->stream) == mark)
			return true;
	return false;
}

static int serve_hello(void)
{
	struct sj_control_hello *h = &serve.hello;
	struct side_jmp_event_info events;
	struct side_jmp_info sites;

	(void)side_jmp_get_info(&sites, sizeof(sites));
	(void)side_jmp_event_get_info(&events, sizeof(events));
	h->reply.size = sizeof(*h);
	h->pid = getpid();
	h->uid = geteuid();
	h->objects = sites.objects;
	h->objects_rejected = sites.objects_rejected;
	h->keys = sites.keys;
	h->enabled = sj_control_enabled();
	h->sites = sites.sites;
	h->armed = sites.armed;
	h->idle = sites.idle;
	h->refused = sites.refused;
	h->events = events.events;
	h->tracers = events.tracers;
	h->frozen = sj_frozen();
	h->seen = serve_is_seen(serve.request.argument);
	snprintf(h->backend, sizeof(h->backend), "%s", sites.backend_name);
	snprintf(h->backend_reason, sizeof(h->backend_reason), "%s",
		 sites.backend_reason);
	snprintf(h->program, sizeof(h->program), "%s",
		 program_invocation_short_name);
	return 0;
}

static int serve_area(struct control_area *area)
{
	int r = sj_control_map(serve.fd, area);

	return r == -EINVAL ? serve_say(r, "no area: expected a memfd whose size"
		" is sealed and whose pages are there") : r;
}

static int serve_list(void)
{
	struct control_area area;
	int r = serve_area(&area);

	if (r)
		return r;
	r = sj_control_list(&area);
	sj_control_unmap(&area);
	return r;
}

/* ---- streams ---------------------------------------------------------------- */

static bool serve_event_matches(const char *patterns,
				const struct side_jmp_event *event)
{
	struct sj_pattern pattern;

	while (sj_pattern_next(&patterns, &pattern) == 1)
		if (sj_pattern_wants(&pattern, event->desc))
			return true;
	return false;
}

static uint64_t serve_events_matching(const char *patterns)
{
	struct sj_slice slice = { 0 };
	const struct side_jmp_event *event;
	struct sj_walk walk;
	uint64_t found = 0;

	sj_slice_enter(&slice);
	sj_walk_begin(&walk);
	for (unsigned n = 1; (event = sj_walk_next(&walk)); n++) {
		found += serve_event_matches(patterns, event);
		if (n >= slice.n) {
			sj_slice_next(&slice);
			n = 0;
		}
	}
	sj_walk_end(&walk);
	sj_slice_leave(&slice);
	return found;
}

static int serve_stream(struct control_peer *peer, bool trace)
{
	struct control_area area = { NULL, 0 };
	const char *patterns = serve_text();
	char why[SJ_TRACER_WHY] = "";
	int r;

	if (peer->stream.area.at)
		return serve_say(-EBUSY, "the connection has a stream already");
	r = serve_area(&area);
	if (r)
		return r;
	r = trace ? sj_control_trace(&peer->stream, patterns, &area,
				     serve.request.argument, why) :
		    sj_control_count(&peer->stream, patterns, &area,
				     serve.request.argument, why);
	sj_control_unmap(&area);
	if (*why)
		return serve_say(r, "%s", why);
	if (r == -EINVAL)
		return serve_say(r, "no area of the size that was said,"
				 " or no such context");
	if (r)
		return serve_say(r, "an event could not be enabled:");
	serve.reply.matched = serve_events_matching(patterns);
	return 0;
}

static int serve_stop(struct control_peer *peer)
{
	if (!peer->stream.area.at)
		return -EINVAL;
	return sj_control_end(&peer->stream) ? serve_say(-EBUSY, "a thread is in"
		" the midst of an event and does not come out") : 0;
}

/* ---- messages ---------------------------------------------------------------- */

static int serve_request(struct control_peer *peer)
{
	switch (serve.request.op) {
	case SJ_CONTROL_HELLO: return serve_hello();
	case SJ_CONTROL_LIST: return serve_list();
	case SJ_CONTROL_ENABLE: return serve_change(true);
	case SJ_CONTROL_DISABLE: return serve_change(false);
	case SJ_CONTROL_TRACE: return serve_stream(peer, true);
	case SJ_CONTROL_COUNT: return serve_stream(peer, false);
	case SJ_CONTROL_STOP: return serve_stop(peer);
	case SJ_CONTROL_RECLAIM:
		return sj_control_reclaim(&peer->stream, serve.request.argument);
	default: return -ENOSYS;
	}
}

/* One, and no other: there may be room for two, for it is padded. */
static int serve_descriptor(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int first = -1, fd;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -1;
	for (size_t at = 0; CMSG_LEN(at + sizeof(fd)) <= c->cmsg_len;
	     at += sizeof(fd)) {
		memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
		if (first < 0)
			first = sj_file_aside(fd);
		else
			close(fd);
	}
	return first;
}

/* 1: a request; 0: not yet; -1: none, and none will come. */
static int serve_receive(const struct control_peer *peer)
{
	union {
		struct cmsghdr head;	/* for its alignment */
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec to = { serve.bytes, SJ_CONTROL_MESSAGE };
	struct msghdr m = {
		.msg_iov = &to, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(peer->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	serve.fd = -1;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	serve.fd = serve_descriptor(&m);
	serve.bytes[n] = '\0';
	return n >= (ssize_t)sizeof(serve.request) &&
	       !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	       serve.request.magic == SJ_CONTROL_MAGIC &&
	       serve.request.size == (uint64_t)n ? 1 : -1;
}

static bool serve_reply(const struct control_peer *peer, int error)
{
	serve.reply.magic = SJ_CONTROL_MAGIC;
	serve.reply.version = SJ_CONTROL_VERSION;
	serve.reply.op = serve.request.op;
	serve.reply.error = error;
	return send(peer->fd, &serve.reply, serve.reply.size,
		    MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)serve.reply.size;
}

static int serve_one(struct control_peer *peer)
{
	int r = serve_receive(peer);

	if (r == 1) {
		memset(&serve.hello, 0, sizeof(serve.hello));
		serve.reply.size = sizeof(serve.reply);
		r = serve.request.version == SJ_CONTROL_VERSION ?
			serve_request(peer) :
			serve_say(-EPROTO, "version %u of control, not %u",
				  SJ_CONTROL_VERSION, serve.request.version);
		r = serve_reply(peer, r) ? 0 : -1;
	}
	if (serve.fd >= 0)
		close(serve.fd);
	return r;
}

bool sj_control_serve(struct control_peer *peer, const struct control_peer *all,
		      unsigned n)
{
	int r;

	sj_lock_word(&serve_lock);
	serve.all = all;
	serve.n_all = n;
	r = serve_one(peer);
	sj_unlock_word(&serve_lock);
	return r >= 0;
}

void sj_control_serve_after_fork(void)
{
	__atomic_store_n(&serve_lock, 0, __ATOMIC_RELAXED);
}
