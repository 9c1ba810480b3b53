// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/graph-drawing.h"
#include "util/string.h"

#define TITLE_SCALE 2 /* the title is about so much larger than other text */

struct layout *layout_new(const struct graph *graph)
{
	struct layout *layout = xcalloc(1, sizeof(*layout));
	struct drawing drawing = {.graph = graph, .layout = layout};
	_cleanup_free_ struct machine *machines =
		xcalloc(graph->n_nodes, sizeof(*machines));
	_cleanup_free_ size_t *above = xcalloc(graph->n_nodes, sizeof(*above));

	layout->boxes = xcalloc(graph->n_nodes, sizeof(*layout->boxes));
	layout->wires = xcalloc(graph->n_edges, sizeof(*layout->wires));
	layout->width = 2 * MARGIN + TITLE_SCALE * drawing_text_width(graph->title);
	layout->width = larger(layout->width,
			       2 * MARGIN + drawing_text_width(graph->description));
	drawing.machines = machines;
	drawing.above = above;
	drawing_arrange(&drawing);
	drawing_place_columns(&drawing);
	drawing_place_rows(&drawing);
	drawing_route(&drawing);
	free(drawing.segments);
	free(drawing.ties);
	return layout;
}

void layout_free(struct layout *layout)
{
	if (!layout)
		return;
	free(layout->boxes);
	free(layout->wires);
	free(layout);
}
