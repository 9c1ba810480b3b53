// SPDX-License-Identifier: GPL-2.0-or-later
/* The bridges of a topology. */
#include "topology/linkfields.h"
#include "util/string.h"

static void read_bridge_addresses(struct reader *reader, const char *what,
				  const struct node *node, void *into)
{
	struct bridge *bridge = into;

	read_addresses(reader, what, node, bridge->name, &bridge->addresses,
		       &bridge->n_addresses);
}

static void read_ageing(struct reader *reader, const char *what, const struct node *node,
			void *into)
{
	read_time(reader, what, node, BRIDGE_AGEING_MIN_NS, BRIDGE_AGEING_MAX_NS, into);
}

#define IN_BRIDGE(member) offsetof(struct bridge, member)

static const struct field bridge_fields[] = {
	{"addresses", read_bridge_addresses, false, 0},
	{"mtu", read_mtu, false, IN_BRIDGE(settings.mtu)},
	{"mac", read_link_mac, false, IN_BRIDGE(settings)},
	{"txqueuelen", read_txqueuelen, false, IN_BRIDGE(settings.txqueuelen)},
	{"stp", read_switch, false, IN_BRIDGE(bridge.stp)},
	{"ageing", read_ageing, false, IN_BRIDGE(bridge.ageing_ns)},
	{"multicast_snooping", read_choice, false, IN_BRIDGE(bridge.multicast_snooping)},
	{"vlan_filtering", read_switch, false, IN_BRIDGE(bridge.vlan_filtering)},
	{"vlans", read_vlans, false, IN_BRIDGE(bridge.self)},
	{"offloads", read_offloads, false, IN_BRIDGE(settings.offloads)},
	{"impair", read_impairment, false, IN_BRIDGE(settings.impair)},
	{"up", read_link_up, false, IN_BRIDGE(settings)},
	{NULL},
};

static void read_bridge(struct reader *reader, const struct node *key,
			const struct node *value)
{
	struct topology *topology = reader->topology;
	struct bridge *bridge = &topology->bridges[topology->n_bridges];
	const char *name = read_name(reader, "bridge", key, &reader->bridges, bridge);
	const char *fault = name ? link_name_fault(name) : NULL;

	if (!name)
		return;
	if (fault)
		report_add(reader->reports, key->at, "bridge '%s': the name %s", name,
			   fault);
	topology->n_bridges++;
	bridge->at = key->at;
	bridge->name = xstrdup(name);
	names_add(&reader->links, name, key->at, bridge->name);
	read_mapping(reader, "a bridge", value, bridge_fields, bridge);
	check_vlans(reader, value, bridge);
	check_mtu(reader, value, bridge->settings.mtu, bridge->addresses,
		  bridge->n_addresses);
}

void read_bridges(struct reader *reader, const char *what, const struct node *node,
		  void *into)
{
	struct topology *topology = into;

	if (!is_mapping(reader, what, node))
		return;
	topology->bridges = xcalloc(node->n_items / 2, sizeof(*topology->bridges));
	reader->ports = xcalloc(node->n_items / 2, sizeof(*reader->ports));
	for (size_t i = 0; i + 1 < node->n_items; i += 2)
		read_bridge(reader, node->items[i], node->items[i + 1]);
}
