/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where everything of a graph goes on a drawing. Segments (bridges, and a point for each wire
 * that has none) lie side by side in the middle. A machine on one segment hangs below it, many
 * of them in rows; one on several segments stands above, as does the host side. What sits on a
 * machine's own links is stacked onto its box. Distances are in px; text is monospaced, so that
 * its width is known without a font. Private to the graph.
 */
#ifndef NETLAB_TOPOLOGY_GRAPH_LAYOUT_H
#define NETLAB_TOPOLOGY_GRAPH_LAYOUT_H

#include "topology/graph.h"

#define LAYOUT_LINE    14 /* from one line of text to the next */
#define LAYOUT_NAME    18 /* the same, for a box's name */
#define LAYOUT_PADDING 10 /* between a box's edge and its text */
#define LAYOUT_MARGIN  24 /* around all */

struct layout_box {
	int x, y, w, h;
};

#define LAYOUT_CORNERS 6

/* A line of an edge, and its text's first baseline. */
struct layout_wire {
	int x[LAYOUT_CORNERS], y[LAYOUT_CORNERS];
	size_t n;
	int label_x, label_y;
};

struct layout {
	int width, height;
	struct layout_box *boxes; /* of the graph's nodes, by their index */
	/* Of the graph's edges, by their index: two lines for one between two machines, whose
	 * second begins where the first ends. */
	struct layout_wire (*wires)[2];
};

/** layout_new() - @graph must outlive it. The same graph is laid out in the same way. */
struct layout *layout_new(const struct graph *graph);

void layout_free(struct layout *layout);
DEFINE_CLEANUP(struct layout *, layout_free);
#define _cleanup_layout_ _cleanup_(layout_freep)

#endif
