// SPDX-License-Identifier: GPL-2.0-or-later
#include <netlink/errno.h>
#include <netlink/route/link/vxlan.h>

#include "link/kind.h"

static int put_address(struct rtnl_link *link, const struct address *address,
		       int (*set)(struct rtnl_link *link, struct nl_addr *address))
{
	_cleanup_abstract_address_ struct nl_addr *abstract =
		address_to_abstract(address);

	return abstract ? set(link, abstract) : -NLE_NOMEM;
}

static int vxlan_describe(const struct link_job *job, struct rtnl_link *link)
{
	const struct vxlan_settings *vxlan = &job->planned->vxlan;
	int code = rtnl_link_vxlan_set_id(link, vxlan->id);

	if (code >= 0)
		code = rtnl_link_vxlan_set_port(link, vxlan->port);
	if (code >= 0 && vxlan->has_local)
		code = put_address(link, &vxlan->local, rtnl_link_vxlan_set_local);
	if (code >= 0 && vxlan->has_remote)
		code = put_address(link, &vxlan->remote, rtnl_link_vxlan_set_group);
	if (code >= 0 && job->lower)
		code = rtnl_link_vxlan_set_link(link, job->lower->index);
	return code;
}

const struct link_kind_ops vxlan_ops = {
	.type = "vxlan",
	.module = "vxlan",
	.describe = vxlan_describe,
};
