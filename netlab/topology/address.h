/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as people write them: "192.168.100.50/24", "fd00:100::50/64", "52:54:00:…". */
#ifndef NETLAB_TOPOLOGY_ADDRESS_H
#define NETLAB_TOPOLOGY_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct address {
	int family; /* AF_INET or AF_INET6 */
	union {
		struct in_addr v4;  /* network order */
		struct in6_addr v6; /* network order */
	};
	uint8_t prefix; /* bits, at most 32 or 128 */
};

#define ADDRESS_TEXT_SIZE 64 /* bytes that hold any address_format() with its NUL */

/** address_parse() - "A/PREFIX"; without a prefix the whole address counts (32, 128). */
must_use struct error *address_parse(const char *text, struct address *address);

/** address_format() - "A/PREFIX" into @text; returns @text. */
char *address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE]);

/** address_format_host() - as address_format(), without the prefix. */
char *address_format_host(const struct address *address, char text[ADDRESS_TEXT_SIZE]);

/** address_equal() - the same family and host address; the prefix doesn't count. */
bool address_equal(const struct address *a, const struct address *b);

/** address_same_network() - are both in the network that @a's prefix spans? */
bool address_same_network(const struct address *a, const struct address *b);

/** address_network() - @address with the bits behind its prefix cleared. */
struct address address_network(const struct address *address);

/**
 * address_check_host() - can a card have this address?
 * Return: an error that says why not: multicast, loopback, reserved, the network's own or its
 * broadcast address, or a prefix of 0.
 */
must_use struct error *address_check_host(const struct address *address);

/** mac_parse() - "xx:xx:xx:xx:xx:xx", a unicast address that is not all zero. */
must_use struct error *mac_parse(const char *text, uint8_t mac[6]);

#define MAC_TEXT_SIZE 18
char *mac_format(const uint8_t mac[6], char text[MAC_TEXT_SIZE]);

#endif
