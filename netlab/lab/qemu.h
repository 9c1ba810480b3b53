/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a guest's QEMU, and what it is told. */
#ifndef NETLAB_LAB_QEMU_H
#define NETLAB_LAB_QEMU_H

#include <sys/types.h>

#include "lab/guest.h"
#include "lab/wires.h"
#include "vm/qmp.h"

/**
 * qemu_spawn() - start it
 * @append: the kernel's command line
 * @wires: QEMU gets its ends; they stay the caller's, too
 * @argv: its command line, a new one in place of the one that is there; also on error
 */
must_use struct error *qemu_spawn(const struct guest_options *options, enum accel accel,
				  const char *append, const struct wires *wires,
				  char ***argv, pid_t *pid);

/**
 * qemu_set_carrier() - plug a card's cable, or pull it: that its TAP is down is nothing that QEMU
 * tells the guest
 * @qmp: NULL: QEMU has ended
 */
void qemu_set_carrier(struct qmp *qmp, size_t nic, bool on);

/** qemu_pull_cables() - of those cards that are `up: off` */
void qemu_pull_cables(struct qmp *qmp, const struct guest *guest);

#endif
