// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "topology/drive.h"
#include "util/string.h"

static unsigned full_prefix(int family)
{
	return family == AF_INET ? 32 : 128;
}

static const uint8_t *address_bytes(const struct address *address)
{
	return address->family == AF_INET ? (const uint8_t *)&address->v4
					  : address->v6.s6_addr;
}

static bool host_parse(const char *text, struct address *address)
{
	if (inet_pton(AF_INET, text, &address->v4) == 1)
		address->family = AF_INET;
	else if (inet_pton(AF_INET6, text, &address->v6) == 1)
		address->family = AF_INET6;
	return address->family != 0;
}

struct error *address_parse(const char *text, struct address *address)
{
	const char *slash = strchrnul(text, '/');
	struct address parsed = {0};
	char host[INET6_ADDRSTRLEN] = "";
	uint64_t prefix;

	if ((size_t)(slash - text) < sizeof(host))
		memcpy(host, text, slash - text);
	if (!host_parse(host, &parsed))
		return error_new(EINVAL, "'%s' is not an IPv4 or IPv6 address", text);
	prefix = full_prefix(parsed.family);
	if (*slash)
		try(error_prefix(count_parse(slash + 1, 0, prefix, &prefix),
				 "prefix of '%s'", text));
	parsed.prefix = prefix;
	*address = parsed;
	return NULL;
}

char *address_format_host(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
	if (!inet_ntop(address->family, address_bytes(address), text, ADDRESS_TEXT_SIZE))
		strcpy(text, "?");
	return text;
}

char *address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
	char host[ADDRESS_TEXT_SIZE];

	address_format_host(address, host);
	snprintf(text, ADDRESS_TEXT_SIZE, "%.*s/%u", INET6_ADDRSTRLEN, host,
		 address->prefix);
	return text;
}

/* Are the first @n bits the same? */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned n)
{
	uint8_t mask = 0xff00 >> (n % 8);

	return memcmp(a, b, n / 8) == 0 &&
	       (n % 8 == 0 || ((a[n / 8] ^ b[n / 8]) & mask) == 0);
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	       same_bits(address_bytes(a), address_bytes(b), full_prefix(a->family));
}

bool address_same_network(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	       same_bits(address_bytes(a), address_bytes(b), a->prefix);
}

struct address address_network(const struct address *address)
{
	struct address network = *address;
	uint8_t *bytes = network.family == AF_INET ? (uint8_t *)&network.v4
						   : network.v6.s6_addr;

	for (unsigned i = address->prefix; i < full_prefix(address->family); i++)
		bytes[i / 8] &= ~(0x80 >> i % 8);
	return network;
}

/* What the host part would be with all its bits @value. */
static bool host_bits_are(const struct address *address, bool value)
{
	const uint8_t *bytes = address_bytes(address);

	for (unsigned i = address->prefix; i < full_prefix(address->family); i++)
		if ((bytes[i / 8] >> (7 - i % 8) & 1) != value)
			return false;
	return true;
}

static const char *v4_fault(const struct address *address)
{
	uint32_t host = ntohl(address->v4.s_addr);

	if (IN_MULTICAST(host))
		return "is a multicast address";
	if (host >> 24 == 0 || host >> 28 == 0xf)
		return "is reserved (RFC 6890)";
	if (host >> 24 == IN_LOOPBACKNET)
		return "is a loopback address";
	if (address->prefix < 31 && host_bits_are(address, false))
		return "is the network's own address: its host bits are all zero";
	if (address->prefix < 31 && host_bits_are(address, true))
		return "is the network's broadcast address: its host bits are all one";
	return NULL;
}

static const char *v6_fault(const struct address *address)
{
	const struct in6_addr *host = &address->v6;

	if (IN6_IS_ADDR_MULTICAST(host))
		return "is a multicast address";
	if (IN6_IS_ADDR_UNSPECIFIED(host))
		return "is the unspecified address";
	if (IN6_IS_ADDR_LOOPBACK(host))
		return "is the loopback address";
	if (IN6_IS_ADDR_V4MAPPED(host))
		return "is an IPv4 address in IPv6 clothes; write it as IPv4";
	if (address->prefix < 127 && host_bits_are(address, false))
		return "is the subnet-router anycast address (RFC 4291): its host bits "
		       "are all zero";
	return NULL;
}

struct error *address_check_host(const struct address *address)
{
	const char *fault = address->family == AF_INET ? v4_fault(address)
						       : v6_fault(address);
	char text[ADDRESS_TEXT_SIZE];

	address_format(address, text);
	if (fault)
		return error_new(EINVAL, "%s %s", text, fault);
	if (address->prefix == 0)
		return error_new(EINVAL, "%s has a prefix that takes in all addresses",
				 text);
	return NULL;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return found ? found - digits : -1;
}

static bool mac_bytes(const char *text, uint8_t mac[6])
{
	if (strlen(text) != MAC_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < 6; i++) {
		int high = hex_digit(text[i * 3]), low = hex_digit(text[i * 3 + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':'))
			return false;
		mac[i] = high << 4 | low;
	}
	return true;
}

struct error *mac_parse(const char *text, uint8_t mac[6])
{
	static const uint8_t zero[6];
	uint8_t parsed[6];

	if (!mac_bytes(text, parsed))
		return error_new(EINVAL,
				 "'%s' is not a MAC address, as in 52:54:00:12:34:56",
				 text);
	if (parsed[0] & 1)
		return error_new(EINVAL, "%s is a multicast MAC address", text);
	if (memcmp(parsed, zero, 6) == 0)
		return error_new(EINVAL, "%s is no card's MAC address", text);
	memcpy(mac, parsed, 6);
	return NULL;
}

char *mac_format(const uint8_t mac[6], char text[MAC_TEXT_SIZE])
{
	snprintf(text, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return text;
}
