// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/group.h"

#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "link/kind.h"

uint32_t group_new(void)
{
	uint32_t bits = 0;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		bits = getpid();
	return (bits & 0x3fffffff) | 0x40000000;
}

struct error *group_join(struct netlink *netlink, int index, uint32_t group)
{
	_cleanup_route_link_ struct rtnl_link *changes = rtnl_link_alloc();

	if (changes)
		rtnl_link_set_group(changes, group);
	return link_change(netlink, index, changes, "can't be put into a group");
}

/* A request that names neither index nor name is one to a group. */
static int request_to(int type, uint32_t group, struct nl_msg **message)
{
	struct ifinfomsg none = {.ifi_family = AF_UNSPEC};
	int code;

	*message = nlmsg_alloc_simple(type, NLM_F_REQUEST);
	if (!*message)
		return -NLE_NOMEM;
	code = nlmsg_append(*message, &none, sizeof(none), NLMSG_ALIGNTO);
	return code < 0 ? code : nla_put_u32(*message, IFLA_GROUP, group);
}

/* One request for a whole group: one for each link takes 17 ms of RCU grace period each. */
struct error *group_delete(struct netlink *netlink, uint32_t group)
{
	_cleanup_message_ struct nl_msg *message = NULL;
	int code = request_to(RTM_DELLINK, group, &message);

	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_request(netlink, message, "can't be deleted");
}

int group_set_alias(uint32_t group, const char *alias, struct nl_msg **message)
{
	int code = request_to(RTM_NEWLINK, group, message);

	return code < 0 ? code : nla_put_string(*message, IFLA_IFALIAS, alias);
}
