/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU (7.2 and later) says as it refuses a machine, in the topology's words. Pure. */
#ifndef NETLAB_LAB_REFUSAL_H
#define NETLAB_LAB_REFUSAL_H

#include "topology/topology.h"

/**
 * refusal_text() - which key of the guest QEMU doesn't take, and why
 * @said: what QEMU wrote before it ended, without having run the guest
 * Return: one line, which the caller frees; NULL where it is none of the known refusals.
 */
char *refusal_text(const struct guest *guest, const char *said);

#endif
