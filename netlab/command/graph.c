// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "command/command.h"
#include "command/node.h"
#include "topology/describe.h"
#include "topology/graph.h"
#include "util/file.h"
#include "util/string.h"

static struct error *describe_file(const char *path, char *const *settings,
				   json_t **status)
{
	_cleanup_topology_ struct topology *topology = NULL;
	_cleanup_plan_ struct plan *plan = NULL;

	try(topology_load_set(path, settings, &topology));
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

static struct error *describe(const char *what, char *const *settings, json_t **status)
{
	if (what && is_file(what))
		return describe_file(what, settings, status);
	if (settings)
		return error_hint(error_new(EINVAL, "--set is for a file; a lab is what "
						    "it is"),
				  "'netlab apply' changes one that runs");
	return ask_lab(what, status);
}

static struct error *draw(const char *what, char *const *settings,
			  const char *format_name, const char *path)
{
	_cleanup_buffer_ struct buffer document = {0};
	_cleanup_json_ json_t *status = NULL;
	_cleanup_graph_ struct graph *graph = NULL;
	enum graph_format format = GRAPH_SVG;

	if (format_name)
		try(graph_format_parse(format_name, &format));
	try(describe(what, settings, &status));
	graph = graph_new(status);
	graph_write(graph, format, &document);
	return write_out(&document, path);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_strv_ char **settings = NULL;
	const char *format = NULL, *output = NULL;
	const struct option_spec specs[] = {
		SET_OPTION(&settings),
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
	return finish(draw(argc ? argv[0] : NULL, settings, format, output));
}

const struct verb verb_graph = {
	.name = "graph",
	.usage = "TOPOLOGY|[LAB] [-f svg|dot|mermaid] [-o FILE] [--set PATH=VALUE]...",
	.summary = "Draw a topology file, or a lab that runs with its counters.",
	.details = "A word that names a file is a TOPOLOGY, else it is a LAB. The SVG\n"
		   "needs no other program and follows the reader's light or dark "
		   "scheme.",
	.run = run,
};
