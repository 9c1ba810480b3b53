// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/observe.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>

#include "util/string.h"

/* Links of a lab change when someone changes them, and then seldom without a pause. */
#define ATTEMPTS 20

struct observed_link *observed_indexed(const struct observed_node *node, int index)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].index == index)
			return &node->links[i];
	return NULL;
}

struct observed_link *observed_named(const struct observed_node *node, const char *name)
{
	for (size_t i = 0; node && i < node->n_links; i++)
		if (streq(node->links[i].name, name))
			return &node->links[i];
	return NULL;
}

struct observed_node *observed_find(const struct observed *observed, const char *name)
{
	for (size_t i = 0; i < observed->n_nodes; i++)
		if (name ? observed->nodes[i].name && streq(observed->nodes[i].name, name)
			 : !observed->nodes[i].name)
			return &observed->nodes[i];
	return NULL;
}

/* --- one dump ------------------------------------------------------------------------------ */

typedef void (*decode_fn)(struct nlmsghdr *header, struct observed_node *node);

struct dump {
	struct observed_node *node;
	decode_fn decode;
};

static int take(struct nl_msg *message, void *userdata)
{
	const struct dump *dump = userdata;

	dump->decode(nlmsg_hdr(message), dump->node);
	return NL_OK;
}

/* Each request has a header of its own size, in all of which the family comes first. */
static const struct request {
	int type, family;
	size_t header;
	decode_fn decode;
} requests[] = {
	{RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), decode_link},
	{RTM_GETADDR, AF_UNSPEC, sizeof(struct ifaddrmsg), decode_address},
	{RTM_GETROUTE, AF_UNSPEC, sizeof(struct rtmsg), decode_route},
	{RTM_GETNEIGH, AF_UNSPEC, sizeof(struct ndmsg), decode_neighbour},
};

static const struct request get_vlans = {RTM_GETLINK, AF_BRIDGE, sizeof(struct ifinfomsg),
					 decode_vlans};
static const struct request get_qdiscs = {RTM_GETQDISC, AF_UNSPEC, sizeof(struct tcmsg),
					  decode_qdisc};

#define HEADER_MAX 32 /* bytes */

static struct error *dump(struct netlink *netlink, const struct request *request,
			  struct observed_node *node)
{
	char header[HEADER_MAX] = {(char)request->family};
	_cleanup_message_ struct nl_msg *message =
		nlmsg_alloc_simple(request->type, NLM_F_REQUEST | NLM_F_DUMP);
	struct dump under_way = {node, request->decode};
	int code = message ? nlmsg_append(message, header, request->header, NLMSG_ALIGNTO)
			   : -NLE_NOMEM;

	if (code >= 0 && request->family == AF_BRIDGE)
		code = nla_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN);
	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_dump(netlink, message, take, &under_way,
			    "what the kernel has can't be read");
}

static bool has_bridge(const struct observed_node *node)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (streq(node->links[i].kind, "bridge"))
			return true;
	return false;
}

/* clsact may be there for what leaves the link: see egress_filter_attach(). */
static struct error *dump_filters(struct netlink *netlink, struct observed_node *node,
				  const struct observed_link *link)
{
	struct tcmsg header = {
		.tcm_ifindex = link->index,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
	};
	_cleanup_message_ struct nl_msg *message =
		nlmsg_alloc_simple(RTM_GETTFILTER, NLM_F_REQUEST | NLM_F_DUMP);
	struct dump under_way = {node, decode_filter};

	if (!message || nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0)
		return netlink_unbuilt(-NLE_NOMEM);
	return netlink_dump(netlink, message, take, &under_way,
			    "what the kernel has can't be read");
}

static struct error *dump_qdiscs(struct netlink *netlink, struct observed_node *node)
{
	struct error *error = dump(netlink, &get_qdiscs, node);

	if (error && error->code == EOPNOTSUPP)
		error_ignore(steal_ptr(error)); /* a kernel without qdiscs */
	for (size_t i = 0; !error && i < node->n_links; i++)
		if (node->links[i].has_clsact)
			error = dump_filters(netlink, node, &node->links[i]);
	return error;
}

static struct error *dump_all(struct netlink *netlink, struct observed_node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		try(dump(netlink, &requests[i], node));
	if (has_bridge(node))
		try(dump(netlink, &get_vlans, node));
	return dump_qdiscs(netlink, node);
}

/* --- switches below /proc/sys ---------------------------------------------------------------- */

static bool is_on(const char *setting)
{
	_cleanup_free_ char *value = NULL;
	_cleanup_error_ struct error *error = sysctl_read(setting, &value);

	/* A kernel without IPv6 is not to forward it. */
	return error ? error->code == ENOENT : streq(value, "1");
}

struct switches {
	struct observed_node *node;
	char *const *wanted;
};

static struct error *read_switches(void *userdata)
{
	struct switches *switches = userdata;

	switches->node->forward = is_on("net.ipv4.conf.all.forwarding") &&
				  is_on("net.ipv6.conf.all.forwarding");
	strv_foreach (setting, switches->wanted) {
		_cleanup_free_ char *value = NULL;
		_cleanup_error_ struct error *error = sysctl_read(*setting, &value);

		if (error)
			value = xstrdup(error->code == ENOENT ? "" : "?");
		strv_push(&switches->node->sysctls, steal_ptr(value));
	}
	return NULL;
}

static char *const *sysctls_of(const struct plan *plan, const struct node *node)
{
	for (size_t i = 0; i < plan->n_nodes; i++)
		if (i == PLAN_LAB_NODE
			    ? !node->name
			    : node->name && streq(plan->nodes[i].name, node->name))
			return plan->nodes[i].sysctls;
	return NULL;
}

/* --- a whole lab ----------------------------------------------------------------------------- */

static void node_deinit(struct observed_node *node)
{
	for (size_t i = 0; i < node->n_links; i++)
		free(node->links[i].vlans);
	free(node->links);
	free(node->addresses);
	free(node->routes);
	free(node->neighbours);
	strv_free(node->sysctls);
}

static struct error *observe_node(const struct node *node, struct observed_node *observed)
{
	struct error *error = NULL;

	for (int i = 0; i < ATTEMPTS; i++) {
		error_ignore(error);
		node_deinit(observed);
		*observed = (struct observed_node){.name = node->name};
		error = dump_all((struct netlink *)&node->netlink, observed);
		if (!error || error->code != EAGAIN)
			return error;
	}
	return error;
}

static void mark_ours(const struct links *links, size_t node,
		      struct observed_node *observed)
{
	for (size_t i = 0; i < links->n_made; i++) {
		struct observed_link *link =
			links->made[i].node == node
				? observed_indexed(observed, links->made[i].index)
				: NULL;

		if (link)
			link->ours = true;
	}
}

static struct error *observe_one(const struct links *links, const struct plan *plan,
				 size_t i, struct observed_node *node)
{
	struct switches switches = {node, sysctls_of(plan, links->nodes[i])};

	try(observe_node(links->nodes[i], node));
	mark_ours(links, i, node);
	return links_inside(links, links->nodes[i], read_switches, &switches);
}

struct error *observe(const struct links *links, const struct plan *plan,
		      struct observed *observed)
{
	struct observed result = {0};
	struct error *error = NULL;

	result.nodes = xcalloc(links->n_nodes, sizeof(*result.nodes));
	for (size_t i = 0; !error && i < links->n_nodes; i++) {
		if (!node_is_founded(links->nodes[i]))
			continue;
		error = error_object(
			observe_one(links, plan, i, &result.nodes[result.n_nodes++]),
			links->nodes[i]->name ?: "host");
	}
	if (error)
		observed_deinit(&result);
	else
		*observed = result;
	return error;
}

void observed_deinit(struct observed *observed)
{
	for (size_t i = 0; i < observed->n_nodes; i++)
		node_deinit(&observed->nodes[i]);
	free(observed->nodes);
	*observed = (struct observed){0};
}
