/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layout while it is made: what stands where, before it has coordinates. Private to it. */
#ifndef NETLAB_TOPOLOGY_GRAPH_DRAWING_H
#define NETLAB_TOPOLOGY_GRAPH_DRAWING_H

#include "topology/graph-layout.h"

#define NONE SIZE_MAX

#define MARGIN      LAYOUT_MARGIN
#define TITLE       64 /* height of the title above all */
#define NAME_WIDTH  79 /* of a character, in 1/10 px: 13 px, bold; wide ones take two */
#define TEXT_WIDTH  67 /* the same, of 11 px */
#define DROP        14 /* from a box's left edge to its first wire */
#define LABEL_GAP   6  /* from a wire to its text */
#define COLUMN_GAP  26 /* between machines beside each other */
#define SEGMENT_GAP 44
#define STACK_GAP   14 /* between a box and what is stacked onto it */
#define GUTTER      22 /* left of the rows, for the wire that leads to them */
#define TRACK       9  /* between wires that run side by side */
#define LANE        12 /* free space above and below texts */
#define ONE_ROW     6  /* as many machines are put into one row without asking further */

/* A machine's wire to a segment. */
struct tie {
	size_t machine; /* node */
	size_t segment;
	size_t edge;
	size_t half;  /* which of the edge's lines; the first carries its text */
	int offset;   /* from the machine's left edge to the wire */
	int port;     /* x where it leaves the machine */
	int target;   /* x where it meets the segment */
	size_t track; /* NONE: it goes straight down */
};

struct segment {
	size_t node; /* NONE: a point */
	int x, y, w, h;
	size_t n_members; /* machines below it */
	size_t columns;
	int column_width;
	int reach; /* room that the texts of wires from above take */
};

struct machine {
	size_t root; /* itself, or the machine onto which it is stacked; NONE: a bridge */
	size_t below; /* segment that it hangs below; NONE: it stands above */
	size_t place; /* among those below the same segment */
	size_t n_ties;
	int w, h;    /* with all that is stacked onto it */
	int label_h; /* of the highest text at its wires */
	int x;
};

struct drawing {
	const struct graph *graph;
	struct layout *layout;
	struct machine *machines; /* by node */
	struct segment *segments;
	size_t n_segments;
	struct tie *ties;
	size_t n_ties;
	size_t *above; /* machines that stand above, from left to right */
	size_t n_above;
	size_t n_tracks;
	int top, bottom; /* of the row above the segments: of its boxes, of its texts */
};

static inline int larger(int a, int b)
{
	return a > b ? a : b;
}

static inline int clamp(int value, int least, int most)
{
	return value < least ? least : value > most ? larger(most, least) : value;
}

/* Where a machine above it would be in the middle. */
static inline int middle_of(const struct segment *segment)
{
	return segment->node == NONE ? segment->x + DROP : segment->x + segment->w / 2;
}

/* Widths in px; their heights follow from the number of their lines. */
int drawing_text_width(const char *text);
int drawing_label_width(const struct graph_label *label);

/* The steps, in their order. */
void drawing_arrange(
	struct drawing *drawing); /* what is a machine, and where it stands */
void drawing_place_columns(struct drawing *drawing); /* from left to right */
void drawing_place_rows(struct drawing *drawing);    /* from top to bottom */
void drawing_route(struct drawing *drawing);         /* the wires */

#endif
