/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --set PATH=VALUE: what the command line puts into a topology's tree before it is validated. */
#ifndef NETLAB_TOPOLOGY_OVERRIDE_H
#define NETLAB_TOPOLOGY_OVERRIDE_H

#include "topology/yaml.h"

/**
 * overrides_apply() - carry out reports->settings on the tree, in their order
 *
 * PATH is keys and positions in lists (from 0; one behind the last adds an item) with dots
 * between them; a key of the tree that has dots itself is known by its name. A first part that
 * is no key of a topology but the name of a guest or host stands for "guests.NAME" or
 * "hosts.NAME". VALUE is YAML. What is wrong is reported at the setting; what is set carries
 * its number (struct location).
 */
void overrides_apply(struct yaml *yaml, struct reports *reports);

/** topology_has_key() - is it a key of the topology's outermost mapping? */
bool topology_has_key(const char *key);

#endif
