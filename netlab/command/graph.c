// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <sys/stat.h>

#include "command/command.h"
#include "command/node.h"
#include "topology/describe.h"
#include "topology/graph.h"
#include "util/file.h"
#include "util/string.h"

static struct error *describe_file(const char *path, json_t **status)
{
	_cleanup_topology_ struct topology *topology = NULL;
	_cleanup_plan_ struct plan *plan = NULL;

	try(topology_load(path, &topology));
	plan = plan_new(topology);
	*status = topology_to_json(topology, plan);
	return NULL;
}

static struct error *ask_lab(const char *lab, json_t **status)
{
	_cleanup_client_ struct client *client = NULL;

	try(client_connect(&client, lab));
	return lab_status(client, status);
}

/* A word is a file where there is one, or where it can't be a lab's name. */
static bool is_file(const char *word)
{
	struct stat info;

	return !lab_name_valid(word) ||
	       (stat(word, &info) == 0 && !S_ISDIR(info.st_mode));
}

static struct error *write_out(const struct buffer *document, const char *path)
{
	if (path && !streq(path, "-"))
		return file_write(path, document->data, document->size);
	return write_all(STDOUT_FILENO, document->data, document->size);
}

static struct error *draw(const char *what, const char *format_name, const char *path)
{
	_cleanup_buffer_ struct buffer document = {0};
	_cleanup_json_ json_t *status = NULL;
	_cleanup_graph_ struct graph *graph = NULL;
	enum graph_format format = GRAPH_SVG;

	if (format_name)
		try(graph_format_parse(format_name, &format));
	if (what && is_file(what))
		try(describe_file(what, &status));
	else
		try(ask_lab(what, &status));
	graph = graph_new(status);
	graph_write(graph, format, &document);
	return write_out(&document, path);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	const char *format = NULL, *output = NULL;
	const struct option_spec specs[] = {
		{OPTION_STRING, "format", 'f', "svg|dot|mermaid", "default: svg",
		 &format},
		{OPTION_STRING, "output", 'o', "FILE",
		 "where to; default: standard output", &output},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc > 1)
		return misuse(verb, "one TOPOLOGY or LAB");
	return finish(draw(argc ? argv[0] : NULL, format, output));
}

const struct verb verb_graph = {
	.name = "graph",
	.usage = "TOPOLOGY|[LAB] [-f svg|dot|mermaid] [-o FILE]",
	.summary = "Draw a topology file, or a lab that runs with its counters.",
	.details = "A word that names a file is a TOPOLOGY, else it is a LAB. The SVG\n"
		   "needs no other program and follows the reader's light or dark "
		   "scheme.",
	.run = run,
};
