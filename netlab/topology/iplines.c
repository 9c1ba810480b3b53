// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/iplines.h"

#include <arpa/inet.h>
#include <stdarg.h>

#include "util/string.h"

#define NETEM_LIMIT  100000 /* frames; as link/impair.c has it, like the sizes below */
#define BURST_PART   1000
#define BURST_FRAMES 2
#define QUEUE_PART   10
#define QUEUE_FRAMES 32
#define FRAME_EXTRA  22 /* bytes: Ethernet header with two VLAN tags */
#define DEFAULT_VLAN 1

struct lines {
	const struct plan *plan;
	const char *lab;
	const char *owner; /* of its TAPs, as the shell reads it; NULL: who runs it */
	char **list;
};

static void say_words(struct lines *lines, char *const *words)
{
	strv_push(&lines->list, shell_quote(words));
}

/* A command whose words have blanks between them; no name of a link or node has one in it. */
__attribute__((format(printf, 2, 3))) static void say(struct lines *lines,
						      const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **words = NULL;
	char *rest, *word;
	va_list args;

	va_start(args, format);
	rest = text = xvasprintf(format, args);
	va_end(args);
	while ((word = strsep(&rest, " ")))
		if (*word)
			strv_push(&words, xstrdup(word));
	say_words(lines, words);
}

/* "-n LAB-HOST", or nothing for the host side. */
static char *in(const struct lines *lines, size_t node)
{
	return node == PLAN_LAB_NODE
		       ? xstrdup("")
		       : xasprintf("-n %s-%s", lines->lab, lines->plan->nodes[node].name);
}

/* What a program without such an option is run by. */
static char *inside(const struct lines *lines, size_t node)
{
	return node == PLAN_LAB_NODE ? xstrdup("")
				     : xasprintf("ip netns exec %s-%s", lines->lab,
						 lines->plan->nodes[node].name);
}

/* --- links -------------------------------------------------------------------------------- */

/* The owner is a variable of the shell's: it stays unquoted. */
static void make_tap(struct lines *lines, const struct planned_link *link)
{
	char *const name[] = {(char *)link->name, NULL};
	char *const user[] = {(char *)link->owner, NULL};
	_cleanup_free_ char *quoted = shell_quote(name);
	_cleanup_free_ char *own = link->owner ? shell_quote(user)
					       : xstrdup(lines->owner);

	strv_pushf(&lines->list, "ip tuntap add dev %s mode tap vnet_hdr%s%s", quoted,
		   own ? " user " : "", own ?: "");
}

static void make_bridge(struct lines *lines, const struct planned_link *link,
			const char *ip)
{
	const struct bridge_settings *bridge = &link->bridge;
	_cleanup_free_ char *ageing =
		bridge->ageing_ns
			? xasprintf("ageing_time %llu",
				    (unsigned long long)bridge->ageing_ns / 10000000)
			: xstrdup("");

	say(lines,
	    "ip %s link add name %s type bridge stp_state %d %s mcast_snooping %d %s %s",
	    ip, link->name, bridge->stp, bridge->stp ? "" : "forward_delay 0",
	    bridge->multicast_snooping == CHOICE_ON,
	    bridge->vlan_filtering ? "vlan_filtering 1" : "", ageing);
}

/* The end that comes first brings the other; one on the host side has no name to give. */
static void make_veth(struct lines *lines, const struct planned_link *link)
{
	const struct planned_link *peer = &lines->plan->links[link->peer];
	const struct planned_link *here = link, *there = peer;
	_cleanup_free_ char *ip = NULL, *other = NULL;

	if (peer < link)
		return;
	if (peer->node == PLAN_LAB_NODE) {
		here = peer;
		there = link;
	}
	ip = in(lines, here->node);
	other = there->node == here->node
			? xstrdup("")
			: xasprintf("netns %s-%s", lines->lab,
				    lines->plan->nodes[there->node].name);
	say(lines, "ip %s link add name %s type veth peer name %s %s", ip, here->name,
	    there->name, other);
}

static bool is_multicast(const struct address *address)
{
	return address->family == AF_INET ? IN_MULTICAST(ntohl(address->v4.s_addr))
					  : IN6_IS_ADDR_MULTICAST(&address->v6);
}

static void make_vxlan(struct lines *lines, const struct planned_link *link,
		       const char *ip)
{
	const struct vxlan_settings *vxlan = &link->vxlan;
	char local[ADDRESS_TEXT_SIZE] = "", remote[ADDRESS_TEXT_SIZE] = "";

	if (vxlan->has_local)
		address_format_host(&vxlan->local, local);
	if (vxlan->has_remote)
		address_format_host(&vxlan->remote, remote);
	say(lines, "ip %s link add name %s type vxlan id %u dstport %u %s %s %s %s %s %s",
	    ip, link->name, vxlan->id, vxlan->port, *local ? "local" : "", local,
	    !*remote                       ? ""
	    : is_multicast(&vxlan->remote) ? "group"
					   : "remote",
	    remote, *link->lower ? "dev" : "", link->lower);
}

static void make_link(struct lines *lines, const struct planned_link *link)
{
	_cleanup_free_ char *ip = in(lines, link->node);

	switch (link->kind) {
	case LINK_BRIDGE:
		return make_bridge(lines, link, ip);
	case LINK_TAP:
		return make_tap(lines, link);
	case LINK_VETH:
		return make_veth(lines, link);
	case LINK_VLAN:
		return say(lines, "ip %s link add link %s name %s type vlan id %u", ip,
			   link->lower, link->name, link->vlan.id);
	case LINK_VXLAN:
		return make_vxlan(lines, link, ip);
	case LINK_MACVLAN:
		return say(lines, "ip %s link add link %s name %s type macvlan mode %s",
			   ip, link->lower, link->name, macvlan_mode_name(link->macvlan));
	case LINK_DUMMY:
	case LINK_IFB:
		return say(lines, "ip %s link add name %s type %s", ip, link->name,
			   link_kind_name(link->kind));
	}
}

static void set_link(struct lines *lines, const struct planned_link *link)
{
	const struct link_settings *settings = &link->settings;
	_cleanup_free_ char *ip = in(lines, link->node);
	char mac[MAC_TEXT_SIZE];

	if (settings->mtu)
		say(lines, "ip %s link set dev %s mtu %u", ip, link->name, settings->mtu);
	if (settings->txqueuelen)
		say(lines, "ip %s link set dev %s txqueuelen %u", ip, link->name,
		    settings->txqueuelen);
	if (settings->mac_given)
		say(lines, "ip %s link set dev %s address %s", ip, link->name,
		    mac_format(settings->mac, mac));
	if (*link->master)
		say(lines, "ip %s link set dev %s addrgenmode none master %s", ip,
		    link->name, link->master);
}

/* Untagged is what leaves so; what comes in untagged leaves so too, unless said otherwise. */
static void set_vlans(struct lines *lines, const struct planned_link *link)
{
	const struct port_vlans *vlans = link->kind == LINK_BRIDGE ? &link->bridge.self
								   : &link->vlans;
	const char *self = link->kind == LINK_BRIDGE ? "self" : "";
	_cleanup_free_ char *ip = in(lines, link->node);

	if (!port_vlans_are_named(vlans))
		return;
	say(lines, "bridge %s vlan del dev %s vid %d %s", ip, link->name, DEFAULT_VLAN,
	    self);
	if (vlans->pvid)
		say(lines, "bridge %s vlan add dev %s vid %u pvid %s %s", ip, link->name,
		    vlans->pvid,
		    vlans_contain(vlans->tagged, vlans->n_tagged, vlans->pvid)
			    ? ""
			    : "untagged",
		    self);
	for (size_t i = 0; i < vlans->n_untagged; i++)
		if (vlans->untagged[i] != vlans->pvid)
			say(lines, "bridge %s vlan add dev %s vid %u untagged %s", ip,
			    link->name, vlans->untagged[i], self);
	for (size_t i = 0; i < vlans->n_tagged; i++)
		if (vlans->tagged[i] != vlans->pvid)
			say(lines, "bridge %s vlan add dev %s vid %u %s", ip, link->name,
			    vlans->tagged[i], self);
}

static void set_offloads(struct lines *lines, const struct planned_link *link)
{
	static const char *const names[] = {
		[OFFLOAD_RX_CHECKSUM] = "rx", [OFFLOAD_TX_CHECKSUM] = "tx",
		[OFFLOAD_SG] = "sg",          [OFFLOAD_TSO] = "tso",
		[OFFLOAD_GSO] = "gso",        [OFFLOAD_GRO] = "gro",
	};
	_cleanup_free_ char *by = inside(lines, link->node);

	for (size_t i = 0; i < OFFLOADS; i++)
		if (link->settings.offloads[i] != CHOICE_KERNEL)
			say(lines, "%s ethtool -K %s %s %s", by, link->name, names[i],
			    link->settings.offloads[i] == CHOICE_ON ? "on" : "off");
}

static void add_addresses(struct lines *lines, const struct planned_link *link)
{
	_cleanup_free_ char *ip = in(lines, link->node);
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < link->n_addresses; i++) {
		const struct address *address = &link->addresses[i];
		bool v4 = address->family == AF_INET;

		say(lines, "ip %s address add %s %s dev %s", ip,
		    address_format(address, text),
		    !v4                    ? "nodad"
		    : address->prefix > 30 ? ""
					   : "broadcast +",
		    link->name);
	}
}

/* --- impairments -------------------------------------------------------------------------- */

static bool wants_netem(const struct impairment *impair)
{
	struct impairment rest = *impair;

	rest.rate = 0;
	return !impairment_is_none(&rest);
}

static void append_percent(char **words, const char *word, double percent)
{
	char *before = *words;

	if (percent <= 0)
		return;
	*words = xasprintf("%s %s %.6f%%", before, word, percent);
	free(before);
}

static void add_netem(struct lines *lines, const char *tc, const char *link,
		      const struct impairment *impair)
{
	_cleanup_free_ char *words = impair->delay_ns ? xasprintf("delay %.3fus %.3fus",
								  impair->delay_ns / 1e3,
								  impair->jitter_ns / 1e3)
						      : xstrdup("");

	append_percent(&words, "reorder", impair->reorder);
	append_percent(&words, "loss", impair->loss);
	append_percent(&words, "duplicate", impair->duplicate);
	append_percent(&words, "corrupt", impair->corrupt);
	say(lines, "tc %s qdisc add dev %s root handle 1: netem limit %d %s", tc, link,
	    NETEM_LIMIT, words);
}

static unsigned long long larger(unsigned long long a, unsigned long long b)
{
	return a > b ? a : b;
}

static void impair(struct lines *lines, const char *tc, const char *link, uint32_t mtu,
		   const struct impairment *impair)
{
	unsigned long long frame = (mtu ?: LINK_MTU_DEFAULT) + FRAME_EXTRA;
	unsigned long long rate = impair->rate / 8;
	unsigned long long burst = larger(rate / BURST_PART, BURST_FRAMES * frame);
	bool netem = wants_netem(impair);

	if (netem)
		add_netem(lines, tc, link, impair);
	if (impair->rate)
		say(lines,
		    "tc %s qdisc add dev %s %s handle 2: tbf rate %llubit burst %llu "
		    "limit %llu",
		    tc, link, netem ? "parent 1:1" : "root",
		    (unsigned long long)impair->rate, burst,
		    burst + larger(rate / QUEUE_PART, QUEUE_FRAMES * frame));
}

/* What comes in by a link leaves an ifb impaired, to go on where it would have. */
static void impair_link(struct lines *lines, const struct planned_link *link)
{
	_cleanup_free_ char *n = in(lines, link->node);
	_cleanup_free_ char *ifb = xasprintf("impair%zu", link - lines->plan->links);

	impair(lines, n, link->name, link->settings.mtu, &link->settings.impair);
	if (impairment_is_none(&link->impair_in))
		return;
	say(lines, "ip %s link add name %s type ifb", n, ifb);
	say(lines, "ip %s link set dev %s up", n, ifb);
	say(lines, "tc %s qdisc add dev %s clsact", n, link->name);
	say(lines,
	    "tc %s filter add dev %s ingress matchall action mirred egress redirect dev "
	    "%s",
	    n, link->name, ifb);
	impair(lines, n, ifb, link->settings.mtu, &link->impair_in);
}

/* --- nodes -------------------------------------------------------------------------------- */

static void set_sysctl(struct lines *lines, size_t node, const char *setting)
{
	_cleanup_free_ char *by = inside(lines, node);
	_cleanup_free_ char *before = xasprintf("%s sysctl -qw", by);
	_cleanup_strv_ char **words = NULL;
	char *rest = before, *word;

	while ((word = strsep(&rest, " ")))
		if (*word)
			strv_push(&words, xstrdup(word));
	strv_push(&words, xstrdup(setting));
	say_words(lines, words);
}

static void set_node(struct lines *lines, size_t i)
{
	const struct planned_node *node = &lines->plan->nodes[i];

	if (node->forward) {
		set_sysctl(lines, i, "net.ipv4.conf.all.forwarding=1");
		set_sysctl(lines, i, "net.ipv6.conf.all.forwarding=1");
	}
	strv_foreach (setting, node->sysctls)
		set_sysctl(lines, i, *setting);
}

static void add_route(struct lines *lines, const char *ip, const struct route *route)
{
	char to[ADDRESS_TEXT_SIZE], via[ADDRESS_TEXT_SIZE] = "";
	_cleanup_free_ char *metric =
		route->metric ? xasprintf("metric %u", route->metric) : xstrdup("");

	if (route->has_via)
		address_format_host(&route->via, via);
	say(lines, "ip %s %s route add %s %s %s %s %s %s", ip,
	    route->to.family == AF_INET6 ? "-6" : "-4", address_format(&route->to, to),
	    *via ? "via" : "", via, *route->device ? "dev" : "", route->device, metric);
}

static void add_routes(struct lines *lines, size_t i)
{
	const struct planned_node *node = &lines->plan->nodes[i];
	_cleanup_free_ char *ip = in(lines, i);
	char address[ADDRESS_TEXT_SIZE], mac[MAC_TEXT_SIZE];

	for (size_t n = 0; n < node->n_neighbours; n++)
		say(lines, "ip %s neighbour add %s lladdr %s dev %s", ip,
		    address_format_host(&node->neighbours[n].address, address),
		    mac_format(node->neighbours[n].mac, mac), node->neighbours[n].device);
	for (size_t n = 0; n < node->n_routes; n++)
		add_route(lines, ip, &node->routes[n]);
}

/* --- all of it ---------------------------------------------------------------------------- */

static void make_all(struct lines *lines)
{
	const struct plan *plan = lines->plan;

	for (size_t i = PLAN_FIRST_HOST; i < plan->n_nodes; i++)
		say(lines, "ip netns add %s-%s", lines->lab, plan->nodes[i].name);
	for (size_t i = 0; i < plan->n_nodes; i++) {
		_cleanup_free_ char *ip = in(lines, i);

		say(lines, "ip %s link set dev lo up", ip);
	}
	for (size_t i = 0; i < plan->n_links; i++) {
		make_link(lines, &plan->links[i]);
		/* A veth's other end is there by then, and a link's lower has its MTU. */
		if (plan->links[i].kind != LINK_VETH)
			set_link(lines, &plan->links[i]);
		else if (plan->links[i].peer < i) {
			set_link(lines, &plan->links[plan->links[i].peer]);
			set_link(lines, &plan->links[i]);
		}
	}
}

static void configure_all(struct lines *lines)
{
	const struct plan *plan = lines->plan;

	for (size_t i = 0; i < plan->n_links; i++)
		set_vlans(lines, &plan->links[i]);
	for (size_t i = 0; i < plan->n_nodes; i++)
		set_node(lines, i);
	for (size_t i = 0; i < plan->n_links; i++) {
		set_offloads(lines, &plan->links[i]);
		impair_link(lines, &plan->links[i]);
		add_addresses(lines, &plan->links[i]);
	}
	for (size_t i = 0; i < plan->n_links; i++) {
		_cleanup_free_ char *ip = in(lines, plan->links[i].node);

		say(lines, "ip %s link set dev %s up", ip, plan->links[i].name);
	}
	for (size_t i = 0; i < plan->n_nodes; i++)
		add_routes(lines, i);
}

char **plan_to_ip(const struct plan *plan, const char *lab, const char *owner)
{
	struct lines lines = {.plan = plan, .lab = lab, .owner = owner};

	make_all(&lines);
	configure_all(&lines);
	return lines.list;
}

/* What sits on another link goes before it; a namespace takes what is in it along. */
char **plan_to_ip_removal(const struct plan *plan, const char *lab)
{
	struct lines lines = {.plan = plan, .lab = lab};
	char **list = NULL;

	for (size_t i = PLAN_FIRST_HOST; i < plan->n_nodes; i++)
		say(&lines, "ip netns del %s-%s", lab, plan->nodes[i].name);
	for (size_t i = plan->n_links; i-- > 0;) {
		if (plan->links[i].node != PLAN_LAB_NODE)
			continue;
		if (!impairment_is_none(&plan->links[i].impair_in))
			say(&lines, "ip link del dev impair%zu", i);
		say(&lines, "ip link del dev %s", plan->links[i].name);
	}
	strv_foreach (line, lines.list)
		strv_pushf(&list, "%s 2>/dev/null || :", *line);
	strv_free(lines.list);
	return list;
}
