// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans become links here, and are undone: in which steps is in steps.c. */
#include "link/link.h"

#include <errno.h>
#include <sys/socket.h>

#include "link/build.h"
#include "util/log.h"
#include "util/string.h"

static bool kernel_has_ipv6(void)
{
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0;
}

struct error *links_open(struct links **result)
{
	_cleanup_links_ struct links *links = xcalloc(1, sizeof(*links));

	grow(links->nodes, links->n_nodes);
	try(node_open(&links->nodes[0]));
	links->n_nodes++;
	links->has_ipv6 = kernel_has_ipv6();
	*result = steal_ptr(links);
	return NULL;
}

/* One request for a whole group: one for each link takes 17 ms of RCU grace period each. */
void delete_group(const struct node *node, uint32_t group)
{
	struct ifinfomsg none = {.ifi_family = AF_UNSPEC};
	_cleanup_message_ struct nl_msg *message =
		nlmsg_alloc_simple(RTM_DELLINK, NLM_F_REQUEST);
	_cleanup_error_ struct error *error = NULL;

	if (!message || nlmsg_append(message, &none, sizeof(none), NLMSG_ALIGNTO) < 0 ||
	    nla_put_u32(message, IFLA_GROUP, group) < 0)
		return;
	error = netlink_request((struct netlink *)&node->netlink, message,
				"can't be deleted");
	if (error && error->code != ENODEV)
		log_warning("links of group %u: %s", group, error->message);
}

/*
 * Everything from the @first link on goes: by its group what has one already, by its
 * descriptor a TAP that hasn't. Then the nodes from @first_node on, with the links that they
 * have left: a veth has gone with its other end.
 */
static void undo(struct links *links, size_t first, size_t first_node)
{
	for (size_t i = first; i < links->n_made; i++)
		if (i == first || links->made[i].group != links->made[i - 1].group)
			delete_group(home(links), links->made[i].group);
	for (size_t i = first; i < links->n_made; i++)
		close_fd(&links->made[i].tap);
	links->n_made = first;
	while (links->n_nodes > first_node)
		node_free(links->nodes[--links->n_nodes]);
}

static struct error *make_nodes(struct links *links, const struct plan *plan)
{
	struct error *error = NULL, *stuck;

	if (links->n_nodes >= plan->n_nodes)
		return NULL;
	while (!error && links->n_nodes < plan->n_nodes) {
		grow(links->nodes, links->n_nodes);
		error = node_new(&links->nodes[links->n_nodes],
				 &plan->nodes[links->n_nodes]);
		links->n_nodes += !error;
	}
	stuck = node_enter(home(links));
	if (!error)
		return stuck;
	error_free(stuck);
	return error_prefix(error, "%s", plan->file);
}

static struct error *build_all(struct build *build)
{
	try(make_nodes(build->links, build->plan));
	try(prepare_jobs(build));
	return take_steps(build);
}

struct error *links_build(struct links *links, const struct plan *plan)
{
	struct build build = {.links = links, .plan = plan};
	size_t first = links->n_made, first_node = links->n_nodes;
	struct error *error = build_all(&build);

	if (error)
		undo(links, first, first_node);
	free(build.ifbs);
	free(build.jobs);
	return error;
}

void links_delete(struct links *links)
{
	undo(links, 0, 1);
}

int links_tap_fd(const struct links *links, const char *name)
{
	const struct made_link *link = find_made(links, PLAN_LAB_NODE, name);

	return link ? link->tap : -1;
}

int links_give_tap(struct links *links, const char *name)
{
	struct made_link *link = find_made(links, PLAN_LAB_NODE, name);

	return link ? steal_fd(link->tap) : -1;
}

int links_node_fd(const struct links *links, size_t node)
{
	return node < links->n_nodes ? links->nodes[node]->namespace : -1;
}

void links_free(struct links *links)
{
	if (!links)
		return;
	for (size_t i = 0; i < links->n_made; i++)
		close_fd(&links->made[i].tap);
	while (links->n_nodes)
		node_free(links->nodes[--links->n_nodes]);
	free(links->nodes);
	free(links->made);
	free(links);
}
