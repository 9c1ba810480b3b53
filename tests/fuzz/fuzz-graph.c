// SPDX-License-Identifier: GPL-2.0-or-later
/* Any JSON as a lab's status: it is drawn, the same each time, and the drawing holds no more
 * markup than netlab put there. */
#include <stddef.h>
#include <stdint.h>

#include "fuzz.h"
#include "topology/graph.h"
#include "topology/text.h"
#include "util/lines.h"
#include "util/string.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static size_t count(const struct buffer *document, char wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < document->size; i++)
		n += document->data[i] == (uint8_t)wanted;
	return n;
}

static void check_format(const struct graph *graph, enum graph_format format)
{
	_cleanup_buffer_ struct buffer once = {0}, again = {0};

	graph_write(graph, format, &once);
	graph_write(graph, format, &again);
	must(once.size == again.size && memcmp(once.data, again.data, once.size) == 0);
	must(utf8_valid((const char *)once.data, once.size));
	if (format == GRAPH_SVG)
		must(count(&once, '<') == count(&once, '>'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *status = json_loadb((const char *)data, size, 0, NULL);
	_cleanup_graph_ struct graph *graph = NULL;

	if (!status)
		return 0;
	graph = graph_new(status);
	for (int format = 0; format < GRAPH_FORMATS; format++)
		check_format(graph, format);
	return 0;
}
