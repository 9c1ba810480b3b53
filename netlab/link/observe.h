/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has in a lab's network namespaces: links, addresses, routes, neighbours,
 * queueing disciplines, VLANs of bridges' ports; each read by one dump for a namespace.
 */
#ifndef NETLAB_LINK_OBSERVE_H
#define NETLAB_LINK_OBSERVE_H

#include "link/build.h"
#include "link/shaping.h"

#define OBSERVED_KIND_SIZE 16

struct observed_address {
	int index; /* of the link that has it */
	struct address address;
	bool permanent; /* it doesn't expire: no one's but a user's */
};

struct observed_vlan {
	uint16_t id;
	bool pvid;
	bool untagged;
};

struct observed_bridge {
	bool stp;
	bool multicast_snooping;
	bool vlan_filtering;
	uint32_t forward_delay; /* in ticks of USER_HZ, as the kernel has them */
	uint32_t ageing;
};

struct observed_link {
	int index;
	char name[IFNAMSIZ];
	char kind[OBSERVED_KIND_SIZE]; /* as of `ip -details link`: "bridge", "tun" */
	bool ours;                     /* netlab made it */
	bool up;
	bool ipv6; /* it can have IPv6 addresses */
	uint32_t mtu, txqueuelen;
	uint8_t mac[6];
	int master; /* index of the bridge that it is a port of */
	int lower;  /* index of the link that it sits on, or of a veth's other end */
	struct observed_bridge bridge;
	uint16_t vlan;
	struct vxlan_settings vxlan;
	uint32_t macvlan;            /* mode, as the kernel numbers it */
	struct observed_vlan *vlans; /* in the order of their numbers */
	size_t n_vlans;
	struct shaping shaping; /* of its root qdisc, and what is below */
	bool shaped;            /* its root qdisc is no default of the kernel's */
	bool has_clsact;
	bool redirected; /* what comes in is filtered */
	size_t job; /* diff_compute(): of the wanted link of its name, or CHANGE_NO_JOB */
};

/* A unicast route with one next hop, of the main table. */
struct observed_route {
	struct route route; /* without a device's name */
	int index;          /* of the link that it leaves by */
	uint8_t protocol;   /* RTPROT_… */
	uint8_t scope;      /* RT_SCOPE_… */
};

struct observed_neighbour {
	int index;
	struct neighbour neighbour; /* without a device's name */
};

struct observed_node {
	const char *name; /* borrowed; NULL: the lab's host side */
	struct observed_link *links;
	size_t n_links;
	struct observed_address *addresses;
	size_t n_addresses;
	struct observed_route *routes;
	size_t n_routes;
	struct observed_neighbour *neighbours; /* permanent ones */
	size_t n_neighbours;
	bool forward;   /* between its links, IPv4 and (where there is one) IPv6 */
	char **sysctls; /* the values of those that the plan sets, in its order; "": there
			 * is none of that name, "?": it can't be read */
};

/* Zero-initialised it is empty and valid. */
struct observed {
	struct observed_node *nodes; /* those of struct links that are there */
	size_t n_nodes;
};

/**
 * observe() - read all namespaces of @links
 * @plan: whose sysctls are read as well
 * Return: EAGAIN where links kept changing while they were read.
 */
must_use struct error *observe(const struct links *links, const struct plan *plan,
			       struct observed *observed);

void observed_deinit(struct observed *observed);
#define _cleanup_observed_ _cleanup_(observed_deinit)

/** observed_find() - the node of that name, or NULL; @name of NULL: the lab's host side. */
struct observed_node *observed_find(const struct observed *observed, const char *name);

/** observed_named(), observed_indexed() - a link, or NULL. */
struct observed_link *observed_named(const struct observed_node *node, const char *name);
struct observed_link *observed_indexed(const struct observed_node *node, int index);

/* --- decode.c: one message of a dump; what is malformed is left out ----------------------- */

void decode_link(struct nlmsghdr *header, struct observed_node *node);
void decode_vlans(struct nlmsghdr *header, struct observed_node *node);
void decode_address(struct nlmsghdr *header, struct observed_node *node);
void decode_route(struct nlmsghdr *header, struct observed_node *node);
void decode_neighbour(struct nlmsghdr *header, struct observed_node *node);
void decode_qdisc(struct nlmsghdr *header, struct observed_node *node);
void decode_filter(struct nlmsghdr *header, struct observed_node *node);

#endif
