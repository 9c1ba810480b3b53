// SPDX-License-Identifier: GPL-2.0-or-later
/* The requests that make and change links of all kinds. */
#include <errno.h>
#include <netlink/errno.h>

#include "link/group.h"
#include "link/kind.h"
#include "util/string.h"

static int put_mac(const struct made_link *made, struct rtnl_link *link)
{
	_cleanup_abstract_address_ struct nl_addr *address = NULL;

	if (!made->has_mac || made->inherits)
		return 0;
	address = nl_addr_build(AF_LLC, made->mac, sizeof(made->mac));
	if (!address)
		return -NLE_NOMEM;
	rtnl_link_set_addr(link, address);
	return 0;
}

/*
 * A bridge's MTU is given later: one that it is made with counts for less than its ports'
 * (br_mtu_auto_adjust(), since kernel 4.17).
 */
int link_put_settings(const struct link_job *job, struct rtnl_link *link)
{
	const struct link_kind_ops *ops = link_kind_ops(job->planned->kind);
	const struct link_settings *settings = &job->planned->settings;

	if (settings->mtu && !ops->is_bridge)
		rtnl_link_set_mtu(link, settings->mtu);
	if (settings->txqueuelen || ops->txqueuelen)
		rtnl_link_set_txqlen(link, settings->txqueuelen ?: ops->txqueuelen);
	return put_mac(job->made, link);
}

int link_put_common(const struct link_job *job, struct rtnl_link *link)
{
	rtnl_link_set_name(link, job->made->name);
	rtnl_link_set_group(link, job->made->group);
	return link_put_settings(job, link);
}

static int describe_kind(const struct link_job *job, struct rtnl_link *link)
{
	const struct link_kind_ops *ops = link_kind_ops(job->planned->kind);
	int code = 0;

	if (!ops->put_info)
		code = rtnl_link_set_type(link, ops->type);
	if (code >= 0 && ops->describe)
		code = ops->describe(job, link);
	return code;
}

static int build_request(const struct link_job *job, struct nl_msg **message)
{
	const struct link_kind_ops *ops = link_kind_ops(job->planned->kind);
	_cleanup_route_link_ struct rtnl_link *link = rtnl_link_alloc();
	int code = link ? link_put_common(job, link) : -NLE_NOMEM;

	if (code >= 0)
		code = describe_kind(job, link);
	if (code >= 0)
		code = rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL,
						   message);
	if (code >= 0 && ops->put_info)
		code = ops->put_info(job, *message);
	return code;
}

static struct error *explain_unsupported(struct error *error, const struct link_job *job)
{
	const char *module = link_kind_ops(job->planned->kind)->module;

	if (job->planned->bridge.vlan_filtering && !error->extack)
		return error_hint(error, BRIDGE_NO_FILTERING);
	if (!error->extack || streq(error->extack, "Unknown device type"))
		return error_hint(error,
				  "the kernel has no links of this kind loaded; as root: "
				  "modprobe %s",
				  module);
	return error;
}

static struct error *explain(struct error *error, const struct link_job *job)
{
	if (error && error->code == EOPNOTSUPP)
		return explain_unsupported(error, job);
	if (!error || error->code != EEXIST || error->extack)
		return error;
	error_free(error);
	return error_new(EEXIST, "a link of that name exists already");
}

/*
 * RTM_NEWLINK takes no alias for a link that it makes (kernel 6.18). The request behind it in
 * the same datagram gives it one, and names it by its group, which no other link is in: where
 * the link could not be made because there is one of its name, that one isn't touched.
 */
static struct error *request_with_alias(const struct link_job *job,
					struct nl_msg *message, const char *what)
{
	_cleanup_message_ struct nl_msg *naming = NULL;
	int code = group_set_alias(job->made->group, job->alias, &naming);

	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_request_both(&job->node->netlink, message, naming, what);
}

struct error *link_create(const struct link_job *job)
{
	const struct link_kind_ops *ops = link_kind_ops(job->planned->kind);
	_cleanup_message_ struct nl_msg *message = NULL;
	_cleanup_free_ char *what = xasprintf("the %s can't be made", ops->type);
	int code = build_request(job, &message);

	if (code < 0)
		return netlink_unbuilt(code);
	if (*job->alias)
		return explain(request_with_alias(job, message, what), job);
	return explain(netlink_request(&job->node->netlink, message, what), job);
}

struct error *link_change(struct netlink *netlink, int index, struct rtnl_link *changes,
			  const char *what)
{
	_cleanup_route_link_ struct rtnl_link *old = rtnl_link_alloc();
	_cleanup_message_ struct nl_msg *message = NULL;
	int code = -NLE_NOMEM;

	if (old && changes) {
		rtnl_link_set_ifindex(old, index);
		code = rtnl_link_build_change_request(old, changes, 0, &message);
	}
	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_request(netlink, message, what);
}

struct error *link_raise(struct netlink *netlink, int index, uint32_t mtu)
{
	_cleanup_route_link_ struct rtnl_link *changes = rtnl_link_alloc();

	if (changes)
		rtnl_link_set_flags(changes, IFF_UP);
	if (changes && mtu)
		rtnl_link_set_mtu(changes, mtu);
	return link_change(netlink, index, changes, "can't be brought up");
}
