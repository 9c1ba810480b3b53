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
	char **originals; /* "NAME=VALUE" of switches before node_set_sysctl() */
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

/**
 * node_found() - give a node that has but a name its network namespace, as node_new() does
 *
 * The process is in it afterwards, also on error.
 */
must_use struct error *node_found(struct node *node, const struct planned_node *planned);

/** node_alloc() - a node with no namespace yet; @name of NULL: the lab's host side. */
struct node *node_alloc(const char *name);

/** node_is_founded() - has it a network namespace? */
bool node_is_founded(const struct node *node);

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

/**
 * sysctl_read() - the value that one of those switches has
 * @setting: as for sysctl_write(); what stands behind the name doesn't count
 * @value: new; blanks between words are one space each. At most SYSCTL_VALUE_MAX bytes.
 * Return: ENOENT where the kernel has no such switch.
 */
must_use struct error *sysctl_read(const char *setting, char **value);

/**
 * node_set_sysctl() - as sysctl_write(), by a process that is in the node
 *
 * What it was before the first time is remembered, until it is that again.
 */
must_use struct error *node_set_sysctl(struct node *node, const char *setting);

/** node_original() - "NAME=VALUE" that @setting's switch had before, borrowed; or NULL. */
const char *node_original(const struct node *node, const char *setting);

/** sysctl_forward() - switch forwarding between links on or off, IPv4 and IPv6. */
must_use struct error *sysctl_forward(bool on);

#define SYSCTL_VALUE_MAX 4095

#endif
