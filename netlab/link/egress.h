/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A filter on what the host's kernel sends to a lab's guests: while they are halted, TCP segments
 * that say nothing new are dropped. What it takes for that is in egress.bpf.c.
 */
#ifndef NETLAB_LINK_EGRESS_H
#define NETLAB_LINK_EGRESS_H

#include <stdbool.h>

#include "link/link.h"
#include "topology/plan.h"
#include "util/error.h"

struct egress_filter;

/**
 * egress_filter_new() - have the kernel take the filter; it is on no link yet
 * Return: EPERM where the process may not load it: that takes CAP_BPF and CAP_NET_ADMIN outside
 * of all user namespaces, or CAP_SYS_ADMIN before kernel 5.8.
 */
must_use struct error *egress_filter_new(struct egress_filter **filter);

/**
 * egress_filter_attach() - put it on the way out of each link of the host side that leads to a
 * guest: its TAP, and the bridge that has that as a port
 *
 * Again is fine, and does what is new. The process is in the host side's network namespace. The
 * filter goes with the link; it leaves room for the filters of others before and behind it.
 */
must_use struct error *egress_filter_attach(struct egress_filter *filter,
					    const struct links *links,
					    const struct plan *plan);

/** egress_filter_halt() - begin to drop, or let everything pass; costs no system call. */
void egress_filter_halt(struct egress_filter *filter, bool halted);

/** egress_filter_dropped() - frames so far. */
uint64_t egress_filter_dropped(const struct egress_filter *filter);

/** egress_filter_free() - the links keep it, idle, for as long as they are; NULL is fine. */
void egress_filter_free(struct egress_filter *filter);
DEFINE_CLEANUP(struct egress_filter *, egress_filter_free);
#define _cleanup_egress_filter_ _cleanup_(egress_filter_freep)

#endif
