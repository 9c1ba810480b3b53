// SPDX-License-Identifier: GPL-2.0-or-later
/* What a plan asks for, link by link, with what each of them has to do with others. */
#include <errno.h>

#include "link/build.h"
#include "link/group.h"
#include "link/owner.h"
#include "util/string.h"

/*
 * Someone sends by it: a host by what is no port; the lab's host side too where it has an
 * address there or is alone with a guest. Else it is for who opens it, and silent.
 */
bool is_spoken_on(const struct planned_link *planned)
{
	const struct link_kind_ops *ops = link_kind_ops(planned->kind);

	if (*planned->master || ops->is_silent)
		return false;
	return ops->is_bridge || planned->node != PLAN_LAB_NODE || planned->n_addresses ||
	       planned->guest;
}

struct made_link *find_made(const struct links *links, size_t node, const char *name)
{
	for (size_t i = 0; i < links->n_made; i++)
		if (links->made[i].node == node && streq(links->made[i].name, name))
			return &links->made[i];
	return NULL;
}

/* A host's link is named with its host: "client/eth0". */
struct error *locate(struct error *error, const struct build *build,
		     const struct link_job *job)
{
	const struct plan *plan = build->plan;
	_cleanup_free_ char *name = NULL;

	if (!error)
		return NULL;
	if (job->planned->at.line)
		error = error_prefix(error, "%s:%u", plan->file, job->planned->at.line);
	else
		error = error_prefix(error, "%s", plan->file);
	if (job->node->name)
		name = xasprintf("%s/%s", job->node->name, job->planned->name);
	return error_object(error, name ?: job->planned->name);
}

static size_t count_ifbs(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_links; i++)
		n += !impairment_is_none(&plan->links[i].impair_in);
	return n;
}

static void plan_ifb(const struct planned_link *of, struct planned_link *ifb)
{
	ifb->kind = LINK_IFB;
	ifb->node = of->node;
	ifb->peer = PLAN_NO_PEER;
	ifb->settings.mtu = of->settings.mtu;
	ifb->settings.impair = of->impair_in;
	ifb->at = of->at;
	ifb_name(of->name, ifb->name);
}

/* What a shared namespace knows the link by; its group is its own until it has that. */
static void set_owner(const struct links *links, struct link_job *job)
{
	_cleanup_free_ char *alias = NULL;

	if (!links->lab || job->planned->node != PLAN_LAB_NODE)
		return;
	alias = owner_alias(links->lab, job->planned->name);
	snprintf(job->alias, sizeof(job->alias), "%s", alias);
	job->made->group = group_new();
}

static void expect_link(struct build *build, const struct planned_link *planned,
			uint32_t group)
{
	struct links *links = build->links;
	struct link_job *job = &build->jobs[build->n_jobs++];
	struct made_link link = {.tap = -1, .group = group, .node = planned->node};

	memcpy(link.name, planned->name, sizeof(link.name));
	links->made[links->n_made] = link;
	*job = (struct link_job){
		.planned = planned,
		.made = &links->made[links->n_made++],
		.node = links->nodes[planned->node],
		.group = group,
	};
	set_owner(links, job);
}

static void expect_links(struct build *build)
{
	const struct plan *plan = build->plan;
	size_t n = plan->n_links + count_ifbs(plan), n_ifbs = 0;
	struct links *links = build->links;
	uint32_t group = group_new();

	build->ifbs = xcalloc(n - plan->n_links, sizeof(*build->ifbs));
	build->jobs = xcalloc(n, sizeof(*build->jobs));
	links->made = xreallocarray(links->made, links->n_made + n, sizeof(*links->made));
	for (size_t i = 0; i < plan->n_links; i++)
		expect_link(build, &plan->links[i], group);
	for (size_t i = 0; i < plan->n_links; i++) {
		if (impairment_is_none(&plan->links[i].impair_in))
			continue;
		plan_ifb(&plan->links[i], &build->ifbs[n_ifbs]);
		expect_link(build, &build->ifbs[n_ifbs++], group);
		build->jobs[build->n_jobs - 1].redirects = build->jobs[i].made;
	}
}

static struct error *find_other(const struct build *build, const struct link_job *job,
				const char *name, const char *what,
				const struct made_link **other)
{
	if (!*name)
		return NULL;
	*other = find_made(build->links, job->planned->node, name);
	return *other ? NULL : error_new(ENODEV, "no %s", what);
}

/* The address that the link is to have, where the kernel isn't to choose it. */
static void choose_mac(const char *lab, struct link_job *job)
{
	const struct link_settings *settings = &job->planned->settings;
	struct made_link *made = job->made;
	bool inherits = job->planned->kind == LINK_VLAN ||
			(job->planned->kind == LINK_MACVLAN &&
			 job->planned->macvlan == MACVLAN_PASSTHRU);

	made->has_mac = true;
	if (settings->mac_given) {
		memcpy(made->mac, settings->mac, sizeof(made->mac));
	} else if (inherits && job->lower && job->lower->has_mac) {
		made->inherits = true;
		memcpy(made->mac, job->lower->mac, sizeof(made->mac));
	} else if (is_spoken_on(job->planned)) {
		link_mac(lab, job->node->name, made->name, made->mac);
	} else {
		made->has_mac = false;
	}
}

static struct error *relate(const struct build *build, struct link_job *job)
{
	const struct planned_link *planned = job->planned;
	_cleanup_free_ char *bridge =
		xasprintf("bridge '%s' to be a port of", planned->master);
	_cleanup_free_ char *lower = xasprintf("link '%s' to sit on", planned->lower);

	try(find_other(build, job, planned->master, bridge, &job->master));
	try(find_other(build, job, planned->lower, lower, &job->lower));
	if (planned->kind == LINK_VETH)
		job->peer = &build->jobs[planned->peer];
	choose_mac(build->plan->lab, job);
	return NULL;
}

struct error *prepare_jobs(struct build *build)
{
	expect_links(build);
	for (size_t i = 0; i < build->n_jobs; i++)
		try(locate(relate(build, &build->jobs[i]), build, &build->jobs[i]));
	return NULL;
}
