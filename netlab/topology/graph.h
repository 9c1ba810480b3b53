/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lab as a picture: boxes and lines between them, and what is written on them. It is made
 * from the JSON of topology/describe.h or from a living lab's status, which has states and
 * counters as well. Pure; nothing in that JSON is trusted.
 */
#ifndef NETLAB_TOPOLOGY_GRAPH_H
#define NETLAB_TOPOLOGY_GRAPH_H

#include <jansson.h>
#include <stdbool.h>

#include "util/buffer.h"
#include "util/error.h"

enum graph_kind {
	GRAPH_HOST_SIDE, /* the network namespace that the bridges are in */
	GRAPH_HOST,      /* another network namespace of the lab */
	GRAPH_GUEST,
	GRAPH_BRIDGE,
	GRAPH_VIRTUAL, /* a VLAN, VXLAN, macvlan, dummy or ifb link */
};

#define GRAPH_KINDS (GRAPH_VIRTUAL + 1)

/* What a line of text is about. */
enum graph_tone {
	TONE_PLAIN,
	TONE_ADDRESS,
	TONE_IMPAIR,
	TONE_COUNTER,
	TONE_ALARM, /* frames were dropped, a link is down, a guest has panicked */
};

#define GRAPH_TONES (TONE_ALARM + 1)

struct graph_line {
	enum graph_tone tone;
	char *text; /* UTF-8 without control characters, at most GRAPH_TEXT_MAX bytes */
};

#define GRAPH_TEXT_MAX 80

struct graph_label {
	char *name; /* as the text of a line */
	struct graph_line *lines;
	size_t n_lines;
};

struct graph_node {
	enum graph_kind kind;
	struct graph_label label;
	size_t owner; /* of a GRAPH_VIRTUAL: the node whose namespace it is in */
};

struct graph_edge {
	size_t from, to; /* nodes; where one of them is a bridge it is @to */
	bool owns; /* no link of its own: @from, a GRAPH_VIRTUAL, is part of @to, or on it */
	struct graph_label label; /* counters are those of @from */
};

struct graph {
	char *title;       /* "lab tcp-receive" */
	char *description; /* "1 bridge, 2 guests; up" */
	struct graph_node *nodes;
	size_t n_nodes;
	struct graph_edge *edges;
	size_t n_edges;
};

/** graph_new() - of a status; what in it is no text, or names nothing, is passed over. */
struct graph *graph_new(const json_t *status);

/** graph_free() - NULL is fine. */
void graph_free(struct graph *graph);
DEFINE_CLEANUP(struct graph *, graph_free);
#define _cleanup_graph_ _cleanup_(graph_freep)

/** graph_kind_name() - "host side", "host", "guest", … */
const char *graph_kind_name(enum graph_kind kind);

enum graph_format {
	GRAPH_SVG,
	GRAPH_DOT,
	GRAPH_MERMAID,
};

#define GRAPH_FORMATS (GRAPH_MERMAID + 1)

/** graph_format_parse() - "svg", "dot", "mermaid". */
must_use struct error *graph_format_parse(const char *text, enum graph_format *format);

/** graph_write() - the whole document, appended to @out. The same graph gives the same bytes. */
void graph_write(const struct graph *graph, enum graph_format format, struct buffer *out);

#endif
