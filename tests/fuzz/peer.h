/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other side of a protocol, which says what the fuzzer found. */
#ifndef NETLAB_TESTS_FUZZ_PEER_H
#define NETLAB_TESTS_FUZZ_PEER_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <systemd/sd-event.h>

struct peer {
	sd_event *event;
	int ours;   /* the end for the client under test, which owns it then */
	int theirs; /* the end that the fuzzer speaks at */
};

static inline void peer_open(struct peer *peer)
{
	int pair[2];

	if (sd_event_new(&peer->event) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	peer->ours = pair[0];
	peer->theirs = pair[1];
}

static inline void peer_settle(struct peer *peer)
{
	while (sd_event_run(peer->event, 0) > 0)
		;
}

/* Says all of it, in pieces that the socket takes; stops where no one listens any more. */
static inline void peer_say(struct peer *peer, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = send(peer->theirs, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		if (n > 0) {
			data += n;
			size -= n;
		}
		peer_settle(peer);
	}
	peer_settle(peer);
}

static inline void peer_close(struct peer *peer)
{
	close(peer->theirs);
	peer_settle(peer);
	sd_event_unref(peer->event);
}

#endif
