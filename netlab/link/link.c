// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans become links here, and are undone: in which steps is in steps.c. */
#include "link/link.h"

#include <errno.h>
#include <sys/socket.h>

#include "link/build.h"
#include "link/group.h"
#include "link/owner.h"
#include "util/log.h"
#include "util/string.h"

static bool kernel_has_ipv6(void)
{
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0;
}

static struct error *open_links(struct links **result, const char *lab)
{
	_cleanup_links_ struct links *links = xcalloc(1, sizeof(*links));

	links->lab = xstrdup(lab);
	grow(links->nodes, links->n_nodes);
	try(node_open(&links->nodes[0], lab != NULL));
	links->n_nodes++;
	links->has_ipv6 = kernel_has_ipv6();
	*result = steal_ptr(links);
	return NULL;
}

struct error *links_open(struct links **links)
{
	return open_links(links, NULL);
}

struct error *links_open_shared(struct links **links, const char *lab)
{
	return open_links(links, lab);
}

static void delete_group(struct links *links, uint32_t group)
{
	_cleanup_error_ struct error *error = group_delete(&home(links)->netlink, group);

	if (error && error->code != ENODEV)
		log_warning("links of group %u: %s", group, error->message);
}

static void delete_groups(struct links *links, size_t first)
{
	for (size_t i = first; i < links->n_made; i++)
		if (i == first || links->made[i].group != links->made[i - 1].group)
			delete_group(links, links->made[i].group);
}

/* In a shared namespace an alias says what is the lab's, whatever was put into its group. */
static void delete_owned(struct links *links)
{
	_cleanup_owned_links_ struct owned_links deleted = {0};
	_cleanup_error_ struct error *error = owner_delete(links->lab, &deleted);

	if (error)
		log_warning("links of lab %s: %s", links->lab, error->message);
}

/*
 * TAPs from the @first link on go with their descriptors. Then the nodes from @first_node on,
 * with the links that they have left: a veth has gone with its other end.
 */
static void forget(struct links *links, size_t first, size_t first_node)
{
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
	try(check_surroundings(build));
	return take_steps(build);
}

struct error *links_build(struct links *links, const struct plan *plan)
{
	struct build build = {.links = links, .plan = plan};
	size_t first = links->n_made, first_node = links->n_nodes;
	struct error *error = build_all(&build);

	if (error) {
		delete_groups(links, first);
		forget(links, first, first_node);
	}
	free(build.ifbs);
	free(build.jobs);
	return error;
}

void links_delete(struct links *links)
{
	if (links->lab)
		delete_owned(links);
	else
		delete_groups(links, 0);
	forget(links, 0, 1);
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

int links_node_socket(const struct links *links, size_t node)
{
	return node < links->n_nodes
		       ? nl_socket_get_fd(links->nodes[node]->netlink.socket)
		       : -1;
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
	free(links->lab);
	free(links);
}
