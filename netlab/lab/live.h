/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a lab's links are like at this moment. */
#ifndef NETLAB_LAB_LIVE_H
#define NETLAB_LAB_LIVE_H

#include <jansson.h>

#include "link/link.h"
#include "topology/plan.h"

/**
 * live_add() - give each of the links[] of a status its `live`, read from the kernel now
 * @links: what plan_links_to_json() made of @plan
 * @made: where the plan's nodes are
 *
 * A link that is not there gets null. Where the kernel can't be asked they are left without.
 */
void live_add(json_t *links, const struct plan *plan, const struct links *made);

#endif
