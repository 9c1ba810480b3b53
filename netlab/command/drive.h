/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A drive step, as `netlab drive` and `netlab run` carry it out. */
#ifndef NETLAB_COMMAND_DRIVE_H
#define NETLAB_COMMAND_DRIVE_H

#include <jansson.h>

#include "lab/client.h"
#include "util/lines.h"
#include "topology/drive.h"

/** drive_perform() - let the lab do it and wait for the result, a new reference. */
must_use struct error *drive_perform(struct client *client, const struct drive_spec *spec,
				     json_t **result);

#endif
