// SPDX-License-Identifier: GPL-2.0-or-later
/* What holds between the links of a node, and can be said only when all of them are known. */
#include "topology/linkfields.h"
#include "topology/peer.h"
#include "topology/routing.h"
#include "util/string.h"

static void find_lower(struct reader *reader, const struct scope *scope,
		       struct view *view)
{
	const struct node *node = node_value(view->source, "link");

	if (!node || node->kind != NODE_SCALAR || node->is_null)
		return;
	view->below = scope_read(reader, scope, "link", node);
	if (!view->below)
		return;
	free(view->virtual->lower);
	view->virtual->lower = xstrdup(view->below->name);
}

/* What @view is, as a key: no node can have two of the same. NULL: it can. A new string. */
static char *identity(const struct virtual_link *link)
{
	switch (link->kind) {
	case VIRTUAL_VLAN:
		return xasprintf("VLAN %u of '%s'", link->vlan.id, link->lower);
	case VIRTUAL_VXLAN:
		return xasprintf("VXLAN %u of port %u", link->vxlan.id,
				 link->vxlan.port ?: VXLAN_PORT_DEFAULT);
	case VIRTUAL_MACVLAN:
		if (link->macvlan == MACVLAN_PASSTHRU)
			return xasprintf("the passthru macvlan of '%s'", link->lower);
		return NULL;
	case VIRTUAL_DUMMY:
	case VIRTUAL_IFB:
	case VIRTUAL_TAP:
		return NULL;
	}
	return NULL;
}

static void check_unique(struct reader *reader, const struct virtual_link *link,
			 struct names *seen)
{
	_cleanup_free_ char *key =
		link->kind == VIRTUAL_VXLAN || link->lower ? identity(link) : NULL;
	const struct name *earlier = key ? names_add(seen, key, link->at, NULL) : NULL;

	if (earlier)
		report_add(reader->reports, link->at,
			   "link '%s' is %s, and so is that of line %u", link->name, key,
			   earlier->at.line);
}

static bool is_multicast(const struct address *address)
{
	return address->family == AF_INET ? IN_MULTICAST(ntohl(address->v4.s_addr))
					  : IN6_IS_ADDR_MULTICAST(&address->v6);
}

/* Why a VXLAN's own address can't be that; NULL: it can. A new string. */
static char *local_fault(const struct scope *scope, const struct vxlan_settings *vxlan)
{
	char text[ADDRESS_TEXT_SIZE];

	if (vxlan->has_remote && vxlan->local.family != vxlan->remote.family)
		return xstrdup("the local and the remote address are of two families");
	if (!scope->is_open && !scope_has(scope, &vxlan->local))
		return xasprintf("%s is no address of %s",
				 address_format_host(&vxlan->local, text), scope->what);
	return NULL;
}

static void check_vxlan(struct reader *reader, const struct scope *scope,
			const struct view *view)
{
	const struct vxlan_settings *vxlan = &view->virtual->vxlan;
	_cleanup_free_ char *fault = vxlan->has_local ? local_fault(scope, vxlan) : NULL;

	if (fault)
		report_add(reader->reports, node_place(view->source, "local"),
			   "local: %s", fault);
	if (vxlan->has_remote && is_multicast(&vxlan->remote) &&
	    !node_value(view->source, "link"))
		report_add(reader->reports, node_place(view->source, "remote"),
			   "remote: a multicast group needs the 'link' on which it is");
}

/* Linux gives VLANs and macvlans no larger MTU than the link below them has. */
static void check_lower_mtu(struct reader *reader, const struct view *view)
{
	uint32_t lower = view->below->mtu ?: LINK_MTU_DEFAULT;

	if (view->virtual->kind != VIRTUAL_VXLAN && view->mtu > lower)
		report_add(reader->reports, node_place(view->source, "mtu"),
			   "mtu: %u is more than the %u of '%s' below", view->mtu, lower,
			   view->below->name);
}

/* A bridge and macvlans each want all that comes in by a link (rx_handler). */
static void check_macvlan(struct reader *reader, const struct view *view)
{
	if (view->virtual->kind == VIRTUAL_MACVLAN && view->below->is_port)
		report_add(reader->reports, node_place(view->source, "link"),
			   "link: '%s' is a bridge's port, and no macvlan can sit on one",
			   view->below->name);
}

static void check_port(struct reader *reader, const struct view *view)
{
	if (view->virtual->bridge && view->n_addresses)
		report_add(
			reader->reports, node_place(view->source, "addresses"),
			"addresses: the link is a port of bridge '%s', whose addresses "
			"count instead",
			view->virtual->bridge);
}

static void check_virtual(struct reader *reader, const struct scope *scope,
			  const struct view *view)
{
	if (view->virtual->kind == VIRTUAL_VXLAN)
		check_vxlan(reader, scope, view);
	if (view->below) {
		check_lower_mtu(reader, view);
		check_macvlan(reader, view);
	}
	check_port(reader, view);
	check_mtu(reader, view->source, view->mtu, view->addresses, view->n_addresses);
}

static bool raise_above(struct view *view, struct view *below)
{
	if (view->level > below->level)
		return false;
	view->level = below->level + 1;
	view->below = below;
	return true;
}

/* Each link one level above what it sits on, and a bridge above its ports. */
static bool raise_levels(struct scope *scope)
{
	bool raised = false;

	for (size_t i = 0; i < scope->n_views; i++) {
		struct view *view = &scope->views[i];
		struct view *bridge = view->virtual && view->virtual->bridge
					      ? scope_find(scope, view->virtual->bridge)
					      : NULL;

		if (view->virtual && view->below)
			raised |= raise_above(view, view->below);
		if (bridge)
			raised |= raise_above(bridge, view);
	}
	return raised;
}

/* Goes down from @start: to a link that this walk has seen, a loop, or to the ground. */
static void walk_down(struct reader *reader, struct view *start, size_t walk, bool *deep)
{
	struct view *view = start;

	while (view && !view->walk) {
		view->walk = walk;
		view = view->below;
	}
	if (view && view->walk == walk)
		report_add(reader->reports, view->at,
			   "link '%s' sits on itself, by way of '%s'", view->name,
			   view->below->name);
	if (view || *deep)
		return;
	*deep = true;
	report_add(reader->reports, start->at,
		   "link '%s' is on top of more than the %d links that Linux allows",
		   start->name, LINK_NEST_MAX - 1);
}

static void check_levels(struct reader *reader, struct scope *scope)
{
	bool deep = false;
	unsigned rounds = 0;

	while (rounds < LINK_NEST_MAX && raise_levels(scope))
		rounds++;
	for (size_t i = 0; i < scope->n_views; i++)
		if (scope->views[i].level > LINK_NEST_MAX)
			walk_down(reader, &scope->views[i], i + 1, &deep);
}

static void check_virtuals(struct reader *reader, struct scope *scope)
{
	_cleanup_(names_deinit) struct names seen = {0};

	for (size_t i = 0; i < scope->n_views; i++)
		if (scope->views[i].virtual)
			find_lower(reader, scope, &scope->views[i]);
	for (size_t i = 0; i < scope->n_views; i++) {
		if (!scope->views[i].virtual)
			continue;
		check_virtual(reader, scope, &scope->views[i]);
		check_unique(reader, scope->views[i].virtual, &seen);
	}
	check_levels(reader, scope);
}

static void check_lab(struct reader *reader)
{
	_cleanup_scope_ struct scope scope = {0};
	struct topology *topology = reader->topology;
	const struct node *file = reader->lab.node;

	scope_of_lab(&scope, reader);
	check_virtuals(reader, &scope);
	check_routes(reader, &scope, node_value(file, "routes"), topology->routes);
	check_neighbours(reader, &scope, node_value(file, "neighbours"),
			 topology->neighbours);
	check_sysctls(reader, &scope, node_value(file, "sysctls"));
}

static void check_host(struct reader *reader, struct host *host,
		       const struct sources *sources)
{
	_cleanup_scope_ struct scope scope = {0};

	scope_of_host(&scope, host, sources);
	check_virtuals(reader, &scope);
	check_routes(reader, &scope, node_value(sources->node, "routes"), host->routes);
	check_neighbours(reader, &scope, node_value(sources->node, "neighbours"),
			 host->neighbours);
}

void check_nodes(struct reader *reader)
{
	struct topology *topology = reader->topology;

	find_peers(reader);
	check_lab(reader);
	for (size_t i = 0; i < topology->n_hosts; i++)
		check_host(reader, &topology->hosts[i], &reader->host[i]);
}

void sources_deinit(struct sources *sources)
{
	free(sources->links);
	free(sources->virtuals);
}
