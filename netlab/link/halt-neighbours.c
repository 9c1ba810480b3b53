// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Neighbours while their machines are halted. An entry is made NUD_NOARP, which is never
 * checked and never asked for, and unlike a permanent one is no neighbour of a topology's.
 * NTF_EXT_LEARNED keeps it from being collected when it is not used for a minute (gc_stale_time)
 * in a table of more than 128 (gc_thresh1), which all namespaces share.
 */
#include <errno.h>
#include <netlink/errno.h>
#include <netlink/route/neighbour.h>

#include "link/build.h"
#include "link/halt.h"
#include "util/string.h"

#define FIXED_STATES (NUD_PERMANENT | NUD_NOARP)

struct held_neighbour {
	size_t node;
	struct rtnl_neigh *entry; /* owned */
	bool is_new;              /* there was none before */
	unsigned flags;           /* NTF_…, as they were */
};

struct halt_neighbours {
	struct held_neighbour *list;
	size_t n;
};

/* One node's table, and what is held of it. */
struct holding {
	struct links *links;
	const struct plan *plan;
	struct halt_neighbours *held;
	size_t node;
	struct nl_cache *table;
};

static struct netlink *netlink_of(const struct holding *holding)
{
	return &holding->links->nodes[holding->node]->netlink;
}

static struct error *put(struct netlink *netlink, struct rtnl_neigh *entry, int state,
			 unsigned flags)
{
	_cleanup_message_ struct nl_msg *message = NULL;
	int code;

	rtnl_neigh_unset_state(entry, rtnl_neigh_get_state(entry)); /* they add up */
	rtnl_neigh_set_state(entry, state);
	rtnl_neigh_unset_flags(entry, rtnl_neigh_get_flags(entry));
	rtnl_neigh_set_flags(entry, flags);
	code = rtnl_neigh_build_add_request(entry, NLM_F_CREATE | NLM_F_REPLACE,
					    &message);
	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_request(netlink, message, "a neighbour can't be held");
}

static struct error *drop(struct netlink *netlink, struct rtnl_neigh *entry)
{
	_cleanup_message_ struct nl_msg *message = NULL;
	int code = rtnl_neigh_build_delete_request(entry, 0, &message);

	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_request(netlink, message, "a neighbour can't be dropped");
}

/* @entry goes over to what is held. */
static struct error *hold(const struct holding *holding, struct rtnl_neigh *entry,
			  bool is_new)
{
	struct halt_neighbours *held = holding->held;
	unsigned flags = rtnl_neigh_get_flags(entry);
	struct error *error =
		put(netlink_of(holding), entry, NUD_NOARP, flags | NTF_EXT_LEARNED);

	if (error) {
		rtnl_neigh_put(entry);
		return error;
	}
	grow(held->list, held->n);
	held->list[held->n++] = (struct held_neighbour){
		.node = holding->node,
		.entry = entry,
		.is_new = is_new,
		.flags = flags,
	};
	return NULL;
}

/* --- what is in the table -------------------------------------------------------------------- */

static bool is_card(const struct plan *plan, struct nl_addr *mac)
{
	for (size_t i = 0; mac && nl_addr_get_len(mac) == 6 && i < plan->n_links; i++) {
		const struct planned_link *link = &plan->links[i];

		if (link->guest && !memcmp(link->guest->nics[link->nic].mac,
					   nl_addr_get_binary_addr(mac), 6))
			return true;
	}
	return false;
}

static struct error *hold_known(const struct holding *holding)
{
	for (struct nl_object *object = nl_cache_get_first(holding->table); object;
	     object = nl_cache_get_next(object)) {
		struct rtnl_neigh *entry = (struct rtnl_neigh *)object;

		if (rtnl_neigh_get_state(entry) & FIXED_STATES ||
		    !is_card(holding->plan, rtnl_neigh_get_lladdr(entry)))
			continue;
		nl_object_get(object);
		try(hold(holding, entry, false));
	}
	return NULL;
}

/* --- what isn't ------------------------------------------------------------------------------ */

/* The bridge, or the TAP, whose segment a link speaks to; NULL: none that has cards on it. */
static const char *segment_of(const struct plan *plan, const struct planned_link *link)
{
	for (unsigned i = 0; i <= LINK_NEST_MAX && *link->lower; i++) {
		const struct planned_link *lower =
			plan_link_of(plan, link->node, link->lower);

		if (!lower)
			return NULL;
		link = lower;
	}
	if (link->kind == LINK_VETH && link->peer != PLAN_NO_PEER)
		link = &plan->links[link->peer];
	if (link->node != PLAN_LAB_NODE)
		return NULL;
	return *link->master ? link->master : link->name;
}

static bool reaches(const struct planned_link *link, const struct address *card)
{
	for (size_t i = 0; i < link->n_addresses; i++)
		if (address_same_network(&link->addresses[i], card))
			return true;
	return false;
}

static struct rtnl_neigh *describe(int device, const struct address *address,
				   const uint8_t mac[6])
{
	_cleanup_abstract_address_ struct nl_addr *to = NULL, *card = NULL;
	struct address host = *address;
	struct rtnl_neigh *entry = rtnl_neigh_alloc();

	host.prefix = host.family == AF_INET ? 32 : 128;
	to = address_to_abstract(&host);
	card = nl_addr_build(AF_LLC, mac, 6);
	if (!entry || !to || !card || rtnl_neigh_set_dst(entry, to) < 0) {
		rtnl_neigh_put(entry);
		return NULL;
	}
	rtnl_neigh_set_family(entry, host.family);
	rtnl_neigh_set_ifindex(entry, device);
	rtnl_neigh_set_lladdr(entry, card);
	return entry;
}

/* An entry without a MAC address waits for an answer, or has given up. */
static bool is_known(struct nl_cache *table, struct rtnl_neigh *wanted)
{
	struct rtnl_neigh *entry = rtnl_neigh_get(table, rtnl_neigh_get_ifindex(wanted),
						  rtnl_neigh_get_dst(wanted));
	bool known = entry && rtnl_neigh_get_lladdr(entry);

	rtnl_neigh_put(entry);
	return known;
}

static struct error *hold_card(const struct holding *holding,
			       const struct planned_link *link, int device,
			       const struct nic *nic)
{
	for (size_t i = 0; i < nic->n_addresses; i++) {
		struct rtnl_neigh *entry;

		if (!reaches(link, &nic->addresses[i]))
			continue;
		entry = describe(device, &nic->addresses[i], nic->mac);
		if (!entry)
			return netlink_unbuilt(-NLE_NOMEM);
		if (is_known(holding->table, entry))
			rtnl_neigh_put(entry);
		else
			try(hold(holding, entry, true));
	}
	return NULL;
}

static struct error *hold_by(const struct holding *holding,
			     const struct planned_link *link)
{
	const struct made_link *made = find_made(holding->links, link->node, link->name);
	const char *segment = segment_of(holding->plan, link);

	if (!segment || !made || !made->index || link->settings.down)
		return NULL;
	for (size_t i = 0; i < holding->plan->n_links; i++) {
		const struct planned_link *tap = &holding->plan->links[i];

		if (tap->guest && streq(*tap->master ? tap->master : tap->name, segment))
			try(hold_card(holding, link, made->index,
				      &tap->guest->nics[tap->nic]));
	}
	return NULL;
}

static struct error *hold_unknown(const struct holding *holding)
{
	for (size_t i = 0; i < holding->plan->n_links; i++)
		if (holding->plan->links[i].node == holding->node &&
		    holding->plan->links[i].n_addresses)
			try(hold_by(holding, &holding->plan->links[i]));
	return NULL;
}

/* --- all nodes ------------------------------------------------------------------------------- */

static struct error *hold_node(struct holding *holding)
{
	struct error *error;
	int code = rtnl_neigh_alloc_cache(netlink_of(holding)->socket, &holding->table);

	if (code < 0)
		return error_new(EIO, "the neighbours can't be listed: %s",
				 nl_geterror(code));
	error = hold_known(holding);
	if (!error)
		error = hold_unknown(holding);
	nl_cache_free(holding->table);
	return error;
}

struct error *halt_neighbours_hold(struct links *links, const struct plan *plan,
				   struct halt_neighbours **held)
{
	struct holding holding = {.links = links, .plan = plan};

	*held = holding.held = xcalloc(1, sizeof(**held));
	for (size_t i = 0; i < plan->n_nodes; i++) {
		holding.node = i;
		if (i != PLAN_LAB_NODE || !links->lab)
			try(error_object(hold_node(&holding), plan->nodes[i].name));
	}
	return NULL;
}

/* An entry that someone has deleted meanwhile, or its link, is none to release. */
static void release(struct links *links, struct held_neighbour *neighbour)
{
	struct netlink *netlink = &links->nodes[neighbour->node]->netlink;

	if (neighbour->is_new)
		error_ignore(drop(netlink, neighbour->entry));
	else
		error_ignore(
			put(netlink, neighbour->entry, NUD_REACHABLE, neighbour->flags));
}

void halt_neighbours_release(struct links *links, struct halt_neighbours *held)
{
	for (size_t i = 0; held && i < held->n; i++)
		if (held->list[i].node < links->n_nodes)
			release(links, &held->list[i]);
	halt_neighbours_free(held);
}

void halt_neighbours_free(struct halt_neighbours *held)
{
	if (!held)
		return;
	for (size_t i = 0; i < held->n; i++)
		rtnl_neigh_put(held->list[i].entry);
	free(held->list);
	free(held);
}
