// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/command.h"
#include "command/node.h"
#include "util/string.h"

#define MIB (1ll << 20)

/* It is written by others, who are elsewhere. */
static struct error *absolute_path(const char *file, char **path)
{
	const char *slash = strrchr(file, '/');
	_cleanup_free_ char *folder = slash ? xstrndup(file, slash - file + 1)
					    : xstrdup(".");
	_cleanup_free_ char *resolved = realpath(folder, NULL);

	if (!resolved)
		return error_errno(errno, "%s", folder);
	*path = xasprintf("%s/%s", streq(resolved, "/") ? "" : resolved,
			  slash ? slash + 1 : file);
	return NULL;
}

static void on_event(const json_t *event, void *userdata)
{
	json_int_t done = json_integer_value(json_object_get(event, "done"));
	json_int_t total = json_integer_value(json_object_get(event, "total"));
	_cleanup_free_ char *what = xasprintf("writing %s", (const char *)userdata);

	progress_show(what, done / MIB, total / MIB, NULL);
}

static struct error *write_core(struct client *client, const struct node *node,
				const char *file)
{
	_cleanup_free_ char *path = NULL;
	struct error *error;

	try(absolute_path(file, &path));
	error = client_call(client,
			    json_pack("{s:s, s:s, s:s}", "request", "dump", "guest",
				      node->name, "file", path),
			    on_event, (void *)file, NULL);
	progress_end();
	return error;
}

static void print_next(const struct client *client, const struct node *node,
		       const char *file)
{
	_cleanup_free_ char *guest = xasprintf("%s/%s", client_lab(client), node->name);
	char *words[] = {(char *)file, guest, NULL};
	_cleanup_free_ char *line = shell_quote(words);

	printf("netlab gdb --core %s\n", line);
}

static struct error *dump(const struct node *node, const char *file)
{
	_cleanup_client_ struct client *client = NULL;

	try(client_connect(&client, node->lab));
	try(write_core(client, node, file));
	print_next(client, node, file);
	return NULL;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	const struct option_spec specs[] = {{0}};
	_cleanup_node_ struct node node = {0};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc != 2)
		return misuse(verb, "a GUEST and a FILE are wanted");
	node_parse(argv[0], &node);
	return finish(dump(&node, argv[1]));
}

const struct verb verb_dump = {
	.name = "dump",
	.usage = "[LAB/]GUEST FILE",
	.summary = "Write a guest's memory and registers to a core for gdb.",
	.details =
		"The guest stands while it is written, and goes on if it ran. FILE is as "
		"large as\nits memory; 'netlab gdb --core FILE' opens it.",
	.run = run,
};
