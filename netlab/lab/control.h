/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's server, inside the supervisor. */
#ifndef NETLAB_LAB_CONTROL_H
#define NETLAB_LAB_CONTROL_H

#include <systemd/sd-event.h>

#include "lab/lab.h"
#include "util/error.h"

struct control;

/**
 * control_new() - listen in the lab's runtime folder
 * @owner: connection of the netlab that started this supervisor, owned from here on, on error
 *         too. It is told of progress, and while it was not detached its end is the lab's.
 * @owner_gone: called when that end came
 */
must_use struct error *control_new(struct control **control, sd_event *event,
				   const char *rundir, int owner,
				   void (*owner_gone)(void *), void *userdata);

/** control_set_lab() - the lab that requests are about from now on; NULL: none (any more). */
void control_set_lab(struct control *control, struct lab *lab);

/** control_resume() - a guest reads again: go on with input that waited for it. */
void control_resume(struct control *control);

/** control_hold() - the lab stands still, or goes on: what is driven into it does the same. */
void control_hold(struct control *control, bool hold);

/** control_tell_owner() - send an event to the owner, if there is one. @event is stolen. */
void control_tell_owner(struct control *control, json_t *event);

/** control_tell_failure() - tell the owner, and whoever asked for the lab's end, of @error. */
void control_tell_failure(struct control *control, const struct error *error);

void control_free(struct control *control);
DEFINE_CLEANUP(struct control *, control_free);

#endif
