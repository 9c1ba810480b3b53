// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>

#include "command/command.h"
#include "lab/client.h"
#include "lab/rundir.h"
#include "util/string.h"

static struct error *down(const char *lab)
{
	_cleanup_client_ struct client *client = NULL;

	try(client_connect(&client, lab));
	try(client_stop_lab(client));
	printf("lab %s is down\n", client_lab(client));
	return NULL;
}

static struct error *down_all(void)
{
	_cleanup_strv_ char **labs = NULL;

	try(rundir_list(&labs));
	strv_foreach (lab, labs) {
		struct error *error = down(*lab);

		/* It went by itself in the meantime. */
		if (error && error->code == ENOENT)
			error_ignore(steal_ptr(error));
		try(error);
	}
	return NULL;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	bool all = false;
	const struct option_spec specs[] = {
		{OPTION_FLAG, "all", 'a', NULL, "every lab of yours that is up", &all},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc > 1 || (all && argc))
		return misuse(verb, "one LAB, or --all");
	return finish(all ? down_all() : down(argv[0]));
}

const struct verb verb_down = {
	.name = "down",
	.usage = "[LAB] [--all]",
	.summary = "End a lab: power its guests off and take its network away.",
	.run = run,
};
