// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/halt.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/route/route.h>

#include "link/build.h"
#include "util/string.h"

#define RTO_MIN_MS 120000 /* TCP_RTO_MAX: the kernel makes no more of it */

/*
 * For how long the host's TCP waits for a guest: a try comes up to two minutes behind the one
 * before (TCP_RTO_MAX), so 60 take nearly two hours. With a few more, SYN-ACKs would follow each
 * other at once: their timeout is shifted out of its word (reqsk_timeout(), Linux 6.18).
 */
static const struct setting {
	const char *name, *value;
} patience[] = {
	{"tcp_retries2", "255"},       /* data, FINs, closed windows */
	{"tcp_orphan_retries", "255"}, /* the same, of what the program has closed */
	{"tcp_syn_retries", "60"},     /* its connect() */
	{"tcp_synack_retries", "60"},  /* the guest's */
	{"tcp_fin_timeout", "7200"},   /* seconds, until the guest closes its side, too */
};

/* A shared host side is not ours to set. */
static bool is_own(const struct links *links, size_t node)
{
	return node != PLAN_LAB_NODE || !links->lab;
}

/* --- switches -------------------------------------------------------------------------------- */

static struct error *write_switch(void *setting)
{
	return sysctl_write(setting);
}

static bool says_something_of(char *const *sysctls, const char *name)
{
	strv_foreach (sysctl, sysctls)
		if (strstr(*sysctl, name))
			return true;
	return false;
}

/* In every namespace of the lab's own, but where the topology has a word on it. */
static struct error *set_everywhere(const struct links *links, const struct plan *plan,
				    const struct setting *setting)
{
	_cleanup_free_ char *text =
		xasprintf("net/ipv4/%s=%s", setting->name, setting->value);

	for (size_t i = 0; i < plan->n_nodes; i++)
		if (is_own(links, i) &&
		    !says_something_of(plan->nodes[i].sysctls, setting->name))
			try(error_object(
				links_inside(links, links->nodes[i], write_switch, text),
				plan->nodes[i].name));
	return NULL;
}

/* --- queues ---------------------------------------------------------------------------------- */

static struct error *lengthen_queue(struct links *links,
				    const struct planned_link *planned)
{
	const struct made_link *made = find_made(links, planned->node, planned->name);
	_cleanup_route_link_ struct rtnl_link *changes = NULL;

	if (!planned->guest || planned->settings.txqueuelen || !made || !made->index)
		return NULL;
	changes = rtnl_link_alloc();
	if (changes)
		rtnl_link_set_txqlen(changes, HALT_QUEUE_LENGTH);
	return error_object(link_change(&home(links)->netlink, made->index, changes,
					"its queue can't be made longer"),
			    planned->name);
}

struct error *links_prepare_halts(struct links *links, const struct plan *plan)
{
	for (size_t i = 0; is_own(links, PLAN_LAB_NODE) && i < plan->n_links; i++)
		try(lengthen_queue(links, &plan->links[i]));
	for (size_t i = 0; i < ARRAY_SIZE(patience); i++)
		try(set_everywhere(links, plan, &patience[i]));
	return NULL;
}

/* --- routes ---------------------------------------------------------------------------------- */

static bool leads_to_card(struct nl_addr *to, const struct nic *nic)
{
	for (size_t i = 0; i < nic->n_addresses; i++) {
		_cleanup_abstract_address_ struct nl_addr *card =
			address_to_abstract(&nic->addresses[i]);

		if (card && nl_addr_get_family(card) == nl_addr_get_family(to) &&
		    nl_addr_cmp_prefix(to, card) == 0)
			return true;
	}
	return false;
}

static bool leads_to_guest(const struct plan *plan, struct rtnl_route *route)
{
	if (rtnl_route_get_table(route) != RT_TABLE_MAIN ||
	    rtnl_route_get_type(route) != RTN_UNICAST ||
	    rtnl_route_get_flags(route) & RTM_F_CLONED)
		return false;
	for (size_t i = 0; i < plan->n_links; i++) {
		const struct planned_link *link = &plan->links[i];

		if (link->guest && leads_to_card(rtnl_route_get_dst(route),
						 &link->guest->nics[link->nic]))
			return true;
	}
	return false;
}

/* One that is not locked counts for nothing (tcp_rto_min()). */
static int set_rto_min(struct rtnl_route *route)
{
	uint32_t locked = 0;
	int code = rtnl_route_set_metric(route, RTAX_RTO_MIN, RTO_MIN_MS);

	if (code >= 0 && rtnl_route_get_metric(route, RTAX_LOCK, &locked) < 0)
		locked = 0;
	if (code >= 0)
		code = rtnl_route_set_metric(route, RTAX_LOCK,
					     locked | 1u << RTAX_RTO_MIN);
	return code;
}

static struct error *stretch(struct netlink *netlink, struct rtnl_route *route)
{
	_cleanup_message_ struct nl_msg *message = NULL;
	int code = set_rto_min(route);

	if (code >= 0)
		code = rtnl_route_build_add_request(route, NLM_F_REPLACE, &message);
	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_request(netlink, message, "a route can't be given its rto_min");
}

static void cache_freep(struct nl_cache **cache)
{
	nl_cache_free(*cache);
}

static struct error *stretch_routes(struct node *node, const struct plan *plan)
{
	_cleanup_(cache_freep) struct nl_cache *routes = NULL;
	int code = rtnl_route_alloc_cache(node->netlink.socket, AF_UNSPEC, 0, &routes);

	if (code < 0)
		return error_new(EIO, "the routes can't be listed: %s",
				 nl_geterror(code));
	for (struct nl_object *route = nl_cache_get_first(routes); route;
	     route = nl_cache_get_next(route))
		if (leads_to_guest(plan, (struct rtnl_route *)route))
			try(stretch(&node->netlink, (struct rtnl_route *)route));
	return NULL;
}

struct error *links_stretch_timeouts(struct links *links, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_nodes; i++)
		if (is_own(links, i))
			try(error_object(stretch_routes(links->nodes[i], plan),
					 plan->nodes[i].name));
	return set_everywhere(links, plan, &(struct setting){"tcp_early_retrans", "0"});
}
