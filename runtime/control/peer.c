/* SPDX-License-Identifier: MIT */
/*
 * Those who are connected, to whichever thread serves them: waiting for them,
 * serving them, parting.  Must not know how they have come.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/control/agent.h"

bool sj_peer_take(struct control_peer *peer, int fd)
{
	fd = sj_file_aside(fd);
	if (sj_file_note(fd, &peer->file))
		peer->fd = fd;
	else
		close(fd);
	return peer->fd >= 0;
}

void sj_peer_part(struct control_peer *peer, bool hang_up)
{
	if (peer->fd >= 0 && sj_file_still(peer->fd, &peer->file)) {
		if (hang_up)
			shutdown(peer->fd, SHUT_RDWR);
		close(peer->fd);
	}
	peer->fd = -1;
	peer->inherited = false;
}

struct pollfd sj_peer_poll(const struct control_peer *peer)
{
	/* Of an inherited one its end, which is always told. */
	return (struct pollfd){
		.fd = peer->fd, .events = peer->inherited ? 0 : POLLIN,
	};
}

bool sj_peer_serve(struct control_peer *peer, const struct control_peer *all,
		   unsigned n)
{
	if (!peer->inherited && sj_file_still(peer->fd, &peer->file) &&
	    sj_control_serve(peer, all, n))
		return true;
	(void)sj_control_end(&peer->stream);
	return false;
}

void sj_peer_inherit(struct control_peer *peer, pid_t parent)
{
	if (peer->fd < 0)
		return;
	if (!peer->stream.area.at) {
		sj_peer_part(peer, false);
		return;
	}
	peer->inherited = true;
	sj_control_after_fork(&peer->stream, parent);
}
