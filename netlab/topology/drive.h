/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What traffic to send: one model with two grammars, a step of a topology's `drive:` and the
 * words of `netlab drive`. Both use the leaves declared here.
 */
#ifndef NETLAB_TOPOLOGY_DRIVE_H
#define NETLAB_TOPOLOGY_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "util/error.h"

enum drive_kind {
	DRIVE_TCP,
	DRIVE_UDP,
};

#define DRIVE_KINDS (DRIVE_UDP + 1)

struct drive_target {
	char *guest;
	uint16_t port; /* host order, 1 to 65535 */
	int family;    /* AF_INET, AF_INET6; AF_UNSPEC: the guest's first address */
};

#define DRIVE_CONNECTIONS_MAX 10000
#define DRIVE_BYTES_MAX       (1ull << 40)
#define DRIVE_TEXT_MAX        (64u << 10)             /* bytes of a send or expect text */
#define DRIVE_TIMEOUT_MAX_NS  (86400ull * 1000000000) /* a day */
#define DRIVE_DATAGRAM_MAX    65507                   /* bytes of UDP over IPv4 */

struct drive_spec {
	enum drive_kind kind;
	struct drive_target to;
	unsigned connections; /* TCP connections, or UDP sockets, at once; at least 1 */
	char *send;           /* text each connection sends first; NULL: none */
	uint64_t bytes;       /* further bytes each connection sends behind @send */
	char *expect;         /* text each must receive first; NULL: see below */
	uint64_t timeout_ns;  /* for each connection, from its start to its end */
};
/* Without @expect nothing is awaited: a connection is done when all it sends is acknowledged
 * (TCP) or written (UDP). With @expect and @bytes, all bytes sent must come back as well. */

#define DRIVE_TIMEOUT_DEFAULT_NS (10ull * 1000000000)

/** drive_kind_name() - "tcp", "udp". */
const char *drive_kind_name(enum drive_kind kind);

/** drive_kind_parse() - the inverse of drive_kind_name(). */
must_use struct error *drive_kind_parse(const char *text, enum drive_kind *kind);

/** drive_target_parse() - "GUEST:PORT"; @target's guest is new and owned by it. */
must_use struct error *drive_target_parse(const char *text, struct drive_target *target);

/** count_parse() - a decimal number from @min to @max; the error names the range. */
must_use struct error *count_parse(const char *text, uint64_t min, uint64_t max,
				   uint64_t *value);

/** size_parse() - bytes: a number with an optional K, M, G or T (powers of 1024). */
must_use struct error *size_parse(const char *text, uint64_t *bytes);

/** duration_parse() - "10s", "250ms", "5us", "2min", as nanoseconds; a bare number is seconds. */
must_use struct error *duration_parse(const char *text, uint64_t *ns);

/** family_name() - "ipv4", "ipv6", or "any" for AF_UNSPEC. */
const char *family_name(int family);

/** family_parse() - "ipv4", "ipv6" or "any", as AF_INET, AF_INET6, AF_UNSPEC. */
must_use struct error *family_parse(const char *text, int *family);

/** drive_spec_init() - the defaults: tcp, one connection, nothing to send, 10 s. */
void drive_spec_init(struct drive_spec *spec);

/** drive_spec_deinit() - free what it holds; it is then as good as zero. */
void drive_spec_deinit(struct drive_spec *spec);
#define _cleanup_drive_spec_ _cleanup_(drive_spec_deinit)

/**
 * drive_spec_check() - does @spec hold together?
 *
 * UDP sends one datagram, so it must have something to send, and not more than fits. Numbers
 * are in their ranges, texts are UTF-8 and not longer than DRIVE_TEXT_MAX.
 */
must_use struct error *drive_spec_check(const struct drive_spec *spec);

/**
 * drive_spec_to_json() - the form it has on the control socket: an object with kind, guest,
 * port, family, connections, bytes, timeout_ns and, where there is one, send and expect
 */
json_t *drive_spec_to_json(const struct drive_spec *spec);

/**
 * drive_spec_from_json() - its inverse, which trusts nothing in @json
 * @json: what isn't there has its default, but kind, guest and port
 * @spec: need not be initialised; untouched on error, else the caller's to deinit
 */
must_use struct error *drive_spec_from_json(const json_t *json, struct drive_spec *spec);

#endif
