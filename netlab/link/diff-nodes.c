// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses of links that stay; routes and neighbours of namespaces. */
#include <linux/rtnetlink.h>

#include "link/diff.h"
#include "util/string.h"

#define METRIC_DEFAULT_IPV6 1024 /* IP6_RT_PRIO_USER */

static bool same_network(const struct address *a, const struct address *b)
{
	return a->prefix == b->prefix && address_equal(a, b);
}

/* --- addresses --------------------------------------------------------------------------------- */

static bool is_link_local(const struct address *address)
{
	return address->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->v6);
}

static bool is_planned(const struct planned_link *planned, const struct address *address)
{
	for (size_t i = 0; i < planned->n_addresses; i++)
		if (same_network(&planned->addresses[i], address))
			return true;
	return false;
}

/* The one that netlab gave it, before it is a port or its hardware address another one. */
static bool is_outdated(const struct diff *diff, size_t i, const struct address *address)
{
	struct address own = link_local_address(diff->seen[i]->mac);
	const struct made_link *made = diff->build->jobs[i].made;

	if (!address_equal(&own, address))
		return false;
	return !link_wants_link_local(&diff->build->jobs[i]) ||
	       (made->has_mac && !made->inherits &&
		memcmp(made->mac, diff->seen[i]->mac, sizeof(made->mac)));
}

static bool is_surplus(const struct diff *diff, size_t job,
		       const struct observed_address *seen)
{
	if (is_planned(diff->build->jobs[job].planned, &seen->address))
		return false;
	if (is_link_local(&seen->address))
		return is_outdated(diff, job, &seen->address);
	return seen->permanent;
}

static void delete_address(struct diff *diff, const struct observed_node *node,
			   const struct observed_address *seen)
{
	size_t job = diff_job(diff, node, seen->index);
	char text[ADDRESS_TEXT_SIZE];
	struct change *change;

	if (job == CHANGE_NO_JOB || !is_surplus(diff, job, seen))
		return;
	change = diff_add(diff, CHANGE_DELETE, CHANGE_ADDRESS, node->name, job);
	change->address = seen->address;
	change->before = xstrdup(address_format(&seen->address, text));
	change->at = (struct location){0};
}

void diff_deleted_addresses(struct diff *diff)
{
	for (size_t n = 0; n < diff->observed->n_nodes; n++) {
		const struct observed_node *node = &diff->observed->nodes[n];

		for (size_t i = 0; i < node->n_addresses; i++)
			delete_address(diff, node, &node->addresses[i]);
	}
}

static bool is_seen(const struct observed_node *node, int index,
		    const struct address *address)
{
	for (size_t i = 0; i < node->n_addresses; i++)
		if (node->addresses[i].index == index &&
		    same_network(&node->addresses[i].address, address))
			return true;
	return false;
}

static void add_address(struct diff *diff, size_t i, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];
	struct change *change;

	if (is_seen(diff_node(diff, i), diff->seen[i]->index, address))
		return;
	change = diff_add(diff, CHANGE_ADD, CHANGE_ADDRESS,
			  diff->build->jobs[i].node->name, i);
	change->address = *address;
	change->after = xstrdup(address_format(address, text));
}

void diff_new_addresses(struct diff *diff)
{
	for (size_t i = 0; i < diff->build->n_jobs; i++) {
		const struct link_job *job = &diff->build->jobs[i];
		struct address own;

		if (!job->exists)
			continue;
		if (diff->seen[i]->ipv6 && link_wants_link_local(job)) {
			own = link_local_address(job->made->mac);
			add_address(diff, i, &own);
		}
		for (size_t n = 0; n < job->planned->n_addresses; n++)
			add_address(diff, i, &job->planned->addresses[n]);
	}
}

/* --- routes ------------------------------------------------------------------------------------ */

static uint32_t metric_of(const struct route *route)
{
	if (route->to.family == AF_INET6 && !route->metric)
		return METRIC_DEFAULT_IPV6;
	return route->metric;
}

static bool is_by(const struct diff *diff, size_t node, const struct route *wanted,
		  const struct observed_route *seen)
{
	const struct made_link *link;

	if (!*wanted->device)
		return true;
	link = find_made(diff->build->links, node, wanted->device);
	return link && link->index == seen->index;
}

static bool same_route(const struct diff *diff, size_t node, const struct route *wanted,
		       const struct observed_route *seen)
{
	struct address to = address_network(&wanted->to);

	return same_network(&to, &seen->route.to) &&
	       metric_of(wanted) == metric_of(&seen->route) &&
	       wanted->has_via == seen->route.has_via &&
	       (!wanted->has_via || address_equal(&wanted->via, &seen->route.via)) &&
	       is_by(diff, node, wanted, seen);
}

static bool has_route(const struct diff *diff, size_t node,
		      const struct observed_node *seen, const struct route *wanted)
{
	for (size_t i = 0; seen && i < seen->n_routes; i++)
		if (same_route(diff, node, wanted, &seen->routes[i]))
			return true;
	return false;
}

static size_t node_of(const struct diff *diff, size_t job)
{
	return diff->build->jobs[job].planned->node;
}

static bool wants_route(const struct diff *diff, size_t node,
			const struct observed_route *seen)
{
	const struct planned_node *planned = &diff->build->plan->nodes[node];

	for (size_t i = 0; i < planned->n_routes; i++)
		if (same_route(diff, node, &planned->routes[i], seen))
			return true;
	return false;
}

/* What someone put there by hand (RTPROT_BOOT is ip's own) or netlab did. */
static bool is_by_hand(const struct observed_route *seen)
{
	return seen->protocol == RTPROT_BOOT || seen->protocol == RTPROT_STATIC;
}

static void delete_route(struct diff *diff, const struct observed_node *node,
			 const struct observed_route *seen)
{
	size_t job = is_by_hand(seen) ? diff_job(diff, node, seen->index) : CHANGE_NO_JOB;
	struct change *change;

	if (job == CHANGE_NO_JOB || wants_route(diff, node_of(diff, job), seen))
		return;
	change = diff_add(diff, CHANGE_DELETE, CHANGE_ROUTE, node->name, job);
	change->route = seen->route;
	change->before = route_text(&seen->route);
	change->at = (struct location){0};
}

void diff_deleted_routes(struct diff *diff)
{
	for (size_t n = 0; n < diff->observed->n_nodes; n++)
		for (size_t i = 0; i < diff->observed->nodes[n].n_routes; i++)
			delete_route(diff, &diff->observed->nodes[n],
				     &diff->observed->nodes[n].routes[i]);
}

static void add_route(struct diff *diff, size_t node, const struct route *route)
{
	const struct observed_node *seen = diff->nodes[node];
	struct change *change;

	if (plan_route_rests(diff->build->plan, node, route) ||
	    has_route(diff, node, seen, route))
		return;
	change = diff_add(diff, CHANGE_ADD, CHANGE_ROUTE, diff_node_name(diff, node),
			  CHANGE_NO_JOB);
	change->route = *route;
	change->after = route_text(route);
	change->at = route->at;
}

void diff_new_routes(struct diff *diff)
{
	const struct plan *plan = diff->build->plan;

	for (size_t n = 0; n < plan->n_nodes; n++)
		for (size_t i = 0; i < plan->nodes[n].n_routes; i++)
			add_route(diff, n, &plan->nodes[n].routes[i]);
}

/* --- neighbours -------------------------------------------------------------------------------- */

static bool same_neighbour(const struct diff *diff, size_t node,
			   const struct neighbour *wanted,
			   const struct observed_neighbour *seen)
{
	const struct made_link *link =
		find_made(diff->build->links, node, wanted->device);

	return link && link->index == seen->index &&
	       address_equal(&wanted->address, &seen->neighbour.address) &&
	       !memcmp(wanted->mac, seen->neighbour.mac, sizeof(wanted->mac));
}

static bool wants_neighbour(const struct diff *diff, size_t node,
			    const struct observed_neighbour *seen)
{
	const struct planned_node *planned = &diff->build->plan->nodes[node];

	for (size_t i = 0; i < planned->n_neighbours; i++)
		if (same_neighbour(diff, node, &planned->neighbours[i], seen))
			return true;
	return false;
}

static char *neighbour_text(const struct neighbour *neighbour)
{
	char address[ADDRESS_TEXT_SIZE], mac[MAC_TEXT_SIZE];

	return xasprintf("%s at %s", address_format_host(&neighbour->address, address),
			 mac_format(neighbour->mac, mac));
}

static void delete_neighbour(struct diff *diff, const struct observed_node *node,
			     const struct observed_neighbour *seen)
{
	size_t job = diff_job(diff, node, seen->index);
	struct change *change;

	if (job == CHANGE_NO_JOB || wants_neighbour(diff, node_of(diff, job), seen))
		return;
	change = diff_add(diff, CHANGE_DELETE, CHANGE_NEIGHBOUR, node->name, job);
	change->neighbour = seen->neighbour;
	change->before = neighbour_text(&seen->neighbour);
	change->at = (struct location){0};
}

void diff_deleted_neighbours(struct diff *diff)
{
	for (size_t n = 0; n < diff->observed->n_nodes; n++)
		for (size_t i = 0; i < diff->observed->nodes[n].n_neighbours; i++)
			delete_neighbour(diff, &diff->observed->nodes[n],
					 &diff->observed->nodes[n].neighbours[i]);
}

static void add_neighbour(struct diff *diff, size_t node, const struct neighbour *wanted)
{
	const struct observed_node *seen = diff->nodes[node];
	struct change *change;

	for (size_t i = 0; seen && i < seen->n_neighbours; i++)
		if (same_neighbour(diff, node, wanted, &seen->neighbours[i]))
			return;
	change = diff_add(diff, CHANGE_ADD, CHANGE_NEIGHBOUR, diff_node_name(diff, node),
			  CHANGE_NO_JOB);
	change->neighbour = *wanted;
	change->after = neighbour_text(wanted);
	change->at = wanted->at;
	memcpy(change->link, wanted->device, sizeof(change->link));
}

void diff_new_neighbours(struct diff *diff)
{
	const struct plan *plan = diff->build->plan;

	for (size_t n = 0; n < plan->n_nodes; n++)
		for (size_t i = 0; i < plan->nodes[n].n_neighbours; i++)
			add_neighbour(diff, n, &plan->nodes[n].neighbours[i]);
}
