// SPDX-License-Identifier: GPL-2.0-or-later
/* The steps that make links of jobs, and their order. */
#include <errno.h>
#include <linux/if_link.h>
#include <netlink/errno.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>

#include "link/build.h"
#include "util/string.h"

struct error *links_inside(const struct links *links, const struct node *node,
			   struct error *(*act)(void *), void *argument)
{
	struct error *error, *stuck;

	if (node == home(links))
		return act(argument);
	try(node_enter(node));
	error = act(argument);
	stuck = node_enter(home(links));
	if (!error)
		return stuck;
	error_free(stuck);
	return error;
}

static bool is_bridge(const struct link_job *job)
{
	return link_kind_ops(job->planned->kind)->is_bridge;
}

/* The steps on links, in their order: each is taken for all links before the next. */

/* A TAP has had no alias so far, and doesn't need it yet: it goes with its descriptor. */
static struct error *label(const struct link_job *job)
{
	_cleanup_route_link_ struct rtnl_link *changes = rtnl_link_alloc();

	if (changes) {
		rtnl_link_set_group(changes, job->group);
		rtnl_link_set_ifalias(changes, job->alias);
	}
	try(link_change(&job->node->netlink, job->made->index, changes,
			"can't be given an alias"));
	job->made->group = job->group;
	return NULL;
}

static struct error *make(const struct link_job *job)
{
	const struct link_kind_ops *ops = link_kind_ops(job->planned->kind);

	try(ops->create ? ops->create(job) : link_create(job));
	try(netlink_find_index(&job->node->netlink, job->made->name,
			       "made, but not found", &job->made->index));
	return *job->alias ? label(job) : NULL;
}

static struct error *explain_configure(struct error *error, const char *master)
{
	struct error *clear;

	if (!error || error->code != EXFULL)
		return error;
	clear = error_new(EXFULL, "bridge %s has 1023 ports, and no bridge takes more",
			  master);
	clear = error_extack(clear, error->extack);
	error_free(error);
	return clear;
}

static struct error *change(const struct link_job *job, bool ipv6)
{
	const struct link_kind_ops *ops = link_kind_ops(job->planned->kind);
	_cleanup_route_link_ struct rtnl_link *changes = rtnl_link_alloc();

	if (!changes)
		return netlink_unbuilt(-NLE_NOMEM);
	if (ops->by_ioctl && link_put_settings(job, changes) < 0)
		return netlink_unbuilt(-NLE_NOMEM);
	if (ops->is_bridge && job->planned->settings.mtu)
		rtnl_link_set_mtu(changes, job->planned->settings.mtu);
	if (ipv6)
		rtnl_link_inet6_set_addr_gen_mode(changes, IN6_ADDR_GEN_MODE_NONE);
	if (job->master)
		rtnl_link_set_master(changes, job->master->index);
	rtnl_link_set_group(changes, job->made->group);
	return explain_configure(link_change(&job->node->netlink, job->made->index,
					     changes, "can't be configured"),
				 job->planned->master);
}

static bool needs_change(const struct link_job *job, bool ipv6)
{
	return ipv6 || job->master || is_bridge(job) ||
	       link_kind_ops(job->planned->kind)->by_ioctl;
}

/*
 * No link makes an IPv6 address of its own: a port has none, another is given one. Where the
 * MTU is less than IPv6 takes, the kernel has no such setting, and says so.
 */
static struct error *configure(const struct links *links, const struct link_job *job)
{
	bool ipv6 = links->has_ipv6 && !job->node->quiet;
	struct error *error;

	if (!needs_change(job, ipv6))
		return NULL;
	error = change(job, ipv6);
	if (!error || !ipv6 || error->code != EAFNOSUPPORT)
		return error;
	error_free(error);
	return change(job, false);
}

static struct error *step_create(struct links *links, const struct link_job *job)
{
	(void)links;
	return job->lower ? NULL : make(job);
}

static struct error *step_configure(struct links *links, const struct link_job *job)
{
	return job->lower ? NULL : configure(links, job);
}

/* What sits on another link has no larger MTU than that has by now; it may carry a third. */
static struct error *step_stack(struct links *links, const struct link_job *job)
{
	if (!job->lower)
		return NULL;
	try(make(job));
	return configure(links, job);
}

static struct error *step_vlans(struct links *links, const struct link_job *job)
{
	(void)links;
	return link_set_vlans(job);
}

static struct error *set_offloads(void *job)
{
	return link_set_offloads(job);
}

static struct error *step_offloads(struct links *links, const struct link_job *job)
{
	const enum choice *choices = job->planned->settings.offloads;

	for (size_t i = 0; i < OFFLOADS; i++)
		if (choices[i] != CHOICE_KERNEL)
			return links_inside(links, job->node, set_offloads, (void *)job);
	return NULL;
}

static struct error *step_prepare(struct links *links, const struct link_job *job)
{
	const struct link_kind_ops *ops = link_kind_ops(job->planned->kind);

	(void)links;
	return ops->prepare ? ops->prepare(job) : NULL;
}

static struct error *step_impair(struct links *links, const struct link_job *job)
{
	(void)links;
	try(link_impair(job));
	return job->redirects
		       ? link_redirect(&job->node->netlink, job->redirects, job->made)
		       : NULL;
}

static struct error *step_address(struct links *links, const struct link_job *job)
{
	if (links->has_ipv6 && is_spoken_on(job->planned))
		try(link_add_link_local(job));
	return link_add_addresses(job);
}

static struct error *bring_up(const struct link_job *job, uint32_t mtu)
{
	if (job->planned->settings.down)
		return NULL;
	return link_raise(&job->node->netlink, job->made->index, mtu);
}

/* A bridge walks its ports at each join once it is up; what sits on a link waits for it. */

static struct error *step_raise_first(struct links *links, const struct link_job *job)
{
	(void)links;
	if (job->lower || is_bridge(job))
		return NULL;
	return bring_up(job, 0);
}

/* With its MTU again: one that it had by chance when its ports came was not kept. */
static struct error *step_raise_last(struct links *links, const struct link_job *job)
{
	(void)links;
	if (job->lower || !is_bridge(job))
		return NULL;
	return bring_up(job, job->planned->settings.mtu);
}

static struct error *step_raise_stack(struct links *links, const struct link_job *job)
{
	(void)links;
	return job->lower ? bring_up(job, 0) : NULL;
}

/* The steps on nodes. */

struct setting {
	struct node *node;
	char *const *sysctls;
};

static struct error *write_sysctls(void *argument)
{
	const struct setting *setting = argument;

	strv_foreach (sysctl, setting->sysctls)
		try(node_set_sysctl(setting->node, *sysctl));
	return NULL;
}

/* When the links are there that they may name, and before there are addresses. */
static struct error *step_sysctls(struct links *links, const struct plan *plan, size_t i)
{
	struct setting setting = {links->nodes[i], plan->nodes[i].sysctls};

	if (!setting.sysctls)
		return NULL;
	return error_prefix(links_inside(links, links->nodes[i], write_sysctls, &setting),
			    "%s", plan->file);
}

struct error *links_find_device(const struct links *links, size_t node, const char *name,
				int *index)
{
	*index = 0;
	if (!*name)
		return NULL;
	return netlink_find_index(&links->nodes[node]->netlink, name,
				  "its link is not found", index);
}

static struct error *add_route(struct links *links, size_t node,
			       const struct route *route)
{
	int device;

	try(error_prefix(links_find_device(links, node, route->device, &device),
			 "route"));
	return node_add_route(links->nodes[node], route, device);
}

static struct error *add_neighbour(struct links *links, size_t node,
				   const struct neighbour *neighbour)
{
	int device;

	try(error_prefix(links_find_device(links, node, neighbour->device, &device),
			 "neighbour"));
	return node_add_neighbour(links->nodes[node], neighbour, device);
}

static struct error *step_routes(struct links *links, const struct plan *plan, size_t i)
{
	const struct planned_node *planned = &plan->nodes[i];

	for (size_t n = 0; n < planned->n_neighbours; n++)
		try(error_prefix(add_neighbour(links, i, &planned->neighbours[n]),
				 "%s:%u", plan->file, planned->neighbours[n].at.line));
	for (size_t n = 0; n < planned->n_routes; n++) {
		if (plan_route_rests(plan, i, &planned->routes[n]))
			continue;
		try(error_prefix(add_route(links, i, &planned->routes[n]), "%s:%u",
				 plan->file, planned->routes[n].at.line));
	}
	return NULL;
}

/* A step is one on links, or one on nodes. */
static const struct step {
	struct error *(*link)(struct links *links, const struct link_job *job);
	struct error *(*node)(struct links *links, const struct plan *plan, size_t i);
} steps[] = {
	{.link = step_create},      {.link = step_configure},  {.link = step_stack},
	{.link = step_vlans},       {.node = step_sysctls},    {.link = step_offloads},
	{.link = step_prepare},     {.link = step_impair},     {.link = step_address},
	{.link = step_raise_first}, {.link = step_raise_last}, {.link = step_raise_stack},
	{.node = step_routes},
};

static struct error *take_step(const struct build *build, const struct step *step)
{
	for (size_t i = 0; step->link && i < build->n_jobs; i++)
		if (!build->jobs[i].exists)
			try(locate(step->link(build->links, &build->jobs[i]), build,
				   &build->jobs[i]));
	for (size_t i = 0; step->node && i < build->plan->n_nodes; i++)
		try(error_object(step->node(build->links, build->plan, i),
				 build->plan->nodes[i].name));
	return NULL;
}

struct error *take_steps(const struct build *build)
{
	for (size_t s = 0; s < ARRAY_SIZE(steps); s++)
		try(take_step(build, &steps[s]));
	return NULL;
}

struct error *take_link_steps(const struct build *build)
{
	for (size_t s = 0; s < ARRAY_SIZE(steps); s++)
		if (steps[s].link)
			try(take_step(build, &steps[s]));
	return NULL;
}
