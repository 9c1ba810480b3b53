// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>

#include "command/command.h"
#include "command/node.h"
#include "util/file.h"
#include "util/string.h"

struct apply {
	const char *lab; /* NULL: called as in the topology */
	const char *path;
	bool dry_run;
	bool json;
};

/* Without the symbolic links in it resolved: what it names is found beside it. */
static char *absolute_path(const char *path)
{
	_cleanup_free_ char *here = *path == '/' ? NULL : getcwd(NULL, 0);

	return here ? xasprintf("%s/%s", here, path) : xstrdup(path);
}

/* The supervisor is in another folder, maybe. */
static struct error *make_request(const struct apply *apply, const char *text,
				  size_t size, json_t **request)
{
	_cleanup_free_ char *path = absolute_path(apply->path);
	json_t *content = json_stringn(text, size);

	*request = json_pack("{s:s, s:s, s:o, s:b}", "request", "apply", "file", path,
			     "text", content, "dry_run", apply->dry_run);
	return *request ? NULL
			: error_new(EILSEQ, "%s: text and path have to be UTF-8", path);
}

static void print_changes(const struct apply *apply, const char *lab,
			  const json_t *changes)
{
	json_t *change;
	size_t i;

	json_array_foreach (changes, i, change)
		printf("%s\n", status_text(change, "text"));
	if (!json_array_size(changes))
		printf("lab %s: nothing to change\n", lab);
	else
		printf("lab %s: %zu change%s%s\n", lab, i, i == 1 ? "" : "s",
		       apply->dry_run ? ", none of them made (--dry-run)" : "");
}

static void show(const struct apply *apply, const char *lab, const json_t *result)
{
	_cleanup_free_ char *text = apply->json ? json_dumps(result, JSON_INDENT(2))
						: NULL;

	if (text)
		printf("%s\n", text);
	else
		print_changes(apply, lab, json_object_get(result, "changes"));
}

static struct error *carry_out(const struct apply *apply)
{
	_cleanup_topology_ struct topology *topology = NULL;
	_cleanup_client_ struct client *client = NULL;
	_cleanup_json_ json_t *result = NULL;
	_cleanup_free_ char *text = NULL;
	json_t *request;
	size_t size;

	try(file_read(apply->path, TOPOLOGY_SIZE_LIMIT, &text, &size));
	try(topology_parse(apply->path, text, size, &topology));
	try(client_connect(&client, apply->lab ?: topology->name));
	try(make_request(apply, text, size, &request));
	try(client_call(client, request, NULL, NULL, &result));
	show(apply, client_lab(client), result);
	return NULL;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct apply apply = {0};
	const struct option_spec specs[] = {
		{OPTION_STRING, "name", 'n', "LAB",
		 "the lab's name; default: the topology's", &apply.lab},
		{OPTION_FLAG, "dry-run", 0, NULL, "say what would be changed, and do not",
		 &apply.dry_run},
		{OPTION_FLAG, "json", 0, NULL, "the changes as JSON", &apply.json},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc < 1 || argc > 2)
		return misuse(verb, "one TOPOLOGY is wanted, or a LAB and a TOPOLOGY");
	if (argc == 2 && apply.lab)
		return misuse(verb, "a LAB, or --name; not both");
	if (argc == 2)
		apply.lab = argv[0];
	apply.path = argv[argc - 1];
	return finish(carry_out(&apply));
}

const struct verb verb_apply = {
	.name = "apply",
	.usage = "[LAB] TOPOLOGY [--name LAB] [--dry-run] [--json]",
	.summary = "Change a lab that is up until it is what a topology says.",
	.details =
		"Each change is a line: '+' what is added, '-' what is deleted, '~' what "
		"is set.\nWhat differs is changed, and nothing else: guests keep "
		"running. "
		"What a running\nguest can't be given is refused, and then nothing is "
		"changed at all.",
	.run = run,
};
