/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kinds of links share, and what each does in its own way. */
#ifndef NETLAB_LINK_KIND_H
#define NETLAB_LINK_KIND_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "link/netlink.h"
#include "link/node.h"
#include "topology/plan.h"
#include "util/error.h"

#define LINK_ALIAS_SIZE 64 /* bytes; room for what owner_alias() writes */

struct made_link {
	char name[IFNAMSIZ];
	size_t node; /* index into the nodes of struct links */
	int index;   /* the kernel's interface index; 0 until it is known */
	int tap;     /* descriptor that holds a TAP; -1 otherwise; owned */
	uint32_t
		group; /* link group shared by what one links_build() made: see delete_groups() */
	bool has_mac;  /* else the kernel chooses one */
	bool inherits; /* has the address of its lower link, without being told */
	uint8_t mac[6];
	bool without_ipv6; /* the kernel does no IPv6 on it: its MTU is too small (RFC 8200) */
};

/* A link that is being made. All is borrowed. */
struct link_job {
	const struct planned_link *planned;
	struct made_link *made;
	struct node *node;
	const struct made_link *master; /* NULL: none */
	const struct made_link *lower;  /* NULL: none */
	const struct link_job *peer;    /* a veth's other end */
	const struct made_link
		*redirects;          /* ifb: what comes in by this link goes through it */
	uint32_t group;              /* the one that its links_build() has for all */
	char alias[LINK_ALIAS_SIZE]; /* in a shared namespace; else "" */
	bool exists;                 /* it is there already: no step is taken on it */
};

struct link_kind_ops {
	const char *type;   /* the kernel's name of the kind */
	const char *module; /* the kernel module that does it */
	/*
	 * Makes the link, down; sets link->tap. NULL: it is made over rtnetlink, as
	 * link_create() does it.
	 */
	struct error *(*create)(const struct link_job *job);
	/* Says what is the kind's own with libnl's means; NULL: nothing. 0 or libnl's code. */
	int (*describe)(const struct link_job *job, struct rtnl_link *link);
	/* The same, where libnl has no means: adds IFLA_LINKINFO, its type included. */
	int (*put_info)(const struct link_job *job, struct nl_msg *message);
	/* Further requests to a link that has its settings, but isn't raised; NULL: none. */
	struct error *(*prepare)(const struct link_job *job);
	uint32_t txqueuelen; /* frames, where the topology names none; 0: the kernel's */
	bool is_bridge; /* speaks, is raised behind its ports, has its least port's MTU */
	bool by_ioctl;  /* gets its settings only once it is there */
	bool is_silent; /* no one speaks on it, whatever it is part of */
};

extern const struct link_kind_ops bridge_ops;
extern const struct link_kind_ops tap_ops;
extern const struct link_kind_ops veth_ops;
extern const struct link_kind_ops vlan_ops;
extern const struct link_kind_ops vxlan_ops;
extern const struct link_kind_ops macvlan_ops;
extern const struct link_kind_ops dummy_ops;
extern const struct link_kind_ops ifb_ops;

/** link_kind_ops() - the table's entry for @kind. */
const struct link_kind_ops *link_kind_ops(enum link_kind kind);

/* --- requests.c ------------------------------------------------------------------------- */

/**
 * link_put_common() - say in @link what every link is made with: name, group and settings
 * Return: 0 or libnl's code.
 */
int link_put_common(const struct link_job *job, struct rtnl_link *link);

/** link_create() - make the link in its node, over rtnetlink. */
must_use struct error *link_create(const struct link_job *job);

/**
 * link_put_settings() - add MTU, MAC and queue length to @link; not a bridge's MTU, which
 * comes when it has its ports. 0 or libnl's code.
 */
int link_put_settings(const struct link_job *job, struct rtnl_link *link);

/**
 * link_change() - have the kernel change what is set in @changes
 * @changes: NULL means that memory was short
 * @what: what could not be done, for the error
 */
must_use struct error *link_change(struct netlink *netlink, int index,
				   struct rtnl_link *changes, const char *what);

/** link_raise() - bring it up; @mtu: bytes, 0: as it is. */
must_use struct error *link_raise(struct netlink *netlink, int index, uint32_t mtu);

/* --- addresses.c ------------------------------------------------------------------------ */

/**
 * link_mac() - a hardware address from the names of lab, node and link: the same on each run,
 * locally administered, and not one of the bridge's ports'
 * @lab: labs may meet on a segment, with links of the same names; NULL: none
 * @node: NULL for the host side
 */
void link_mac(const char *lab, const char *node, const char *name, uint8_t mac[6]);

/** address_to_abstract() - as libnl has addresses; the caller puts it. NULL: no memory. */
struct nl_addr *address_to_abstract(const struct address *address);

/** link_local_address() - fe80::/64 and the modified EUI-64 of @mac: RFC 4291, appendix A. */
struct address link_local_address(const uint8_t mac[6]);

/** link_wants_link_local() - is the link given an IPv6 link-local address by netlab? */
bool link_wants_link_local(const struct link_job *job);

/** link_add_address(), link_delete_address() - one, usable at once. */
must_use struct error *link_add_address(struct netlink *netlink, int index,
					const struct address *address);
must_use struct error *link_delete_address(struct netlink *netlink, int index,
					   const struct address *address);

/** link_add_addresses() - give the link the addresses of its plan, usable at once. */
must_use struct error *link_add_addresses(const struct link_job *job);

/**
 * link_add_link_local() - give the link its IPv6 link-local address (modified EUI-64 of its
 * hardware address), usable at once and without a router being solicited
 */
must_use struct error *link_add_link_local(const struct link_job *job);

/* --- bridge.c, macvlan.c ------------------------------------------------------------------ */

/** bridge_ageing_ticks() - after what time it forgets, in the kernel's ticks for users. */
uint32_t bridge_ageing_ticks(const struct bridge_settings *bridge);

/** bridge_change() - give a bridge that is there its options anew, but that on VLANs. */
must_use struct error *bridge_change(const struct link_job *job);

/** bridge_change_filtering() - have it filter VLANs, or not any more. */
must_use struct error *bridge_change_filtering(const struct link_job *job);

#define BRIDGE_NO_FILTERING \
	"the kernel's bridges don't filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING)"

/** tap_drop_queue() - no queue before a TAP's own, where it isn't impaired. */
must_use struct error *tap_drop_queue(const struct link_job *job);

/** macvlan_mode() - as the kernel numbers them. */
uint32_t macvlan_mode(enum macvlan_type type);

/* --- port-vlans.c, offload.c, impair.c, routes.c ---------------------------------------- */

/** link_set_vlans() - VLANs of a bridge's port, or of a bridge that filters them. */
must_use struct error *link_set_vlans(const struct link_job *job);

struct observed_vlan;

/**
 * link_wanted_vlans() - all VLANs that the link is to be in, in the order of their numbers
 * @vlans: new, the caller frees it
 * Return: how many.
 */
size_t link_wanted_vlans(const struct planned_link *planned,
			 struct observed_vlan **vlans);

/** link_leave_vlans() - take the link out of VLANs. */
must_use struct error *link_leave_vlans(const struct link_job *job, uint16_t *vlans,
					size_t n);

/** link_join_vlans() - as link_set_vlans(), in its default VLAN too where none is named. */
must_use struct error *link_join_vlans(const struct link_job *job);

/**
 * link_set_offloads() - switch offloads as the topology says
 *
 * The process must be in the link's network namespace. What the kernel doesn't let be changed
 * is an error that names offload and feature.
 */
must_use struct error *link_set_offloads(const struct link_job *job);

/** link_impair() - delay, lose and limit what leaves the link. */
must_use struct error *link_impair(const struct link_job *job);

/** link_unimpair() - take the root qdisc off the link: it has the kernel's default again. */
must_use struct error *link_unimpair(struct netlink *netlink, int index);

/** link_unredirect() - undo link_redirect(): what comes in is filtered by no one. */
must_use struct error *link_unredirect(struct netlink *netlink, int index);

/** link_redirect() - have all that comes in by @from go through the link @to first. */
must_use struct error *link_redirect(struct netlink *netlink,
				     const struct made_link *from,
				     const struct made_link *to);

/** ifb_name() - the ifb before a link: "ifb-LINK", or "ifb-HASH-" and the end of its name. */
void ifb_name(const char *link, char name[IFNAMSIZ]);

/** route_text() - "10.0.0.0/8 via 192.0.2.1"; a new string. */
char *route_text(const struct route *route);

/** node_add_route() - @device: index of the link it names; 0 where it names none. */
must_use struct error *node_add_route(struct node *node, const struct route *route,
				      int device);

/** node_delete_route() - @device: index of the link that it leaves by. */
must_use struct error *node_delete_route(struct node *node, const struct route *route,
					 int device);

/** node_delete_neighbour() - @device: index of the link it is behind. */
must_use struct error *node_delete_neighbour(struct node *node,
					     const struct neighbour *neighbour,
					     int device);

/** node_add_neighbour() - permanent; @device: index of the link it is behind. */
must_use struct error *node_add_neighbour(struct node *node,
					  const struct neighbour *neighbour, int device);

#endif
