/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of a graph, and what its formats share: private to the graph. */
#ifndef NETLAB_TOPOLOGY_GRAPH_TEXT_H
#define NETLAB_TOPOLOGY_GRAPH_TEXT_H

#include "topology/graph.h"

/** out_format() - append text to @out, without a NUL. */
void out_format(struct buffer *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void label_init(struct graph_label *label, const char *name);
void label_deinit(struct graph_label *label);

/** label_add() - one more line, made fit to be shown; an empty one is left out. */
void label_add(struct graph_label *label, enum graph_tone tone, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** get_text() - the text under @key of an object; "" where there is none. */
const char *get_text(const json_t *object, const char *key);

/* What a link's JSON says, as lines of @label. */
void label_add_addresses(struct graph_label *label, const json_t *addresses);
void label_add_settings(struct graph_label *label, const json_t *link);
void label_add_kind(struct graph_label *label, const json_t *link); /* "VLAN 10" */

/**
 * label_add_live() - state and counters of a link of a lab that runs
 * @outside: the link is the lab's end of the wire: what it received, the other end sent
 */
void label_add_live(struct graph_label *label, const json_t *link, bool outside);

void graph_write_svg(const struct graph *graph, struct buffer *out);
void graph_write_dot(const struct graph *graph, struct buffer *out);
void graph_write_mermaid(const struct graph *graph, struct buffer *out);

#endif
