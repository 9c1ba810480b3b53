/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets between a guest's QEMU and its lab: both ends, until QEMU has got its own. */
#ifndef NETLAB_LAB_WIRES_H
#define NETLAB_LAB_WIRES_H

#include "util/error.h"

/* Descriptors; of a pair, [0] is ours and [1] QEMU's. -1: none. */
struct wires {
	int serial[2], qmp[2], agent[2];
	int errors[2]; /* a pipe: QEMU's own words */
	int debuggers; /* ours: debuggers connect here */
	int stub;      /* QEMU's: its gdb stub listens here */
};

#define WIRES_INVALID                                          \
	{                                                      \
		{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, -1, -1 \
	}

/**
 * wires_open() - make them all
 * @gdb: path of the socket that debuggers connect to
 * @stub: path of the one that QEMU's stub gets. What lies at either goes.
 */
must_use struct error *wires_open(struct wires *wires, const char *gdb, const char *stub);

/** wires_close() - those that were not taken out. */
void wires_close(struct wires *wires);

#endif
