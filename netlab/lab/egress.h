/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host's kernel says to the guests while the lab is halted: nothing that it has said
 * before. See link/egress.h for the filter, and link/halt.h for the rest.
 */
#ifndef NETLAB_LAB_EGRESS_H
#define NETLAB_LAB_EGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "link/link.h"
#include "topology/plan.h"
#include "topology/topology.h"

/* Neighbours are looked after in halts as long as that: before it, no entry gets old, and a
 * single step costs no request. */
#define EGRESS_NEIGHBOURS_NS (500ull * 1000000)

/*
 * How the host is kept quiet; decided by egress_new().
 * EGRESS_OFF: not at all: the lab has no guests or no lockstep, or `hold_host: off`.
 * EGRESS_FILTER: what repeats is dropped in halts.
 * EGRESS_RTO_MIN: the host's TCP repeats nothing for two minutes, halted or not.
 */
enum egress_kind {
	EGRESS_OFF,
	EGRESS_FILTER,
	EGRESS_RTO_MIN,
};

struct egress;

/**
 * egress_new() - prepare for halts, when the links of @plan are there and no guest is yet
 * @lockstep: false: the lab never halts
 * @topology: borrowed for this call
 * @links, @plan: borrowed; @plan until egress_update() gives another one
 *
 * What can't be done is logged, and the lab goes on without it.
 */
struct egress *egress_new(sd_event *event, bool lockstep, const struct topology *topology,
			  struct links *links, const struct plan *plan);

/** egress_let_go() - leave the links to someone who changes them, until egress_update() */
void egress_let_go(struct egress *egress);

/** egress_update() - the links are now those of @plan, which is borrowed from here on. */
void egress_update(struct egress *egress, const struct plan *plan);

/** egress_halt() - the lab has halted, or goes on; the same again is fine. */
void egress_halt(struct egress *egress, bool halted);

/** egress_add_status() - `halts` of docs/control-protocol.md; NULL is fine: nothing is added. */
void egress_add_status(const struct egress *egress, json_t *status);

/** egress_free() - before the links go; NULL is fine. */
void egress_free(struct egress *egress);

#endif
