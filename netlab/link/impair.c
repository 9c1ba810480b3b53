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
#include "util/string.h"

#define NETEM_HANDLE TC_HANDLE(1, 0)
#define NETEM_CLASS  TC_HANDLE(1, 1)
#define TBF_HANDLE   TC_HANDLE(2, 0)

/*
 * Frames that netem keeps while they wait. The kernel's default of 1000 loses frames that no
 * one said were to be lost: 100 ms at 1 Gbit/s are 8000 of full size.
 */
#define NETEM_LIMIT 100000

#define FRAME_OVERHEAD 22 /* bytes: Ethernet header with two VLAN tags */
#define BURST_FRAMES   2
#define BURST_PART     1000 /* 1 ms of the rate */
#define QUEUE_FRAMES   32
#define QUEUE_PART     10 /* 100 ms of the rate */

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

static uint32_t probability(double percent)
{
	return (uint32_t)(percent / 100 * UINT32_MAX + 0.5);
}

static bool wants_netem(const struct impairment *impair)
{
	struct impairment rest = *impair;

	rest.rate = 0;
	return !impairment_is_none(&rest);
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

static int put_netem_attributes(const struct impairment *impair, struct nl_msg *message)
{
	struct tc_netem_reorder reorder = {.probability = probability(impair->reorder)};
	struct tc_netem_corrupt corrupt = {.probability = probability(impair->corrupt)};
	int code = nla_put_u64(message, TCA_NETEM_LATENCY64, impair->delay_ns);

	if (code >= 0)
		code = nla_put_u64(message, TCA_NETEM_JITTER64, impair->jitter_ns);
	if (code >= 0 && reorder.probability)
		code = nla_put(message, TCA_NETEM_REORDER, sizeof(reorder), &reorder);
	if (code >= 0 && corrupt.probability)
		code = nla_put(message, TCA_NETEM_CORRUPT, sizeof(corrupt), &corrupt);
	return code;
}

/* Times are nanoseconds in attributes (since kernel 4.15), and those in the options count less. */
static int put_netem_options(const struct impairment *impair, struct nl_msg *message)
{
	const struct tc_netem_qopt options = {
		.limit = NETEM_LIMIT,
		.loss = probability(impair->loss),
		.duplicate = probability(impair->duplicate),
		.gap = impair->reorder >
		       0, /* any frame may overtake, not each n-th alone */
	};
	struct nlattr *nest = nla_nest_start(message, TCA_OPTIONS);
	int code = nest ? nlmsg_append(message, (void *)&options, sizeof(options),
				       NLA_ALIGNTO)
			: -NLE_NOMEM;

	if (code >= 0)
		code = put_netem_attributes(impair, message);
	if (code >= 0)
		nla_nest_end(message, nest);
	return code;
}

/* libnl 3.7 puts a hole before what is added to its own netem options, and counts in µs. */
static int put_netem(const struct link_job *job, struct nl_msg *message)
{
	struct tcmsg qdisc = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = job->made->index,
		.tcm_parent = TC_H_ROOT,
		.tcm_handle = NETEM_HANDLE,
	};
	int code;

	if (!nlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, RTM_NEWQDISC, 0,
		       NLM_F_CREATE | NLM_F_EXCL))
		return -NLE_NOMEM;
	code = nlmsg_append(message, &qdisc, sizeof(qdisc), NLMSG_ALIGNTO);
	if (code >= 0)
		code = nla_put_string(message, TCA_KIND, "netem");
	if (code >= 0)
		code = put_netem_options(&job->planned->settings.impair, message);
	return code;
}

static struct error *add_netem(const struct link_job *job)
{
	_cleanup_message_ struct nl_msg *message = nlmsg_alloc();
	int code = message ? put_netem(job, message) : -NLE_NOMEM;

	if (code < 0)
		return netlink_unbuilt(code);
	return explain(
		netlink_request(&job->node->netlink, message, "netem can't be put on it"),
		"sch_netem");
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int clamp_to_int(uint64_t value)
{
	return value < INT_MAX ? value : INT_MAX;
}

/* Large frames are cut to fit into the burst (tbf_segment()); the queue is bytes. */
static void describe_tbf(uint64_t rate, uint64_t frame, struct rtnl_qdisc *qdisc)
{
	uint64_t burst = max_u64(rate / BURST_PART, BURST_FRAMES * frame);
	uint64_t queue = max_u64(rate / QUEUE_PART, QUEUE_FRAMES * frame);

	rtnl_qdisc_tbf_set_rate(qdisc, clamp_to_int(rate), clamp_to_int(burst), 0);
	rtnl_qdisc_tbf_set_limit(qdisc, clamp_to_int(burst + queue));
}

static struct error *add_tbf(const struct link_job *job, uint32_t parent)
{
	const struct link_settings *settings = &job->planned->settings;
	uint64_t rate = max_u64(settings->impair.rate / 8, 1); /* bytes per second */
	_cleanup_(qdisc_putp) struct rtnl_qdisc *qdisc =
		new_qdisc(job->made->index, "tbf", parent, TBF_HANDLE);
	_cleanup_message_ struct nl_msg *message = NULL;
	int code = -NLE_NOMEM;

	if (qdisc) {
		describe_tbf(rate, (settings->mtu ?: LINK_MTU_DEFAULT) + FRAME_OVERHEAD,
			     qdisc);
		code = rtnl_qdisc_build_add_request(qdisc, NLM_F_CREATE | NLM_F_EXCL,
						    &message);
	}
	if (code >= 0 && rate > INT_MAX)
		code = add_option(message, TCA_TBF_RATE64, rate);
	if (code < 0)
		return netlink_unbuilt(code);
	return explain(netlink_request(&job->node->netlink, message,
				       "a limit of its rate can't be put on it"),
		       "sch_tbf");
}

struct error *link_impair(const struct link_job *job)
{
	const struct impairment *impair = &job->planned->settings.impair;
	bool netem = wants_netem(impair);

	if (netem)
		try(add_netem(job));
	if (impair->rate)
		try(add_tbf(job, netem ? NETEM_CLASS : TC_H_ROOT));
	return NULL;
}

/* clsact, which leaves room for filters of others on the link's way out as well. */
static struct error *add_clsact(struct netlink *netlink, int index)
{
	_cleanup_(qdisc_putp) struct rtnl_qdisc *qdisc =
		new_qdisc(index, "clsact", TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0));
	_cleanup_message_ struct nl_msg *message = NULL;
	int code = -NLE_NOMEM;

	if (qdisc)
		code = rtnl_qdisc_build_add_request(qdisc, NLM_F_CREATE | NLM_F_EXCL,
						    &message);
	if (code < 0)
		return netlink_unbuilt(code);
	return explain(netlink_request(netlink, message,
				       "what comes in by it can't be filtered"),
		       "sch_ingress");
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
