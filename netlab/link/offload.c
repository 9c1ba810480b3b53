// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Offloads, through ethtool's netlink family. The kernel knows an offload as one or several
 * features, and which they are differs from version to version: as in ethtool(8), they are
 * matched by their names (net/ethtool/common.c) as the running kernel reports them.
 */
#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <linux/ethtool_netlink.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "link/kind.h"
#include "util/log.h"
#include "util/string.h"

static const char *const patterns[] = {
	[OFFLOAD_RX_CHECKSUM] = "rx-checksum",
	[OFFLOAD_TX_CHECKSUM] = "tx-checksum-*",
	[OFFLOAD_SG] = "tx-scatter-gather*",
	[OFFLOAD_TSO] = "tx-tcp*-segmentation",
	[OFFLOAD_GSO] = "tx-generic-segmentation",
	[OFFLOAD_GRO] = "rx-gro",
};
static_assert(ARRAY_SIZE(patterns) == OFFLOADS, "an offload without features");

static bool is_of(const char *feature, enum offload offload)
{
	return fnmatch(patterns[offload], feature, 0) == 0;
}

/* Names of a device's features. */
struct features {
	char **changeable;
	char **active;
};

/* The first of an offload's features among @names; NULL: none. */
static const char *find_feature(char *const *names, enum offload offload)
{
	strv_foreach (name, names)
		if (is_of(*name, offload))
			return *name;
	return NULL;
}

static void features_deinit(struct features *features)
{
	strv_free(features->changeable);
	strv_free(features->active);
}

static void take_name(const struct nlattr *bit, char ***names)
{
	const struct nlattr *name =
		nla_find(nla_data(bit), nla_len(bit), ETHTOOL_A_BITSET_BIT_NAME);

	if (name)
		strv_push(names, xstrndup(nla_data(name), nla_len(name)));
}

static bool is_on(const struct nlattr *bit)
{
	return nla_find(nla_data(bit), nla_len(bit), ETHTOOL_A_BITSET_BIT_VALUE);
}

/* The names of the bits that are on: all bits of a list, of a mask those with a value. */
static void take_bitset(struct nlmsghdr *header, int type, char ***names)
{
	const struct nlattr *set = nlmsg_find_attr(header, GENL_HDRLEN, type);
	const struct nlattr *bits =
		set ? nla_find(nla_data(set), nla_len(set), ETHTOOL_A_BITSET_BITS) : NULL;
	bool list = set && nla_find(nla_data(set), nla_len(set), ETHTOOL_A_BITSET_NOMASK);
	struct nlattr *bit;
	int rest;

	if (!bits)
		return;
	nla_for_each_nested(bit, bits, rest) if (list || is_on(bit))
		take_name(bit, names);
}

static int take_state(struct nl_msg *message, void *userdata)
{
	struct features *features = userdata;

	take_bitset(nlmsg_hdr(message), ETHTOOL_A_FEATURES_HW, &features->changeable);
	take_bitset(nlmsg_hdr(message), ETHTOOL_A_FEATURES_ACTIVE, &features->active);
	return NL_OK;
}

/* A request about the job's link: the header of every message of ethtool's. */
static int begin(const struct link_job *job, int family, int command, uint32_t flags,
		 struct nl_msg *message)
{
	struct nlattr *nest;
	int code;

	if (!genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, command,
			 ETHTOOL_GENL_VERSION))
		return -NLE_NOMEM;
	nest = nla_nest_start(message, ETHTOOL_A_FEATURES_HEADER);
	if (!nest)
		return -NLE_NOMEM;
	code = nla_put_u32(message, ETHTOOL_A_HEADER_DEV_INDEX, job->made->index);
	if (code >= 0)
		code = nla_put_u32(message, ETHTOOL_A_HEADER_FLAGS, flags);
	nla_nest_end(message, nest);
	return code;
}

static int put_bit(struct nl_msg *message, const char *feature, bool on)
{
	struct nlattr *nest = nla_nest_start(message, ETHTOOL_A_BITSET_BITS_BIT);
	int code = nest ? nla_put_string(message, ETHTOOL_A_BITSET_BIT_NAME, feature)
			: -NLE_NOMEM;

	if (code >= 0 && on)
		code = nla_put_flag(message, ETHTOOL_A_BITSET_BIT_VALUE);
	if (code >= 0)
		nla_nest_end(message, nest);
	return code;
}

/*
 * Also those that are as asked by now: a TAP's change with what the process that holds it can
 * do (TUNSETOFFLOAD), within what was asked for.
 */
static int put_bits(const enum choice choices[OFFLOADS], const struct features *features,
		    struct nl_msg *message)
{
	int code = 0;

	for (enum offload o = 0; o < OFFLOADS; o++) {
		if (choices[o] == CHOICE_KERNEL)
			continue;
		strv_foreach (feature, features->changeable)
			if (code >= 0 && is_of(*feature, o))
				code = put_bit(message, *feature,
					       choices[o] == CHOICE_ON);
	}
	return code;
}

static int put_wanted(const struct link_job *job, const struct features *features,
		      struct nl_msg *message)
{
	struct nlattr *set = nla_nest_start(message, ETHTOOL_A_FEATURES_WANTED);
	struct nlattr *bits = set ? nla_nest_start(message, ETHTOOL_A_BITSET_BITS) : NULL;
	int code = bits ? put_bits(job->planned->settings.offloads, features, message)
			: -NLE_NOMEM;

	if (code < 0)
		return code;
	nla_nest_end(message, bits);
	nla_nest_end(message, set);
	return 0;
}

static struct error *get_features(const struct link_job *job, struct netlink *netlink,
				  int family, struct features *features)
{
	_cleanup_message_ struct nl_msg *message = nlmsg_alloc();
	int code = message ? begin(job, family, ETHTOOL_MSG_FEATURES_GET, 0, message)
			   : -NLE_NOMEM;

	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_query(netlink, message, take_state, features,
			     "its offloads can't be read");
}

static struct error *set_features(const struct link_job *job, struct netlink *netlink,
				  int family, const struct features *features)
{
	_cleanup_message_ struct nl_msg *message = nlmsg_alloc();
	int code = message ? begin(job, family, ETHTOOL_MSG_FEATURES_SET,
				   ETHTOOL_FLAG_OMIT_REPLY, message)
			   : -NLE_NOMEM;

	if (code >= 0)
		code = put_wanted(job, features, message);
	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_request(netlink, message, "its offloads can't be changed");
}

/* The features of an offload that are to change, and what became of them. */
struct outcome {
	const char *stuck; /* the first that is not as wanted; NULL: none */
	bool any;          /* there is one that can be on, or is */
	bool done;         /* one is as wanted */
};

static struct outcome examine(enum offload offload, bool on,
			      const struct features *features)
{
	struct outcome outcome = {0};

	strv_foreach (name, features->active) {
		if (!is_of(*name, offload))
			continue;
		outcome.any = true;
		if (on)
			outcome.done = true;
		else
			outcome.stuck = outcome.stuck ?: *name;
	}
	strv_foreach (name, features->changeable) {
		if (!is_of(*name, offload) || strv_contains(features->active, *name))
			continue;
		outcome.any = true;
		if (!on)
			outcome.done = true;
		else
			outcome.stuck = outcome.stuck ?: *name;
	}
	return outcome;
}

static struct error *refusal(enum offload offload, bool on, const char *why)
{
	return error_new(EOPNOTSUPP, "offload %s can't be turned %s: %s",
			 offload_name(offload), on ? "on" : "off", why);
}

/* As much as the kernel does is enough; a TAP does it once its process can. */
static struct error *check_one(const struct link_job *job, enum offload offload, bool on,
			       const struct features *features)
{
	struct outcome outcome = examine(offload, on, features);
	_cleanup_free_ char *why = NULL;

	if (on && !outcome.any)
		return refusal(offload, on, "this link has none");
	if (!outcome.stuck || (on && job->planned->kind == LINK_TAP))
		return NULL;
	why = xasprintf("the kernel keeps %s %s", outcome.stuck, on ? "off" : "on");
	if (!outcome.done)
		return refusal(offload, on, why);
	log_warning("%s: offload %s is not all %s: %s", job->planned->name,
		    offload_name(offload), on ? "on" : "off", why);
	return NULL;
}

static struct error *check(const struct link_job *job, const struct features *features)
{
	const enum choice *choices = job->planned->settings.offloads;

	for (enum offload o = 0; o < OFFLOADS; o++)
		if (choices[o] != CHOICE_KERNEL)
			try(check_one(job, o, choices[o] == CHOICE_ON, features));
	return NULL;
}

static bool can_change(const struct link_job *job, const struct features *features)
{
	for (enum offload o = 0; o < OFFLOADS; o++)
		if (job->planned->settings.offloads[o] != CHOICE_KERNEL &&
		    find_feature(features->changeable, o))
			return true;
	return false;
}

static struct error *change(const struct link_job *job, struct netlink *netlink,
			    int family)
{
	_cleanup_(features_deinit) struct features before = {0}, after = {0};

	try(get_features(job, netlink, family, &before));
	if (can_change(job, &before))
		try(set_features(job, netlink, family, &before));
	try(get_features(job, netlink, family, &after));
	return check(job, &after);
}

/* libnl finds no family, whatever the reason; @code is the kernel's. */
static struct error *explain_unresolved(int code)
{
	if (code && code != ENOENT)
		return error_errno(code,
				   "its offloads can't be changed: ethtool netlink");
	return error_new(EOPNOTSUPP, "its offloads can't be changed: the kernel has no "
				     "ethtool netlink (since 5.6)");
}

struct error *link_set_offloads(const struct link_job *job)
{
	_cleanup_(netlink_deinit) struct netlink netlink = {0};
	int family;

	try(netlink_init_generic(&netlink));
	errno = 0;
	family = genl_ctrl_resolve(netlink.socket, ETHTOOL_GENL_NAME);
	if (family < 0)
		return explain_unresolved(netlink.answer.code ?: errno);
	return change(job, &netlink, family);
}
