/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links in the network namespace that the process is in: made over rtnetlink by libnl-route
 * (TAPs by the TUN ioctls, as rtnetlink refuses to make them).
 */
#ifndef NETLAB_LINK_LINK_H
#define NETLAB_LINK_LINK_H

#include "topology/plan.h"
#include "util/error.h"

struct changes;    /* link/diff.h */
struct comparison; /* of what there is with a plan */
struct links;      /* a netlink socket, and the links made through it */

/** links_open() - a socket into the current network namespace; raises "lo" as well. */
must_use struct error *links_open(struct links **links);

/**
 * links_open_shared() - as links_open(), into a namespace that is not the lab's own
 * @lab: its name, for the alias of each of its links in there: see owner.h
 *
 * Nothing in it is changed but by links_build(): "lo" stays as it is.
 */
must_use struct error *links_open_shared(struct links **links, const char *lab);

/**
 * links_build() - make every link of @plan, with ports, addresses and all links up
 *
 * IPv6 addresses are usable at once (IFA_F_NODAD). TAPs carry no IPv6 of their own. On error
 * everything that this call made is gone again, and the error names the link, the line of the
 * topology and the kernel's extended ACK. In a shared namespace a name that is taken is said
 * before anything is made, and whose it is.
 */
must_use struct error *links_build(struct links *links, const struct plan *plan);

/**
 * links_compare() - what is to be changed so that there is what @plan wants
 * @old: the plan of before; for what can't be read from the kernel
 * @comparison: new, for comparison_free(); @plan must outlive it
 */
must_use struct error *links_compare(const struct links *links, const struct plan *old,
				     const struct plan *plan,
				     struct comparison **comparison);

/** comparison_changes() - borrowed. */
const struct changes *comparison_changes(const struct comparison *comparison);

/**
 * links_apply() - change what differs, once, and only that
 * @comparison: of links_compare(), with nothing done to @links since
 *
 * Links and hosts that are in both plans stay what they are. The plan's nodes and links are
 * from now on those of @links, be it that the kernel refuses something: what was done before
 * stays then, and to compare and apply again does the rest.
 * Return: an error as of links_build().
 */
must_use struct error *links_apply(struct links *links, struct comparison *comparison);

/** comparison_free() - and nothing of what it found out is done. */
void comparison_free(const struct links *links, struct comparison *comparison);

/**
 * links_tap_fd() - the descriptor of a TAP that links_build() made; owned by @links
 * Return: -1 where there is no such TAP. It is O_NONBLOCK and O_CLOEXEC, attached with
 * IFF_TAP | IFF_NO_PI | IFF_VNET_HDR (struct virtio_net_hdr, 10 bytes, legacy layout).
 */
int links_tap_fd(const struct links *links, const char *name);

/**
 * links_node_fd() - the network namespace of one of the plan's nodes; owned by @links
 * @node: index into the plan's nodes; 0, the host side, is the namespace that links_open()
 *        was called in
 * Return: a descriptor of the namespace, close-on-exec; -1 where there is no such node.
 */
int links_node_fd(const struct links *links, size_t node);

/**
 * links_node_socket() - an rtnetlink socket in the network namespace of one of the plan's nodes,
 * for requests whose answer is read at once; owned by @links. -1 where there is no such node.
 */
int links_node_socket(const struct links *links, size_t node);

/** links_give_tap() - hand a TAP's descriptor over to the caller. */
int links_give_tap(struct links *links, const char *name);

/**
 * links_delete() - delete everything that links_build() made through @links, in one request
 *
 * For many TAPs at once that is tens of times faster than closing their descriptors one by
 * one. Descriptors handed over stay open, and are then those of no link.
 */
void links_delete(struct links *links);

/** links_free() - close everything. What holds no descriptor stays with its namespace. */
void links_free(struct links *links);
DEFINE_CLEANUP(struct links *, links_free);
#define _cleanup_links_ _cleanup_(links_freep)

/** tap_check_device() - can this process open /dev/net/tun? The error says what to do. */
must_use struct error *tap_check_device(void);

#endif
