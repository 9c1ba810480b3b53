/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of a lab that is up: which there may be, and how the control protocol has them. */
#ifndef NETLAB_LAB_CHANGES_H
#define NETLAB_LAB_CHANGES_H

#include <jansson.h>

#include "lab/lab.h"
#include "link/diff.h"

/**
 * check_topology() - can the lab become what @wanted says while it is up?
 * Return: EBUSY, with a line for all that can't, and what to do.
 */
must_use struct error *check_topology(const struct lab_options *options,
				      const struct topology *wanted);

/**
 * check_captured() - EBUSY where a link would be made anew that the lab captures
 *
 * A capture is of one link for good, not of what comes to have its name.
 */
must_use struct error *check_captured(const struct lab_options *options,
				      const struct topology *wanted,
				      const struct changes *changes);

/** changes_to_json() - `changes[]` of docs/control-protocol.md; a new reference. */
json_t *changes_to_json(const struct changes *changes);

#endif
