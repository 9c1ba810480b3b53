// SPDX-License-Identifier: GPL-2.0-or-later
/* A graph for Graphviz and for Mermaid: both lay it out themselves. */
#include <string.h>

#include "topology/graph-text.h"

/* How a format writes what is in a quoted text. */
struct syntax {
	void (*escape)(struct buffer *out, char c);
	const char *newline;
};

static void write_text(struct buffer *out, const struct syntax *syntax, const char *text)
{
	for (; *text; text++)
		syntax->escape(out, *text);
}

static void write_label(struct buffer *out, const struct syntax *syntax,
			const struct graph_label *label)
{
	const char *separator = *label->name ? syntax->newline : "";

	write_text(out, syntax, label->name);
	for (size_t i = 0; i < label->n_lines; i++) {
		out_format(out, "%s", separator);
		write_text(out, syntax, label->lines[i].text);
		separator = syntax->newline;
	}
}

static bool is_empty(const struct graph_label *label)
{
	return !*label->name && !label->n_lines;
}

/* --- DOT --------------------------------------------------------------------------------- */

/* Backslashes begin escapes, and ampersands HTML's entities, in quoted labels too. */
static void escape_dot(struct buffer *out, char c)
{
	if (c == '&')
		out_format(out, "&amp;");
	else
		out_format(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
}

static const struct syntax dot = {escape_dot, "\\n"};

static const char *dot_style(enum graph_kind kind)
{
	switch (kind) {
	case GRAPH_HOST_SIDE:
		return "shape=box, style=filled, fillcolor=\"#e4e7eb\"";
	case GRAPH_HOST:
		return "shape=box, style=filled, fillcolor=\"#fdeccb\"";
	case GRAPH_GUEST:
		return "shape=box, style=\"filled,bold\", fillcolor=\"#d9f2dd\"";
	case GRAPH_BRIDGE:
		return "shape=box, style=\"filled,rounded\", fillcolor=\"#d6e6fb\"";
	case GRAPH_VIRTUAL:
		return "shape=ellipse, style=filled, fillcolor=\"#ecdffa\"";
	}
	return "";
}

void graph_write_dot(const struct graph *graph, struct buffer *out)
{
	out_format(out, "graph \"");
	write_text(out, &dot, graph->title);
	out_format(out, "\" {\n\tlabel=\"");
	write_text(out, &dot, graph->title);
	out_format(out, ": ");
	write_text(out, &dot, graph->description);
	out_format(out, "\";\n\tlabelloc=t;\n\tnode [fontname=\"sans-serif\"];\n"
			"\tedge [fontname=\"sans-serif\", fontsize=10];\n");
	for (size_t i = 0; i < graph->n_nodes; i++) {
		out_format(out, "\tn%zu [%s, label=\"", i,
			   dot_style(graph->nodes[i].kind));
		write_label(out, &dot, &graph->nodes[i].label);
		out_format(out, "\"];\n");
	}
	for (size_t i = 0; i < graph->n_edges; i++) {
		const struct graph_edge *edge = &graph->edges[i];

		out_format(out, "\tn%zu -- n%zu [%slabel=\"", edge->from, edge->to,
			   edge->owns ? "style=dashed, " : "");
		write_label(out, &dot, &edge->label);
		out_format(out, "\"];\n");
	}
	out_format(out, "}\n");
}

/* --- Mermaid ----------------------------------------------------------------------------- */

/* Everything that could mean something to Mermaid, Markdown or HTML is written as a number. */
static void escape_mermaid(struct buffer *out, char c)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789 .,:/+-";

	if ((unsigned char)c >= 0x80 || strchr(plain, c))
		out_format(out, "%c", c);
	else
		out_format(out, "#%d;", c);
}

static const struct syntax mermaid = {escape_mermaid, "<br/>"};

static const char *mermaid_class(enum graph_kind kind)
{
	switch (kind) {
	case GRAPH_HOST_SIDE:
		return "hostside";
	case GRAPH_HOST:
		return "host";
	case GRAPH_GUEST:
		return "guest";
	case GRAPH_BRIDGE:
		return "bridge";
	case GRAPH_VIRTUAL:
		return "virtual";
	}
	return "";
}

static void write_mermaid_edge(struct buffer *out, const struct graph_edge *edge)
{
	out_format(out, "\tn%zu %s", edge->from, edge->owns ? "-.-" : "---");
	if (!is_empty(&edge->label)) {
		out_format(out, "|\"");
		write_label(out, &mermaid, &edge->label);
		out_format(out, "\"|");
	}
	out_format(out, " n%zu\n", edge->to);
}

void graph_write_mermaid(const struct graph *graph, struct buffer *out)
{
	out_format(out, "flowchart TB\n");
	for (size_t i = 0; i < graph->n_nodes; i++) {
		out_format(out, "\tn%zu[\"", i);
		write_label(out, &mermaid, &graph->nodes[i].label);
		out_format(out, "\"]:::%s\n", mermaid_class(graph->nodes[i].kind));
	}
	for (size_t i = 0; i < graph->n_edges; i++)
		write_mermaid_edge(out, &graph->edges[i]);
	out_format(out, "\tclassDef hostside fill:#e4e7eb,stroke:#5b6572,color:#111\n"
			"\tclassDef host fill:#fdeccb,stroke:#a06a00,color:#111\n"
			"\tclassDef guest fill:#d9f2dd,stroke:#1f7a34,color:#111\n"
			"\tclassDef bridge fill:#d6e6fb,stroke:#1d5fb0,color:#111\n"
			"\tclassDef virtual fill:#ecdffa,stroke:#7138ad,color:#111\n");
}
