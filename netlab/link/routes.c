// SPDX-License-Identifier: GPL-2.0-or-later
/* Static routes and neighbours of a node. */
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "link/kind.h"
#include "util/string.h"

static void route_putp(struct rtnl_route **route)
{
	rtnl_route_put(*route);
}

static void neighbour_putp(struct rtnl_neigh **neighbour)
{
	rtnl_neigh_put(*neighbour);
}

char *route_text(const struct route *route)
{
	char to[ADDRESS_TEXT_SIZE], via[ADDRESS_TEXT_SIZE];

	if (route->to.prefix)
		address_format(&route->to, to);
	else
		strcpy(to, route->to.family == AF_INET ? "default" : "::/0");
	if (!route->has_via)
		return *route->device ? xasprintf("%s dev %s", to, route->device)
				      : xstrdup(to);
	return xasprintf("%s via %s", to, address_format_host(&route->via, via));
}

static int put_nexthop(const struct route *route, int device, struct rtnl_route *request)
{
	_cleanup_abstract_address_ struct nl_addr *via =
		route->has_via ? address_to_abstract(&route->via) : NULL;
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();

	if (!hop || (route->has_via && !via))
		return -NLE_NOMEM;
	if (device)
		rtnl_route_nh_set_ifindex(hop, device);
	if (via)
		rtnl_route_nh_set_gateway(hop, via);
	rtnl_route_add_nexthop(request, hop); /* which owns it from now on */
	return 0;
}

static int describe_route(const struct route *route, int device,
			  struct rtnl_route *request)
{
	_cleanup_abstract_address_ struct nl_addr *to = address_to_abstract(&route->to);
	int code = to ? 0 : -NLE_NOMEM;

	if (code >= 0)
		code = rtnl_route_set_family(request, route->to.family);
	if (code >= 0)
		code = rtnl_route_set_dst(request, to);
	rtnl_route_set_protocol(request, RTPROT_STATIC);
	rtnl_route_set_scope(request, route->has_via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
	rtnl_route_set_table(request, RT_TABLE_MAIN);
	if (route->metric)
		rtnl_route_set_priority(request, route->metric);
	return code < 0 ? code : put_nexthop(route, device, request);
}

typedef int (*describe_route_fn)(const struct route *route, int device,
				 struct rtnl_route *request);
typedef int (*build_route_fn)(struct rtnl_route *request, int flags,
			      struct nl_msg **message);

static struct error *change_route(struct node *node, const struct route *route,
				  int device, describe_route_fn describe,
				  build_route_fn build, int flags, const char *failure)
{
	_cleanup_(route_putp) struct rtnl_route *request = rtnl_route_alloc();
	_cleanup_message_ struct nl_msg *message = NULL;
	_cleanup_free_ char *text = route_text(route);
	int code = request ? describe(route, device, request) : -NLE_NOMEM;

	if (code >= 0)
		code = build(request, flags, &message);
	if (code < 0)
		return netlink_unbuilt(code);
	return error_prefix(netlink_request(&node->netlink, message, failure), "route %s",
			    text);
}

struct error *node_add_route(struct node *node, const struct route *route, int device)
{
	return change_route(node, route, device, describe_route,
			    rtnl_route_build_add_request, NLM_F_CREATE | NLM_F_EXCL,
			    "can't be added");
}

/* Whatever its scope and its protocol are. */
static int describe_deletion(const struct route *route, int device,
			     struct rtnl_route *request)
{
	int code = describe_route(route, device, request);

	rtnl_route_set_protocol(request, RTPROT_UNSPEC);
	rtnl_route_set_scope(request, RT_SCOPE_NOWHERE);
	return code;
}

struct error *node_delete_route(struct node *node, const struct route *route, int device)
{
	return change_route(node, route, device, describe_deletion,
			    rtnl_route_build_del_request, 0, "can't be deleted");
}

static int describe_neighbour(const struct neighbour *neighbour, int device,
			      struct rtnl_neigh *request)
{
	_cleanup_abstract_address_ struct nl_addr *address =
		address_to_abstract(&neighbour->address);
	_cleanup_abstract_address_ struct nl_addr *mac =
		nl_addr_build(AF_LLC, neighbour->mac, sizeof(neighbour->mac));

	if (!address || !mac)
		return -NLE_NOMEM;
	rtnl_neigh_set_family(request, neighbour->address.family);
	rtnl_neigh_set_ifindex(request, device);
	rtnl_neigh_set_state(request, NUD_PERMANENT);
	rtnl_neigh_set_lladdr(request, mac);
	return rtnl_neigh_set_dst(request, address);
}

typedef int (*build_neighbour_fn)(struct rtnl_neigh *request, int flags,
				  struct nl_msg **message);

static struct error *change_neighbour(struct node *node,
				      const struct neighbour *neighbour, int device,
				      build_neighbour_fn build, int flags,
				      const char *failure)
{
	_cleanup_(neighbour_putp) struct rtnl_neigh *request = rtnl_neigh_alloc();
	_cleanup_message_ struct nl_msg *message = NULL;
	char text[ADDRESS_TEXT_SIZE];
	int code = request ? describe_neighbour(neighbour, device, request) : -NLE_NOMEM;

	if (code >= 0)
		code = build(request, flags, &message);
	if (code < 0)
		return netlink_unbuilt(code);
	return error_prefix(netlink_request(&node->netlink, message, failure),
			    "neighbour %s",
			    address_format_host(&neighbour->address, text));
}

struct error *node_add_neighbour(struct node *node, const struct neighbour *neighbour,
				 int device)
{
	return change_neighbour(node, neighbour, device, rtnl_neigh_build_add_request,
				NLM_F_CREATE | NLM_F_EXCL, "can't be added");
}

struct error *node_delete_neighbour(struct node *node, const struct neighbour *neighbour,
				    int device)
{
	return change_neighbour(node, neighbour, device, rtnl_neigh_build_delete_request,
				0, "can't be deleted");
}
