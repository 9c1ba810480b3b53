// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Impairments, of what leaves a link: netem delays, loses and garbles, tbf limits the rate. tbf
 * alone limits where nothing else is asked for, as not every kernel has netem; where both are,
 * it is netem's child: a frame waits its delay, then queues for the rate. netem's own rate has
 * a queue of frames instead of bytes, too long for large ones or too short for small ones.
 *
 * What comes in by a link is redirected to an ifb, which it leaves impaired, to go on where it
 * would have.
 */
#include <errno.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/errno.h>
#include <netlink/route/act/mirred.h>
#include <netlink/route/action.h>
#include <netlink/route/classifier.h>
#include <netlink/route/cls/u32.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/tbf.h>
#include <stdio.h>

#include "link/kind.h"
#include "link/shaping.h"
#include "util/string.h"

#define NETEM_HANDLE TC_HANDLE(1, 0)
#define NETEM_CLASS  TC_HANDLE(1, 1)
#define TBF_HANDLE   TC_HANDLE(2, 0)

/*
 * Frames that netem keeps while they wait. The kernel's default of 1000 loses frames that no
 * one said were to be lost: 100 ms at 1 Gbit/s are 8000 of full size.
 */
#define NETEM_LIMIT 100000

static void qdisc_putp(struct rtnl_qdisc **qdisc)
{
	rtnl_qdisc_put(*qdisc);
}

static void class_putp(struct rtnl_cls **class)
{
	rtnl_cls_put(*class);
}

static void action_putp(struct rtnl_act **action)
{
	if (*action)
		rtnl_act_put(*action);
}

static struct rtnl_qdisc *new_qdisc(int index, const char *kind, uint32_t parent,
				    uint32_t handle)
{
	struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();

	if (!qdisc)
		return NULL;
	rtnl_tc_set_ifindex(TC_CAST(qdisc), index);
	rtnl_tc_set_parent(TC_CAST(qdisc), parent);
	rtnl_tc_set_handle(TC_CAST(qdisc), handle);
	rtnl_tc_set_kind(TC_CAST(qdisc), kind);
	return qdisc;
}

/* Options are the last attribute of a request to add a qdisc. */
static int add_option(struct nl_msg *message, int type, uint64_t value)
{
	struct nlattr *options =
		nlmsg_find_attr(nlmsg_hdr(message), sizeof(struct tcmsg), TCA_OPTIONS);
	int code = options ? nla_put_u64(message, type, value) : -NLE_MISSING_ATTR;

	if (code >= 0)
		nla_nest_end(message, options);
	return code;
}

static struct error *explain(struct error *error, const char *module)
{
	if (error && error->code == ENOENT)
		return error_hint(error,
				  "the kernel has no %s loaded; as root: modprobe %s",
				  module, module);
	return error;
}

static int put_reorder(const struct shaping *wanted, struct nl_msg *message)
{
	struct tc_netem_reorder reorder = {.probability = wanted->reorder};

	return wanted->reorder
		       ? nla_put(message, TCA_NETEM_REORDER, sizeof(reorder), &reorder)
		       : 0;
}

static int put_corrupt(const struct shaping *wanted, struct nl_msg *message)
{
	struct tc_netem_corrupt corrupt = {.probability = wanted->corrupt};

	return wanted->corrupt
		       ? nla_put(message, TCA_NETEM_CORRUPT, sizeof(corrupt), &corrupt)
		       : 0;
}

/* A struct with attributes behind it. The times are in ns since kernel 4.15. */
static int put_netem(const struct shaping *wanted, struct nl_msg *message)
{
	struct tc_netem_qopt qopt = {
		.limit = NETEM_LIMIT,
		.loss = wanted->loss,
		.duplicate = wanted->duplicate,
		.gap = wanted->reorder ? 1 : 0, /* each frame may be the one */
	};
	struct nlattr *options = nla_nest_start(message, TCA_OPTIONS);
	int code = options ? nlmsg_append(message, &qopt, sizeof(qopt), NLA_ALIGNTO)
			   : -NLE_NOMEM;

	if (code >= 0)
		code = put_reorder(wanted, message);
	if (code >= 0)
		code = put_corrupt(wanted, message);
	if (code >= 0 && wanted->delay_ns)
		code = nla_put_u64(message, TCA_NETEM_LATENCY64, wanted->delay_ns);
	if (code >= 0 && wanted->jitter_ns)
		code = nla_put_u64(message, TCA_NETEM_JITTER64, wanted->jitter_ns);
	if (code >= 0)
		nla_nest_end(message, options);
	return code;
}

/*
 * By hand: libnl 3.7 counts in microseconds, and where it writes the attributes of reordered or
 * garbled frames it makes the message longer than they are, so that none behind them is seen.
 */
static struct error *add_netem(const struct link_job *job, const struct shaping *wanted)
{
	struct tcmsg qdisc = {.tcm_ifindex = job->made->index,
			      .tcm_parent = TC_H_ROOT,
			      .tcm_handle = NETEM_HANDLE};
	_cleanup_message_ struct nl_msg *message = nlmsg_alloc_simple(
		RTM_NEWQDISC, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	int code = message ? nlmsg_append(message, &qdisc, sizeof(qdisc), NLMSG_ALIGNTO)
			   : -NLE_NOMEM;

	if (code >= 0)
		code = nla_put_string(message, TCA_KIND, "netem");
	if (code >= 0)
		code = put_netem(wanted, message);
	if (code < 0)
		return netlink_unbuilt(code);
	return explain(
		netlink_request(&job->node->netlink, message, "netem can't be put on it"),
		"sch_netem");
}

static int clamp_to_int(uint64_t value)
{
	return value < INT_MAX ? (int)value : INT_MAX;
}

static struct error *add_tbf(const struct link_job *job, const struct shaping *wanted)
{
	uint32_t parent = wanted->netem ? NETEM_CLASS : TC_H_ROOT;
	_cleanup_(qdisc_putp) struct rtnl_qdisc *qdisc =
		new_qdisc(job->made->index, "tbf", parent, TBF_HANDLE);
	_cleanup_message_ struct nl_msg *message = NULL;
	int code = -NLE_NOMEM;

	if (qdisc) {
		rtnl_qdisc_tbf_set_rate(qdisc, clamp_to_int(wanted->rate),
					(int)wanted->burst, 0);
		rtnl_qdisc_tbf_set_limit(qdisc, (int)wanted->limit);
		code = rtnl_qdisc_build_add_request(qdisc, NLM_F_CREATE | NLM_F_EXCL,
						    &message);
	}
	if (code >= 0 && wanted->rate > INT_MAX)
		code = add_option(message, TCA_TBF_RATE64, wanted->rate);
	if (code < 0)
		return netlink_unbuilt(code);
	return explain(netlink_request(&job->node->netlink, message,
				       "a limit of its rate can't be put on it"),
		       "sch_tbf");
}

struct error *link_impair(const struct link_job *job)
{
	struct shaping wanted = shaping_wanted(&job->planned->settings);

	if (wanted.netem)
		try(add_netem(job, &wanted));
	if (wanted.tbf)
		try(add_tbf(job, &wanted));
	return NULL;
}

struct error *link_unimpair(struct netlink *netlink, int index)
{
	struct tcmsg qdisc = {.tcm_ifindex = index, .tcm_parent = TC_H_ROOT};
	_cleanup_message_ struct nl_msg *message =
		nlmsg_alloc_simple(RTM_DELQDISC, NLM_F_REQUEST);

	if (!message || nlmsg_append(message, &qdisc, sizeof(qdisc), NLMSG_ALIGNTO) < 0)
		return netlink_unbuilt(-NLE_NOMEM);
	return netlink_request(netlink, message, "its impairment can't be taken off");
}

struct error *link_unredirect(struct netlink *netlink, int index)
{
	struct tcmsg filters = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = index,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
	};
	_cleanup_message_ struct nl_msg *message =
		nlmsg_alloc_simple(RTM_DELTFILTER, NLM_F_REQUEST);

	if (!message ||
	    nlmsg_append(message, &filters, sizeof(filters), NLMSG_ALIGNTO) < 0)
		return netlink_unbuilt(-NLE_NOMEM);
	return netlink_request(netlink, message,
			       "what comes in by it is redirected, and can't be let be");
}

/* clsact, which may be there: it has filters of others on the link's way out as well. */
static struct error *add_clsact(struct netlink *netlink, int index)
{
	_cleanup_(qdisc_putp) struct rtnl_qdisc *qdisc =
		new_qdisc(index, "clsact", TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0));
	_cleanup_message_ struct nl_msg *message = NULL;
	struct error *error;
	int code = -NLE_NOMEM;

	if (qdisc)
		code = rtnl_qdisc_build_add_request(qdisc, NLM_F_CREATE | NLM_F_EXCL,
						    &message);
	if (code < 0)
		return netlink_unbuilt(code);
	error = netlink_request(netlink, message,
				"what comes in by it can't be filtered");
	if (!error || error->code != EEXIST)
		return explain(error, "sch_ingress");
	error_ignore(error);
	return NULL;
}

static int describe_redirect(int to, struct rtnl_act *action)
{
	int code = rtnl_tc_set_kind(TC_CAST(action), "mirred");

	if (code >= 0)
		code = rtnl_mirred_set_action(action, TCA_EGRESS_REDIR);
	if (code >= 0)
		code = rtnl_mirred_set_policy(action, TC_ACT_STOLEN);
	if (code >= 0)
		code = rtnl_mirred_set_ifindex(action, to);
	return code;
}

/*
 * u32, which older kernels have, unlike matchall. Its one key has no bits to compare, so that
 * every frame matches; without a key libnl sends no selector, which the kernel insists on.
 */
static int describe_filter(int from, int to, struct rtnl_cls *filter)
{
	_cleanup_(action_putp) struct rtnl_act *action = rtnl_act_alloc();
	int code = action ? describe_redirect(to, action) : -NLE_NOMEM;

	rtnl_tc_set_ifindex(TC_CAST(filter), from);
	rtnl_tc_set_parent(TC_CAST(filter), TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS));
	rtnl_cls_set_protocol(filter, ETH_P_ALL);
	rtnl_cls_set_prio(filter, 1);
	if (code >= 0)
		code = rtnl_tc_set_kind(TC_CAST(filter), "u32");
	if (code >= 0)
		code = rtnl_u32_add_key(filter, 0, 0, 0, 0);
	if (code >= 0)
		code = rtnl_u32_set_cls_terminal(filter);
	if (code >= 0)
		code = rtnl_u32_add_action(filter, action);
	return code;
}

struct error *link_redirect(struct netlink *netlink, const struct made_link *from,
			    const struct made_link *to)
{
	_cleanup_(class_putp) struct rtnl_cls *filter = rtnl_cls_alloc();
	_cleanup_message_ struct nl_msg *message = NULL;
	int code = -NLE_NOMEM;

	try(add_clsact(netlink, from->index));
	if (filter)
		code = describe_filter(from->index, to->index, filter);
	if (code >= 0)
		code = rtnl_cls_build_add_request(filter, NLM_F_CREATE | NLM_F_EXCL,
						  &message);
	if (code < 0)
		return netlink_unbuilt(code);
	return explain(netlink_request(netlink, message,
				       "what comes in by it can't be redirected"),
		       "cls_u32 and act_mirred");
}

#define IFB_PREFIX "ifb-"
#define IFB_ROOM   (IFNAMSIZ - sizeof(IFB_PREFIX)) /* characters behind the prefix */
#define IFB_KEPT   6                               /* of a name that is too long */

/* A name that is too long keeps its end, and four digits of a hash tell those alike apart. */
void ifb_name(const char *link, char name[IFNAMSIZ])
{
	size_t length = strlen(link);
	uint8_t hash[6];

	if (length <= IFB_ROOM) {
		snprintf(name, IFNAMSIZ, IFB_PREFIX "%s", link);
		return;
	}
	link_mac(NULL, NULL, link, hash);
	snprintf(name, IFNAMSIZ, IFB_PREFIX "%02x%02x-%s", hash[1], hash[2],
		 link + length - IFB_KEPT);
}
