// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/graph-drawing.h"
#include "util/string.h"

static int wire_label_height(const struct graph_label *label)
{
	return label->n_lines || *label->name
		       ? (int)(label->n_lines + 1) * LAYOUT_LINE + LANE
		       : LANE;
}

/* --- from left to right ------------------------------------------------------------------ */

static void size_machines(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->graph->n_nodes; i++) {
		const struct layout_box *box = &drawing->layout->boxes[i];
		size_t root = drawing->machines[i].root;

		if (root == NONE)
			continue;
		drawing->machines[root].w = larger(drawing->machines[root].w, box->w);
		drawing->machines[root].h += box->h + (root == i ? 0 : STACK_GAP);
	}
}

/* Wires leave a machine side by side, each with room for its text. */
static void place_wires(struct drawing *drawing)
{
	_cleanup_free_ int *used = xcalloc(drawing->graph->n_nodes, sizeof(*used));

	for (size_t i = 0; i < drawing->n_ties; i++) {
		struct tie *tie = &drawing->ties[i];
		const struct graph_label *label = &drawing->graph->edges[tie->edge].label;
		struct machine *machine = &drawing->machines[tie->machine];

		tie->offset = used[tie->machine] + DROP;
		used[tie->machine] = tie->offset + LABEL_GAP +
				     (tie->half ? 0 : drawing_label_width(label));
		machine->w = larger(machine->w, used[tie->machine]);
		if (!tie->half)
			machine->label_h =
				larger(machine->label_h, wire_label_height(label));
		if (machine->below == NONE)
			drawing->segments[tie->segment].reach +=
				DROP + LABEL_GAP + drawing_label_width(label);
	}
}

/* Rows so many that the drawing stays about as wide as a screen. */
static size_t choose_columns(size_t n)
{
	size_t columns = ONE_ROW;

	while (n > ONE_ROW && columns * columns < n * 13 / 10)
		columns++;
	return n < columns ? n : columns;
}

static void size_segments(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->graph->n_nodes; i++) {
		const struct machine *machine = &drawing->machines[i];
		struct segment *segment;

		if (machine->root != i || machine->below == NONE)
			continue;
		segment = &drawing->segments[machine->below];
		segment->column_width =
			larger(segment->column_width, machine->w + COLUMN_GAP);
	}
}

static void place_segments(struct drawing *drawing)
{
	int x = MARGIN;

	for (size_t i = 0; i < drawing->n_segments; i++) {
		struct segment *segment = &drawing->segments[i];
		bool rows;

		segment->columns = choose_columns(segment->n_members);
		rows = segment->columns < segment->n_members;
		segment->x = x;
		segment->w = (int)segment->columns * segment->column_width - COLUMN_GAP +
			     (rows ? GUTTER : 0);
		segment->w = larger(segment->w, 2 * DROP);
		if (segment->node != NONE) {
			segment->w = larger(segment->w, segment->reach);
			segment->w = larger(segment->w,
					    drawing->layout->boxes[segment->node].w);
			segment->h = drawing->layout->boxes[segment->node].h;
		}
		x += segment->w + SEGMENT_GAP;
	}
}

/* Where the left edge of a machine above should be for its wires to be short. */
static int wished_left(const struct drawing *drawing, size_t machine)
{
	long sum = 0, n = 0;

	for (size_t i = 0; i < drawing->n_ties; i++) {
		const struct tie *tie = &drawing->ties[i];
		const struct segment *segment = &drawing->segments[tie->segment];

		if (tie->machine != machine)
			continue;
		sum += middle_of(segment) - (segment->node == NONE
						     ? tie->offset
						     : drawing->machines[machine].w / 2);
		n++;
	}
	return n ? sum / n : MARGIN;
}

/* Machines that would overlap are pushed apart as a group, which stays where it is wished. */
struct cluster {
	size_t first, n;
	double wished; /* sum over its machines of the left edge that the group would have */
	int width;
};

static bool overlaps(const struct cluster *a, const struct cluster *b)
{
	return a->wished / a->n + a->width > b->wished / b->n;
}

static void merge(struct cluster *a, const struct cluster *b)
{
	a->wished += b->wished - (double)a->width * b->n;
	a->width += b->width;
	a->n += b->n;
}

static void sort_above(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->n_above; i++)
		drawing->machines[drawing->above[i]].x =
			wished_left(drawing, drawing->above[i]);
	for (size_t i = 1; i < drawing->n_above; i++) {
		size_t moving = drawing->above[i], j = i;

		for (; j > 0 && drawing->machines[drawing->above[j - 1]].x >
					drawing->machines[moving].x;
		     j--)
			drawing->above[j] = drawing->above[j - 1];
		drawing->above[j] = moving;
	}
}

static void place_above(struct drawing *drawing)
{
	_cleanup_free_ struct cluster *clusters =
		xcalloc(drawing->n_above, sizeof(*clusters));
	size_t n = 0;

	sort_above(drawing);
	for (size_t i = 0; i < drawing->n_above; i++) {
		const struct machine *machine = &drawing->machines[drawing->above[i]];

		clusters[n++] =
			(struct cluster){i, 1, machine->x, machine->w + COLUMN_GAP};
		for (; n > 1 && overlaps(&clusters[n - 2], &clusters[n - 1]); n--)
			merge(&clusters[n - 2], &clusters[n - 1]);
	}
	for (size_t i = 0; i < n; i++) {
		int x = clusters[i].wished / clusters[i].n;

		for (size_t j = 0; j < clusters[i].n; j++) {
			struct machine *machine =
				&drawing->machines[drawing->above[clusters[i].first + j]];

			machine->x = x;
			x += machine->w + COLUMN_GAP;
		}
	}
}

static int column_x(const struct segment *segment, size_t place)
{
	return segment->x + (segment->columns < segment->n_members ? GUTTER : 0) +
	       (int)(place % segment->columns) * segment->column_width;
}

/* Everything is moved right until nothing is left of the margin. */
static void shift(struct drawing *drawing)
{
	int least = MARGIN;

	for (size_t i = 0; i < drawing->n_above; i++)
		if (drawing->machines[drawing->above[i]].x < least)
			least = drawing->machines[drawing->above[i]].x;
	for (size_t i = 0; i < drawing->n_above; i++)
		drawing->machines[drawing->above[i]].x += MARGIN - least;
	for (size_t i = 0; i < drawing->n_segments; i++)
		drawing->segments[i].x += MARGIN - least;
	for (size_t i = 0; i < drawing->graph->n_nodes; i++) {
		struct machine *machine = &drawing->machines[i];

		if (machine->below != NONE)
			machine->x = column_x(&drawing->segments[machine->below],
					      machine->place);
	}
}

void drawing_place_columns(struct drawing *drawing)
{
	size_machines(drawing);
	place_wires(drawing);
	size_segments(drawing);
	place_segments(drawing);
	place_above(drawing);
	shift(drawing);
}
