/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that holds a lab: started here, in a process of its own. */
#ifndef NETLAB_LAB_SUPERVISOR_H
#define NETLAB_LAB_SUPERVISOR_H

#include <sys/types.h>

#include "lab/lab.h"
#include "util/error.h"

/**
 * supervisor_start() - fork the supervisor of a new lab
 * @options: its output folder exists
 * @owner: our end of the control connection that owns the lab: while it was not detached, its
 *         closing ends the lab. Events come over it: "ready", or "failed" with an "error", and
 *         "log" with "level" and "line". Owned by the caller.
 * @pid: the supervisor's; the caller reaps it, or leaves it to init by ending
 *
 * The caller blocks the signals that it means to wait for before it calls this, so that none
 * can end it between the fork and its event loop.
 */
must_use struct error *supervisor_start(const struct lab_options *options, int *owner,
					pid_t *pid);

#endif
