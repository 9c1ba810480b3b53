// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/plan.h"

#include <assert.h>

#include "topology/names.h"
#include "util/string.h"

static const char *const kind_names[] = {
	[LINK_BRIDGE] = "bridge", [LINK_TAP] = "tap",     [LINK_VETH] = "veth",
	[LINK_VLAN] = "vlan",     [LINK_VXLAN] = "vxlan", [LINK_MACVLAN] = "macvlan",
	[LINK_DUMMY] = "dummy",   [LINK_IFB] = "ifb",
};
static_assert(ARRAY_SIZE(kind_names) == LINK_KINDS, "a kind of link without a name");

const char *link_kind_name(enum link_kind kind)
{
	return kind_names[kind];
}

static size_t count_links(const struct topology *topology)
{
	size_t n = topology->n_bridges + topology->n_virtuals;

	for (size_t i = 0; i < topology->n_guests; i++)
		n += topology->guests[i].n_nics;
	for (size_t i = 0; i < topology->n_hosts; i++)
		n += 2 * topology->hosts[i].n_links + topology->hosts[i].n_virtuals;
	return n;
}

static void set_name(char name[IFNAMSIZ], const char *text)
{
	snprintf(name, IFNAMSIZ, "%s", text ?: "");
}

static struct planned_link *add_link(struct plan *plan, enum link_kind kind, size_t node,
				     const char *name, struct location at)
{
	struct planned_link *link = &plan->links[plan->n_links++];

	link->kind = kind;
	link->node = node;
	link->at = at;
	link->peer = PLAN_NO_PEER;
	set_name(link->name, name);
	return link;
}

static void set_addresses(struct planned_link *link, const struct address *addresses,
			  size_t n)
{
	link->addresses = addresses;
	link->n_addresses = n;
}

static void add_bridge(struct plan *plan, const struct bridge *bridge)
{
	struct planned_link *link =
		add_link(plan, LINK_BRIDGE, PLAN_LAB_NODE, bridge->name, bridge->at);

	link->bridge = bridge->bridge;
	link->settings = bridge->settings;
	set_addresses(link, bridge->addresses, bridge->n_addresses);
}

static void add_taps(struct plan *plan, const struct guest *guest)
{
	for (size_t i = 0; i < guest->n_nics; i++) {
		const struct nic *nic = &guest->nics[i];
		struct planned_link *link =
			add_link(plan, LINK_TAP, PLAN_LAB_NODE, nic->tap, nic->at);

		set_name(link->master, nic->bridge);
		link->vlans = nic->vlans;
		link->settings = nic->settings;
		link->impair_in = nic->impair_from;
		link->guest = guest;
		link->nic = i;
		set_addresses(link, nic->host_addresses, nic->n_host_addresses);
	}
}

/* A host's own end of a veth. */
static void add_inner(struct plan *plan, const struct topology *topology, size_t host,
		      size_t index, size_t peer)
{
	const struct host_link *of = &topology->hosts[host].links[index];
	struct planned_link *link =
		add_link(plan, LINK_VETH, PLAN_FIRST_HOST + host, of->name, of->at);

	link->peer = peer;
	link->settings = of->settings;
	link->settings.mac_given = true; /* by the file, or derived */
	set_addresses(link, of->addresses, of->n_addresses);
}

/* The bridge's end: what is said of the host's link holds for both, but the address. */
static void add_outer(struct plan *plan, const struct host_link *of)
{
	struct planned_link *link =
		add_link(plan, LINK_VETH, PLAN_LAB_NODE, of->outer, of->at);

	link->peer = plan->n_links;
	set_name(link->master, of->bridge);
	link->vlans = of->vlans;
	link->settings = (struct link_settings){
		.mtu = of->settings.mtu,
		.txqueuelen = of->settings.txqueuelen,
		.impair = of->impair_from,
	};
	memcpy(link->settings.offloads, of->settings.offloads,
	       sizeof(link->settings.offloads));
}

/* Of a pair between two hosts, the end that comes first in the file brings the other. */
static void add_veths(struct plan *plan, const struct topology *topology, size_t host)
{
	for (size_t i = 0; i < topology->hosts[host].n_links; i++) {
		const struct host_link *link = &topology->hosts[host].links[i];

		if (link->bridge) {
			add_outer(plan, link);
			add_inner(plan, topology, host, i, plan->n_links - 1);
		} else if (link->peer_host > host ||
			   (link->peer_host == host && link->peer_link > i)) {
			add_inner(plan, topology, host, i, plan->n_links + 1);
			add_inner(plan, topology, link->peer_host, link->peer_link,
				  plan->n_links - 1);
		}
	}
}

static enum link_kind kind_of(enum virtual_kind kind)
{
	switch (kind) {
	case VIRTUAL_VLAN:
		return LINK_VLAN;
	case VIRTUAL_VXLAN:
		return LINK_VXLAN;
	case VIRTUAL_MACVLAN:
		return LINK_MACVLAN;
	case VIRTUAL_DUMMY:
		return LINK_DUMMY;
	case VIRTUAL_IFB:
		return LINK_IFB;
	case VIRTUAL_TAP:
		return LINK_TAP;
	}
	return LINK_DUMMY;
}

static void add_virtual(struct plan *plan, size_t node, const struct virtual_link *of)
{
	struct planned_link *link =
		add_link(plan, kind_of(of->kind), node, of->name, of->at);

	set_name(link->master, of->bridge);
	set_name(link->lower, of->lower);
	link->vlan = of->vlan;
	link->vxlan = of->vxlan;
	if (link->kind == LINK_VXLAN && !link->vxlan.port)
		link->vxlan.port = VXLAN_PORT_DEFAULT;
	link->macvlan = of->macvlan;
	link->persistent = of->kind == VIRTUAL_TAP;
	link->owner = of->owner;
	link->vlans = of->vlans;
	link->settings = of->settings;
	set_addresses(link, of->addresses, of->n_addresses);
}

/*
 * One level of what sits on each other after the next: a link waits for its lower as long as
 * that is in @waiting. Levels are few (LINK_NEST_MAX), and loops there are none.
 */
static void add_virtuals(struct plan *plan, size_t node, const struct virtual_link *links,
			 size_t n)
{
	_cleanup_free_ bool *added = xcalloc(n, sizeof(*added));
	_cleanup_(names_deinit) struct names waiting = {0};

	for (size_t i = 0; i < n; i++)
		names_add(&waiting, links[i].name, links[i].at, &added[i]);
	for (size_t left = n; left;) {
		size_t level = plan->n_links;

		for (size_t i = 0; i < n; i++) {
			const struct name *lower =
				links[i].lower ? names_find(&waiting, links[i].lower)
					       : NULL;

			if (added[i] || (lower && !*(const bool *)lower->value))
				continue;
			add_virtual(plan, node, &links[i]);
			added[i] = true;
		}
		left -= plan->n_links - level;
	}
}

static void add_nodes(struct plan *plan, const struct topology *topology)
{
	plan->nodes = xcalloc(PLAN_FIRST_HOST + topology->n_hosts, sizeof(*plan->nodes));
	plan->n_nodes = PLAN_FIRST_HOST + topology->n_hosts;
	plan->nodes[PLAN_LAB_NODE] = (struct planned_node){
		.name = "host",
		.sysctls = topology->sysctls,
		.routes = topology->routes,
		.n_routes = topology->n_routes,
		.neighbours = topology->neighbours,
		.n_neighbours = topology->n_neighbours,
	};
	for (size_t i = 0; i < topology->n_hosts; i++) {
		const struct host *host = &topology->hosts[i];

		plan->nodes[PLAN_FIRST_HOST + i] = (struct planned_node){
			.name = host->name,
			.forward = host->forward,
			.sysctls = host->sysctls,
			.routes = host->routes,
			.n_routes = host->n_routes,
			.neighbours = host->neighbours,
			.n_neighbours = host->n_neighbours,
		};
	}
}

struct plan *plan_new(const struct topology *topology)
{
	struct plan *plan = xcalloc(1, sizeof(*plan));

	plan->file = topology->file;
	plan->lab = topology->name;
	add_nodes(plan, topology);
	plan->links = xcalloc(count_links(topology), sizeof(*plan->links));
	for (size_t i = 0; i < topology->n_bridges; i++)
		add_bridge(plan, &topology->bridges[i]);
	for (size_t i = 0; i < topology->n_guests; i++)
		add_taps(plan, &topology->guests[i]);
	for (size_t i = 0; i < topology->n_hosts; i++)
		add_veths(plan, topology, i);
	add_virtuals(plan, PLAN_LAB_NODE, topology->virtuals, topology->n_virtuals);
	for (size_t i = 0; i < topology->n_hosts; i++)
		add_virtuals(plan, PLAN_FIRST_HOST + i, topology->hosts[i].virtuals,
			     topology->hosts[i].n_virtuals);
	return plan;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	free(plan->nodes);
	free(plan->links);
	free(plan);
}

const struct planned_link *plan_link(const struct plan *plan, const char *name)
{
	return plan_link_of(plan, PLAN_LAB_NODE, name);
}

const struct planned_link *plan_link_of(const struct plan *plan, size_t node,
					const char *name)
{
	for (size_t i = 0; i < plan->n_links; i++)
		if (plan->links[i].node == node && streq(plan->links[i].name, name))
			return &plan->links[i];
	return NULL;
}

static bool leads_to(const struct planned_link *link, const struct address *via)
{
	for (size_t i = 0; i < link->n_addresses; i++)
		if (address_same_network(&link->addresses[i], via))
			return true;
	return false;
}

bool plan_route_rests(const struct plan *plan, size_t node, const struct route *route)
{
	const struct planned_link *link =
		*route->device ? plan_link_of(plan, node, route->device) : NULL;

	for (size_t i = 0; !*route->device && !link && i < plan->n_links; i++)
		if (plan->links[i].node == node && leads_to(&plan->links[i], &route->via))
			link = &plan->links[i];
	return link && link->settings.down;
}

const struct planned_link *plan_link_labelled(const struct plan *plan, const char *label)
{
	const char *slash = strchr(label, '/');

	for (size_t i = PLAN_FIRST_HOST; slash && i < plan->n_nodes; i++) {
		_cleanup_free_ char *host = xstrndup(label, slash - label);

		if (streq(plan->nodes[i].name, host))
			return plan_link_of(plan, i, slash + 1);
	}
	return slash ? NULL : plan_link(plan, label);
}
