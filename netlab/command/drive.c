// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <stdio.h>

#include "command/command.h"
#include "command/drive.h"
#include "command/node.h"
#include "traffic/traffic.h"
#include "util/string.h"

struct words {
	const char *send, *expect, *connections, *bytes, *timeout;
	bool ipv4, ipv6, json;
};

static struct error *read_numbers(const struct words *words, struct drive_spec *spec)
{
	uint64_t connections = spec->connections;

	if (words->connections)
		try(error_prefix(count_parse(words->connections, 1, DRIVE_CONNECTIONS_MAX,
					     &connections),
				 "--connections"));
	if (words->bytes)
		try(error_prefix(size_parse(words->bytes, &spec->bytes), "--bytes"));
	if (words->timeout)
		try(error_prefix(duration_parse(words->timeout, &spec->timeout_ns),
				 "--timeout"));
	spec->connections = connections;
	return NULL;
}

/* @target: "GUEST:PORT", without the lab. */
static struct error *read_spec(const struct words *words, const char *target,
			       const char *kind, struct drive_spec *spec)
{
	try(drive_target_parse(target, &spec->to));
	try(drive_kind_parse(kind, &spec->kind));
	try(read_numbers(words, spec));
	spec->to.family = words->ipv4 ? AF_INET : words->ipv6 ? AF_INET6 : AF_UNSPEC;
	spec->send = xstrdup(words->send);
	spec->expect = xstrdup(words->expect);
	return drive_spec_check(spec);
}

struct error *drive_perform(struct client *client, const struct drive_spec *spec,
			    json_t **result)
{
	return client_call(client,
			   json_pack("{s:s, s:o}", "request", "drive", "spec",
				     drive_spec_to_json(spec)),
			   NULL, NULL, result);
}

static struct error *drive(const struct words *words, const struct node *node,
			   const char *kind, bool *held)
{
	_cleanup_(drive_spec_deinit) struct drive_spec spec;
	_cleanup_client_ struct client *client = NULL;
	_cleanup_json_ json_t *result = NULL;
	_cleanup_free_ char *text = NULL;

	drive_spec_init(&spec);
	try(read_spec(words, node->name, kind, &spec));
	try(client_connect(&client, node->lab));
	try(warn_if_halted(client, spec.to.guest));
	try(drive_perform(client, &spec, &result));
	text = words->json ? json_dumps(result, JSON_INDENT(2))
			   : traffic_result_text(result);
	printf("%s%s", text, words->json ? "\n" : "");
	*held = json_is_true(json_object_get(result, "ok"));
	return NULL;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct words words = {0};
	const struct option_spec specs[] = {
		{OPTION_STRING, "send", 's', "TEXT", "what each connection sends first",
		 &words.send},
		{OPTION_STRING, "expect", 'e', "TEXT", "what must come back",
		 &words.expect},
		{OPTION_STRING, "connections", 'c', "N",
		 "how many at the same time; default: 1", &words.connections},
		{OPTION_STRING, "bytes", 'b', "N",
		 "further bytes to send, with K, M or G", &words.bytes},
		{OPTION_STRING, "timeout", 't', "TIME",
		 "for each connection; default: 10s", &words.timeout},
		{OPTION_FLAG, "ipv4", '4', NULL, "over IPv4", &words.ipv4},
		{OPTION_FLAG, "ipv6", '6', NULL, "over IPv6", &words.ipv6},
		{OPTION_FLAG, "json", 0, NULL, "the result as JSON", &words.json},
		{0},
	};
	_cleanup_node_ struct node node = {0};
	int status = options_parse(verb, specs, &argc, &argv);
	bool held = false;
	struct error *error;

	if (status >= 0)
		return status;
	if (argc != 2)
		return misuse(verb, "a GUEST:PORT and a kind (tcp, udp) are wanted");
	if (words.ipv4 && words.ipv6)
		return misuse(verb, "--ipv4 or --ipv6, not both");
	node_parse(argv[0], &node);
	error = drive(&words, &node, argv[1], &held);
	if (error)
		return fail(error);
	return held ? EXIT_DONE : EXIT_FAILED;
}

const struct verb verb_drive = {
	.name = "drive",
	.usage = "[LAB/]GUEST:PORT tcp|udp [--send TEXT] [--expect TEXT]\n"
		 "                    [--connections N] [--bytes N] [--timeout TIME] "
		 "[-4|-6] [--json]",
	.summary = "Send traffic into a guest from the lab's host side.",
	.details =
		"Without --expect a connection is done when all it sent is "
		"acknowledged;\n"
		"with it, when the answer and all --bytes have come back. Exit status 1\n"
		"when a connection failed or an expectation did not hold.",
	.run = run,
};
