// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Offloads, through ethtool's netlink family. The kernel knows an offload as one or several
 * features, of which a device has some; net/ethtool/common.c has their names.
 */
#include <assert.h>
#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "link/kind.h"
#include "util/string.h"

#define FEATURES_MAX 4 /* of one offload */

static const char *const features_of[][FEATURES_MAX + 1] = {
	[OFFLOAD_RX_CHECKSUM] = {"rx-checksum"},
	[OFFLOAD_TX_CHECKSUM] = {"tx-checksum-ip-generic", "tx-checksum-ipv4",
				 "tx-checksum-ipv6", "tx-checksum-sctp"},
	[OFFLOAD_SG] = {"tx-scatter-gather", "tx-scatter-gather-fraglist"},
	[OFFLOAD_TSO] = {"tx-tcp-segmentation", "tx-tcp6-segmentation",
			 "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation"},
	[OFFLOAD_GSO] = {"tx-generic-segmentation"},
	[OFFLOAD_GRO] = {"rx-gro"},
};
static_assert(ARRAY_SIZE(features_of) == OFFLOADS, "an offload without features");

#define for_each_feature(f, offload) \
	for (const char *const *f = features_of[offload]; *f; f++)

struct features {
	char **changeable; /* that the device lets be changed */
	char **active;
	char **refused; /* asked for, and yet not as asked */
};

static void features_deinit(struct features *features)
{
	strv_free(features->changeable);
	strv_free(features->active);
	strv_free(features->refused);
}

static void take_name(const struct nlattr *bit, char ***names)
{
	const struct nlattr *name =
		nla_find(nla_data(bit), nla_len(bit), ETHTOOL_A_BITSET_BIT_NAME);

	if (name)
		strv_push(names, xstrndup(nla_data(name), nla_len(name)));
}

/* The names of a bitset's bits, whether it is a list or a mask with values. */
static void take_bitset(struct nlmsghdr *header, int type, char ***names)
{
	const struct nlattr *set = nlmsg_find_attr(header, GENL_HDRLEN, type);
	const struct nlattr *bits =
		set ? nla_find(nla_data(set), nla_len(set), ETHTOOL_A_BITSET_BITS) : NULL;
	struct nlattr *bit;
	int rest;

	if (bits)
		nla_for_each_nested(bit, bits, rest) take_name(bit, names);
}

static int take_state(struct nl_msg *message, void *userdata)
{
	struct features *features = userdata;

	take_bitset(nlmsg_hdr(message), ETHTOOL_A_FEATURES_HW, &features->changeable);
	take_bitset(nlmsg_hdr(message), ETHTOOL_A_FEATURES_ACTIVE, &features->active);
	return NL_OK;
}

static int take_difference(struct nl_msg *message, void *userdata)
{
	struct features *features = userdata;

	take_bitset(nlmsg_hdr(message), ETHTOOL_A_FEATURES_WANTED, &features->refused);
	return NL_OK;
}

/* A request about the job's link: the header of every message of ethtool's. */
static int begin(const struct link_job *job, int family, int command,
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
		for_each_feature(f, o) if (code >= 0 &&
					   strv_contains(features->changeable, *f))
			code = put_bit(message, *f, choices[o] == CHOICE_ON);
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
	int code = message ? begin(job, family, ETHTOOL_MSG_FEATURES_GET, message)
			   : -NLE_NOMEM;

	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_query(netlink, message, take_state, features,
			     "its offloads can't be read");
}

static struct error *set_features(const struct link_job *job, struct netlink *netlink,
				  int family, struct features *features)
{
	_cleanup_message_ struct nl_msg *message = nlmsg_alloc();
	int code = message ? begin(job, family, ETHTOOL_MSG_FEATURES_SET, message)
			   : -NLE_NOMEM;

	if (code >= 0)
		code = put_wanted(job, features, message);
	if (code < 0)
		return netlink_unbuilt(code);
	return netlink_query(netlink, message, take_difference, features,
			     "its offloads can't be changed");
}

static struct error *refusal(enum offload offload, bool on, const char *why)
{
	return error_new(EOPNOTSUPP, "offload %s can't be turned %s: %s",
			 offload_name(offload), on ? "on" : "off", why);
}

/* What is off for good may stay so; one feature that does it is enough for an offload. */
static struct error *check_possible(enum offload offload, bool on,
				    const struct features *features)
{
	size_t n = 0;

	for_each_feature(f, offload)
	{
		bool changeable = strv_contains(features->changeable, *f);
		bool active = strv_contains(features->active, *f);

		if (!on && active && !changeable) {
			_cleanup_free_ char *why =
				xasprintf("the kernel keeps %s on", *f);

			return refusal(offload, on, why);
		}
		n += changeable || active;
	}
	return on && !n ? refusal(offload, on, "a link of this kind has none") : NULL;
}

/* What a TAP is to do once its process can do it too is asked for, and no more. */
static struct error *check_done(const struct link_job *job, enum offload offload, bool on,
				const struct features *features)
{
	if (on && job->planned->kind == LINK_TAP)
		return NULL;
	for_each_feature(f, offload)
	{
		_cleanup_free_ char *why = xasprintf("the kernel keeps %s as it is", *f);

		if (strv_contains(features->refused, *f))
			return refusal(offload, on, why);
	}
	return NULL;
}

static struct error *change(const struct link_job *job, struct netlink *netlink,
			    int family, struct features *features)
{
	const enum choice *choices = job->planned->settings.offloads;

	try(get_features(job, netlink, family, features));
	for (enum offload o = 0; o < OFFLOADS; o++)
		if (choices[o] != CHOICE_KERNEL)
			try(check_possible(o, choices[o] == CHOICE_ON, features));
	try(set_features(job, netlink, family, features));
	for (enum offload o = 0; o < OFFLOADS; o++)
		if (choices[o] != CHOICE_KERNEL)
			try(check_done(job, o, choices[o] == CHOICE_ON, features));
	return NULL;
}

struct error *link_set_offloads(const struct link_job *job)
{
	_cleanup_(features_deinit) struct features features = {0};
	_cleanup_(netlink_deinit) struct netlink netlink = {0};
	int family;

	try(netlink_init_generic(&netlink));
	family = genl_ctrl_resolve(netlink.socket, ETHTOOL_GENL_NAME);
	if (family < 0)
		return error_new(EOPNOTSUPP, "its offloads can't be changed: the kernel "
					     "has no ethtool netlink (since 5.6)");
	return change(job, &netlink, family, &features);
}
