/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A drive and its connections, as traffic.c and the drivers of TCP and UDP share them. */
#ifndef NETLAB_TRAFFIC_CONNECTION_H
#define NETLAB_TRAFFIC_CONNECTION_H

#include <sys/epoll.h>

#include "diag/tcp.h"
#include "traffic/expect.h"
#include "traffic/result.h"
#include "traffic/traffic.h"

/*
 * What a connection does. It goes down this list, and its driver moves it; only the
 * deadline, which traffic.c watches, may end it from outside.
 */
enum connection_phase {
	CONNECTION_CONNECTING, /* TCP: the handshake. UDP is never here */
	CONNECTION_EXCHANGING, /* sends, receives, waits for acknowledgement or answer */
	CONNECTION_CLOSING, /* TCP: the outcome stands; our FIN is out, theirs is awaited */
	CONNECTION_ENDED,   /* the socket is closed, the report complete */
};

#define UDP_IN_FLIGHT \
	16u /* unanswered datagrams of one socket, where answers are expected */

struct connection {
	struct traffic *traffic;
	int fd; /* -1: none */
	enum connection_phase phase;
	uint64_t started_ns;
	uint64_t deadline_ns;
	uint64_t first_sent_ns; /* 0: nothing was sent yet */
	struct stream sends;
	struct stream expects;
	uint64_t matched; /* bytes of @expects that came (TCP), or were answered (UDP) */
	uint32_t watched; /* epoll's events; 0 with the socket not yet watched */
	bool peer_closed; /* TCP: theirs was received */
	uint64_t in_flight[UDP_IN_FLIGHT]; /* UDP: offsets in @sends, unanswered */
	unsigned n_in_flight;
	struct connection_report report;
};

/* What is particular to a kind of traffic. */
struct driver {
	const char *name;
	int socket_type; /* SOCK_STREAM, SOCK_DGRAM */
	/* The socket is made, and connected or connecting. */
	void (*start)(struct connection *connection);
	/* epoll's events on the socket. */
	void (*handle)(struct connection *connection, uint32_t events);
	/* Every millisecond: send, if that is possible, up to @most datagrams, and return
	 * their number. NULL where the protocol paces itself. */
	unsigned (*pace)(struct connection *connection, unsigned most);
	/* Puts into the report what only the open socket tells; NULL: nothing. */
	void (*inspect)(struct connection *connection);
	/* What the connection waits for, for a message about its deadline:
	 * "receiving". */
	const char *(*awaited)(const struct connection *connection);
};

extern const struct driver tcp_driver;
extern const struct driver udp_driver;

#define TRAFFIC_BUFFER_SIZE 65536u /* bytes read or written at once; a datagram fits */

struct traffic {
	struct drive_spec spec; /* without its target's guest */
	const struct driver *driver;
	union endpoint to;
	struct connection *connections;
	unsigned n;
	unsigned active; /* those that have not ended */
	unsigned next_paced;
	uint64_t started_ns;
	uint64_t held_ns;  /* since when it is held; 0: it isn't */
	bool paces;        /* the pacer was on before */
	int epoll;         /* all sockets: sd-event would look at each for each event */
	struct diag *diag; /* NULL: there is no sock_diag */
	sd_event_source *readable;
	sd_event_source *deadline; /* the one timer of all deadlines */
	sd_event_source *pacer;    /* NULL where the driver doesn't pace */
	traffic_done_fn done;
	void *userdata;
	uint8_t buffer[TRAFFIC_BUFFER_SIZE];
};

/** connection_watch() - be told of these of epoll's events from now on */
void connection_watch(struct connection *connection, uint32_t events);

/** connection_expects() - must anything come back? */
bool connection_expects(const struct connection *connection);

/** connection_count_sent() - @n bytes of payload more */
void connection_count_sent(struct connection *connection, size_t n);

/** connection_count_received() - @n bytes of payload more */
void connection_count_received(struct connection *connection, size_t n);

/** connection_sent_all() - has all of @sends been written? */
bool connection_sent_all(const struct connection *connection);

/** connection_succeed() - the outcome is "ok"; the connection may go on to close */
void connection_succeed(struct connection *connection);

/** connection_fail() - the outcome is @text, which is owned from here on, and that is the
 * end */
void connection_fail(struct connection *connection, char *text);

/** connection_end() - close the socket; the report is complete */
void connection_end(struct connection *connection);

#endif
