// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/event.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "diag/attributes.h"
#include "util/string.h"

#define RECEIVE_SIZE 65536 /* longer than any of rtnetlink's notifications */

/* --- one message ------------------------------------------------------------------------- */

static bool read_address(const struct nlattr *attribute, int family,
			 struct address *address)
{
	size_t size = mnl_attr_get_payload_len(attribute);

	if (size != (family == AF_INET ? sizeof(address->v4) : sizeof(address->v6)))
		return false;
	address->family = family;
	memcpy(&address->v6, mnl_attr_get_payload(attribute), size);
	return true;
}

static struct error *parse_address(const struct nlmsghdr *header, struct net_event *event)
{
	const struct ifaddrmsg *body = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;
	bool is_local = false;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*body))
		return error_new(EBADMSG, "a message about an address is cut short");
	if (body->ifa_family != AF_INET && body->ifa_family != AF_INET6)
		return NULL;
	event->index = body->ifa_index;
	event->address_flags = body->ifa_flags;
	mnl_attr_for_each(attribute, header, sizeof(*body))
	{
		int type = mnl_attr_get_type(attribute);

		/* Of a point-to-point link IFA_ADDRESS is the other end's. */
		if (type == IFA_LOCAL || (type == IFA_ADDRESS && !is_local))
			is_local |= read_address(attribute, body->ifa_family,
						 &event->address) &&
				    type == IFA_LOCAL;
		else if (type == IFA_FLAGS)
			event->address_flags = attribute_u32(attribute);
	}
	event->address.prefix = body->ifa_prefixlen;
	if (event->address.family)
		event->kind = EVENT_ADDRESS;
	return NULL;
}

static void read_neighbour(const struct nlattr *attribute, int family,
			   struct net_event *event)
{
	switch (mnl_attr_get_type(attribute)) {
	case NDA_DST:
		if (family != AF_BRIDGE)
			read_address(attribute, family, &event->address);
		break;
	case NDA_LLADDR:
		event->has_mac = mnl_attr_get_payload_len(attribute) ==
				 sizeof(event->mac);
		if (event->has_mac)
			memcpy(event->mac, mnl_attr_get_payload(attribute),
			       sizeof(event->mac));
		break;
	case NDA_VLAN:
		event->vlan = attribute_u16(attribute);
		break;
	}
}

static struct error *parse_neighbour(const struct nlmsghdr *header,
				     struct net_event *event)
{
	const struct ndmsg *body = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;
	int family;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*body))
		return error_new(EBADMSG, "a message about a neighbour is cut short");
	family = body->ndm_family;
	if (family != AF_INET && family != AF_INET6 && family != AF_BRIDGE)
		return NULL;
	event->index = body->ndm_ifindex;
	event->reachability = body->ndm_state;
	mnl_attr_for_each(attribute, header, sizeof(*body))
		read_neighbour(attribute, family, event);
	event->address.prefix = family == AF_INET ? 32 : 128;
	if (family == AF_BRIDGE && event->has_mac)
		event->kind = EVENT_FDB;
	else if (event->address.family)
		event->kind = EVENT_NEIGHBOUR;
	return NULL;
}

static void read_port(const struct nlattr *information, struct net_event *event)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, information)
	{
		if (mnl_attr_get_type(attribute) == IFLA_BRPORT_STATE &&
		    mnl_attr_get_payload_len(attribute) == 1)
			event->port_state = mnl_attr_get_u8(attribute) + 1;
	}
}

/* A bridge tells of its ports by messages that look like the link's own. */
static void parse_port(const struct nlmsghdr *header, struct net_event *event)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, header, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attribute) == IFLA_PROTINFO)
			read_port(attribute, event);
	}
	if (event->gone || event->port_state)
		event->kind = EVENT_PORT;
}

static struct error *parse_link(const struct nlmsghdr *header, struct net_event *event)
{
	const struct ifinfomsg *body = mnl_nlmsg_get_payload(header);

	try(link_state_parse(header, &event->link));
	event->index = event->link.index;
	if (body->ifi_family == AF_BRIDGE)
		parse_port(header, event);
	else if (body->ifi_family == AF_UNSPEC)
		event->kind = EVENT_LINK;
	return NULL;
}

struct error *net_event_parse(const struct nlmsghdr *header, struct net_event *event)
{
	*event = (struct net_event){.kind = EVENT_OTHER};
	switch (header->nlmsg_type) {
	case RTM_DELLINK:
	case RTM_NEWLINK:
		event->gone = header->nlmsg_type == RTM_DELLINK;
		return parse_link(header, event);
	case RTM_DELADDR:
	case RTM_NEWADDR:
		event->gone = header->nlmsg_type == RTM_DELADDR;
		return parse_address(header, event);
	case RTM_DELNEIGH:
	case RTM_NEWNEIGH:
		event->gone = header->nlmsg_type == RTM_DELNEIGH;
		return parse_neighbour(header, event);
	}
	return NULL;
}

/* --- what it changes --------------------------------------------------------------------- */

static bool differs(const struct link_state *a, const struct link_state *b)
{
	return !streq(a->name, b->name) || a->up != b->up || a->carrier != b->carrier ||
	       a->operstate != b->operstate || a->mtu != b->mtu ||
	       a->txqueuelen != b->txqueuelen || a->master != b->master ||
	       memcmp(a->mac, b->mac, sizeof(a->mac)) != 0;
}

/* Returns whether it is news. */
static bool take_link(struct link_states *states, struct net_event *event)
{
	struct link_state *known = link_states_find(states, event->index);

	event->is_new = !known;
	if (known) {
		event->was = *known;
		event->link.port_state = known->port_state;
	}
	if (event->gone) {
		link_states_remove(states, event->index);
		return true;
	}
	link_states_set(states, &event->link);
	return event->is_new || differs(&event->link, &event->was);
}

static bool take_port(struct link_states *states, const struct net_event *event)
{
	struct link_state *known = link_states_find(states, event->index);

	if (!known)
		return true;
	if (known->port_state == event->port_state && !event->gone)
		return false;
	known->port_state = event->gone ? 0 : event->port_state;
	return true;
}

static bool take_event(struct link_states *states, struct net_event *event)
{
	const struct link_state *link = link_states_find(states, event->index);

	if (event->kind == EVENT_LINK)
		link = &event->link;
	if (link)
		memcpy(event->name, link->name, sizeof(event->name));
	switch (event->kind) {
	case EVENT_OTHER:
		return false;
	case EVENT_LINK:
		return take_link(states, event);
	case EVENT_PORT:
		return take_port(states, event);
	case EVENT_ADDRESS:
	case EVENT_NEIGHBOUR:
	case EVENT_FDB:
	case EVENT_LOST:
		return true;
	}
	return false;
}

struct error *net_events_take(struct link_states *states, const void *messages,
			      size_t size, net_event_fn on_event, void *userdata)
{
	const struct nlmsghdr *header = messages;
	int left = size;

	for (; message_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		struct net_event event;

		try(net_event_parse(header, &event));
		if (take_event(states, &event))
			on_event(&event, states, userdata);
	}
	return left ? error_new(EBADMSG, "a message of rtnetlink's is cut short") : NULL;
}

/* --- the socket -------------------------------------------------------------------------- */

struct net_watch {
	struct mnl_socket *socket;
	int query; /* a second one, to ask what there is */
	struct link_states states;
};

struct error *net_watch_open(struct net_watch **result)
{
	_cleanup_net_watch_ struct net_watch *watch = xcalloc(1, sizeof(*watch));

	watch->query = -1;
	watch->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->socket ||
	    mnl_socket_bind(watch->socket,
			    RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR |
				    RTMGRP_IPV6_IFADDR,
			    MNL_SOCKET_AUTOPID) < 0)
		return error_errno(errno, "no rtnetlink socket");
	/* In this order: what changes meanwhile is told of again, not missed. */
	try(link_states_open(&watch->query));
	try(link_states_read(watch->query, &watch->states));
	*result = steal_ptr(watch);
	return NULL;
}

int net_watch_fd(const struct net_watch *watch)
{
	return mnl_socket_get_fd(watch->socket);
}

static struct error *recover(struct net_watch *watch, net_event_fn on_event,
			     void *userdata)
{
	const struct net_event lost = {.kind = EVENT_LOST};

	try(link_states_read(watch->query, &watch->states));
	on_event(&lost, &watch->states, userdata);
	return NULL;
}

struct error *net_watch_read(struct net_watch *watch, net_event_fn on_event,
			     void *userdata)
{
	_cleanup_free_ char *messages = xcalloc(RECEIVE_SIZE, 1);
	bool lost = false;
	ssize_t n;

	/* ENOBUFS comes before the messages that there was still room for. */
	while ((n = recv(net_watch_fd(watch), messages, RECEIVE_SIZE, 0)) >= 0 ||
	       errno == ENOBUFS || errno == EINTR) {
		lost |= n < 0 && errno == ENOBUFS;
		if (n > 0)
			try(net_events_take(&watch->states, messages, n, on_event,
					    userdata));
	}
	if (errno != EAGAIN)
		return error_errno(errno, "rtnetlink");
	return lost ? recover(watch, on_event, userdata) : NULL;
}

void net_watch_free(struct net_watch *watch)
{
	if (!watch)
		return;
	if (watch->socket)
		mnl_socket_close(watch->socket);
	close_fd(&watch->query);
	link_states_deinit(&watch->states);
	free(watch);
}
