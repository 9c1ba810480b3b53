// SPDX-License-Identifier: GPL-2.0-or-later
#include "network.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define CARDS "/sys/class/net"
#define MTU   "mtu="

/* A request with one body and room for its attributes; rtnetlink(7). */
struct request {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	char attributes[128];
};

static void request_attribute(struct request *request, int type, const void *data,
			      size_t size)
{
	struct rtattr *attribute =
		(struct rtattr *)((char *)request +
				  NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), data, size);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) +
				    RTA_ALIGN(attribute->rta_len);
}

/* Send it and wait for the kernel's verdict: 0, or -1 with errno. */
static int request_send(int netlink, struct request *request)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr verdict;
		char rest[1024]; /* the request, and the kernel's words on it */
	} answer;
	ssize_t n;

	request->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(netlink, request, request->header.nlmsg_len, 0) < 0)
		return -1;
	do
		n = recv(netlink, &answer, sizeof(answer), 0);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)(sizeof(answer.header) + sizeof(answer.verdict)) ||
	    answer.header.nlmsg_type != NLMSG_ERROR) {
		errno = EPROTO;
		return -1;
	}
	errno = -answer.verdict.error;
	return errno ? -1 : 0;
}

static int link_up(int netlink, int index)
{
	struct request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			   .nlmsg_type = RTM_NEWLINK},
		.link = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP},
	};

	return request_send(netlink, &request);
}

/* @text: bytes; what is no number is no MTU that any card takes. */
static int link_set_mtu(int netlink, int index, const char *text)
{
	struct request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			   .nlmsg_type = RTM_NEWLINK},
		.link = {.ifi_index = index},
	};
	uint32_t mtu = strtoul(text, NULL, 10);

	request_attribute(&request, IFLA_MTU, &mtu, sizeof(mtu));
	return request_send(netlink, &request);
}

/* --- receive rings --------------------------------------------------------------------------- */

/* Descriptors whose buffers take a quarter of the free memory, of which each has a page for
 * itself and as many as its frame needs. */
static unsigned long affordable_ring(int socket, const struct ifreq *card)
{
	unsigned long page = sysconf(_SC_PAGESIZE), pages = 2;
	struct ifreq request = *card;
	struct sysinfo info;

	if (ioctl(socket, SIOCGIFMTU, &request) == 0)
		pages += request.ifr_mtu / page;
	if (sysinfo(&info) < 0)
		return 0;
	return info.freeram * info.mem_unit / 4 / (pages * page);
}

/*
 * A frame that finds a card's ring full waits in QEMU, which drops it when the guest is stopped
 * (7.2, net_vm_change_state_handler()), or is dropped by the card at once. The largest ring that
 * the driver has is not full of what TCP has in flight. Some drivers have but one size.
 */
static int ring_enlarge(int socket, int index)
{
	struct ethtool_ringparam ring = {.cmd = ETHTOOL_GRINGPARAM};
	struct ifreq request = {.ifr_data = (char *)&ring};
	unsigned long most;
	uint32_t size;

	if (!if_indextoname(index, request.ifr_name) ||
	    ioctl(socket, SIOCETHTOOL, &request) < 0)
		return 0;
	most = affordable_ring(socket, &request);
	for (size = ring.rx_max_pending; size > most;)
		size /= 2;
	if (size <= ring.rx_pending)
		return 0;
	ring.cmd = ETHTOOL_SRINGPARAM;
	ring.rx_pending = size;
	return ioctl(socket, SIOCETHTOOL, &request);
}

/* --- addresses ------------------------------------------------------------------------------- */

struct prefix {
	int family;
	unsigned char address[sizeof(struct in6_addr)];
	size_t size;
	unsigned bits;
};

/* "192.168.100.224/24", "fd00:100::224/64"; @text is taken apart. */
static bool prefix_parse(char *text, struct prefix *prefix)
{
	char *slash = strchr(text, '/'), *end;
	unsigned long bits;

	if (!slash)
		return false;
	*slash = '\0';
	prefix->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	prefix->size = prefix->family == AF_INET6 ? sizeof(struct in6_addr)
						  : sizeof(struct in_addr);
	bits = strtoul(slash + 1, &end, 10);
	prefix->bits = bits;
	return *end == '\0' && end > slash + 1 && bits <= 8 * prefix->size &&
	       inet_pton(prefix->family, text, prefix->address) == 1;
}

/* Without IFA_F_NODAD an IPv6 address is of no use in its first second. */
static int address_add(int netlink, int index, const struct prefix *prefix)
{
	struct request request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			   .nlmsg_type = RTM_NEWADDR,
			   .nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE},
		.address = {.ifa_family = prefix->family,
			    .ifa_prefixlen = prefix->bits,
			    .ifa_flags = prefix->family == AF_INET6 ? IFA_F_NODAD : 0,
			    .ifa_scope = RT_SCOPE_UNIVERSE,
			    .ifa_index = index},
	};

	request_attribute(&request, IFA_LOCAL, prefix->address, prefix->size);
	request_attribute(&request, IFA_ADDRESS, prefix->address, prefix->size);
	if (prefix->family == AF_INET && prefix->bits < 31) {
		struct in_addr broadcast;

		memcpy(&broadcast, prefix->address, sizeof(broadcast));
		broadcast.s_addr |= htonl(UINT32_MAX >> prefix->bits);
		request_attribute(&request, IFA_BROADCAST, &broadcast, sizeof(broadcast));
	}
	return request_send(netlink, &request);
}

static bool has_mac(const char *card, const char *mac)
{
	char path[sizeof(CARDS "//address") + NAME_MAX], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), CARDS "/%s/address", card);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(text, sizeof(text), file))
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
	return strcasecmp(text, mac) == 0;
}

/* Index of the card with that MAC, 0 where there is none. */
static int find_card(const char *mac)
{
	DIR *cards = opendir(CARDS);
	struct dirent *card;
	int index = 0;

	while (cards && !index && (card = readdir(cards)))
		if (*card->d_name != '.' && has_mac(card->d_name, mac))
			index = if_nametoindex(card->d_name);
	if (cards)
		closedir(cards);
	return index;
}

void network_configure(int netlink, char *words, void (*say)(const char *format, ...))
{
	char *mac = strsep(&words, ","), *word;
	int index = find_card(mac);

	if (!index) {
		say("no network card has the MAC %s", mac);
		return;
	}
	/* Before it is up: not every driver changes it then. */
	if (words && strncmp(words, MTU, strlen(MTU)) == 0) {
		word = strsep(&words, ",") + strlen(MTU);
		if (link_set_mtu(netlink, index, word) < 0)
			say("card %s: MTU %s: %s", mac, word, strerror(errno));
	}
	if (ring_enlarge(netlink, index) < 0)
		say("card %s: a larger receive ring: %s", mac, strerror(errno));
	if (link_up(netlink, index) < 0)
		say("card %s: link up: %s", mac, strerror(errno));
	while ((word = strsep(&words, ","))) {
		struct prefix prefix;

		if (!prefix_parse(word, &prefix))
			say("card %s: '%s' is no ADDRESS/PREFIX", mac, word);
		else if (address_add(netlink, index, &prefix) < 0)
			say("card %s: address %s: %s", mac, word, strerror(errno));
	}
}

int network_begin(void)
{
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (netlink < 0)
		return -1;
	if (link_up(netlink, if_nametoindex("lo")) < 0) {
		close(netlink);
		return -1;
	}
	return netlink;
}
