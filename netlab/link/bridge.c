// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/if_link.h>
#include <netlink/errno.h>

#include "link/kind.h"

#define NS_PER_TICK (1000000000ull / 100) /* of what the kernel tells users: USER_HZ */
#define MAX_TICKS   INT32_MAX

static uint32_t to_ticks(uint64_t ns)
{
	uint64_t ticks = (ns + NS_PER_TICK - 1) / NS_PER_TICK;

	return ticks < MAX_TICKS ? ticks : MAX_TICKS;
}

/*
 * Unless told otherwise, a bridge passes frames as a wire does: no spanning tree, so no delay
 * before a port forwards; no multicast snooping, which would withhold groups that no one asked
 * for and makes the joining of ports quadratic. Spanning trees have the kernel's own timers.
 */
static int put_options(const struct bridge_settings *bridge, struct nl_msg *message)
{
	int code = nla_put_u32(message, IFLA_BR_STP_STATE, bridge->stp);

	if (code >= 0 && !bridge->stp)
		code = nla_put_u32(message, IFLA_BR_FORWARD_DELAY, 0);
	if (code >= 0)
		code = nla_put_u8(message, IFLA_BR_MCAST_SNOOPING,
				  bridge->multicast_snooping == CHOICE_ON);
	if (code >= 0 && bridge->vlan_filtering)
		code = nla_put_u8(message, IFLA_BR_VLAN_FILTERING, 1);
	if (code >= 0 && bridge->ageing_ns)
		code = nla_put_u32(message, IFLA_BR_AGEING_TIME,
				   to_ticks(bridge->ageing_ns));
	return code;
}

/* libnl 3.7 has no setters for a bridge's options. */
static int bridge_put_info(const struct link_job *job, struct nl_msg *message)
{
	struct nlattr *info, *data;
	int code;

	info = nla_nest_start(message, IFLA_LINKINFO);
	code = info ? nla_put_string(message, IFLA_INFO_KIND, "bridge") : -NLE_NOMEM;
	data = code < 0 ? NULL : nla_nest_start(message, IFLA_INFO_DATA);
	if (!data)
		return -NLE_NOMEM;
	code = put_options(&job->planned->bridge, message);
	if (code < 0)
		return code;
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	return 0;
}

const struct link_kind_ops bridge_ops = {
	.type = "bridge",
	.module = "bridge",
	.put_info = bridge_put_info,
	.is_bridge = true,
};
