// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/graph-drawing.h"
#include "util/string.h"

/* --- wires of the machines above --------------------------------------------------------- */

static bool is_taken(const struct drawing *drawing, size_t tie, int x)
{
	for (size_t i = 0; i < tie; i++)
		if (drawing->ties[i].segment == drawing->ties[tie].segment &&
		    abs(drawing->ties[i].target - x) < TRACK)
			return true;
	return false;
}

/* Straight down where the segment is there, else at its near end; each at a place of its own. */
static void aim(struct drawing *drawing, size_t i)
{
	struct tie *tie = &drawing->ties[i];
	const struct segment *segment = &drawing->segments[tie->segment];
	int least = segment->x + DROP, most = segment->x + segment->w - DROP;
	int step;

	tie->port = drawing->machines[tie->machine].x + tie->offset;
	tie->target = clamp(tie->port, least, most);
	step = tie->port > most ? -TRACK : TRACK;
	if (segment->node == NONE)
		tie->target = middle_of(segment);
	else
		while (is_taken(drawing, i, tie->target) && tie->target + step >= least &&
		       tie->target + step <= most)
			tie->target += step;
	tie->track = tie->target == tie->port ? NONE : 0;
}

static bool comes_before(const struct tie *a, const struct tie *b)
{
	bool a_left = a->target < a->port, b_left = b->target < b->port;

	if (a_left != b_left)
		return a_left;
	return a_left ? a->port < b->port : a->port > b->port;
}

/* Wires to the left from the top down, those to the right from the bottom up: so they cross
 * least. */
static void assign_tracks(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->n_ties; i++) {
		struct tie *tie = &drawing->ties[i];

		if (tie->track == NONE)
			continue;
		for (size_t j = 0; j < drawing->n_ties; j++)
			tie->track += drawing->ties[j].track != NONE && j != i &&
				      comes_before(&drawing->ties[j], tie);
		drawing->n_tracks = larger(drawing->n_tracks, tie->track + 1);
	}
}

static void route_above(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->n_ties; i++)
		if (drawing->machines[drawing->ties[i].machine].below == NONE)
			aim(drawing, i);
	assign_tracks(drawing);
}

/* --- from top to bottom ------------------------------------------------------------------ */

/* The boxes of a machine, its own first, away from its wires. */
static void place_stack(struct drawing *drawing, size_t machine, int y, bool upwards)
{
	struct layout_box *boxes = drawing->layout->boxes;

	boxes[machine].x = drawing->machines[machine].x;
	boxes[machine].w = drawing->machines[machine].w;
	boxes[machine].y = upwards ? y - boxes[machine].h : y;
	y = upwards ? boxes[machine].y : y + boxes[machine].h;
	for (size_t i = 0; i < drawing->graph->n_nodes; i++) {
		if (drawing->machines[i].root != machine || i == machine)
			continue;
		boxes[i].x = drawing->machines[machine].x;
		boxes[i].y = upwards ? y - STACK_GAP - boxes[i].h : y + STACK_GAP;
		y = upwards ? boxes[i].y : boxes[i].y + boxes[i].h;
	}
}

static void place_row_above(struct drawing *drawing)
{
	int height = 0, labels = 0, right = 0;

	for (size_t i = 0; i < drawing->n_above; i++) {
		const struct machine *machine = &drawing->machines[drawing->above[i]];

		height = larger(height, machine->h);
		labels = larger(labels, machine->label_h);
		right = machine->x + machine->w;
	}
	drawing->top = TITLE + height;
	drawing->bottom = drawing->top + labels;
	for (size_t i = 0; i < drawing->n_above; i++)
		place_stack(drawing, drawing->above[i], drawing->top, true);
	drawing->layout->width = larger(drawing->layout->width, right + MARGIN);
	drawing->layout->height = drawing->bottom + MARGIN;
}

static void place_bars(struct drawing *drawing)
{
	int y = drawing->bottom + (int)drawing->n_tracks * TRACK +
		(drawing->n_above ? LANE : 0);

	for (size_t i = 0; i < drawing->n_segments; i++) {
		struct segment *segment = &drawing->segments[i];

		segment->y = y;
		drawing->layout->width =
			larger(drawing->layout->width, segment->x + segment->w + MARGIN);
		drawing->layout->height =
			larger(drawing->layout->height, y + segment->h + MARGIN);
		if (segment->node != NONE)
			drawing->layout->boxes[segment->node] = (struct layout_box){
				segment->x, y, segment->w, segment->h};
	}
}

/* The rows of machines below a segment: @heights of texts and boxes in turn. */
static int *measure_rows(const struct drawing *drawing, size_t s)
{
	const struct segment *segment = &drawing->segments[s];
	int *heights = xcalloc(segment->n_members + 1, 2 * sizeof(*heights));

	for (size_t i = 0; i < drawing->graph->n_nodes; i++) {
		const struct machine *machine = &drawing->machines[i];
		int *row;

		if (machine->root != i || machine->below != s)
			continue;
		row = &heights[2 * (machine->place / segment->columns)];
		row[0] = larger(row[0], machine->label_h);
		row[1] = larger(row[1], machine->h);
	}
	return heights;
}

/* Where the row of that number begins: at the wire that leads along it. */
static int row_y(const struct segment *segment, const int *heights, size_t row)
{
	int y = segment->y + segment->h;

	for (size_t i = 0; i < row; i++)
		y += heights[2 * i] + heights[2 * i + 1] + 2 * LANE;
	return y;
}

static void place_below(struct drawing *drawing, size_t s)
{
	const struct segment *segment = &drawing->segments[s];
	_cleanup_free_ int *heights = measure_rows(drawing, s);

	for (size_t i = 0; i < drawing->graph->n_nodes; i++) {
		const struct machine *machine = &drawing->machines[i];
		size_t row;
		int y;

		if (machine->root != i || machine->below != s)
			continue;
		row = machine->place / segment->columns;
		y = row_y(segment, heights, row) + heights[2 * row] + LANE;
		place_stack(drawing, i, y, false);
		drawing->layout->height = larger(drawing->layout->height,
						 y + heights[2 * row + 1] + MARGIN);
	}
}

void drawing_place_rows(struct drawing *drawing)
{
	route_above(drawing);
	place_row_above(drawing);
	place_bars(drawing);
	for (size_t i = 0; i < drawing->n_segments; i++)
		place_below(drawing, i);
}

/* --- wires ------------------------------------------------------------------------------- */

static void corner(struct layout_wire *wire, int x, int y)
{
	wire->x[wire->n] = x;
	wire->y[wire->n++] = y;
}

static void draw_above(const struct drawing *drawing, const struct tie *tie,
		       struct layout_wire *wire)
{
	const struct segment *segment = &drawing->segments[tie->segment];
	int lane = drawing->bottom + LANE / 2 + (int)tie->track * TRACK;

	corner(wire, tie->port, drawing->top);
	if (tie->track != NONE) {
		corner(wire, tie->port, lane);
		corner(wire, tie->target, lane);
	}
	corner(wire, tie->target, segment->y);
	wire->label_x = tie->port + LABEL_GAP;
	wire->label_y = drawing->top + LAYOUT_LINE + 2;
}

static void draw_below(const struct drawing *drawing, const struct tie *tie,
		       struct layout_wire *wire)
{
	const struct segment *segment = &drawing->segments[tie->segment];
	const struct machine *machine = &drawing->machines[tie->machine];
	const struct layout_box *box = &drawing->layout->boxes[tie->machine];
	_cleanup_free_ int *heights = measure_rows(drawing, tie->segment);
	size_t row = machine->place / segment->columns;
	int x = box->x + tie->offset, bus = row_y(segment, heights, row);

	corner(wire, x, box->y);
	if (row) {
		corner(wire, x, bus);
		corner(wire, segment->x + GUTTER / 2, bus);
		corner(wire, segment->x + GUTTER / 2, segment->y + segment->h);
	} else {
		corner(wire, x, segment->y + segment->h);
	}
	wire->label_x = x + LABEL_GAP;
	wire->label_y = bus + LAYOUT_LINE + LANE / 2;
}

static void draw_ties(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->n_ties; i++) {
		const struct tie *tie = &drawing->ties[i];
		struct layout_wire *wire = &drawing->layout->wires[tie->edge][tie->half];

		if (drawing->machines[tie->machine].below == NONE)
			draw_above(drawing, tie, wire);
		else
			draw_below(drawing, tie, wire);
	}
}

/* Between a stacked box and the one before it, or two bridges side by side. */
static void draw_straight(struct drawing *drawing, size_t i)
{
	const struct graph_edge *edge = &drawing->graph->edges[i];
	const struct layout_box *a = &drawing->layout->boxes[edge->from];
	const struct layout_box *b = &drawing->layout->boxes[edge->to];
	struct layout_wire *wire = &drawing->layout->wires[i][0];

	corner(wire, a->x + DROP / 2, a->y + (a->y < b->y ? a->h : 0));
	corner(wire, b->x + DROP / 2, b->y + (a->y < b->y ? 0 : b->h));
	wire->label_x = wire->x[0] + LABEL_GAP;
	wire->label_y = wire->y[0];
}

void drawing_route(struct drawing *drawing)
{
	draw_ties(drawing);
	for (size_t i = 0; i < drawing->graph->n_edges; i++)
		if (!drawing->layout->wires[i][0].n)
			draw_straight(drawing, i);
}
