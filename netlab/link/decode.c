// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of rtnetlink's dumps, as what they say of links, addresses, routes. */
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "link/observe.h"
#include "util/string.h"

static bool has(const struct nlattr *attribute, size_t size)
{
	return attribute && nla_len(attribute) >= (int)size;
}

static uint32_t u32_of(const struct nlattr *attribute)
{
	return has(attribute, sizeof(uint32_t)) ? nla_get_u32(attribute) : 0;
}

static uint16_t u16_of(const struct nlattr *attribute)
{
	return has(attribute, sizeof(uint16_t)) ? nla_get_u16(attribute) : 0;
}

static uint8_t u8_of(const struct nlattr *attribute)
{
	return has(attribute, sizeof(uint8_t)) ? nla_get_u8(attribute) : 0;
}

static bool take_address(const struct nlattr *attribute, int family, unsigned prefix,
			 struct address *address)
{
	size_t size = family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);

	if (!has(attribute, size) || (family != AF_INET && family != AF_INET6))
		return false;
	*address = (struct address){.family = family, .prefix = (uint8_t)prefix};
	if (family == AF_INET)
		memcpy(&address->v4, nla_data(attribute), size);
	else
		memcpy(&address->v6, nla_data(attribute), size);
	return true;
}

/* --- links ------------------------------------------------------------------------------- */

static void take_bridge(struct nlattr *data, struct observed_link *link)
{
	struct nlattr *tb[IFLA_BR_MAX + 1] = {0};

	nla_parse_nested(tb, IFLA_BR_MAX, data, NULL);
	link->bridge = (struct observed_bridge){
		.stp = u32_of(tb[IFLA_BR_STP_STATE]),
		.multicast_snooping = u8_of(tb[IFLA_BR_MCAST_SNOOPING]),
		.vlan_filtering = u8_of(tb[IFLA_BR_VLAN_FILTERING]),
		.forward_delay = u32_of(tb[IFLA_BR_FORWARD_DELAY]),
		.ageing = u32_of(tb[IFLA_BR_AGEING_TIME]),
	};
}

static void take_vlan(struct nlattr *data, struct observed_link *link)
{
	struct nlattr *tb[IFLA_VLAN_MAX + 1] = {0};

	nla_parse_nested(tb, IFLA_VLAN_MAX, data, NULL);
	link->vlan = u16_of(tb[IFLA_VLAN_ID]);
}

static void take_macvlan(struct nlattr *data, struct observed_link *link)
{
	struct nlattr *tb[IFLA_MACVLAN_MAX + 1] = {0};

	nla_parse_nested(tb, IFLA_MACVLAN_MAX, data, NULL);
	link->macvlan = u32_of(tb[IFLA_MACVLAN_MODE]);
}

static void take_vxlan(struct nlattr *data, struct observed_link *link)
{
	struct nlattr *tb[IFLA_VXLAN_MAX + 1] = {0};
	struct vxlan_settings *vxlan = &link->vxlan;

	nla_parse_nested(tb, IFLA_VXLAN_MAX, data, NULL);
	vxlan->id = u32_of(tb[IFLA_VXLAN_ID]);
	vxlan->port = ntohs(u16_of(tb[IFLA_VXLAN_PORT]));
	vxlan->has_local =
		take_address(tb[IFLA_VXLAN_LOCAL], AF_INET, 32, &vxlan->local) ||
		take_address(tb[IFLA_VXLAN_LOCAL6], AF_INET6, 128, &vxlan->local);
	vxlan->has_remote =
		take_address(tb[IFLA_VXLAN_GROUP], AF_INET, 32, &vxlan->remote) ||
		take_address(tb[IFLA_VXLAN_GROUP6], AF_INET6, 128, &vxlan->remote);
	link->lower = (int)u32_of(tb[IFLA_VXLAN_LINK]);
}

static const struct {
	const char *kind;
	void (*take)(struct nlattr *data, struct observed_link *link);
} kinds[] = {
	{"bridge", take_bridge},
	{"vlan", take_vlan},
	{"vxlan", take_vxlan},
	{"macvlan", take_macvlan},
};

static void take_info(struct nlattr *info, struct observed_link *link)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1] = {0};

	if (info)
		nla_parse_nested(tb, IFLA_INFO_MAX, info, NULL);
	if (!tb[IFLA_INFO_KIND])
		return;
	nla_strlcpy(link->kind, tb[IFLA_INFO_KIND], sizeof(link->kind));
	for (size_t i = 0; tb[IFLA_INFO_DATA] && i < ARRAY_SIZE(kinds); i++)
		if (streq(kinds[i].kind, link->kind))
			kinds[i].take(tb[IFLA_INFO_DATA], link);
}

/* Where a link's MTU is too small for IPv6 the kernel says nothing of that. */
static bool does_ipv6(struct nlattr *families)
{
	struct nlattr *v6 =
		families ? nla_find(nla_data(families), nla_len(families), AF_INET6)
			 : NULL;
	struct nlattr *conf = v6 ? nla_find(nla_data(v6), nla_len(v6), IFLA_INET6_CONF)
				 : NULL;
	int32_t off;

	if (!has(conf, (DEVCONF_DISABLE_IPV6 + 1) * sizeof(off)))
		return false;
	memcpy(&off, (char *)nla_data(conf) + DEVCONF_DISABLE_IPV6 * sizeof(off),
	       sizeof(off));
	return !off;
}

void decode_link(struct nlmsghdr *header, struct observed_node *node)
{
	struct nlattr *tb[IFLA_MAX + 1] = {0};
	struct ifinfomsg *info = nlmsg_data(header);
	struct observed_link *link;

	if (nlmsg_parse(header, sizeof(*info), tb, IFLA_MAX, NULL) < 0 ||
	    !tb[IFLA_IFNAME])
		return;
	grow(node->links, node->n_links);
	link = &node->links[node->n_links++];
	link->index = info->ifi_index;
	link->up = info->ifi_flags & IFF_UP;
	nla_strlcpy(link->name, tb[IFLA_IFNAME], sizeof(link->name));
	link->mtu = u32_of(tb[IFLA_MTU]);
	link->txqueuelen = u32_of(tb[IFLA_TXQLEN]);
	link->master = (int)u32_of(tb[IFLA_MASTER]);
	link->lower = (int)u32_of(tb[IFLA_LINK]);
	link->ipv6 = does_ipv6(tb[IFLA_AF_SPEC]);
	if (has(tb[IFLA_ADDRESS], sizeof(link->mac)))
		memcpy(link->mac, nla_data(tb[IFLA_ADDRESS]), sizeof(link->mac));
	take_info(tb[IFLA_LINKINFO], link);
}

static void add_vlan(struct observed_link *link, const struct bridge_vlan_info *info)
{
	grow(link->vlans, link->n_vlans);
	link->vlans[link->n_vlans++] = (struct observed_vlan){
		.id = info->vid,
		.pvid = info->flags & BRIDGE_VLAN_INFO_PVID,
		.untagged = info->flags & BRIDGE_VLAN_INFO_UNTAGGED,
	};
}

void decode_vlans(struct nlmsghdr *header, struct observed_node *node)
{
	struct ifinfomsg *info = nlmsg_data(header);
	struct nlattr *tb[IFLA_MAX + 1] = {0}, *vlan;
	struct observed_link *link;
	int rest;

	if (nlmsg_parse(header, sizeof(*info), tb, IFLA_MAX, NULL) < 0 ||
	    !tb[IFLA_AF_SPEC])
		return;
	link = observed_indexed(node, info->ifi_index);
	if (!link)
		return;
	nla_for_each_nested(vlan, tb[IFLA_AF_SPEC], rest)
	{
		struct bridge_vlan_info entry;

		if (nla_type(vlan) != IFLA_BRIDGE_VLAN_INFO || !has(vlan, sizeof(entry)))
			continue;
		memcpy(&entry, nla_data(vlan), sizeof(entry));
		add_vlan(link, &entry);
	}
}

/* --- addresses, routes, neighbours --------------------------------------------------------- */

void decode_address(struct nlmsghdr *header, struct observed_node *node)
{
	struct ifaddrmsg *message = nlmsg_data(header);
	struct nlattr *tb[IFA_MAX + 1] = {0};
	struct observed_address address = {0};
	uint32_t flags;

	if (nlmsg_parse(header, sizeof(*message), tb, IFA_MAX, NULL) < 0)
		return;
	/* Of a point-to-point address IFA_ADDRESS is the other end. */
	if (!take_address(tb[IFA_LOCAL] ?: tb[IFA_ADDRESS], message->ifa_family,
			  message->ifa_prefixlen, &address.address))
		return;
	flags = tb[IFA_FLAGS] ? u32_of(tb[IFA_FLAGS]) : message->ifa_flags;
	address.index = (int)message->ifa_index;
	address.permanent = flags & IFA_F_PERMANENT;
	grow(node->addresses, node->n_addresses);
	node->addresses[node->n_addresses++] = address;
}

/* What is derived, cloned or has several next hops is no route of a topology's. */
static bool is_plain(const struct rtmsg *message, struct nlattr *const *tb)
{
	uint32_t table = tb[RTA_TABLE] ? u32_of(tb[RTA_TABLE]) : message->rtm_table;

	return table == RT_TABLE_MAIN && message->rtm_type == RTN_UNICAST &&
	       !(message->rtm_flags & RTM_F_CLONED) && tb[RTA_OIF] &&
	       !tb[RTA_MULTIPATH] &&
	       (message->rtm_family == AF_INET || message->rtm_family == AF_INET6);
}

void decode_route(struct nlmsghdr *header, struct observed_node *node)
{
	struct rtmsg *message = nlmsg_data(header);
	struct nlattr *tb[RTA_MAX + 1] = {0};
	struct observed_route observed = {0};
	struct route *route = &observed.route;

	if (nlmsg_parse(header, sizeof(*message), tb, RTA_MAX, NULL) < 0 ||
	    !is_plain(message, tb))
		return;
	route->to.family = message->rtm_family;
	if (tb[RTA_DST] && !take_address(tb[RTA_DST], message->rtm_family,
					 message->rtm_dst_len, &route->to))
		return;
	route->has_via = take_address(tb[RTA_GATEWAY], message->rtm_family,
				      message->rtm_family == AF_INET ? 32 : 128,
				      &route->via);
	route->metric = u32_of(tb[RTA_PRIORITY]);
	observed.index = (int)u32_of(tb[RTA_OIF]);
	observed.protocol = message->rtm_protocol;
	observed.scope = message->rtm_scope;
	grow(node->routes, node->n_routes);
	node->routes[node->n_routes++] = observed;
}

void decode_neighbour(struct nlmsghdr *header, struct observed_node *node)
{
	struct ndmsg *message = nlmsg_data(header);
	struct nlattr *tb[NDA_MAX + 1] = {0};
	struct observed_neighbour observed = {0};

	if (nlmsg_parse(header, sizeof(*message), tb, NDA_MAX, NULL) < 0 ||
	    !(message->ndm_state & NUD_PERMANENT) ||
	    !has(tb[NDA_LLADDR], sizeof(observed.neighbour.mac)) ||
	    !take_address(tb[NDA_DST], message->ndm_family,
			  message->ndm_family == AF_INET ? 32 : 128,
			  &observed.neighbour.address))
		return;
	observed.index = message->ndm_ifindex;
	memcpy(observed.neighbour.mac, nla_data(tb[NDA_LLADDR]),
	       sizeof(observed.neighbour.mac));
	grow(node->neighbours, node->n_neighbours);
	node->neighbours[node->n_neighbours++] = observed;
}

/* --- queueing disciplines ------------------------------------------------------------------ */

/* The kernel's own defaults have no handle. */
void decode_qdisc(struct nlmsghdr *header, struct observed_node *node)
{
	struct tcmsg *message = nlmsg_data(header);
	struct nlattr *tb[TCA_MAX + 1] = {0};
	struct observed_link *link;
	char kind[IFNAMSIZ];

	if (nlmsg_parse(header, sizeof(*message), tb, TCA_MAX, NULL) < 0 || !tb[TCA_KIND])
		return;
	link = observed_indexed(node, message->tcm_ifindex);
	if (!link)
		return;
	nla_strlcpy(kind, tb[TCA_KIND], sizeof(kind));
	if (message->tcm_parent == TC_H_CLSACT)
		link->has_clsact = true;
	else if (message->tcm_parent == TC_H_ROOT && message->tcm_handle)
		link->shaped = true;
	shaping_read(&link->shaping, kind, tb[TCA_OPTIONS]);
}

void decode_filter(struct nlmsghdr *header, struct observed_node *node)
{
	struct tcmsg *message = nlmsg_data(header);
	struct observed_link *link;

	if (nlmsg_datalen(header) < (int)sizeof(*message))
		return;
	link = observed_indexed(node, message->tcm_ifindex);
	if (link)
		link->redirected = true;
}
