// SPDX-License-Identifier: GPL-2.0-or-later
#include <assert.h>
#include <linux/if_link.h>
#include <netlink/route/link/macvlan.h>

#include "link/kind.h"

static const uint32_t modes[] = {
	[MACVLAN_BRIDGE] = MACVLAN_MODE_BRIDGE,
	[MACVLAN_PRIVATE] = MACVLAN_MODE_PRIVATE,
	[MACVLAN_VEPA] = MACVLAN_MODE_VEPA,
	[MACVLAN_PASSTHRU] = MACVLAN_MODE_PASSTHRU,
};
static_assert(ARRAY_SIZE(modes) == MACVLAN_MODES, "a mode that the kernel isn't told");

uint32_t macvlan_mode(enum macvlan_type type)
{
	return modes[type];
}

static int macvlan_describe(const struct link_job *job, struct rtnl_link *link)
{
	if (job->lower)
		rtnl_link_set_link(link, job->lower->index);
	return rtnl_link_macvlan_set_mode(link, modes[job->planned->macvlan]);
}

const struct link_kind_ops macvlan_ops = {
	.type = "macvlan",
	.module = "macvlan",
	.describe = macvlan_describe,
};
