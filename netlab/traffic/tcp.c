// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "traffic/connection.h"
#include "util/clock.h"
#include "util/string.h"

static void tcp_inspect(struct connection *connection)
{
	struct connection_report *report = &connection->report;
	struct error *error;

	if (!connection->traffic->diag)
		return;
	error = diag_tcp_info(connection->traffic->diag, &report->local.any,
			      &report->remote.any, &report->tcp_state, &report->tcp);
	report->has_tcp = !error;
	error_ignore(error); /* the connection may be gone already */
}

static void fail_errno(struct connection *connection, const char *doing, int code)
{
	connection_fail(connection, xasprintf("%s: %s", doing, strerror(code)));
}

static bool all_acknowledged(const struct connection *connection)
{
	int pending = 0;

	return ioctl(connection->fd, SIOCOUTQ, &pending) == 0 && pending == 0;
}

/* Everything that was expected has happened: from here on there is only the closing. */
static void begin_closing(struct connection *connection)
{
	connection_succeed(connection);
	connection->phase = CONNECTION_CLOSING;
	shutdown(connection->fd, SHUT_WR);
	if (connection->peer_closed) {
		connection->report.closed = "orderly";
		connection_end(connection);
		return;
	}
	connection_watch(connection, EPOLLIN);
}

/* Is this connection done, can't it become so, or what does it wait for next? */
static void go_on(struct connection *connection)
{
	bool sent = connection_sent_all(connection);
	bool expects = connection_expects(connection);
	bool met = connection->matched == stream_size(&connection->expects);

	if (sent && (expects ? met : all_acknowledged(connection))) {
		begin_closing(connection);
		return;
	}
	if (connection->peer_closed && expects && !met) {
		connection_fail(connection, stream_end_text(&connection->expects,
							    connection->matched));
		return;
	}
	connection_watch(connection,
			 (connection->peer_closed ? 0 : EPOLLIN) | (sent ? 0 : EPOLLOUT));
}

/* Holds what came against what is expected; behind its end, anything may come. */
static void match(struct connection *connection, const uint8_t *data, size_t n)
{
	const struct stream *expects = &connection->expects;
	uint64_t left = stream_size(expects) - connection->matched;
	size_t checked = n < left ? n : left;
	size_t right = stream_match(expects, connection->matched, data, checked);

	if (right < checked) {
		connection_fail(
			connection,
			stream_mismatch_text(expects, connection->matched, data, n));
		return;
	}
	connection->matched += right;
}

static void receive(struct connection *connection)
{
	uint8_t *buffer = connection->traffic->buffer;
	ssize_t n = recv(connection->fd, buffer, TRAFFIC_BUFFER_SIZE, 0);

	if (n > 0) {
		connection_count_received(connection, n);
		match(connection, buffer, n);
	} else if (n == 0) {
		connection->peer_closed = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		fail_errno(connection, "receiving", errno);
	}
}

/* One write, which asks to be told (in the error queue) when its last byte is
 * acknowledged. */
static ssize_t send_asking(int fd, const void *data, size_t n)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(uint32_t))];
	} control = {.header = {
			     .cmsg_len = CMSG_LEN(sizeof(uint32_t)),
			     .cmsg_level = SOL_SOCKET,
			     .cmsg_type = SO_TIMESTAMPING,
		     }};
	struct iovec part = {(void *)data, n};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	uint32_t wanted = SOF_TIMESTAMPING_TX_ACK;

	memcpy(CMSG_DATA(&control.header), &wanted, sizeof(wanted));
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static void send_some(struct connection *connection)
{
	uint8_t *buffer = connection->traffic->buffer;
	uint64_t left = stream_size(&connection->sends) - connection->report.sent;
	size_t size = left < TRAFFIC_BUFFER_SIZE ? left : TRAFFIC_BUFFER_SIZE;
	ssize_t n;

	if (size == 0)
		return;
	stream_fill(&connection->sends, connection->report.sent, buffer, size);
	if (size == left && !connection_expects(connection))
		n = send_asking(connection->fd, buffer, size);
	else
		n = send(connection->fd, buffer, size, MSG_NOSIGNAL);
	if (n >= 0)
		connection_count_sent(connection, n);
	else if (errno != EAGAIN && errno != EINTR)
		fail_errno(connection, "sending", errno);
}

/* The acknowledgements it tells of: that they came is all there is to know. */
static void empty_error_queue(int fd)
{
	char control[256];
	struct msghdr message;

	do {
		message = (struct msghdr){.msg_control = control,
					  .msg_controllen = sizeof(control)};
	} while (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0);
}

static void exchange(struct connection *connection, uint32_t events)
{
	if (events & EPOLLERR)
		empty_error_queue(connection->fd);
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		receive(connection);
	if (connection->phase == CONNECTION_EXCHANGING && (events & EPOLLOUT))
		send_some(connection);
	if (connection->phase == CONNECTION_EXCHANGING)
		go_on(connection);
}

static void finish_connecting(struct connection *connection)
{
	socklen_t size = sizeof(int);
	int code = 0;

	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &code, &size);
	if (code) {
		fail_errno(connection, "connect", code);
		return;
	}
	connection->report.connect_ns = monotonic_now() - connection->started_ns;
	connection->phase = CONNECTION_EXCHANGING;
	exchange(connection, EPOLLOUT);
}

/* Reads what still comes until their FIN. */
static void read_to_end(struct connection *connection)
{
	ssize_t n =
		recv(connection->fd, connection->traffic->buffer, TRAFFIC_BUFFER_SIZE, 0);

	if (n > 0) {
		connection_count_received(connection, n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	connection->report.closed = n == 0 ? "orderly" : "reset";
	connection_end(connection);
}

static void tcp_handle(struct connection *connection, uint32_t events)
{
	switch (connection->phase) {
	case CONNECTION_CONNECTING:
		finish_connecting(connection);
		break;
	case CONNECTION_EXCHANGING:
		exchange(connection, events);
		break;
	case CONNECTION_CLOSING:
		if (events & EPOLLERR)
			empty_error_queue(connection->fd);
		read_to_end(connection);
		break;
	case CONNECTION_ENDED:
		break;
	}
}

static void tcp_start(struct connection *connection)
{
	/* Stamps without the payload, which takes no privilege. */
	uint32_t stamps = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;

	setsockopt(connection->fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps));
	connection->phase = CONNECTION_CONNECTING;
	connection_watch(connection, EPOLLOUT);
}

static const char *tcp_awaited(const struct connection *connection)
{
	if (connection->phase == CONNECTION_CONNECTING)
		return "connecting";
	if (!connection_sent_all(connection))
		return "sending";
	return connection_expects(connection) ? "receiving"
					      : "waiting for the acknowledgement";
}

const struct driver tcp_driver = {
	.name = "tcp",
	.socket_type = SOCK_STREAM,
	.start = tcp_start,
	.handle = tcp_handle,
	.inspect = tcp_inspect,
	.awaited = tcp_awaited,
};
