/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's gdb socket for debuggers that are no children of ours: an editor's, mostly. */
#ifndef NETLAB_DEBUG_PORT_H
#define NETLAB_DEBUG_PORT_H

#include <stdint.h>

#include "util/error.h"

/** debug_connect() - to a guest's gdb socket; @fd is close-on-exec and the caller's. */
must_use struct error *debug_connect(const char *gdb_socket, int *fd);

/**
 * debug_listen() - at a port of 127.0.0.1
 * @port: 0: one that is free; then set to it
 * @listener: non-blocking, close-on-exec, the caller's
 */
must_use struct error *debug_listen(uint16_t *port, int *listener);

/* Descriptors, all of them the caller's. */
struct debug_forward {
	int input, output; /* the debugger's; the same one where it is a socket */
	int stop;          /* readable: time to end */
	int listener;      /* who connects there meanwhile is hung up on; -1: none */
};

/**
 * debug_forward() - carry bytes between a debugger and a guest's gdb socket, until one of them
 * hangs up, or it is time to end
 */
must_use struct error *debug_forward(const char *gdb_socket,
				     const struct debug_forward *forward);

#endif
