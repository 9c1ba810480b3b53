// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/describe.h"

#include "util/lines.h"
#include "util/string.h"

/* json_set() - @value, stolen, under @key; NULL is left out. */
static void json_set(json_t *object, const char *key, json_t *value)
{
	if (value)
		json_object_set_new(object, key, value);
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *count_or_nothing(uint64_t count)
{
	return count ? json_integer(count) : NULL;
}

static json_t *addresses_to_json(const struct address *addresses, size_t n)
{
	json_t *array = json_array();
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array,
				      json_string(address_format(&addresses[i], text)));
	return array;
}

char *link_describe(const struct planned_link *link)
{
	if (!link->guest)
		return xasprintf("%s %s", link_kind_name(link->kind), link->name);
	return xasprintf("%s of %s, %s", link_kind_name(link->kind), link->guest->name,
			 link->guest->nics[link->nic].model);
}

const char *plan_node_name(const struct plan *plan, size_t node)
{
	return node && node < plan->n_nodes ? plan->nodes[node].name : HOST_SIDE;
}

/* --- nodes ------------------------------------------------------------------------------- */

static json_t *route_to_json(const struct route *route)
{
	char to[ADDRESS_TEXT_SIZE], via[ADDRESS_TEXT_SIZE] = "";
	json_t *json;

	address_format(&route->to, to);
	if (route->has_via)
		address_format_host(&route->via, via);
	json = json_pack("{s:s, s:o, s:o}", "to", to, "via", text_or_null(via), "device",
			 text_or_null(route->device));
	json_set(json, "metric", count_or_nothing(route->metric));
	return json;
}

static json_t *node_to_json(const struct planned_node *node, const char *name)
{
	json_t *routes = json_array();

	for (size_t i = 0; i < node->n_routes; i++)
		json_array_append_new(routes, route_to_json(&node->routes[i]));
	return json_pack("{s:s, s:b, s:o, s:o}", "name", name, "forward", node->forward,
			 "routes", routes, "sysctls", strv_to_json(node->sysctls));
}

json_t *plan_nodes_to_json(const struct plan *plan)
{
	static const struct planned_node host_side;
	json_t *nodes = json_array();

	for (size_t i = 0; i < (plan->n_nodes ?: 1); i++)
		json_array_append_new(
			nodes, node_to_json(plan->n_nodes ? &plan->nodes[i] : &host_side,
					    plan_node_name(plan, i)));
	return nodes;
}

/* --- links ------------------------------------------------------------------------------- */

static json_t *percent_or_nothing(double percent)
{
	return percent > 0 ? json_real(percent) : NULL;
}

/* Only what is set; NULL where nothing is. */
static json_t *impairment_to_json(const struct impairment *impair)
{
	json_t *json = json_object();

	json_set(json, "delay_ns", count_or_nothing(impair->delay_ns));
	json_set(json, "jitter_ns", count_or_nothing(impair->jitter_ns));
	json_set(json, "loss", percent_or_nothing(impair->loss));
	json_set(json, "duplicate", percent_or_nothing(impair->duplicate));
	json_set(json, "corrupt", percent_or_nothing(impair->corrupt));
	json_set(json, "reorder", percent_or_nothing(impair->reorder));
	json_set(json, "rate", count_or_nothing(impair->rate));
	if (json_object_size(json))
		return json;
	json_decref(json);
	return NULL;
}

static json_t *ids_to_json(const uint16_t *ids, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_integer(ids[i]));
	return array;
}

static json_t *vlans_to_json(const struct port_vlans *vlans)
{
	json_t *json;

	if (!port_vlans_are_named(vlans))
		return NULL;
	json = json_pack("{s:o, s:o}", "untagged",
			 ids_to_json(vlans->untagged, vlans->n_untagged), "tagged",
			 ids_to_json(vlans->tagged, vlans->n_tagged));
	json_set(json, "pvid", count_or_nothing(vlans->pvid));
	return json;
}

static void describe_bridge(const struct planned_link *link, json_t *json)
{
	json_set(json, "stp", json_boolean(link->bridge.stp));
	json_set(json, "vlan_filtering", json_boolean(link->bridge.vlan_filtering));
	json_set(json, "vlans", vlans_to_json(&link->bridge.self));
}

static void describe_vlan(const struct planned_link *link, json_t *json)
{
	json_set(json, "vlan", json_integer(link->vlan.id));
}

static void describe_vxlan(const struct planned_link *link, json_t *json)
{
	const struct vxlan_settings *vxlan = &link->vxlan;
	char local[ADDRESS_TEXT_SIZE] = "", remote[ADDRESS_TEXT_SIZE] = "";

	if (vxlan->has_local)
		address_format_host(&vxlan->local, local);
	if (vxlan->has_remote)
		address_format_host(&vxlan->remote, remote);
	json_set(json, "vxlan",
		 json_pack("{s:I, s:o, s:o}", "id", (json_int_t)vxlan->id, "local",
			   text_or_null(local), "remote", text_or_null(remote)));
	json_set(json_object_get(json, "vxlan"), "port", count_or_nothing(vxlan->port));
}

static void describe_macvlan(const struct planned_link *link, json_t *json)
{
	json_set(json, "macvlan", json_string(macvlan_mode_name(link->macvlan)));
}

static void describe_tap(const struct planned_link *link, json_t *json)
{
	if (!link->persistent)
		return;
	json_set(json, "persistent", json_true());
	json_set(json, "owner", text_or_null(link->owner));
}

static void describe_kind(const struct planned_link *link, json_t *json)
{
	switch (link->kind) {
	case LINK_BRIDGE:
		return describe_bridge(link, json);
	case LINK_VLAN:
		return describe_vlan(link, json);
	case LINK_VXLAN:
		return describe_vxlan(link, json);
	case LINK_MACVLAN:
		return describe_macvlan(link, json);
	case LINK_TAP:
		return describe_tap(link, json);
	case LINK_VETH:
	case LINK_DUMMY:
	case LINK_IFB:
		return;
	}
}

static void describe_settings(const struct planned_link *link, json_t *json)
{
	const struct link_settings *settings = &link->settings;
	char mac[MAC_TEXT_SIZE];

	json_set(json, "mtu", count_or_nothing(settings->mtu));
	json_set(json, "txqueuelen", count_or_nothing(settings->txqueuelen));
	if (settings->mac_given)
		json_set(json, "mac", json_string(mac_format(settings->mac, mac)));
	if (settings->down)
		json_set(json, "up", json_false());
	json_set(json, "impair", impairment_to_json(&settings->impair));
	json_set(json, "impair_in", impairment_to_json(&link->impair_in));
	if (link->kind != LINK_BRIDGE)
		json_set(json, "vlans", vlans_to_json(&link->vlans));
}

static json_t *peer_to_json(const struct plan *plan, const struct planned_link *link)
{
	const struct planned_link *peer;

	if (link->kind != LINK_VETH || link->peer >= plan->n_links)
		return json_null();
	peer = &plan->links[link->peer];
	return json_pack("{s:s, s:s}", "node", plan_node_name(plan, peer->node), "name",
			 peer->name);
}

static json_t *link_to_json(const struct plan *plan, const struct planned_link *link)
{
	_cleanup_free_ char *description = link_describe(link);
	json_t *json = json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s?, s:o}", "name", link->name,
		"kind", link_kind_name(link->kind), "node",
		plan_node_name(plan, link->node), "description", description, "bridge",
		text_or_null(link->master), "lower", text_or_null(link->lower), "peer",
		peer_to_json(plan, link), "guest", link->guest ? link->guest->name : NULL,
		"addresses", addresses_to_json(link->addresses, link->n_addresses));

	if (link->guest)
		json_set(json, "nic", json_integer(link->nic));
	describe_kind(link, json);
	describe_settings(link, json);
	return json;
}

json_t *plan_links_to_json(const struct plan *plan)
{
	json_t *links = json_array();

	for (size_t i = 0; i < plan->n_links; i++)
		json_array_append_new(links, link_to_json(plan, &plan->links[i]));
	return links;
}

/* --- guests ------------------------------------------------------------------------------ */

json_t *guest_nics_to_json(const struct guest *guest)
{
	json_t *nics = json_array();
	char mac[MAC_TEXT_SIZE];

	for (size_t i = 0; i < guest->n_nics; i++) {
		const struct nic *nic = &guest->nics[i];

		json_array_append_new(
			nics,
			json_pack("{s:s, s:s, s:s?, s:s, s:o}", "model", nic->model,
				  "mac", mac_format(nic->mac, mac), "bridge", nic->bridge,
				  "tap", nic->tap, "addresses",
				  addresses_to_json(nic->addresses, nic->n_addresses)));
	}
	return nics;
}

json_t *topology_to_json(const struct topology *topology, const struct plan *plan)
{
	/* A path need not be UTF-8; JSON must. */
	_cleanup_free_ char *file = printable(topology->file, strlen(topology->file));
	json_t *guests = json_array();

	for (size_t i = 0; i < topology->n_guests; i++) {
		const struct guest *guest = &topology->guests[i];

		json_array_append_new(guests, json_pack("{s:s, s:I, s:i, s:o}", "name",
							guest->name, "memory",
							(json_int_t)guest->memory, "cpus",
							(int)guest->cpus, "nics",
							guest_nics_to_json(guest)));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "lab", topology->name, "topology",
			 file, "nodes", plan_nodes_to_json(plan), "links",
			 plan_links_to_json(plan), "guests", guests);
}
