/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host's kernel is told in a lab's own network namespaces (its host side, but for one
 * that is shared, and its hosts), so that it takes a guest that is halted for one that lives.
 */
#ifndef NETLAB_LINK_HALT_H
#define NETLAB_LINK_HALT_H

#include "link/link.h"
#include "topology/plan.h"
#include "util/error.h"

/* Frames that wait in the TAP of a guest's card, where the topology says nothing of that. */
#define HALT_QUEUE_LENGTH 100000

/**
 * links_prepare_halts() - connections don't end for want of an answer, at least for two hours
 * (tcp_retries2 and others), and there is room for what is sent into a halt
 *
 * What the topology sets is not touched. Again is fine, and does what is new.
 */
must_use struct error *links_prepare_halts(struct links *links, const struct plan *plan);

/**
 * links_stretch_timeouts() - the host's TCP repeats nothing for two minutes: rto_min on each
 * route to a guest, for connections from now on, and no tail-loss probes (RFC 8985)
 *
 * For where egress_filter_new() is refused. A segment that is lost, and no later one tells of
 * it, is repaired no sooner.
 */
must_use struct error *links_stretch_timeouts(struct links *links,
					      const struct plan *plan);

struct halt_neighbours; /* what is held, and what it was before */

/**
 * halt_neighbours_hold() - no ARP and no neighbour solicitation is sent for the guests' cards
 *
 * Of what is in the neighbour tables, the cards' entries become such that are never checked;
 * what is not, but is on a link that leads to the card, is put there.
 * @held: new, also on error, for halt_neighbours_release()
 */
must_use struct error *halt_neighbours_hold(struct links *links, const struct plan *plan,
					    struct halt_neighbours **held);

/**
 * halt_neighbours_release() - entries are reachable as of now, those that were put there are gone
 * @held: owned; NULL is fine
 */
void halt_neighbours_release(struct links *links, struct halt_neighbours *held);

/** halt_neighbours_free() - forget what is held, and leave it as it is; NULL is fine. */
void halt_neighbours_free(struct halt_neighbours *held);

#endif
