/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One lab, as the files that make it up share it: private to lab/lab*.c. */
#ifndef NETLAB_LAB_LAB_INTERNAL_H
#define NETLAB_LAB_LAB_INTERNAL_H

#include "lab/egress.h"
#include "lab/halts.h"
#include "lab/lab.h"

struct lab {
	struct lab_options options; /* its topology is the one in force */
	struct topology *applied;   /* owns that, where it is not the first */
	enum lab_state state;
	struct error *failure; /* why it stops; NULL: because it was asked to */
	sd_event *event;
	sd_event_source *deadline;
	struct plan *plan;
	sd_event_source *claim_source;
	int claim; /* on the lab's name, where its host side is shared; -1 otherwise */
	struct links *links;
	struct recording *recording;
	struct egress *egress;
	struct halts *halts;
	uint64_t starting_left_us; /* of the deadline of LAB_STARTING, while halted */
	struct lab_guest **guests;
	size_t n_guests;
	char **console_logs;
	uint64_t started_ns; /* CLOCK_MONOTONIC */
	const struct lab_handlers *handlers;
	void *userdata;
};

#endif
