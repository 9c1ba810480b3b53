/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "[LAB/]NODE" on the command line, and the lab and guest that it means. */
#ifndef NETLAB_COMMAND_NODE_H
#define NETLAB_COMMAND_NODE_H

#include <jansson.h>

#include "lab/client.h"
#include "util/lines.h"

struct node {
	char *lab;  /* NULL: the only one that is up */
	char *name; /* of the guest; NODE_HOST: the lab's host side */
};

#define NODE_HOST "host"

void node_parse(const char *text, struct node *node);
void node_deinit(struct node *node);
#define _cleanup_node_ _cleanup_(node_deinit)

/** lab_status() - ask a lab for what `status --json` shows; @status is a new reference. */
must_use struct error *lab_status(struct client *client, json_t **status);

/**
 * status_guest() - a guest in the answer of lab_status(), borrowed
 * Return: an error that names those that there are.
 */
must_use struct error *status_guest(const json_t *status, const char *name,
				    const json_t **guest);

/**
 * warn_if_halted() - a warning where gdb or --freeze holds the guest @name: what is asked of it
 * now waits until it goes on
 */
must_use struct error *warn_if_halted(struct client *client, const char *name);

/** status_namespace() - the path of a node's network namespace, borrowed; NULL: no such node */
const char *status_namespace(const json_t *status, const char *name);

/** status_open_node() - open that; @fd is close-on-exec, and the caller's. */
must_use struct error *status_open_node(const json_t *status, const char *name, int *fd);

/** status_text() - a text in an answer; "" where there is none. Borrowed. */
const char *status_text(const json_t *object, const char *key);

/** status_number() - a number in an answer; 0 where there is none. */
json_int_t status_number(const json_t *object, const char *key);

#endif
