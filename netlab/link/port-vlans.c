// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VLANs of a bridge that filters them, and of its ports. A port is born a member of VLAN 1, the
 * bridge's default; it leaves it where the topology names others. libnl 3.7 only reads these.
 */
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>

#include "link/kind.h"
#include "link/observe.h"
#include "util/string.h"

#define DEFAULT_VLAN 1

/* Bytes of one VLAN in a message, and of all that is around them. */
#define VLAN_SIZE    (NLA_HDRLEN + sizeof(struct bridge_vlan_info))
#define MESSAGE_SIZE 256

static bool is_member(const struct port_vlans *vlans, uint16_t vlan)
{
	return vlans->pvid == vlan ||
	       vlans_contain(vlans->untagged, vlans->n_untagged, vlan) ||
	       vlans_contain(vlans->tagged, vlans->n_tagged, vlan);
}

static int put_vlan(struct nl_msg *message, uint16_t vlan, uint16_t flags)
{
	struct bridge_vlan_info info = {.flags = flags, .vid = vlan};

	return nla_put(message, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
}

static int put_listed(struct nl_msg *message, const struct port_vlans *vlans,
		      const uint16_t *listed, size_t n, uint16_t flags)
{
	int code = 0;

	for (size_t i = 0; i < n && code >= 0; i++)
		if (listed[i] != vlans->pvid)
			code = put_vlan(message, listed[i], flags);
	return code;
}

/* What comes in untagged leaves so too, unless it is said to leave tagged. */
static int put_all(struct nl_msg *message, const struct port_vlans *vlans)
{
	bool tagged = vlans_contain(vlans->tagged, vlans->n_tagged, vlans->pvid);
	int code = 0;

	if (vlans->pvid)
		code = put_vlan(message, vlans->pvid,
				BRIDGE_VLAN_INFO_PVID |
					(tagged ? 0 : BRIDGE_VLAN_INFO_UNTAGGED));
	if (code >= 0)
		code = put_listed(message, vlans, vlans->untagged, vlans->n_untagged,
				  BRIDGE_VLAN_INFO_UNTAGGED);
	if (code >= 0)
		code = put_listed(message, vlans, vlans->tagged, vlans->n_tagged, 0);
	return code;
}

static int build_request(const struct link_job *job, int type,
			 const struct port_vlans *vlans, struct nl_msg *message)
{
	struct ifinfomsg link = {.ifi_family = AF_BRIDGE, .ifi_index = job->made->index};
	bool self = link_kind_ops(job->planned->kind)->is_bridge;
	struct nlattr *nest;
	int code;

	if (!nlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, 0) ||
	    nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO) < 0)
		return -NLE_NOMEM;
	nest = nla_nest_start(message, IFLA_AF_SPEC);
	code = nest ? 0 : -NLE_NOMEM;
	if (code >= 0 && self)
		code = nla_put_u16(message, IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
	if (code >= 0)
		code = put_all(message, vlans);
	if (code >= 0)
		nla_nest_end(message, nest);
	return code;
}

static struct error *request(const struct link_job *job, int type,
			     const struct port_vlans *vlans)
{
	size_t n = 1 + vlans->n_untagged + vlans->n_tagged;
	_cleanup_message_ struct nl_msg *message =
		nlmsg_alloc_size(MESSAGE_SIZE + n * VLAN_SIZE);
	int code = message ? build_request(job, type, vlans, message) : -NLE_NOMEM;

	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_request(&job->node->netlink, message, "its VLANs can't be set");
}

static const struct port_vlans *vlans_of(const struct planned_link *planned)
{
	return planned->bridge.vlan_filtering ? &planned->bridge.self : &planned->vlans;
}

static int by_id(const void *a, const void *b)
{
	return ((const struct observed_vlan *)a)->id -
	       ((const struct observed_vlan *)b)->id;
}

size_t link_wanted_vlans(const struct planned_link *planned,
			 struct observed_vlan **result)
{
	uint16_t initial[] = {DEFAULT_VLAN};
	struct port_vlans of_default = {
		.pvid = DEFAULT_VLAN, .untagged = initial, .n_untagged = 1};
	const struct port_vlans *given = vlans_of(planned);
	const struct port_vlans *vlans = port_vlans_are_named(given) ? given
								     : &of_default;
	struct observed_vlan *list =
		xcalloc(vlans->n_untagged + vlans->n_tagged + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < vlans->n_untagged; i++)
		list[n++] = (struct observed_vlan){
			vlans->untagged[i], vlans->untagged[i] == vlans->pvid, true};
	for (size_t i = 0; i < vlans->n_tagged; i++)
		list[n++] = (struct observed_vlan){
			vlans->tagged[i], vlans->tagged[i] == vlans->pvid, false};
	qsort(list, n, sizeof(*list), by_id);
	*result = list;
	return n;
}

struct error *link_set_vlans(const struct link_job *job)
{
	const struct port_vlans *vlans = vlans_of(job->planned);
	struct port_vlans initial = {.pvid = DEFAULT_VLAN};

	if (!port_vlans_are_named(vlans))
		return NULL;
	if (!is_member(vlans, DEFAULT_VLAN))
		try(request(job, RTM_DELLINK, &initial));
	return request(job, RTM_SETLINK, vlans);
}

struct error *link_leave_vlans(const struct link_job *job, uint16_t *ids, size_t n)
{
	struct port_vlans vlans = {.untagged = ids, .n_untagged = n};

	return n ? request(job, RTM_DELLINK, &vlans) : NULL;
}

struct error *link_join_vlans(const struct link_job *job)
{
	uint16_t initial[] = {DEFAULT_VLAN};
	struct port_vlans of_default = {
		.pvid = DEFAULT_VLAN, .untagged = initial, .n_untagged = 1};
	const struct port_vlans *vlans = vlans_of(job->planned);

	return request(job, RTM_SETLINK,
		       port_vlans_are_named(vlans) ? vlans : &of_default);
}
