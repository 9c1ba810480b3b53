/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netlab console --log: the log of a guest's console. */
#ifndef NETLAB_COMMAND_CONSOLE_LOG_H
#define NETLAB_COMMAND_CONSOLE_LOG_H

#include <stdbool.h>

#include "command/node.h"
#include "lab/levels.h"

struct console_log_choice {
	bool follow; /* go on until Ctrl-C or the lab's end */
	enum level
		most;  /* kernel messages up to that level alone; LEVEL_NONE: all lines */
	unsigned boot; /* 0: the last one; 1: the one before it */
};

/** console_log_print() - lines of the log to standard output. */
must_use struct error *console_log_print(const struct node *node,
					 const struct console_log_choice *choice);

#endif
