/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A topology and its plan as JSON, in the form that the control socket's `status` has
 * (docs/control-protocol.md) without what only a lab that runs can know. `netlab graph` draws
 * from it, so that a file and a living lab are drawn alike.
 */
#ifndef NETLAB_TOPOLOGY_DESCRIBE_H
#define NETLAB_TOPOLOGY_DESCRIBE_H

#include <jansson.h>

#include "topology/plan.h"

#define HOST_SIDE "host" /* what the lab's host side is called where nodes are named */

/** link_describe() - "bridge br0", "tap of server, e1000"; the caller frees it. */
char *link_describe(const struct planned_link *link);

/** plan_node_name() - of a network namespace of the plan. */
const char *plan_node_name(const struct plan *plan, size_t node);

/** plan_nodes_to_json() - `nodes[]`; a new reference. */
json_t *plan_nodes_to_json(const struct plan *plan);

/** plan_links_to_json() - `links[]`, in the order of the plan; a new reference. */
json_t *plan_links_to_json(const struct plan *plan);

/** guest_nics_to_json() - `nics[]` of one guest; a new reference. */
json_t *guest_nics_to_json(const struct guest *guest);

/** topology_to_json() - all of it; a new reference. */
json_t *topology_to_json(const struct topology *topology, const struct plan *plan);

#endif
