/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a lab is fixed as long as it is up. */
#ifndef NETLAB_TOPOLOGY_FIXED_H
#define NETLAB_TOPOLOGY_FIXED_H

#include "topology/topology.h"

/**
 * topology_check_fixed() - can a lab that was made from @old become @wanted while it is up?
 *
 * Guests, all that is part of their machines, the namespace of the host side and the capture
 * are as they were at the start.
 * Return: an error (EBUSY) with a line for all that differs: "file:line:column: what".
 */
must_use struct error *topology_check_fixed(const struct topology *old,
					    const struct topology *wanted);

#endif
