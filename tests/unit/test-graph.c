// SPDX-License-Identifier: GPL-2.0-or-later
/* From a plan or a status to boxes and lines, and how they are written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "topology/describe.h"
#include "topology/graph-layout.h"
#include "topology/graph.h"
#include "util/lines.h"
#include "util/string.h"

static struct graph *graph_of_status(const char *text)
{
	_cleanup_json_ json_t *status = json_loads(text, 0, NULL);

	assert_non_null(status);
	return graph_new(status);
}

static json_t *status_of_topology(const char *text)
{
	_cleanup_topology_ struct topology *topology = NULL;
	_cleanup_plan_ struct plan *plan = NULL;
	_cleanup_error_ struct error *error =
		topology_parse("t.yaml", text, strlen(text), &topology);

	assert_null(error);
	plan = plan_new(topology);
	return topology_to_json(topology, plan);
}

static const struct graph_node *node(const struct graph *graph, const char *name)
{
	for (size_t i = 0; i < graph->n_nodes; i++)
		if (streq(graph->nodes[i].label.name, name))
			return &graph->nodes[i];
	fail_msg("no node %s", name);
	return NULL;
}

static const struct graph_edge *edge(const struct graph *graph, const char *from,
				     const char *to)
{
	for (size_t i = 0; i < graph->n_edges; i++)
		if (&graph->nodes[graph->edges[i].from] == node(graph, from) &&
		    &graph->nodes[graph->edges[i].to] == node(graph, to))
			return &graph->edges[i];
	fail_msg("no edge %s - %s", from, to);
	return NULL;
}

static bool says(const struct graph_label *label, enum graph_tone tone, const char *text)
{
	for (size_t i = 0; i < label->n_lines; i++)
		if (label->lines[i].tone == tone && streq(label->lines[i].text, text))
			return true;
	return false;
}

static char *written(const struct graph *graph, const char *format_name)
{
	_cleanup_buffer_ struct buffer out = {0};
	enum graph_format format;

	assert_null(graph_format_parse(format_name, &format));
	graph_write(graph, format, &out);
	return xstrndup((char *)out.data, out.size);
}

static void test_of_a_file(void **state)
{
	_cleanup_json_ json_t *status = status_of_topology(
		"name: t\nbridges: {br0: {addresses: [192.0.2.9/24]}, br1: {}}\n"
		"guests:\n  a: {nics: [{model: e1000, bridge: br0, mac: "
		"'52:54:00:00:00:01',\n    addresses: [192.0.2.1/24]}]}\n"
		"  b: {nics: [{bridge: br0}, {bridge: br1}]}\n");
	_cleanup_graph_ struct graph *graph = graph_new(status);
	const struct graph_edge *wire;

	(void)state;
	assert_string_equal(graph->title, "lab t");
	assert_string_equal(graph->description, "2 bridges, 2 guests");
	assert_int_equal(graph->n_edges, 4);
	wire = edge(graph, "a", "br0");
	assert_string_equal(wire->label.name, "a.0");
	assert_true(says(&wire->label, TONE_PLAIN, "e1000"));
	assert_true(says(&wire->label, TONE_PLAIN, "52:54:00:00:00:01"));
	assert_true(says(&wire->label, TONE_ADDRESS, "192.0.2.1/24"));
	wire = edge(graph, "host side", "br0");
	assert_true(says(&wire->label, TONE_ADDRESS, "192.0.2.9/24"));
	edge(graph, "b", "br0");
	edge(graph, "b", "br1");
}

static const char living[] =
	"{\"lab\": \"l\", \"state\": \"up\", \"links\": ["
	"{\"name\": \"br0\", \"kind\": \"bridge\", \"node\": \"host\", \"live\": null},"
	"{\"name\": \"a.0\", \"kind\": \"tap\", \"node\": \"host\", \"bridge\": \"br0\","
	" \"guest\": \"a\", \"live\": {\"up\": true, \"carrier\": false,"
	" \"rx\": {\"frames\": 1, \"bytes\": 60, \"errors\": 0, \"dropped\": 0},"
	" \"tx\": {\"frames\": 20, \"bytes\": 123456, \"errors\": 0, \"dropped\": 3}}}],"
	"\"guests\": [{\"name\": \"a\", \"state\": \"panicked\", \"accel\": \"tcg\"}]}";

/* What a TAP receives, its guest has sent. */
static void test_of_a_living_lab(void **state)
{
	_cleanup_graph_ struct graph *graph = graph_of_status(living);
	const struct graph_label *wire = &edge(graph, "a", "br0")->label;

	(void)state;
	assert_true(says(wire, TONE_COUNTER, "sent 1 frame, 60 B"));
	assert_true(says(wire, TONE_COUNTER, "got 20 frames, 123.5 kB"));
	assert_true(says(wire, TONE_ALARM, "dropped 3"));
	assert_true(says(wire, TONE_ALARM, "no carrier"));
	assert_true(says(&node(graph, "br0")->label, TONE_ALARM, "is gone"));
	assert_true(says(&node(graph, "a")->label, TONE_ALARM, "panicked, tcg"));
}

static const char hosts[] =
	"{\"lab\": \"h\", \"nodes\": [{\"name\": \"host\"},"
	" {\"name\": \"r\", \"forward\": true}], \"links\": ["
	"{\"name\": \"br0\", \"kind\": \"bridge\", \"node\": \"host\"},"
	"{\"name\": \"r-eth0\", \"kind\": \"veth\", \"node\": \"host\", \"bridge\": "
	"\"br0\","
	" \"peer\": {\"node\": \"r\", \"name\": \"eth0\"}, \"vlans\": {\"tagged\": [10, "
	"20]}},"
	"{\"name\": \"eth0\", \"kind\": \"veth\", \"node\": \"r\","
	" \"peer\": {\"node\": \"host\", \"name\": \"r-eth0\"}, \"addresses\": "
	"[\"192.0.2.2/24\"],"
	" \"impair\": {\"delay_ns\": 10000000, \"loss\": 0.5, \"rate\": 1000000}},"
	"{\"name\": \"v10\", \"kind\": \"vlan\", \"node\": \"r\", \"lower\": \"eth0\", "
	"\"vlan\": 10},"
	"{\"name\": \"v20\", \"kind\": \"vlan\", \"node\": \"host\", \"lower\": \"br0\", "
	"\"vlan\": 20}]}";

static void test_hosts_and_virtual_links(void **state)
{
	_cleanup_graph_ struct graph *graph = graph_of_status(hosts);
	const struct graph_label *wire = &edge(graph, "r", "br0")->label;

	(void)state;
	assert_int_equal(graph->n_edges, 3);
	assert_string_equal(wire->name, "eth0");
	assert_true(says(wire, TONE_ADDRESS, "192.0.2.2/24"));
	assert_true(says(wire, TONE_PLAIN, "tagged 10,20"));
	assert_true(says(wire, TONE_IMPAIR, "out: delay 10 ms"));
	assert_true(says(wire, TONE_IMPAIR, "out: loss 0.5 %"));
	assert_true(says(wire, TONE_IMPAIR, "out: at most 1 Mbit/s"));
	assert_true(edge(graph, "v10", "r")->owns);
	assert_true(says(&node(graph, "v10")->label, TONE_PLAIN, "on eth0"));
	assert_true(edge(graph, "v20", "br0")->owns);
}

/* The plan of hosts becomes the same form. */
static void test_describes_a_plan(void **state)
{
	struct address address;
	struct route route = {.has_via = true};
	struct planned_node nodes[] = {{.name = "host"},
				       {.name = "r", .routes = &route, .n_routes = 1}};
	struct planned_link links[] = {
		{.kind = LINK_VETH, .name = "a", .peer = 1},
		{.kind = LINK_VETH,
		 .name = "b",
		 .node = 1,
		 .addresses = &address,
		 .n_addresses = 1,
		 .settings.impair.delay_ns = 7},
		{.kind = LINK_VXLAN, .name = "vx", .vxlan.id = 42},
		{.kind = LINK_MACVLAN, .name = "mv", .macvlan = MACVLAN_VEPA},
	};
	const struct plan plan = {"t.yaml", nodes, 2, links, 4, "t"};
	_cleanup_json_ json_t *json = NULL, *wanted = NULL;

	(void)state;
	assert_null(address_parse("192.0.2.1/24", &address));
	assert_null(address_parse("192.0.2.254", &route.via));
	assert_null(address_parse("0.0.0.0/0", &route.to));
	json = json_pack("{s:o, s:o}", "nodes", plan_nodes_to_json(&plan), "links",
			 plan_links_to_json(&plan));
	wanted = json_loads(
		"{\"nodes\": [{\"name\": \"host\", \"forward\": false, \"routes\": [],"
		" \"sysctls\": []}, {\"name\": \"r\", \"forward\": false, \"routes\":"
		" [{\"to\": \"0.0.0.0/0\", \"via\": \"192.0.2.254\", \"device\": null}],"
		" \"sysctls\": []}], \"links\": ["
		"{\"name\": \"a\", \"kind\": \"veth\", \"node\": \"host\", "
		"\"description\":"
		" \"veth a\", \"bridge\": null, \"lower\": null, \"peer\": {\"node\": "
		"\"r\","
		" \"name\": \"b\"}, \"guest\": null, \"addresses\": []},"
		"{\"name\": \"b\", \"kind\": \"veth\", \"node\": \"r\", \"description\":"
		" \"veth b\", \"bridge\": null, \"lower\": null, \"peer\": {\"node\":"
		" \"host\", \"name\": \"a\"}, \"guest\": null, \"addresses\":"
		" [\"192.0.2.1/24\"], \"impair\": {\"delay_ns\": 7}},"
		"{\"name\": \"vx\", \"kind\": \"vxlan\", \"node\": \"host\","
		" \"description\": \"vxlan vx\", \"bridge\": null, \"lower\": null,"
		" \"peer\": null, \"guest\": null, \"addresses\": [], \"vxlan\":"
		" {\"id\": 42, \"local\": null, \"remote\": null}},"
		"{\"name\": \"mv\", \"kind\": \"macvlan\", \"node\": \"host\","
		" \"description\": \"macvlan mv\", \"bridge\": null, \"lower\": null,"
		" \"peer\": null, \"guest\": null, \"addresses\": [],"
		" \"macvlan\": \"vepa\"}]}",
		0, NULL);
	assert_non_null(wanted);
	assert_true(json_equal(json, wanted));
}

/* --- hostile names ----------------------------------------------------------------------- */

#define EVIL "</text>\\\"'&#x41;\\\\N`|]%%{}\\n\\u202e"

static struct graph *evil_graph(void)
{
	return graph_of_status("{\"lab\": \"" EVIL "\", \"links\": [{\"name\": \"" EVIL
			       "\", \"kind\": \"bridge\", \"node\": \"host\","
			       " \"addresses\": [\"" EVIL "\"]}]}");
}

static void test_names_are_escaped_in_svg(void **state)
{
	_cleanup_graph_ struct graph *graph = evil_graph();
	_cleanup_free_ char *text = written(graph, "svg");

	(void)state;
	assert_non_null(
		strstr(text, ">&#60;/text&#62;&#34;&#39;&#38;#x41;\\N`|]%%{}?\?<"));
}

static void test_names_are_escaped_in_dot(void **state)
{
	_cleanup_graph_ struct graph *graph = evil_graph();
	_cleanup_free_ char *text = written(graph, "dot");

	(void)state;
	assert_non_null(
		strstr(text, "label=\"</text>\\\"'&amp;#x41;\\\\N`|]%%{}??\\nbridge\"]"));
}

static void test_names_are_escaped_in_mermaid(void **state)
{
	_cleanup_graph_ struct graph *graph = evil_graph();
	_cleanup_free_ char *text = written(graph, "mermaid");

	(void)state;
	assert_non_null(strstr(
		text, "[\"#60;/text#62;#34;#39;#38;#35;x41#59;#92;N#96;#124;#93;#37;#37;"
		      "#123;#125;#63;#63;<br/>bridge\"]"));
}

/* --- the drawing ------------------------------------------------------------------------- */

static bool overlap(const struct layout_box *a, const struct layout_box *b)
{
	return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h &&
	       b->y < a->y + a->h;
}

static bool is_on_page(const struct layout *layout, int x, int y)
{
	return x >= 0 && y >= 0 && x <= layout->width && y <= layout->height;
}

static void check_layout(const struct graph *graph)
{
	_cleanup_layout_ struct layout *layout = layout_new(graph);

	for (size_t i = 0; i < graph->n_nodes; i++) {
		const struct layout_box *box = &layout->boxes[i];

		assert_true(is_on_page(layout, box->x, box->y));
		assert_true(is_on_page(layout, box->x + box->w, box->y + box->h));
		for (size_t j = 0; j < i; j++)
			assert_false(overlap(box, &layout->boxes[j]));
	}
	for (size_t i = 0; i < graph->n_edges; i++) {
		const struct layout_wire *wire = &layout->wires[i][0];

		assert_true(wire->n >= 2);
		for (size_t j = 0; j < wire->n; j++)
			assert_true(is_on_page(layout, wire->x[j], wire->y[j]));
	}
}

static void test_boxes_lie_beside_each_other(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 60; n += 7) {
		_cleanup_json_ json_t *status =
			status_of_topology("name: t\nbridges: {br0: {addresses: "
					   "[192.0.2.9/24]}, br1: {}}\n");
		json_t *links = json_object_get(status, "links");
		_cleanup_graph_ struct graph *graph = NULL;
		json_t *guests = json_array();

		for (unsigned i = 0; i < n; i++) {
			_cleanup_free_ char *name = xasprintf("guest%u", i);

			json_array_append_new(guests, json_pack("{s:s}", "name", name));
			/* Some of them are on both bridges, some point to point. */
			for (unsigned j = 0; j < 1 + (i % 5 == 0); j++)
				json_array_append_new(
					links,
					json_pack("{s:s, s:s, s:s, s:s, s:s*}", "name",
						  "tap", "kind", "tap", "node", "host",
						  "guest", name, "bridge",
						  i % 7 == 3    ? NULL
						  : (i + j) % 3 ? "br0"
								: "br1"));
		}
		json_object_set_new(status, "guests", guests);
		graph = graph_new(status);
		check_layout(graph);
	}
}

static void test_hosts_lie_beside_each_other(void **state)
{
	_cleanup_graph_ struct graph *graph = graph_of_status(hosts);

	(void)state;
	check_layout(graph);
}

static void test_formats(void **state)
{
	enum graph_format format;
	_cleanup_error_ struct error *error = graph_format_parse("png", &format);

	(void)state;
	assert_string_equal(error->message,
			    "'png' is no format; it is svg, dot or mermaid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_a_file),
		cmocka_unit_test(test_of_a_living_lab),
		cmocka_unit_test(test_hosts_and_virtual_links),
		cmocka_unit_test(test_describes_a_plan),
		cmocka_unit_test(test_names_are_escaped_in_svg),
		cmocka_unit_test(test_names_are_escaped_in_dot),
		cmocka_unit_test(test_names_are_escaped_in_mermaid),
		cmocka_unit_test(test_boxes_lie_beside_each_other),
		cmocka_unit_test(test_hosts_lie_beside_each_other),
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
