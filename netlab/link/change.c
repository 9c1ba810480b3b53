// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/change.h"

#include <assert.h>
#include <errno.h>
#include <netlink/errno.h>

#include "link/group.h"
#include "util/log.h"
#include "util/string.h"

static struct links *links_of(const struct changing *changing)
{
	return changing->build->links;
}

static const struct link_job *job_of(const struct changing *changing,
				     const struct change *change)
{
	return &changing->build->jobs[change->job];
}

static bool is_named(const struct node *node, const char *name)
{
	return node && streq(node->name ?: "host", name);
}

/* Of the plan, and behind those the removed ones. */
static struct node *find_node(const struct changing *changing, const char *name)
{
	const struct links *links = links_of(changing);

	for (size_t i = 0; i < links->n_nodes; i++)
		if (is_named(links->nodes[i], name))
			return links->nodes[i];
	for (size_t i = 0; i < changing->n_removed; i++)
		if (is_named(changing->removed[i], name))
			return changing->removed[i];
	return NULL;
}

static size_t plan_index(const struct changing *changing, const char *name)
{
	const struct links *links = links_of(changing);

	for (size_t i = 0; i < links->n_nodes; i++)
		if (is_named(links->nodes[i], name))
			return i;
	return PLAN_LAB_NODE;
}

/* --- hosts and links --------------------------------------------------------------------------- */

static struct error *add_host(struct changing *changing, const struct change *change)
{
	struct links *links = links_of(changing);
	size_t i = plan_index(changing, change->node);
	struct error *error =
		node_found(links->nodes[i], &changing->build->plan->nodes[i]);
	struct error *stuck = node_enter(home(links));

	if (!error)
		return stuck;
	error_free(stuck);
	return error;
}

static struct error *delete_host(struct changing *changing, const struct change *change)
{
	for (size_t i = 0; i < changing->n_removed; i++)
		if (is_named(changing->removed[i], change->node))
			node_free(steal_ptr(changing->removed[i]));
	return NULL;
}

static struct error *change_host(struct changing *changing, const struct change *change)
{
	return change->action == CHANGE_ADD ? add_host(changing, change)
					    : delete_host(changing, change);
}

static bool is_first(const struct changing *changing, const struct change *change)
{
	const struct change *first = changing->changes->list;

	while (first->object != change->object || first->action != change->action)
		first++;
	return first == change;
}

static bool is_deletion(const struct change *change)
{
	return change->object == CHANGE_LINK && change->action == CHANGE_DELETE;
}

/* There may be none in it: its links were all in namespaces that went. */
static struct error *delete_group(struct node *node, uint32_t group)
{
	struct error *error = group_delete(&node->netlink, group);

	if (error && error->code == ENODEV)
		error_ignore(steal_ptr(error));
	return error;
}

/* All at once: the kernel waits an RCU grace period for each request, not for each link. */
static struct error *delete_links(struct changing *changing)
{
	const struct changes *changes = changing->changes;
	uint32_t group = group_new();

	for (size_t i = 0; i < changes->n; i++) {
		const struct change *change = &changes->list[i];
		struct node *node = find_node(changing, change->node);

		if (is_deletion(change))
			try(error_object(group_join(&node->netlink, change->index, group),
					 change->link));
	}
	for (size_t i = 0; i < links_of(changing)->n_nodes; i++)
		if (node_is_founded(links_of(changing)->nodes[i]))
			try(delete_group(links_of(changing)->nodes[i], group));
	return NULL;
}

/* As `up` does: what is half made is of no use, and no one would know whose it is. */
static void unmake_links(const struct build *build)
{
	for (size_t i = 0; i < build->n_jobs; i++) {
		const struct link_job *job = &build->jobs[i];
		struct error *error;

		if (job->exists)
			continue;
		error = delete_group(job->node, job->made->group);
		if (error)
			log_warning("%s: %s", job->made->name, error->message);
		error_free(error);
		job->made->index = 0;
	}
}

static struct error *make_links(const struct build *build)
{
	struct error *error = take_link_steps(build);

	if (error)
		unmake_links(build);
	return error;
}

static struct error *change_links(struct changing *changing, const struct change *change)
{
	if (!is_first(changing, change))
		return NULL;
	if (change->action == CHANGE_DELETE)
		return delete_links(changing);
	return make_links(changing->build);
}

static struct error *change_redirect(struct changing *changing,
				     const struct change *change)
{
	const struct link_job *job = job_of(changing, change);

	if (change->action == CHANGE_DELETE)
		return link_unredirect(&job->node->netlink, job->made->index);
	return link_redirect(&job->node->netlink, job->redirects, job->made);
}

/* --- a link's settings ------------------------------------------------------------------------- */

static struct error *change_link(const struct link_job *job, enum change_object object,
				 const struct change *change)
{
	_cleanup_route_link_ struct rtnl_link *request = rtnl_link_alloc();
	_cleanup_abstract_address_ struct nl_addr *mac = NULL;
	_cleanup_free_ char *what = xasprintf("its %s can't be %s",
					      change_object_name(object), change->after);

	if (!request)
		return netlink_unbuilt(-NLE_NOMEM);
	if (object == CHANGE_MTU)
		rtnl_link_set_mtu(request, (unsigned)strtoul(change->after, NULL, 10));
	if (object == CHANGE_TXQUEUELEN)
		rtnl_link_set_txqlen(request, (unsigned)strtoul(change->after, NULL, 10));
	if (object == CHANGE_BRIDGE)
		rtnl_link_set_master(request, job->master ? job->master->index : 0);
	if (object == CHANGE_STATE && job->planned->settings.down)
		rtnl_link_unset_flags(request, IFF_UP);
	if (object == CHANGE_STATE && !job->planned->settings.down)
		rtnl_link_set_flags(request, IFF_UP);
	if (object == CHANGE_MAC) {
		mac = nl_addr_build(AF_LLC, job->made->mac, sizeof(job->made->mac));
		rtnl_link_set_addr(request, mac);
	}
	return link_change(&job->node->netlink, job->made->index, request, what);
}

static struct error *change_setting(struct changing *changing,
				    const struct change *change)
{
	return change_link(job_of(changing, change), change->object, change);
}

/* With the VLANs that it has there. */
static struct error *change_bridge(struct changing *changing, const struct change *change)
{
	const struct link_job *job = job_of(changing, change);

	try(change_link(job, CHANGE_BRIDGE, change));
	return job->master ? link_set_vlans(job) : NULL;
}

static struct error *change_bridge_options(struct changing *changing,
					   const struct change *change)
{
	return bridge_change(job_of(changing, change));
}

static struct error *change_filtering(struct changing *changing,
				      const struct change *change)
{
	return bridge_change_filtering(job_of(changing, change));
}

static bool is_wanted(const struct observed_vlan *wanted, size_t n, uint16_t id)
{
	for (size_t i = 0; i < n; i++)
		if (wanted[i].id == id)
			return true;
	return false;
}

static struct observed_link *find_seen(const struct changing *changing,
				       const struct change *change)
{
	const struct node *node = find_node(changing, change->node);

	return observed_named(observed_find(changing->observed, node->name),
			      change->link);
}

static struct error *change_vlans(struct changing *changing, const struct change *change)
{
	const struct link_job *job = job_of(changing, change);
	const struct observed_link *seen = find_seen(changing, change);
	_cleanup_free_ struct observed_vlan *wanted = NULL;
	size_t n = link_wanted_vlans(job->planned, &wanted), n_left = 0;
	_cleanup_free_ uint16_t *left = xcalloc(seen->n_vlans + 1, sizeof(*left));

	for (size_t i = 0; i < seen->n_vlans; i++)
		if (!is_wanted(wanted, n, seen->vlans[i].id))
			left[n_left++] = seen->vlans[i].id;
	try(link_leave_vlans(job, left, n_left));
	return link_join_vlans(job);
}

static struct error *set_offloads(void *job)
{
	return link_set_offloads(job);
}

static struct error *change_offloads(struct changing *changing,
				     const struct change *change)
{
	const struct link_job *job = job_of(changing, change);

	return links_inside(links_of(changing), job->node, set_offloads, (void *)job);
}

/* Without one, it gets what it was made with, which no other can take the place of. */
static struct error *change_impairment(struct changing *changing,
				       const struct change *change)
{
	const struct link_job *job = job_of(changing, change);

	if (find_seen(changing, change)->shaped)
		try(link_unimpair(&job->node->netlink, job->made->index));
	if (job->planned->kind == LINK_TAP)
		try(tap_drop_queue(job));
	return link_impair(job);
}

/* --- nodes ------------------------------------------------------------------------------------- */

static struct error *change_address(struct changing *changing,
				    const struct change *change)
{
	const struct link_job *job = job_of(changing, change);
	struct netlink *netlink = &job->node->netlink;

	if (change->action == CHANGE_DELETE)
		return link_delete_address(netlink, job->made->index, &change->address);
	return link_add_address(netlink, job->made->index, &change->address);
}

static struct error *change_route(struct changing *changing, const struct change *change)
{
	struct node *node = find_node(changing, change->node);
	int device;

	if (change->action == CHANGE_DELETE)
		return node_delete_route(node, &change->route, change->index);
	try(error_prefix(links_find_device(links_of(changing),
					   plan_index(changing, change->node),
					   change->route.device, &device),
			 "route"));
	return node_add_route(node, &change->route, device);
}

static struct error *change_neighbour(struct changing *changing,
				      const struct change *change)
{
	struct node *node = find_node(changing, change->node);
	int device;

	if (change->action == CHANGE_DELETE)
		return node_delete_neighbour(node, &change->neighbour, change->index);
	try(error_prefix(links_find_device(links_of(changing),
					   plan_index(changing, change->node),
					   change->neighbour.device, &device),
			 "neighbour"));
	return node_add_neighbour(node, &change->neighbour, device);
}

struct setting {
	struct node *node;
	const char *sysctl;
};

static struct error *write_sysctl(void *argument)
{
	const struct setting *setting = argument;

	return node_set_sysctl(setting->node, setting->sysctl);
}

/* A switch that is to be what it was may be gone, with its link. */
static struct error *change_sysctl(struct changing *changing, const struct change *change)
{
	struct setting setting = {find_node(changing, change->node), change->after};
	struct error *error =
		links_inside(links_of(changing), setting.node, write_sysctl, &setting);

	if (error && error->code == ENOENT && change->restores)
		error_ignore(steal_ptr(error));
	return error_prefix(error, "%s", changing->build->plan->file);
}

static struct error *switch_forwarding(void *change)
{
	return sysctl_forward(streq(((const struct change *)change)->after, "on"));
}

static struct error *change_forward(struct changing *changing,
				    const struct change *change)
{
	return links_inside(links_of(changing), find_node(changing, change->node),
			    switch_forwarding, (void *)change);
}

static struct error *(*const makers[])(struct changing *changing,
				       const struct change *change) = {
	[CHANGE_HOST] = change_host,
	[CHANGE_LINK] = change_links,
	[CHANGE_REDIRECT] = change_redirect,
	[CHANGE_ADDRESS] = change_address,
	[CHANGE_ROUTE] = change_route,
	[CHANGE_NEIGHBOUR] = change_neighbour,
	[CHANGE_SYSCTL] = change_sysctl,
	[CHANGE_STATE] = change_setting,
	[CHANGE_MTU] = change_setting,
	[CHANGE_MAC] = change_setting,
	[CHANGE_TXQUEUELEN] = change_setting,
	[CHANGE_BRIDGE] = change_bridge,
	[CHANGE_STP] = change_bridge_options,
	[CHANGE_AGEING] = change_bridge_options,
	[CHANGE_SNOOPING] = change_bridge_options,
	[CHANGE_FILTERING] = change_filtering,
	[CHANGE_VLANS] = change_vlans,
	[CHANGE_OFFLOADS] = change_offloads,
	[CHANGE_IMPAIR] = change_impairment,
	[CHANGE_FORWARD] = change_forward,
};
static_assert(ARRAY_SIZE(makers) == CHANGE_OBJECTS, "a change that no one makes");

/* A deletion may find that it was one of another's that is gone: an address's routes. */
static bool is_gone(const struct error *error, const struct change *change)
{
	return change->action == CHANGE_DELETE &&
	       (error->code == ENOENT || error->code == ESRCH ||
		error->code == EADDRNOTAVAIL || error->code == ENODEV);
}

static struct error *place(struct error *error, const struct changing *changing,
			   const struct change *change)
{
	bool located = change->object == CHANGE_LINK && change->action == CHANGE_ADD;
	_cleanup_free_ char *name =
		*change->link && !streq(change->node, "host")
			? xasprintf("%s/%s", change->node, change->link)
			: xstrdup(*change->link ? change->link : change->node);

	if (!located && change->at.line)
		error = error_prefix(error, "%s:%u", changing->build->plan->file,
				     change->at.line);
	return error_object(error, name);
}

struct error *changes_make(struct changing *changing)
{
	for (changing->done = 0; changing->done < changing->changes->n;
	     changing->done++) {
		const struct change *change = &changing->changes->list[changing->done];
		struct error *error = makers[change->object](changing, change);

		if (error && is_gone(error, change))
			error_ignore(steal_ptr(error));
		if (error)
			return place(error, changing, change);
	}
	return NULL;
}
