/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of a drive, as JSON. Pure; the form is documented in docs/drive-result.md. */
#ifndef NETLAB_TRAFFIC_RESULT_H
#define NETLAB_TRAFFIC_RESULT_H

#include <jansson.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_UNKNOWN UINT64_MAX /* it never came to that; null in JSON */

union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* What came of one connection. */
struct connection_report {
	bool ok;
	char *outcome;      /* "ok", or what went wrong; owned */
	const char *closed; /* how a TCP connection ended; NULL: it didn't come to that */
	union endpoint local;  /* sa_family AF_UNSPEC: unknown */
	union endpoint remote; /* likewise */
	uint64_t sent;         /* bytes of payload */
	uint64_t received;     /* likewise */
	uint64_t connect_ns;
	uint64_t rtt_ns;
	uint64_t duration_ns;
	bool has_tcp;       /* are the following two known? */
	unsigned tcp_state; /* TCP_ESTABLISHED, … */
	struct tcp_info tcp;
};

/* What the drive as a whole was. */
struct drive_report {
	const char *kind; /* "tcp", "udp" */
	union endpoint to;
	uint64_t duration_ns;
	const struct connection_report *each;
	size_t n;
};

/** connection_report_init() - nothing known; connection_report_deinit() - frees the
 * outcome */
void connection_report_init(struct connection_report *report);
void connection_report_deinit(struct connection_report *report);

/** drive_result() - the whole result; a new reference */
json_t *drive_result(const struct drive_report *report);

/* The least, the middle and the greatest of some values. */
struct spread {
	uint64_t min;
	uint64_t median; /* of an even number: the lower one of the two in the middle */
	uint64_t max;
};

/** spread_of() - sorts @values; false where there are none */
bool spread_of(uint64_t *values, size_t n, struct spread *spread);

#define ENDPOINT_TEXT_SIZE 64
/** endpoint_format() - "192.0.2.1:80", "[2001:db8::1]:80"; returns @text */
char *endpoint_format(const union endpoint *endpoint, char text[ENDPOINT_TEXT_SIZE]);

#endif
