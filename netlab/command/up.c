// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "command/node.h"
#include "command/start.h"
#include "lab/rundir.h"
#include "util/string.h"

static bool is_frozen(const struct start *start, const char *guest)
{
	return start->freeze && (!*start->freeze || streq(start->freeze, guest));
}

/* One line for each guest: where it is and how to reach it. */
static void print_guests(const struct start *start, const json_t *status)
{
	json_t *guest;
	size_t i;

	json_array_foreach (json_object_get(status, "guests"), i, guest) {
		const char *name = status_text(guest, "name");
		const char *state = status_text(guest, "state");
		json_int_t boot = json_integer_value(json_object_get(guest, "boot_ns"));

		printf("  %s: ", name);
		if (streq(state, "panicked"))
			printf("halted where its kernel panicked\n");
		else if (streq(state, "up"))
			printf("Linux %s, booted in %.2f s (%s)\n",
			       status_text(guest, "kernel"), boot / 1e9,
			       status_text(guest, "accel"));
		else if (is_frozen(start, name))
			printf("halted before its first instruction\n");
		else
			printf("halted on its way up, with the lab\n");
	}
}

/* The first drive step of the topology, as the words of `netlab drive`. */
static void print_drive(const struct start *start, const char *lab)
{
	const struct drive_spec *spec = start->topology->drives;
	_cleanup_strv_ char **words = NULL;
	_cleanup_free_ char *line = NULL;

	if (!start->topology->n_drives)
		return;
	strv_pushf(&words, "%s%s:%u", lab, spec->to.guest, spec->to.port);
	strv_push(&words, xstrdup(drive_kind_name(spec->kind)));
	if (spec->send) {
		strv_push(&words, xstrdup("--send"));
		strv_push(&words, xstrdup(spec->send));
	}
	if (spec->expect) {
		strv_push(&words, xstrdup("--expect"));
		strv_push(&words, xstrdup(spec->expect));
	}
	line = shell_quote(words);
	printf("  netlab drive %s\n", line);
}

/* How to go on. The lab is named where that is needed: several are up. */
static void print_next(const struct start *start)
{
	_cleanup_strv_ char **labs = NULL;
	_cleanup_free_ char *prefix = NULL;
	const char *guest = "host";

	error_ignore(rundir_list(&labs));
	prefix = strv_length(labs) > 1 ? xasprintf("%s/", start->options.name)
				       : xstrdup("");
	printf("next:\n");
	if (start->topology->n_guests) {
		guest = start->topology->guests[0].name;
		printf("  netlab gdb %s%s\n", prefix, guest);
	}
	if (!start->freeze) {
		print_drive(start, prefix);
		printf("  netlab exec %s%s -- COMMAND\n", prefix, guest);
	}
	printf("  netlab down %s\n", start->options.name);
}

/* It is let go once we know what to say of it. */
static struct error *let_go(struct client *client, json_t **status)
{
	try(lab_status(client, status));
	return client_detach(client);
}

static struct error *up(struct start *start, const char *path)
{
	_cleanup_client_ struct client *client = NULL;
	_cleanup_json_ json_t *status = NULL;
	struct error *error;

	try(start_prepare(start, path));
	try(start_lab(start, &client));
	error = let_go(client, &status);
	if (error)
		return client_abandon_lab(client, error);
	printf("lab %s is up\n", start->options.name);
	print_guests(start, status);
	print_next(start);
	return NULL;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(start_deinit) struct start start = {0};
	const struct option_spec specs[] = {START_OPTIONS(&start), {0}};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc != 1)
		return misuse(verb, "one TOPOLOGY is wanted");
	return finish(up(&start, argv[0]));
}

const struct verb verb_up = {
	.name = "up",
	.usage = START_USAGE,
	.summary = "Start a lab; it stays up until 'netlab down'.",
	.run = run,
};
