// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/graph.h"

#include <assert.h>
#include <errno.h>

#include "topology/describe.h"
#include "topology/graph-text.h"
#include "util/string.h"

#define NO_NODE SIZE_MAX

static const char *const kind_names[] = {
	[GRAPH_HOST_SIDE] = "host side", [GRAPH_HOST] = "host",
	[GRAPH_GUEST] = "guest",         [GRAPH_BRIDGE] = "bridge",
	[GRAPH_VIRTUAL] = "virtual",
};
static_assert(ARRAY_SIZE(kind_names) == GRAPH_KINDS, "a kind of node without a name");

const char *graph_kind_name(enum graph_kind kind)
{
	return kind_names[kind];
}

/* A status while it becomes a graph. */
struct build {
	struct graph *graph;
	const json_t *links;
	size_t *node_of_link; /* the box of each link, or NO_NODE; indexed as @links */
};

static const json_t *link_at(const struct build *build, size_t i)
{
	return json_array_get(build->links, i);
}

static size_t count_links(const struct build *build)
{
	return json_array_size(build->links);
}

static bool has_text(const json_t *object, const char *key, const char *text)
{
	return streq(get_text(object, key), text);
}

/* --- boxes ------------------------------------------------------------------------------- */

static struct graph_node *add_node(struct graph *graph, enum graph_kind kind,
				   const char *name)
{
	struct graph_node *node;

	grow(graph->nodes, graph->n_nodes);
	node = &graph->nodes[graph->n_nodes++];
	node->kind = kind;
	node->owner = NO_NODE;
	label_init(&node->label, name);
	return node;
}

static size_t find_node(const struct graph *graph, enum graph_kind kind, const char *name)
{
	_cleanup_free_ char *shown = printable(name, GRAPH_TEXT_MAX);

	for (size_t i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i].kind == kind &&
		    streq(graph->nodes[i].label.name, shown))
			return i;
	return NO_NODE;
}

/* The box of a network namespace; the host side has one as soon as something is on it. */
static size_t find_namespace(struct graph *graph, const char *name)
{
	size_t found = find_node(graph, GRAPH_HOST, name);

	if (found != NO_NODE)
		return found;
	found = find_node(graph, GRAPH_HOST_SIDE, "host side");
	if (found != NO_NODE)
		return found;
	add_node(graph, GRAPH_HOST_SIDE, "host side");
	return graph->n_nodes - 1;
}

static void add_routes(struct graph_label *label, const json_t *routes)
{
	json_t *route;
	size_t i;

	json_array_foreach (routes, i, route) {
		const char *via = get_text(route, "via"),
			   *device = get_text(route, "device");

		label_add(label, TONE_ADDRESS, "%s%s%s%s%s", get_text(route, "to"),
			  *via ? " via " : "", via, *device ? " dev " : "", device);
	}
}

static void add_hosts(struct graph *graph, const json_t *nodes)
{
	json_t *json;
	size_t i;

	json_array_foreach (nodes, i, json) {
		struct graph_node *node;

		if (!*get_text(json, "name") || has_text(json, "name", HOST_SIDE))
			continue;
		node = add_node(graph, GRAPH_HOST, get_text(json, "name"));
		label_add(&node->label, TONE_PLAIN, "%s",
			  json_is_true(json_object_get(json, "forward")) ? "router"
									 : "host");
		add_routes(&node->label, json_object_get(json, "routes"));
	}
}

static void add_guest_state(struct graph_label *label, const json_t *guest)
{
	const char *state = get_text(guest, "state");
	bool halted = json_is_true(json_object_get(guest, "halted"));
	bool ended = streq(state, "panicked") || streq(state, "gone");

	if (*state)
		label_add(label, ended ? TONE_ALARM : TONE_PLAIN, "%s%s, %s", state,
			  halted ? ", halted" : "", get_text(guest, "accel"));
}

static void add_guests(struct graph *graph, const json_t *guests)
{
	json_t *guest;
	size_t i;

	json_array_foreach (guests, i, guest) {
		json_int_t memory = json_integer_value(json_object_get(guest, "memory"));
		json_int_t cpus = json_integer_value(json_object_get(guest, "cpus"));
		struct graph_node *node;

		if (!*get_text(guest, "name"))
			continue;
		node = add_node(graph, GRAPH_GUEST, get_text(guest, "name"));
		label_add(&node->label, TONE_PLAIN, "guest");
		if (memory > 0)
			label_add(&node->label, TONE_PLAIN,
				  "%" JSON_INTEGER_FORMAT " MiB, %" JSON_INTEGER_FORMAT
				  " CPU%s",
				  memory >> 20, cpus, cpus == 1 ? "" : "s");
		add_guest_state(&node->label, guest);
	}
}

/* A TAP that is no guest's card stands for itself. */
static bool is_virtual(const json_t *link)
{
	if (has_text(link, "kind", "tap"))
		return json_is_true(json_object_get(link, "persistent"));
	return !has_text(link, "kind", "bridge") && !has_text(link, "kind", "veth");
}

static size_t add_bridge(struct graph *graph, const json_t *link)
{
	struct graph_node *node = add_node(graph, GRAPH_BRIDGE, get_text(link, "name"));

	label_add(&node->label, TONE_PLAIN, "bridge");
	label_add_settings(&node->label, link);
	if (!json_array_size(json_object_get(link, "addresses")))
		label_add_live(&node->label, link, false);
	return graph->n_nodes - 1;
}

static size_t add_virtual(struct graph *graph, const json_t *link)
{
	bool bare = !*get_text(link, "bridge") && !*get_text(link, "lower");
	size_t owner = find_namespace(graph, get_text(link, "node"));
	struct graph_node *node = add_node(graph, GRAPH_VIRTUAL, get_text(link, "name"));

	node->owner = owner;
	label_add_kind(&node->label, link);
	if (!bare && graph->nodes[owner].kind == GRAPH_HOST)
		label_add(&node->label, TONE_PLAIN, "in %s",
			  graph->nodes[owner].label.name);
	label_add_addresses(&node->label, json_object_get(link, "addresses"));
	label_add_settings(&node->label, link);
	label_add_live(&node->label, link, false);
	return graph->n_nodes - 1;
}

static void add_link_nodes(struct build *build)
{
	for (size_t i = 0; i < count_links(build); i++) {
		const json_t *link = link_at(build, i);

		build->node_of_link[i] = NO_NODE;
		if (has_text(link, "kind", "bridge"))
			build->node_of_link[i] = add_bridge(build->graph, link);
		else if (is_virtual(link))
			build->node_of_link[i] = add_virtual(build->graph, link);
	}
}

/* --- lines between them ------------------------------------------------------------------ */

static size_t find_link(const struct build *build, const char *node, const char *name)
{
	for (size_t i = 0; *name && i < count_links(build); i++)
		if (has_text(link_at(build, i), "name", name) &&
		    has_text(link_at(build, i), "node", node))
			return i;
	return NO_NODE;
}

static struct graph_edge *add_edge(struct graph *graph, size_t from, size_t to,
				   const char *name)
{
	struct graph_edge *edge;
	bool turned = graph->nodes[from].kind == GRAPH_BRIDGE;

	grow(graph->edges, graph->n_edges);
	edge = &graph->edges[graph->n_edges++];
	edge->from = turned ? to : from;
	edge->to = turned ? from : to;
	label_init(&edge->label, name);
	return edge;
}

/* The bridge that a link is a port of, or NO_NODE. */
static size_t bridge_of(const struct build *build, const json_t *link)
{
	size_t i = find_link(build, get_text(link, "node"), get_text(link, "bridge"));

	return i == NO_NODE ? NO_NODE : build->node_of_link[i];
}

/* What a wire's end is in: the bridge that it is a port of, or its network namespace. */
static size_t end_of(const struct build *build, const json_t *link)
{
	size_t bridge = bridge_of(build, link);

	return bridge != NO_NODE ? bridge
				 : find_namespace(build->graph, get_text(link, "node"));
}

/* A bridge with addresses is how the host side is on that segment. */
static void connect_bridge(struct build *build, size_t i)
{
	const json_t *link = link_at(build, i);
	struct graph_edge *edge;

	if (!json_array_size(json_object_get(link, "addresses")))
		return;
	edge = add_edge(build->graph,
			find_namespace(build->graph, get_text(link, "node")),
			build->node_of_link[i], get_text(link, "name"));
	label_add_addresses(&edge->label, json_object_get(link, "addresses"));
	label_add_live(&edge->label, link, false);
}

/* The card that a TAP is the lab's end of. */
static const json_t *find_card(const json_t *guests, const char *tap)
{
	json_t *guest, *nic;
	size_t i, j;

	json_array_foreach (guests, i, guest)
		json_array_foreach (json_object_get(guest, "nics"), j, nic)
			if (*tap && has_text(nic, "tap", tap))
				return nic;
	return NULL;
}

static void connect_tap(struct build *build, const json_t *link, const json_t *guests)
{
	const json_t *card = find_card(guests, get_text(link, "name"));
	size_t guest = find_node(build->graph, GRAPH_GUEST, get_text(link, "guest"));
	const json_t *host = json_object_get(link, "addresses");
	struct graph_edge *edge;
	json_t *address;
	size_t i;

	if (guest == NO_NODE)
		return;
	edge = add_edge(build->graph, guest, end_of(build, link), get_text(link, "name"));
	label_add(&edge->label, TONE_PLAIN, "%s", get_text(card, "model"));
	label_add(&edge->label, TONE_PLAIN, "%s", get_text(card, "mac"));
	label_add_addresses(&edge->label, json_object_get(card, "addresses"));
	json_array_foreach (host, i, address)
		label_add(&edge->label, TONE_ADDRESS, "host side %s",
			  json_string_value(address) ?: "");
	label_add_settings(&edge->label, link);
	label_add_live(&edge->label, link, true);
}

/* A pair of veths is one wire; it is drawn from the end that is no bridge's port. */
static bool is_drawn_from(const struct build *build, size_t i, size_t peer)
{
	bool is_port = *get_text(link_at(build, i), "bridge");
	bool peer_is_port = *get_text(link_at(build, peer), "bridge");

	return is_port == peer_is_port ? i < peer : !is_port;
}

static void connect_veth(struct build *build, size_t i)
{
	const json_t *link = link_at(build, i), *peer = json_object_get(link, "peer");
	size_t other = find_link(build, get_text(peer, "node"), get_text(peer, "name"));
	struct graph_edge *edge;
	bool outside;

	if (other == NO_NODE || other == i || !is_drawn_from(build, i, other))
		return;
	peer = link_at(build, other);
	outside = !json_object_get(link, "live");
	edge = add_edge(build->graph, end_of(build, link), end_of(build, peer),
			get_text(link, "name"));
	label_add_addresses(&edge->label, json_object_get(link, "addresses"));
	label_add_settings(&edge->label, link);
	if (!*get_text(peer, "bridge"))
		label_add(&edge->label, TONE_PLAIN, "to %s", get_text(peer, "name"));
	label_add_addresses(&edge->label, json_object_get(peer, "addresses"));
	label_add_settings(&edge->label, peer);
	label_add_live(&edge->label, outside ? peer : link, outside);
}

static void own(struct build *build, size_t node, size_t of)
{
	if (node != of)
		add_edge(build->graph, node, of, "")->owns = true;
}

/* A link on top of another, and what it is a port of; one that is neither is its node's own. */
static void connect_virtual(struct build *build, size_t i)
{
	const json_t *link = link_at(build, i);
	const char *lower = get_text(link, "lower");
	size_t below = find_link(build, get_text(link, "node"), lower);
	size_t node = build->node_of_link[i], bridge = bridge_of(build, link);
	size_t box = below == NO_NODE ? NO_NODE : build->node_of_link[below];

	if (bridge != NO_NODE)
		add_edge(build->graph, node, bridge, "");
	if (box != NO_NODE)
		own(build, node, box);
	else if (bridge == NO_NODE)
		own(build, node, build->graph->nodes[node].owner);
	if (*lower && box == NO_NODE)
		label_add(&build->graph->nodes[node].label, TONE_PLAIN, "on %s", lower);
}

static void add_edges(struct build *build, const json_t *guests)
{
	for (size_t i = 0; i < count_links(build); i++) {
		const json_t *link = link_at(build, i);

		if (has_text(link, "kind", "bridge"))
			connect_bridge(build, i);
		else if (is_virtual(link))
			connect_virtual(build, i);
		else if (has_text(link, "kind", "tap"))
			connect_tap(build, link, guests);
		else
			connect_veth(build, i);
	}
}

/* --- the whole --------------------------------------------------------------------------- */

static void count_kind(const struct graph *graph, enum graph_kind kind, const char *what,
		       char ***words)
{
	size_t n = 0;

	for (size_t i = 0; i < graph->n_nodes; i++)
		n += graph->nodes[i].kind == kind;
	if (n)
		strv_pushf(words, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static char *describe(const struct graph *graph, const char *state)
{
	_cleanup_strv_ char **words = NULL;
	_cleanup_free_ char *counts = NULL;

	count_kind(graph, GRAPH_BRIDGE, "bridge", &words);
	count_kind(graph, GRAPH_GUEST, "guest", &words);
	count_kind(graph, GRAPH_HOST, "host", &words);
	count_kind(graph, GRAPH_VIRTUAL, "virtual link", &words);
	counts = strv_join(words, ", ");
	return xasprintf("%s%s%s", *counts ? counts : "empty", *state ? "; " : "", state);
}

struct graph *graph_new(const json_t *status)
{
	struct graph *graph = xcalloc(1, sizeof(*graph));
	const json_t *links = json_object_get(status, "links");
	_cleanup_free_ size_t *nodes = xcalloc(json_array_size(links), sizeof(*nodes));
	struct build build = {graph, links, nodes};
	_cleanup_free_ char *lab = printable(get_text(status, "lab"), GRAPH_TEXT_MAX);
	_cleanup_free_ char *state = printable(get_text(status, "state"), GRAPH_TEXT_MAX);

	add_hosts(graph, json_object_get(status, "nodes"));
	add_guests(graph, json_object_get(status, "guests"));
	add_link_nodes(&build);
	add_edges(&build, json_object_get(status, "guests"));
	graph->title = xasprintf("lab %s", lab);
	graph->description = describe(graph, state);
	return graph;
}

void graph_free(struct graph *graph)
{
	if (!graph)
		return;
	for (size_t i = 0; i < graph->n_nodes; i++)
		label_deinit(&graph->nodes[i].label);
	for (size_t i = 0; i < graph->n_edges; i++)
		label_deinit(&graph->edges[i].label);
	free(graph->nodes);
	free(graph->edges);
	free(graph->title);
	free(graph->description);
	free(graph);
}

/* --- formats ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*write)(const struct graph *graph, struct buffer *out);
} formats[] = {
	[GRAPH_SVG] = {"svg", graph_write_svg},
	[GRAPH_DOT] = {"dot", graph_write_dot},
	[GRAPH_MERMAID] = {"mermaid", graph_write_mermaid},
};
static_assert(ARRAY_SIZE(formats) == GRAPH_FORMATS, "a format that no one writes");

struct error *graph_format_parse(const char *text, enum graph_format *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!streq(text, formats[i].name))
			continue;
		*format = i;
		return NULL;
	}
	return error_new(EINVAL, "'%s' is no format; it is svg, dot or mermaid", text);
}

void graph_write(const struct graph *graph, enum graph_format format, struct buffer *out)
{
	formats[format].write(graph, out);
}
