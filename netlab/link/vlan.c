// SPDX-License-Identifier: GPL-2.0-or-later
#include <netlink/route/link/vlan.h>

#include "link/kind.h"

static int vlan_describe(const struct link_job *job, struct rtnl_link *link)
{
	if (job->lower)
		rtnl_link_set_link(link, job->lower->index);
	return rtnl_link_vlan_set_id(link, job->planned->vlan.id);
}

const struct link_kind_ops vlan_ops = {
	.type = "vlan",
	.module = "8021q",
	.describe = vlan_describe,
};
