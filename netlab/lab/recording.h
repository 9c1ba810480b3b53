/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is recorded of a lab: the capture that its topology asks for, with the lab's halts and
 * the guests' consoles in it, and whoever else wants to know when the lab stands still
 * (`netlab capture`, over the control socket).
 */
#ifndef NETLAB_LAB_RECORDING_H
#define NETLAB_LAB_RECORDING_H

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "capture/capture.h"
#include "link/link.h"
#include "topology/plan.h"
#include "topology/topology.h"
#include "util/error.h"

/* Everything is borrowed, for recording_new() alone. */
struct recording_options {
	const struct topology *topology;
	const char *lab;    /* its name */
	const char *output; /* absolute folder for the file */
	const struct plan *plan;
	const struct links *links;
};

struct recording;

/**
 * recording_new() - begin the capture, where the topology asks for one
 * Return: an error about the file, or a link.
 */
must_use struct error *recording_new(struct recording **recording, sd_event *event,
				     const struct recording_options *options);

/** recording_is_on() - is anything captured? */
bool recording_is_on(const struct recording *recording);

/** recording_loss() - why what it captured isn't whole; NULL: it is; borrowed. */
const struct error *recording_loss(const struct recording *recording);

/**
 * recording_halt() - the lab stands still; where it does already, nothing comes of it
 * @guest: that stopped it
 * @cause: why, as of guest_halt_cause()
 * @wall: since when: ns since 1970-01-01 UTC, as QMP stamps its STOP
 */
void recording_halt(struct recording *recording, const char *guest, const char *cause,
		    uint64_t wall);

/** recording_resume() - it goes on since @wall, the stamp of RESUME; where it does, nothing comes
 * of it. */
void recording_resume(struct recording *recording, uint64_t wall);

/** recording_tell() - a debugger says where a guest stands that it halted */
void recording_tell(struct recording *recording, const struct halt_place *place);

/**
 * recording_add_line() - a guest's console said something
 * @guest: its name
 * @wall: when it began to: ns since 1970-01-01 UTC
 * @priority: as of capture/row.h
 */
void recording_add_line(struct recording *recording, const char *guest, uint64_t wall,
			int priority, const char *line);

/**
 * recording_flush() - have all that was captured until now written, as of capture_flush()
 * Return: ENODATA where nothing is captured (any more).
 */
must_use struct error *recording_flush(struct recording *recording,
				       capture_flushed_fn flushed, void *userdata,
				       struct capture_flush **flush);

/** recording_file() - absolute path; NULL where nothing is captured; borrowed. */
const char *recording_file(const struct recording *recording);

/** recording_add_status() - its part of `status`, into @json */
void recording_add_status(const struct recording *recording, json_t *json);

struct recording_watch;

/* The lab was halted, goes on, or a debugger spoke: an event of docs/control-protocol.md,
 * without its id; borrowed. */
typedef void (*recording_watch_fn)(const json_t *event, void *userdata);

/**
 * recording_watch() - be told from now on
 * @state: what was until now: the request's result; a new reference
 */
struct recording_watch *recording_watch(struct recording *recording,
					recording_watch_fn told, void *userdata,
					json_t **state);

/** recording_unwatch() - not any more; NULL is fine. */
void recording_unwatch(struct recording_watch *watch);

/** recording_finish() - write all, and close the file; again is fine. */
void recording_finish(struct recording *recording);

/** recording_free() - NULL is fine. No one watches it any more. */
void recording_free(struct recording *recording);
DEFINE_CLEANUP(struct recording *, recording_free);

#endif
