/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A YAML file as a tree, bounded in depth and size. It is built from libfyaml's events: its own
 * documents have neither bound, and no place for an alias.
 */
#ifndef NETLAB_TOPOLOGY_YAML_H
#define NETLAB_TOPOLOGY_YAML_H

#include "topology/report.h"

#define YAML_DEPTH_MAX   32
#define YAML_NODES_MAX   200000 /* an alias counts as all that it stands for */
#define YAML_ANCHORS_MAX 256
#define YAML_LINES_MAX   256 /* of one text: libfyaml 0.7 is quadratic in empty lines */

enum node_kind {
	NODE_SCALAR,
	NODE_SEQUENCE,
	NODE_MAPPING,
};

struct node {
	enum node_kind kind;
	struct location at;  /* of an alias: where it stands, not its anchor */
	char *text;          /* a scalar's; NUL-terminated */
	size_t length;       /* its bytes; the text may hold NULs */
	bool is_null;        /* a plain scalar: nothing, "~" or "null" */
	struct node **items; /* a sequence's; a mapping's keys and values by turns */
	size_t n_items;
	size_t weight; /* nodes that it consists of, itself included */
	bool shared;   /* an alias: text and items belong to the anchor's node */
};

/* Zero-initialised it is empty and valid. */
struct yaml {
	struct node *root; /* NULL where the file says nothing */
	struct node **nodes;
	size_t n_nodes;
	size_t room;
};

/** yaml_parse() - build the tree of reports->text; what is wrong is added to @reports. */
void yaml_parse(struct yaml *yaml, struct reports *reports);
/** yaml_add() - an empty node of @yaml, which owns it; it is not in the tree yet. */
struct node *yaml_add(struct yaml *yaml, enum node_kind kind, struct location at);

/** node_push() - a further item of a collection that was made by yaml_add(). */
void node_push(struct node *parent, struct node *item);

void yaml_deinit(struct yaml *yaml);
#define _cleanup_yaml_ _cleanup_(yaml_deinit)

/** node_kind_name() - "text", "a list", "a mapping". */
const char *node_kind_name(enum node_kind kind);

#endif
