// SPDX-License-Identifier: GPL-2.0-or-later
/* pause and resume: a guest, and by lockstep its lab, without a debugger. */
#include "command/command.h"
#include "command/node.h"
#include "lab/client.h"

/* @request: what the lab is asked, and the verb's name. */
static struct error *ask(const struct node *node, const char *request)
{
	_cleanup_client_ struct client *client = NULL;

	try(client_connect(&client, node->lab));
	return client_call(
		client, json_pack("{s:s, s:s}", "request", request, "guest", node->name),
		NULL, NULL, NULL);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	const struct option_spec specs[] = {{0}};
	_cleanup_node_ struct node node = {0};
	int status = options_parse(verb, specs, &argc, &argv);
	struct error *error;

	if (status >= 0)
		return status;
	if (argc != 1)
		return misuse(verb, "a GUEST is wanted");
	node_parse(argv[0], &node);
	error = ask(&node, verb->name);
	return error ? fail(error) : EXIT_DONE;
}

const struct verb verb_pause = {
	.name = "pause",
	.usage = "[LAB/]GUEST",
	.summary = "Hold a guest, and its lab's time with it.",
	.details = "It stands still until 'netlab resume', whatever debuggers do; with\n"
		   "'lockstep: off' or --no-lockstep it alone.",
	.run = run,
};

const struct verb verb_resume = {
	.name = "resume",
	.usage = "[LAB/]GUEST",
	.summary = "Let a guest go on that 'netlab pause' holds.",
	.details =
		"The lab goes on with it, where no debugger and no other pause holds it.",
	.run = run,
};
