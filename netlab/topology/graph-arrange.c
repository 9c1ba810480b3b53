// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/graph-drawing.h"
#include "topology/text.h"
#include "util/string.h"

/* --- sizes ------------------------------------------------------------------------------- */

/* Columns of a terminal: what is beyond the alphabets may be twice as wide. */
static size_t columns_of(const char *text)
{
	size_t size = strlen(text), columns = 0;
	uint32_t code = 0;

	for (size_t i = 0, n; i < size; i += n) {
		n = utf8_decode(text + i, size - i, &code) ?: 1;
		columns += code < 0x1100 ? 1 : 2;
	}
	return columns;
}

static int text_width(const char *text, int tenths)
{
	return (int)columns_of(text) * tenths / 10 + 1;
}

int drawing_label_width(const struct graph_label *label)
{
	int width = text_width(label->name, NAME_WIDTH);

	for (size_t i = 0; i < label->n_lines; i++)
		width = larger(width, text_width(label->lines[i].text, TEXT_WIDTH));
	return width;
}

int drawing_text_width(const char *text)
{
	return text_width(text, TEXT_WIDTH);
}

static void size_box(struct layout_box *box, const struct graph_label *label)
{
	box->w = drawing_label_width(label) + 2 * LAYOUT_PADDING;
	box->h = LAYOUT_NAME + (int)label->n_lines * LAYOUT_LINE + LAYOUT_PADDING;
}

/* --- what belongs where ------------------------------------------------------------------ */

static bool touches_bridge(const struct graph *graph, size_t node)
{
	for (size_t i = 0; i < graph->n_edges; i++)
		if (graph->edges[i].from == node &&
		    graph->nodes[graph->edges[i].to].kind == GRAPH_BRIDGE)
			return true;
	return false;
}

/* What a virtual link is part of or on; NONE: it stands for itself. */
static size_t stacked_onto(const struct graph *graph, size_t node)
{
	if (graph->nodes[node].kind != GRAPH_VIRTUAL || touches_bridge(graph, node))
		return NONE;
	for (size_t i = 0; i < graph->n_edges; i++)
		if (graph->edges[i].from == node && graph->edges[i].owns)
			return graph->edges[i].to;
	return NONE;
}

static size_t find_root(const struct graph *graph, size_t node)
{
	size_t root = node;

	/* What claims to sit on itself, by whatever way round, stands for itself. */
	for (size_t steps = 0; steps <= graph->n_nodes; steps++) {
		size_t next = stacked_onto(graph, root);

		if (next == NONE)
			return root;
		root = next;
	}
	return node;
}

static void find_machines(struct drawing *drawing)
{
	const struct graph *graph = drawing->graph;

	for (size_t i = 0; i < graph->n_nodes; i++) {
		bool bridge = graph->nodes[i].kind == GRAPH_BRIDGE;

		drawing->machines[i].root = bridge ? NONE : find_root(graph, i);
		drawing->machines[i].below = NONE;
		size_box(&drawing->layout->boxes[i], &graph->nodes[i].label);
	}
}

static size_t add_segment(struct drawing *drawing, size_t node)
{
	grow(drawing->segments, drawing->n_segments);
	drawing->segments[drawing->n_segments].node = node;
	return drawing->n_segments++;
}

static void add_tie(struct drawing *drawing, size_t machine, size_t segment, size_t edge,
		    size_t half)
{
	grow(drawing->ties, drawing->n_ties);
	drawing->ties[drawing->n_ties++] = (struct tie){.machine = machine,
							.segment = segment,
							.edge = edge,
							.half = half,
							.track = NONE};
	drawing->machines[machine].n_ties++;
}

static size_t segment_of(const struct drawing *drawing, size_t bridge)
{
	for (size_t i = 0; i < drawing->n_segments; i++)
		if (drawing->segments[i].node == bridge)
			return i;
	return NONE;
}

static void tie_edge(struct drawing *drawing, size_t i)
{
	const struct graph_edge *edge = &drawing->graph->edges[i];
	size_t from = drawing->machines[edge->from].root;
	size_t to = drawing->machines[edge->to].root, point;

	if (from == to) /* stacked, or between two bridges: drawn as one straight line */
		return;
	if (to == NONE) {
		add_tie(drawing, from, segment_of(drawing, edge->to), i, 0);
		return;
	}
	point = add_segment(drawing, NONE);
	add_tie(drawing, from, point, i, 0);
	add_tie(drawing, to, point, i, 1);
}

/* Are all of a machine's wires to this segment? */
static bool is_only_on(const struct drawing *drawing, size_t machine, size_t segment)
{
	for (size_t i = 0; i < drawing->n_ties; i++)
		if (drawing->ties[i].machine == machine &&
		    drawing->ties[i].segment != segment)
			return false;
	return true;
}

/* Below a point there is room for one machine: the one that came last. */
static void hang(struct drawing *drawing, const struct tie *tie)
{
	struct segment *segment = &drawing->segments[tie->segment];
	struct machine *machine = &drawing->machines[tie->machine];

	if (machine->below != NONE || (segment->node == NONE && segment->n_members) ||
	    drawing->graph->nodes[tie->machine].kind == GRAPH_HOST_SIDE ||
	    !is_only_on(drawing, tie->machine, tie->segment))
		return;
	machine->below = tie->segment;
	machine->place = segment->n_members++;
}

void drawing_arrange(struct drawing *drawing)
{
	const struct graph *graph = drawing->graph;

	find_machines(drawing);
	for (size_t i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i].kind == GRAPH_BRIDGE)
			add_segment(drawing, i);
	for (size_t i = 0; i < graph->n_edges; i++)
		tie_edge(drawing, i);
	for (size_t i = drawing->n_ties; i-- > 0;)
		if (drawing->segments[drawing->ties[i].segment].node == NONE)
			hang(drawing, &drawing->ties[i]);
	for (size_t i = 0; i < drawing->n_ties; i++)
		if (drawing->segments[drawing->ties[i].segment].node != NONE)
			hang(drawing, &drawing->ties[i]);
	for (size_t i = 0; i < graph->n_nodes; i++)
		if (drawing->machines[i].root == i && drawing->machines[i].below == NONE)
			drawing->above[drawing->n_above++] = i;
}
