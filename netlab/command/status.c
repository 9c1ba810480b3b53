// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>

#include "command/command.h"
#include "command/node.h"
#include "command/status-tree.h"
#include "lab/claim.h"
#include "lab/rundir.h"
#include "util/log.h"
#include "util/string.h"

static json_t *dead_to_json(const char *lab, const struct owned_links *links)
{
	json_t *array = json_array();

	for (size_t i = 0; i < links->n; i++) {
		const struct owned_link *link = &links->list[i];
		_cleanup_free_ char *name = printable(link->name, IFNAMSIZ);

		if (streq(link->lab, lab))
			json_array_append_new(array, json_pack("{s:s, s:s}", "name", name,
							       "kind", link->kind));
	}
	return json_pack("{s:s, s:s, s:o}", "lab", lab, "state", "dead", "links", array);
}

/* What dead labs have left in this network namespace; @only: of this one, NULL: of all. */
static struct error *status_of_dead(const char *only, json_t *all)
{
	_cleanup_owned_links_ struct owned_links links = {0};
	_cleanup_strv_ char **labs = NULL;

	try(dead_links_list(only, &links));
	labs = dead_links_labs(&links);
	strv_foreach (lab, labs)
		json_array_append_new(all, dead_to_json(*lab, &links));
	return NULL;
}

static struct error *status_of_up(const char *lab, json_t *all)
{
	_cleanup_client_ struct client *client = NULL;
	json_t *status;

	try(client_connect(&client, lab));
	try(lab_status(client, &status));
	json_array_append_new(all, status);
	return NULL;
}

static struct error *status_of(const char *lab, json_t *all)
{
	_cleanup_error_ struct error *error = status_of_up(lab, all);

	if (!error || error->code != ENOENT)
		return steal_ptr(error);
	try(status_of_dead(lab, all));
	return json_array_size(all) ? NULL : steal_ptr(error);
}

/* A lab that ends while we ask is no error of a listing; nor is that no link can be read. */
static struct error *status_of_all(json_t *all)
{
	_cleanup_error_ struct error *error = NULL;
	_cleanup_strv_ char **labs = NULL;

	try(rundir_list(&labs));
	strv_foreach (lab, labs)
		error_ignore(status_of_up(*lab, all));
	error = status_of_dead(NULL, all);
	if (error)
		log_warning("links of dead labs: %s", error->message);
	return NULL;
}

static void print_all(const json_t *all, bool json)
{
	_cleanup_free_ char *text = NULL;
	json_t *status;
	size_t i;

	if (json) {
		text = json_dumps(all, JSON_INDENT(2));
		printf("%s\n", text);
		return;
	}
	if (!json_array_size(all))
		printf("no lab is up; 'netlab up TOPOLOGY' starts one\n");
	json_array_foreach (all, i, status)
		status_tree_print(status);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct option_spec specs[] = {
		{OPTION_FLAG, "json", 0, NULL, "everything, as JSON", &json},
		{0},
	};
	_cleanup_json_ json_t *all = json_array();
	int status = options_parse(verb, specs, &argc, &argv);
	struct error *error;

	if (status >= 0)
		return status;
	if (argc > 1)
		return misuse(verb, "one LAB, or none for all");
	error = argc ? status_of(argv[0], all) : status_of_all(all);
	if (error)
		return fail(error);
	print_all(argc && json ? json_array_get(all, 0) : all, json);
	return EXIT_DONE;
}

const struct verb verb_status = {
	.name = "status",
	.usage = "[LAB] [--json]",
	.summary = "What is up: links, addresses, guests, captures.",
	.details = "With -v also each guest's QEMU command line. With LAB, --json "
		   "gives\none object, else "
		   "an array of them: see docs/control-protocol.md.",
	.run = run,
};
