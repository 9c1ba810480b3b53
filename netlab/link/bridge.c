// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/if_link.h>
#include <netlink/errno.h>

#include "link/kind.h"

#define NS_PER_TICK           (1000000000ull / 100) /* of what the kernel tells users: USER_HZ */
#define AGEING_DEFAULT        30000                 /* 300 s; BR_DEFAULT_AGEING_TIME */
#define FORWARD_DELAY_DEFAULT 1500                  /* 15 s */
#define MAX_TICKS             INT32_MAX

static uint32_t to_ticks(uint64_t ns)
{
	uint64_t ticks = (ns + NS_PER_TICK - 1) / NS_PER_TICK;

	return ticks < MAX_TICKS ? ticks : MAX_TICKS;
}

uint32_t bridge_ageing_ticks(const struct bridge_settings *bridge)
{
	return bridge->ageing_ns ? to_ticks(bridge->ageing_ns) : AGEING_DEFAULT;
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

typedef int (*put_fn)(const struct bridge_settings *bridge, struct nl_msg *message);

/* libnl 3.7 has no setters for a bridge's options. */
static int put_info(const struct bridge_settings *bridge, put_fn put,
		    struct nl_msg *message)
{
	struct nlattr *info, *data;
	int code;

	info = nla_nest_start(message, IFLA_LINKINFO);
	code = info ? nla_put_string(message, IFLA_INFO_KIND, "bridge") : -NLE_NOMEM;
	data = code < 0 ? NULL : nla_nest_start(message, IFLA_INFO_DATA);
	if (!data)
		return -NLE_NOMEM;
	code = put(bridge, message);
	if (code < 0)
		return code;
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	return 0;
}

static int bridge_put_info(const struct link_job *job, struct nl_msg *message)
{
	return put_info(&job->planned->bridge, put_options, message);
}

/* As each may have been another way. A kernel need not know of VLANs: see put_filtering(). */
static int put_changes(const struct bridge_settings *bridge, struct nl_msg *message)
{
	int code = 0;

	/* Before the spanning tree begins, which refuses one of 0. */
	if (bridge->stp)
		code = nla_put_u32(message, IFLA_BR_FORWARD_DELAY, FORWARD_DELAY_DEFAULT);
	if (code >= 0)
		code = nla_put_u32(message, IFLA_BR_STP_STATE, bridge->stp);
	if (code >= 0)
		code = nla_put_u8(message, IFLA_BR_MCAST_SNOOPING,
				  bridge->multicast_snooping == CHOICE_ON);
	if (code >= 0)
		code = nla_put_u32(message, IFLA_BR_AGEING_TIME,
				   bridge_ageing_ticks(bridge));
	return code;
}

/* Only when the spanning tree has ended. */
static int put_no_delay(const struct bridge_settings *bridge, struct nl_msg *message)
{
	(void)bridge;
	return nla_put_u32(message, IFLA_BR_FORWARD_DELAY, 0);
}

static int put_filtering(const struct bridge_settings *bridge, struct nl_msg *message)
{
	return nla_put_u8(message, IFLA_BR_VLAN_FILTERING, bridge->vlan_filtering);
}

static struct error *change(const struct link_job *job, put_fn put)
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = job->made->index};
	_cleanup_message_ struct nl_msg *message =
		nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST);
	int code = message ? nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO)
			   : -NLE_NOMEM;

	if (code >= 0)
		code = put_info(&job->planned->bridge, put, message);
	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_request(&job->node->netlink, message, "can't be configured");
}

struct error *bridge_change(const struct link_job *job)
{
	try(change(job, put_changes));
	return job->planned->bridge.stp ? NULL : change(job, put_no_delay);
}

struct error *bridge_change_filtering(const struct link_job *job)
{
	struct error *error = change(job, put_filtering);

	if (!error || error->code != EOPNOTSUPP)
		return error;
	return error_hint(error, BRIDGE_NO_FILTERING);
}

const struct link_kind_ops bridge_ops = {
	.type = "bridge",
	.module = "bridge",
	.put_info = bridge_put_info,
	.is_bridge = true,
};
