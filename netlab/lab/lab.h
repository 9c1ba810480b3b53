/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running lab, inside its supervisor: links, capture and guests in one event loop. What the
 * control socket asks of it goes through here.
 */
#ifndef NETLAB_LAB_LAB_H
#define NETLAB_LAB_LAB_H

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "image/kernel.h"
#include "image/overlay.h"
#include "lab/accel.h"
#include "lab/guest.h"
#include "lab/recording.h"
#include "topology/topology.h"
#include "util/error.h"

/* What a lab is made from. Everything is borrowed and outlives the lab. */
struct lab_options {
	const struct topology *topology;
	const char *name;   /* the lab's */
	const char *output; /* absolute folder for captures and console logs */
	struct kernel *const
		*kernels; /* one for each guest of the topology, in its order */
	const struct guest_image *images; /* one for each, too */
	enum accel_choice accel;
	const char *freeze;  /* NULL: no guest; "": all; else that one */
	bool no_lockstep;    /* whatever the topology says */
	uint64_t timeout_ns; /* for all guests to be up */
};

/*
 * LAB_STARTING: links are made, guests boot. All guests up (or frozen) moves it to UP, a guest
 *	that can't get there or the deadline to STOPPING.
 * LAB_UP: until lab_stop() moves it to STOPPING. A guest that ends does not.
 * LAB_STOPPING: guests are asked to power off, for LAB_POWEROFF_NS at most. Then STOPPED.
 * LAB_STOPPED: nothing of it is left but the files in @output. Forever.
 */
enum lab_state {
	LAB_STARTING,
	LAB_UP,
	LAB_STOPPING,
	LAB_STOPPED,
};

#define LAB_POWEROFF_NS (3ull * 1000000000)

const char *lab_state_name(enum lab_state state);

struct lab;

struct lab_handlers {
	/* The state is another one. @why is what failed: why it stops, or why its capture isn't
	 * whole; borrowed, NULL where nothing failed. */
	void (*changed)(struct lab *lab, enum lab_state state, const struct error *why,
			void *userdata);
	/* A guest's kernel has panicked, and it stands for good (on_panic: halt); borrowed. */
	void (*panicked)(struct lab *lab, const struct error *how, void *userdata);
	/* A guest has read all input of its commands. */
	void (*drained)(struct lab *lab, void *userdata);
	/* Time in the lab stands still, or goes on: lab_is_halted(). */
	void (*halted)(struct lab *lab, void *userdata);
};

/**
 * lab_new() - make the links in the network namespace that the process is in, begin the
 * topology's capture, start the guests
 *
 * With `netns: host` that namespace is not the lab's own: what a dead lab of the same name left
 * in it is removed first.
 * @rundir: the lab's runtime folder
 * Return: on error nothing of it is left.
 */
must_use struct error *lab_new(struct lab **lab, sd_event *event,
			       const struct lab_options *options, const char *rundir,
			       const struct lab_handlers *handlers, void *userdata);

/** lab_stop() - begin to take it down; changed() tells the rest. Again is fine. */
void lab_stop(struct lab *lab);

/** lab_is_halted() - does one of its guests stand still, and the lab with it? */
bool lab_is_halted(const struct lab *lab);

enum lab_state lab_get_state(const struct lab *lab);

/** lab_guest() - a guest by name; the error names those that there are. */
must_use struct error *lab_find_guest(struct lab *lab, const char *name,
				      struct lab_guest **guest);

const struct topology *lab_topology(const struct lab *lab);

/** lab_recording() - what of it is captured; borrowed. */
struct recording *lab_recording(const struct lab *lab);

/**
 * lab_apply() - make of a lab that is up what another topology says, or find out what that is
 * @wanted: owned from here on, on error too
 * @changes: what is changed, or would be: `changes[]` of docs/control-protocol.md; a new
 *           reference
 * Return: EBUSY, and nothing is changed, where it asks for what only a new start can give. What
 * the kernel refuses ends it: what was done before stays, and the lab is meant to be as
 * @wanted from then on.
 */
must_use struct error *lab_apply(struct lab *lab, struct topology *wanted, bool dry_run,
				 json_t **changes);

/** lab_to_json() - what `netlab status --json` shows; a new reference. */
json_t *lab_to_json(const struct lab *lab);

/** lab_free() - end everything at once; NULL is fine. */
void lab_free(struct lab *lab);
DEFINE_CLEANUP(struct lab *, lab_free);
#define _cleanup_lab_ _cleanup_(lab_freep)

#endif
