// SPDX-License-Identifier: GPL-2.0-or-later
/* A graph as SVG: readable by light and by dark, and by those who don't see it. */
#include <assert.h>

#include "topology/graph-layout.h"
#include "topology/graph-text.h"
#include "topology/text.h"
#include "util/string.h"

static const char *const node_classes[] = {
	[GRAPH_HOST_SIDE] = "hostside", [GRAPH_HOST] = "host",
	[GRAPH_GUEST] = "guest",        [GRAPH_BRIDGE] = "bridge",
	[GRAPH_VIRTUAL] = "virtual",
};
static_assert(ARRAY_SIZE(node_classes) == GRAPH_KINDS, "a kind of node without a class");

static const char *const line_classes[] = {
	[TONE_PLAIN] = "plain",     [TONE_ADDRESS] = "address", [TONE_IMPAIR] = "impair",
	[TONE_COUNTER] = "counter", [TONE_ALARM] = "alarm",
};
static_assert(ARRAY_SIZE(line_classes) == GRAPH_TONES, "a tone without a class");

static const char style[] =
	"<style>\n"
	"svg{--page:#fff;--ink:#1b1f24;--soft:#535b66;--line:#6b7480;--hostside:#e4e7eb;"
	"--host:#fdeccb;--guest:#d9f2dd;--bridge:#d6e6fb;--virtual:#ecdffa;"
	"--address:#0b4f9e;--impair:#8a4b00;--alarm:#b3101f}\n"
	"@media(prefers-color-scheme:dark){svg{--page:#14171c;--ink:#eceff3;"
	"--soft:#aab3bf;--line:#8893a1;--hostside:#343a43;--host:#4d3a12;--guest:#1d4327;"
	"--bridge:#1c3a61;--virtual:#40275f;--address:#9cc7ff;--impair:#ffc371;"
	"--alarm:#ff9a9a}}\n"
	"text{font:11px 'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,monospace;"
	"fill:var(--ink)}\n"
	".name{font-size:13px;font-weight:bold}\n"
	".title{font-size:18px;font-weight:bold}\n"
	".soft,.plain,.counter{fill:var(--soft)}\n"
	".address{fill:var(--address)}\n"
	".impair{fill:var(--impair)}\n"
	".alarm{fill:var(--alarm);font-weight:bold}\n"
	".node .plain{fill:var(--ink)}\n"
	".edge text{paint-order:stroke;stroke:var(--page);stroke-width:3px}\n"
	".wire{font-weight:bold}\n"
	"rect{stroke:var(--line);stroke-width:1.2}\n"
	".page{fill:var(--page);stroke:none}\n"
	"path{fill:none;stroke:var(--line);stroke-width:1.6}\n"
	".owns path{stroke-dasharray:3 3}\n"
	".hostside rect{fill:var(--hostside)}\n"
	".host rect{fill:var(--host)}\n"
	".guest rect{fill:var(--guest)}\n"
	".bridge rect{fill:var(--bridge)}\n"
	".virtual rect{fill:var(--virtual)}\n"
	".joint{fill:var(--line);stroke:none}\n"
	"</style>\n";

/* XML 1.0, section 2.2: U+FFFE and U+FFFF are no characters. The rest is printable. */
static void write_escaped(struct buffer *out, const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0, n; i < size; i += n) {
		uint32_t code = '?';

		n = utf8_decode(text + i, size - i, &code) ?: 1;
		if (code == '<' || code == '>' || code == '&' || code == '"' ||
		    code == '\'')
			out_format(out, "&#%u;", (unsigned)code);
		else if (code >= 0x20 && code != 0xfffe && code != 0xffff)
			buffer_append(out, text + i, n);
	}
}

static void write_line(struct buffer *out, const char *class, int x, int y,
		       const char *text)
{
	out_format(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
	write_escaped(out, text);
	out_format(out, "</text>\n");
}

static void write_lines(struct buffer *out, const struct graph_label *label, int x, int y)
{
	for (size_t i = 0; i < label->n_lines; i++)
		write_line(out, line_classes[label->lines[i].tone], x,
			   y + (int)i * LAYOUT_LINE, label->lines[i].text);
}

static void write_title(struct buffer *out, const struct graph_label *label)
{
	out_format(out, "<title>");
	write_escaped(out, label->name);
	for (size_t i = 0; i < label->n_lines; i++) {
		out_format(out, i || *label->name ? ", " : "");
		write_escaped(out, label->lines[i].text);
	}
	out_format(out, "</title>");
}

static void write_node(struct buffer *out, const struct graph_node *node,
		       const struct layout_box *box, size_t i)
{
	out_format(out, "<g class=\"node %s\" id=\"n%zu\">", node_classes[node->kind], i);
	write_title(out, &node->label);
	out_format(out,
		   "\n<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"/>\n",
		   box->x, box->y, box->w, box->h, node->kind == GRAPH_VIRTUAL ? 12 : 4);
	write_line(out, "name", box->x + LAYOUT_PADDING, box->y + LAYOUT_NAME - 2,
		   node->label.name);
	write_lines(out, &node->label, box->x + LAYOUT_PADDING,
		    box->y + LAYOUT_NAME + LAYOUT_LINE - 2);
	out_format(out, "</g>\n");
}

static void write_wire(struct buffer *out, const struct layout_wire *wire)
{
	if (!wire->n)
		return;
	out_format(out, "<path d=\"M%d %d", wire->x[0], wire->y[0]);
	for (size_t i = 1; i < wire->n; i++)
		out_format(out, "L%d %d", wire->x[i], wire->y[i]);
	out_format(out, "\"/>\n");
}

static void write_edge(struct buffer *out, const struct graph *graph, size_t i,
		       const struct layout_wire wires[2])
{
	const struct graph_edge *edge = &graph->edges[i];
	const struct layout_wire *last = &wires[1];

	out_format(out, "<g class=\"edge%s\" data-from=\"n%zu\" data-to=\"n%zu\"><title>",
		   edge->owns ? " owns" : "", edge->from, edge->to);
	write_escaped(out, graph->nodes[edge->from].label.name);
	out_format(out, " \xe2\x80\x93 ");
	write_escaped(out, graph->nodes[edge->to].label.name);
	out_format(out, "</title>\n");
	write_wire(out, &wires[0]);
	write_wire(out, last);
	if (last->n)
		out_format(out, "<circle class=\"joint\" cx=\"%d\" cy=\"%d\" r=\"4\"/>\n",
			   last->x[last->n - 1], last->y[last->n - 1]);
	if (*edge->label.name)
		write_line(out, "wire", wires[0].label_x, wires[0].label_y,
			   edge->label.name);
	write_lines(out, &edge->label, wires[0].label_x, wires[0].label_y + LAYOUT_LINE);
	out_format(out, "</g>\n");
}

static void write_head(struct buffer *out, const struct graph *graph,
		       const struct layout *layout)
{
	out_format(out,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		   "viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"title desc\">\n"
		   "<title id=\"title\">",
		   layout->width, layout->height, layout->width, layout->height);
	write_escaped(out, graph->title);
	out_format(out, "</title>\n<desc id=\"desc\">");
	write_escaped(out, graph->description);
	out_format(out, "</desc>\n%s<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n",
		   style, layout->width, layout->height);
	write_line(out, "title", LAYOUT_MARGIN, 30, graph->title);
	write_line(out, "soft", LAYOUT_MARGIN, 47, graph->description);
}

void graph_write_svg(const struct graph *graph, struct buffer *out)
{
	_cleanup_layout_ struct layout *layout = layout_new(graph);

	write_head(out, graph, layout);
	for (size_t i = 0; i < graph->n_edges; i++)
		write_edge(out, graph, i, layout->wires[i]);
	for (size_t i = 0; i < graph->n_nodes; i++)
		write_node(out, &graph->nodes[i], &layout->boxes[i], i);
	out_format(out, "</svg>\n");
}
