/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A topology's `debug:` steps: one gdb in batch for each guest that has some. */
#ifndef NETLAB_COMMAND_DEBUGGER_H
#define NETLAB_COMMAND_DEBUGGER_H

#include "lab/client.h"
#include "topology/topology.h"

struct debuggers;

/** debuggers_start() - attach to the guests; on return all breakpoints are set. */
must_use struct error *debuggers_start(struct debuggers **debuggers,
				       struct client *client,
				       const struct topology *topology);

/**
 * debuggers_wait() - until every step was done as often as it says, printing each stop
 * Return: ETIMEDOUT, naming a step that was not reached.
 */
must_use struct error *debuggers_wait(struct debuggers *debuggers);

/** debuggers_free() - detach; the guests run on. NULL is fine. */
void debuggers_free(struct debuggers *debuggers);
DEFINE_CLEANUP(struct debuggers *, debuggers_free);

#endif
