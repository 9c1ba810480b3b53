/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of a lab's network as the control protocol has them. */
#ifndef NETLAB_LAB_CHANGES_H
#define NETLAB_LAB_CHANGES_H

#include <jansson.h>

#include "link/diff.h"

/** changes_to_json() - `changes[]` of docs/control-protocol.md; a new reference. */
json_t *changes_to_json(const struct changes *changes);

#endif
