/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a topology needs of the host's kernel: a list of links in the order in which they are
 * made: bridges, TAPs, pairs of veths, then virtual links, each behind the one it sits on.
 * Pure; netlab/link/ carries it out.
 */
#ifndef NETLAB_TOPOLOGY_PLAN_H
#define NETLAB_TOPOLOGY_PLAN_H

#include <net/if.h>

#include "topology/topology.h"

enum link_kind {
	LINK_BRIDGE,
	LINK_TAP,
	LINK_VETH,
	LINK_VLAN,
	LINK_VXLAN,
	LINK_MACVLAN,
	LINK_DUMMY,
	LINK_IFB,
};

#define LINK_KINDS (LINK_IFB + 1)

#define PLAN_NO_PEER SIZE_MAX

/* Indexes of nodes: the lab's host side, and the first of its hosts. */
#define PLAN_LAB_NODE   0
#define PLAN_FIRST_HOST 1

/* Everything that is a pointer is borrowed from the topology. */
struct planned_link {
	enum link_kind kind;
	char name[IFNAMSIZ];
	size_t node; /* network namespace it is in: index into the plan's nodes */
	char master[IFNAMSIZ]; /* bridge it becomes a port of; "": none */
	char lower[IFNAMSIZ];  /* link it sits on, of the same node; "": none */
	size_t peer; /* LINK_VETH: index of its other end, which comes next or came
				* just before; else PLAN_NO_PEER */
	struct bridge_settings bridge;
	struct vlan_settings vlan;
	struct vxlan_settings vxlan;
	enum macvlan_type macvlan;
	bool persistent;   /* a TAP that no guest has: it waits for who opens it */
	const char *owner; /* the user who may open that, by name or number; NULL: who
				* runs netlab */
	struct port_vlans vlans; /* as a port of a bridge that filters VLANs */
	struct link_settings settings;
	struct impairment
		impair_in; /* of what comes in by it (an ifb is put before it) */
	const struct address *addresses;
	size_t n_addresses;
	const struct guest *guest; /* whose card a TAP is; NULL otherwise */
	size_t nic;                /* that card's index in the guest */
	struct location at;        /* where the topology says so */
};

/* A network namespace. The first is the lab's host side, the others are its hosts. */
struct planned_node {
	const char *name; /* "host" for the host side */
	bool forward;
	char *const *sysctls; /* "NAME=VALUE"; NULL: none */
	const struct route *routes;
	size_t n_routes;
	const struct neighbour *neighbours;
	size_t n_neighbours;
};

struct plan {
	const char *file; /* the topology's, for messages; borrowed */
	struct planned_node *nodes;
	size_t n_nodes;
	struct planned_link *links;
	size_t n_links;
	const char *lab; /* the topology's name; borrowed */
};

/** plan_new() - @topology must outlive the plan. Never fails: the topology is valid. */
struct plan *plan_new(const struct topology *topology);

/** plan_free() - NULL is fine. */
void plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_free);
#define _cleanup_plan_ _cleanup_(plan_freep)

/** link_kind_name() - "bridge", "tap". */
const char *link_kind_name(enum link_kind kind);

/** plan_link() - the planned link of that name on the lab's host side, or NULL. */
const struct planned_link *plan_link(const struct plan *plan, const char *name);

/** plan_link_of() - as plan_link(), of any node. */
const struct planned_link *plan_link_of(const struct plan *plan, size_t node,
					const char *name);

/**
 * plan_route_rests() - is the link down that @route of a node leaves by?
 *
 * The kernel drops the routes of a link that is taken down, and takes no new ones.
 */
bool plan_route_rests(const struct plan *plan, size_t node, const struct route *route);

/** plan_link_labelled() - as plan_link(), of a host where the name is "HOST/LINK". */
const struct planned_link *plan_link_labelled(const struct plan *plan, const char *label);

#endif
