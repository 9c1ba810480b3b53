/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A lab's status as a tree of lines on standard output. */
#ifndef NETLAB_COMMAND_STATUS_TREE_H
#define NETLAB_COMMAND_STATUS_TREE_H

#include <jansson.h>

/** status_tree_print() - what `status` answers; with -v QEMU's command lines as well. */
void status_tree_print(const json_t *status);

#endif
