/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan as lines of shell: what iproute2 (5.18 and later), ethtool and sysctl have to be told
 * so that the same links come to be. Pure.
 *
 * What differs from what netlab does: IPv6 link-local addresses are the kernel's own, and hosts
 * are named namespaces, LAB-HOST.
 */
#ifndef NETLAB_TOPOLOGY_IPLINES_H
#define NETLAB_TOPOLOGY_IPLINES_H

#include "topology/plan.h"

/**
 * plan_to_ip() - lines that make it; the caller frees the vector
 * @owner: whose the TAPs are, as the shell reads it: "\"$UID\""; NULL: the user's who runs it
 */
char **plan_to_ip(const struct plan *plan, const char *lab, const char *owner);

/** plan_to_ip_removal() - lines that take away what of it is there, each without failing. */
char **plan_to_ip_removal(const struct plan *plan, const char *lab);

#endif
