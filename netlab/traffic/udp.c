// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "traffic/connection.h"
#include "util/string.h"

/* @sends as datagrams: its text is the first, the pattern follows in pieces of this
 * size. */
#define DATAGRAM_MAX 1400u /* bytes: an Ethernet frame holds it behind IPv6's header */

/* Size of the datagram that begins at @offset of @sends. */
static size_t datagram_size(const struct connection *connection, uint64_t offset)
{
	const struct stream *sends = &connection->sends;
	uint64_t left = stream_size(sends) - offset;

	if (offset < sends->text_length)
		return sends->text_length;
	return left < DATAGRAM_MAX ? left : DATAGRAM_MAX;
}

static void fail_errno(struct connection *connection, const char *doing, int code)
{
	const char *refused = code == ECONNREFUSED ? " (ICMP: port unreachable)" : "";

	connection_fail(connection,
			xasprintf("%s: %s%s", doing, strerror(code), refused));
}

static bool text_answered(const struct connection *connection)
{
	return connection->matched >= connection->expects.text_length;
}

static void succeed(struct connection *connection)
{
	connection_succeed(connection);
	connection_end(connection);
}

static void end_if_done(struct connection *connection)
{
	bool answered = connection->matched == stream_size(&connection->expects);

	if (connection_sent_all(connection) &&
	    (answered || !connection_expects(connection)))
		succeed(connection);
}

/* The pattern's datagrams are known by what they hold: they may come in any order. */
static bool answers_pattern(struct connection *connection, const uint8_t *data, size_t n)
{
	for (unsigned i = 0; i < connection->n_in_flight; i++) {
		uint64_t offset = connection->in_flight[i];

		if (datagram_size(connection, offset) != n ||
		    stream_match(&connection->sends, offset, data, n) != n)
			continue;
		connection->in_flight[i] =
			connection->in_flight[--connection->n_in_flight];
		return true;
	}
	return false;
}

/* The text's answer begins with what is expected. */
static bool answers_text(const struct connection *connection, const uint8_t *data,
			 size_t n)
{
	size_t length = connection->expects.text_length;

	return !text_answered(connection) && n >= length &&
	       stream_match(&connection->expects, 0, data, length) == length;
}

static char *mismatch_text(const struct connection *connection, const uint8_t *data,
			   size_t n)
{
	_cleanup_free_ char *got = NULL;

	if (!text_answered(connection) && n > 0)
		return stream_mismatch_text(&connection->expects, 0, data, n);
	got = quote_bytes(data, n);
	return xasprintf("got %s, which answers nothing that was sent", got);
}

static void match(struct connection *connection, const uint8_t *data, size_t n)
{
	if (answers_text(connection, data, n))
		connection->matched = connection->expects.text_length;
	else if (text_answered(connection) && answers_pattern(connection, data, n))
		connection->matched += n;
	else
		connection_fail(connection, mismatch_text(connection, data, n));
}

static void udp_handle(struct connection *connection, uint32_t events)
{
	uint8_t *buffer = connection->traffic->buffer;
	ssize_t n;

	(void)events;
	if (connection->phase == CONNECTION_ENDED)
		return;
	n = recv(connection->fd, buffer, TRAFFIC_BUFFER_SIZE, 0);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail_errno(connection, "receiving", errno);
		return;
	}
	connection_count_received(connection, n);
	if (connection_expects(connection))
		match(connection, buffer, n);
	if (connection->phase != CONNECTION_ENDED)
		end_if_done(connection);
}

static bool may_send(const struct connection *connection)
{
	if (connection->phase == CONNECTION_ENDED || connection_sent_all(connection))
		return false;
	if (!connection_expects(connection) || connection->report.sent == 0)
		return true;
	return text_answered(connection) && connection->n_in_flight < UDP_IN_FLIGHT;
}

static void note_in_flight(struct connection *connection, uint64_t offset)
{
	if (connection_expects(connection) && offset >= connection->sends.text_length)
		connection->in_flight[connection->n_in_flight++] = offset;
}

/* Sends the next datagram; false when it didn't go out. */
static bool send_one(struct connection *connection)
{
	uint8_t *buffer = connection->traffic->buffer;
	uint64_t offset = connection->report.sent;
	size_t size = datagram_size(connection, offset);

	if (size > TRAFFIC_BUFFER_SIZE) {
		connection_fail(connection, xasprintf("%zu bytes are no datagram", size));
		return false;
	}
	stream_fill(&connection->sends, offset, buffer, size);
	if (send(connection->fd, buffer, size, 0) < 0) {
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			fail_errno(connection, "sending", errno);
		return false;
	}
	note_in_flight(connection, offset);
	connection_count_sent(connection, size);
	return true;
}

static unsigned udp_pace(struct connection *connection, unsigned most)
{
	unsigned n = 0;

	while (n < most && may_send(connection) && send_one(connection))
		n++;
	if (connection->phase != CONNECTION_ENDED && !connection_expects(connection))
		end_if_done(connection);
	return n;
}

static void udp_start(struct connection *connection)
{
	connection->phase = CONNECTION_EXCHANGING;
	connection_watch(connection, EPOLLIN);
}

static const char *udp_awaited(const struct connection *connection)
{
	bool waits = connection_expects(connection) && connection->report.sent > 0;

	return connection_sent_all(connection) || waits ? "receiving" : "sending";
}

const struct driver udp_driver = {
	.name = "udp",
	.socket_type = SOCK_DGRAM,
	.start = udp_start,
	.handle = udp_handle,
	.pace = udp_pace,
	.awaited = udp_awaited,
};
