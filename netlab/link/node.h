/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network namespace of a lab: its host side, or a host. It is held by descriptors alone, so
 * that the kernel takes it away with the process, whatever ends that.
 */
#ifndef NETLAB_LINK_NODE_H
#define NETLAB_LINK_NODE_H

#include <stdbool.h>

#include "link/netlink.h"
#include "topology/plan.h"
#include "util/error.h"

struct node {
	char *name;    /* of a host; NULL: the lab's host side */
	int namespace; /* descriptor */
	bool quiet; /* its links make no IPv6 address and solicit no router by themselves */
	struct netlink netlink;
};

/**
 * node_open() - the network namespace that the process is in, as the host side
 * @shared: it isn't the lab's own, and stays as it is; else lo is raised
 */
must_use struct error *node_open(struct node **node, bool shared);

/**
 * node_new() - a new network namespace, with lo up and IPv6 that does nothing by itself
 *
 * The process, which is single-threaded, is in it afterwards, also on error: node_enter()
 * takes it back.
 */
must_use struct error *node_new(struct node **node, const struct planned_node *planned);

/** node_enter() - move the process into the node's network namespace. */
must_use struct error *node_enter(const struct node *node);

/** node_free() - NULL is fine. */
void node_free(struct node *node);
DEFINE_CLEANUP(struct node *, node_free);
#define _cleanup_node_ _cleanup_(node_freep)

/**
 * sysctl_write() - set one of the current network namespace's switches below /proc/sys/net
 * @setting: "NAME=VALUE"; in the name dots and slashes change places as in sysctl(8) where
 *           the first of them is a dot
 */
must_use struct error *sysctl_write(const char *setting);

#endif
