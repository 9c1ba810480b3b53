// SPDX-License-Identifier: GPL-2.0-or-later
/* What links that stay are set to. */
#include "link/diff.h"
#include "link/halt.h"
#include "util/string.h"

#define TXQUEUELEN_DEFAULT     1000 /* frames; DEFAULT_TX_QUEUE_LEN */
#define TXQUEUELEN_DEFAULT_IFB 32   /* TX_Q_LIMIT of drivers/net/ifb.c */

static char *count_text(uint64_t count)
{
	return xasprintf("%llu", (unsigned long long)count);
}

static char *switch_text(bool on)
{
	return xstrdup(on ? "on" : "off");
}

static void set_count(struct diff *diff, enum change_object object, size_t job,
		      uint64_t before, uint64_t after)
{
	if (before != after)
		diff_set(diff, object, job, count_text(before), count_text(after));
}

static void set_switch(struct diff *diff, enum change_object object, size_t job,
		       bool before, bool after)
{
	if (before != after)
		diff_set(diff, object, job, switch_text(before), switch_text(after));
}

/* --- MTU --------------------------------------------------------------------------------------- */

/* What a VXLAN puts before a frame: Ethernet, IPv4 or IPv6, UDP and its own header. */
#define VXLAN_HEADROOM  50
#define VXLAN6_HEADROOM 70

#define MTU_DEPTH (2 * LINK_NEST_MAX)

static uint32_t wanted_mtu(const struct plan *plan, const struct planned_link *link,
			   unsigned depth);

static uint32_t least_port_mtu(const struct plan *plan, const struct planned_link *bridge,
			       unsigned depth)
{
	uint32_t least = 0;

	for (size_t i = 0; i < plan->n_links; i++) {
		const struct planned_link *port = &plan->links[i];
		uint32_t mtu;

		if (port->node != bridge->node || !streq(port->master, bridge->name))
			continue;
		mtu = wanted_mtu(plan, port, depth + 1);
		least = least && least < mtu ? least : mtu;
	}
	return least ?: LINK_MTU_DEFAULT;
}

static uint32_t headroom(const struct vxlan_settings *vxlan)
{
	return (vxlan->has_local && vxlan->local.family == AF_INET6) ||
			       (vxlan->has_remote && vxlan->remote.family == AF_INET6)
		       ? VXLAN6_HEADROOM
		       : VXLAN_HEADROOM;
}

/* What a link is made with where nothing is said. */
static uint32_t wanted_mtu(const struct plan *plan, const struct planned_link *link,
			   unsigned depth)
{
	const struct planned_link *lower =
		*link->lower ? plan_link_of(plan, link->node, link->lower) : NULL;
	uint32_t below;

	if (link->settings.mtu || depth > MTU_DEPTH)
		return link->settings.mtu ?: LINK_MTU_DEFAULT;
	if (link->kind == LINK_BRIDGE)
		return least_port_mtu(plan, link, depth);
	below = lower ? wanted_mtu(plan, lower, depth + 1) : LINK_MTU_DEFAULT;
	if (link->kind == LINK_VXLAN && lower && below > headroom(&link->vxlan))
		return below - headroom(&link->vxlan);
	return below;
}

static void diff_mtu(struct diff *diff, size_t i)
{
	set_count(diff, CHANGE_MTU, i, diff->seen[i]->mtu,
		  wanted_mtu(diff->build->plan, diff->build->jobs[i].planned, 0));
}

/* --- a link's own ------------------------------------------------------------------------------ */

/* As links_prepare_halts() makes it, for a guest's card. */
static bool is_for_halts(const struct planned_link *planned, uint32_t txqueuelen)
{
	return planned->guest && !planned->settings.txqueuelen &&
	       txqueuelen == HALT_QUEUE_LENGTH;
}

static void diff_txqueuelen(struct diff *diff, size_t i)
{
	const struct planned_link *planned = diff->build->jobs[i].planned;
	uint32_t wanted = planned->settings.txqueuelen
				  ?: link_kind_ops(planned->kind)->txqueuelen;

	if (!wanted)
		wanted = planned->kind == LINK_IFB ? TXQUEUELEN_DEFAULT_IFB
						   : TXQUEUELEN_DEFAULT;
	if (is_for_halts(planned, diff->seen[i]->txqueuelen))
		return;
	set_count(diff, CHANGE_TXQUEUELEN, i, diff->seen[i]->txqueuelen, wanted);
}

static void diff_mac(struct diff *diff, size_t i)
{
	const struct made_link *made = diff->build->jobs[i].made;
	char before[MAC_TEXT_SIZE], after[MAC_TEXT_SIZE];

	if (!made->has_mac || made->inherits ||
	    !memcmp(made->mac, diff->seen[i]->mac, sizeof(made->mac)))
		return;
	diff_set(diff, CHANGE_MAC, i, xstrdup(mac_format(diff->seen[i]->mac, before)),
		 xstrdup(mac_format(made->mac, after)));
}

static char *seconds_text(uint32_t ticks)
{
	return xasprintf("%gs", ticks / 100.0);
}

static void diff_bridge_options(struct diff *diff, size_t i)
{
	const struct planned_link *planned = diff->build->jobs[i].planned;
	const struct observed_bridge *seen = &diff->seen[i]->bridge;
	const struct bridge_settings *wanted = &planned->bridge;
	uint32_t ageing = bridge_ageing_ticks(wanted);

	if (planned->kind != LINK_BRIDGE)
		return;
	set_switch(diff, CHANGE_STP, i, seen->stp, wanted->stp);
	if (seen->ageing != ageing)
		diff_set(diff, CHANGE_AGEING, i, seconds_text(seen->ageing),
			 seconds_text(ageing));
	set_switch(diff, CHANGE_SNOOPING, i, seen->multicast_snooping,
		   wanted->multicast_snooping == CHOICE_ON);
	set_switch(diff, CHANGE_FILTERING, i, seen->vlan_filtering,
		   wanted->vlan_filtering);
}

/* In which turn its MTU is set: a bridge's after its ports', and what sits on a link last. */
static int turn_of(const struct link_job *job)
{
	if (job->lower)
		return 2;
	return job->planned->kind == LINK_BRIDGE ? 1 : 0;
}

void diff_settings(struct diff *diff)
{
	for (size_t i = 0; i < diff->build->n_jobs; i++) {
		if (!diff->build->jobs[i].exists)
			continue;
		diff_mac(diff, i);
		diff_txqueuelen(diff, i);
		diff_bridge_options(diff, i);
	}
	for (int turn = 0; turn <= 2; turn++)
		for (size_t i = 0; i < diff->build->n_jobs; i++)
			if (diff->build->jobs[i].exists &&
			    turn_of(&diff->build->jobs[i]) == turn)
				diff_mtu(diff, i);
}

/* --- what ties it to others -------------------------------------------------------------------- */

static void diff_bridge(struct diff *diff, size_t i)
{
	const struct link_job *job = &diff->build->jobs[i];
	int seen = diff->seen[i]->master, wanted = job->master ? job->master->index : 0;
	const struct observed_link *before = observed_indexed(diff_node(diff, i), seen);

	if (job->master ? wanted && wanted == seen : !seen)
		return;
	diff_set(diff, CHANGE_BRIDGE, i, xstrdup(before ? before->name : "none"),
		 xstrdup(job->master ? job->master->name : "none"));
}

static const struct planned_link *filtering_bridge(const struct diff *diff, size_t i)
{
	const struct planned_link *planned = diff->build->jobs[i].planned;
	const struct planned_link *bridge =
		planned->kind == LINK_BRIDGE
			? planned
			: plan_link_of(diff->build->plan, planned->node, planned->master);

	return bridge && bridge->bridge.vlan_filtering ? bridge : NULL;
}

static char *vlans_text(const struct observed_vlan *vlans, size_t n)
{
	_cleanup_strv_ char **words = NULL;

	for (size_t i = 0; i < n; i++)
		strv_pushf(&words, "%u%s%s", vlans[i].id, vlans[i].pvid ? " pvid" : "",
			   vlans[i].untagged ? " untagged" : "");
	return words ? strv_join(words, ", ") : xstrdup("none");
}

/* A port that goes to another bridge is given its VLANs there. */
static void diff_vlans(struct diff *diff, size_t i)
{
	_cleanup_free_ struct observed_vlan *wanted = NULL;
	_cleanup_free_ char *before = NULL, *after = NULL;
	const struct link_job *job = &diff->build->jobs[i];
	size_t n;

	if (!filtering_bridge(diff, i) ||
	    (job->master && job->master->index != diff->seen[i]->master))
		return;
	n = link_wanted_vlans(job->planned, &wanted);
	before = vlans_text(diff->seen[i]->vlans, diff->seen[i]->n_vlans);
	after = vlans_text(wanted, n);
	if (!streq(before, after))
		diff_set(diff, CHANGE_VLANS, i, steal_ptr(before), steal_ptr(after));
}

/* From ifb's side: the link that it is for is to send it what comes in. */
static void diff_redirect(struct diff *diff, size_t i)
{
	const struct link_job *job = &diff->build->jobs[i];
	const struct observed_link *from;
	struct change *change;

	if (!job->redirects || !job->exists)
		return;
	from = observed_named(diff_node(diff, i), job->redirects->name);
	if (from && job->redirects->index && from->redirected)
		return;
	change = diff_add(diff, CHANGE_ADD, CHANGE_REDIRECT, job->node->name, i);
	change->after = xasprintf("to %s", job->made->name);
	memcpy(change->link, job->redirects->name, sizeof(change->link));
}

static void diff_impairment(struct diff *diff, size_t i)
{
	struct shaping wanted = shaping_wanted(&diff->build->jobs[i].planned->settings);
	const struct observed_link *seen = diff->seen[i];

	if (!shaping_equal(&wanted, &seen->shaping))
		diff_set(diff, CHANGE_IMPAIR, i, shaping_text(&seen->shaping),
			 shaping_text(&wanted));
}

static char *offloads_text(const enum choice offloads[OFFLOADS])
{
	_cleanup_strv_ char **words = NULL;

	for (enum offload o = 0; o < OFFLOADS; o++)
		if (offloads[o] != CHOICE_KERNEL)
			strv_pushf(&words, "%s %s", offload_name(o),
				   offloads[o] == CHOICE_ON ? "on" : "off");
	return words ? strv_join(words, ", ") : xstrdup("unset");
}

static bool asks_for_more(const enum choice *after, const enum choice *before)
{
	for (enum offload o = 0; o < OFFLOADS; o++)
		if (after[o] != CHOICE_KERNEL && after[o] != before[o])
			return true;
	return false;
}

/* The plan of before is what is known of them; what it alone named stays as it is. */
static void diff_offloads(struct diff *diff, size_t i)
{
	static const enum choice none[OFFLOADS];
	const enum choice *after = diff->build->jobs[i].planned->settings.offloads;
	const struct planned_link *old =
		asks_for_more(after, none) ? diff_old_link(diff, i) : NULL;
	const enum choice *before = old ? old->settings.offloads : none;

	if (asks_for_more(after, before))
		diff_set(diff, CHANGE_OFFLOADS, i, offloads_text(before),
			 offloads_text(after));
}

static void diff_state(struct diff *diff, size_t i)
{
	bool wanted = !diff->build->jobs[i].planned->settings.down;

	if (diff->seen[i]->up != wanted)
		diff_set(diff, CHANGE_STATE, i, xstrdup(wanted ? "down" : "up"),
			 xstrdup(wanted ? "up" : "down"));
}

static void (*const relations[])(struct diff *diff, size_t job) = {
	diff_bridge,   diff_vlans,    diff_impairment,
	diff_redirect, diff_offloads, diff_state,
};

void diff_relations(struct diff *diff)
{
	for (size_t n = 0; n < ARRAY_SIZE(relations); n++)
		for (size_t i = 0; i < diff->build->n_jobs; i++)
			if (diff->build->jobs[i].exists)
				relations[n](diff, i);
}
