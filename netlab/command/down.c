// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>

#include "command/command.h"
#include "lab/claim.h"
#include "lab/client.h"
#include "lab/rundir.h"
#include "util/string.h"

static struct error *stop(struct client *client)
{
	struct error *error = client_stop_lab(client);

	if (!error || error->code != ETIMEDOUT)
		printf("lab %s is down\n", client_lab(client));
	return error;
}

/* Of a lab whose supervisor was killed, links may be left in this network namespace. */
static struct error *remove_dead(const char *lab, size_t *n)
{
	_cleanup_owned_links_ struct owned_links links = {0};
	_cleanup_free_ char *names = NULL;

	try(dead_links_remove(lab, &links));
	*n = links.n;
	names = owned_links_text(&links);
	if (links.n)
		printf("lab %s was dead; removed what it left: %s\n", lab, names);
	return NULL;
}

static struct error *down_dead(const char *lab, struct error *not_up)
{
	_cleanup_error_ struct error *why = not_up;
	size_t n = 0;

	try(remove_dead(lab, &n));
	return n ? NULL : steal_ptr(why);
}

/* No lab is up: is one meant that is dead? */
static struct error *name_dead(struct error *not_up)
{
	_cleanup_owned_links_ struct owned_links links = {0};
	_cleanup_error_ struct error *why = not_up, *error = NULL;
	_cleanup_strv_ char **labs = NULL;
	_cleanup_free_ char *names = NULL;

	error = dead_links_list(NULL, &links);
	if (error || !links.n)
		return steal_ptr(why);
	labs = dead_links_labs(&links);
	names = strv_join(labs, ", ");
	return error_hint(error_new(ENOENT,
				    "no lab is up, but dead ones have left links in this "
				    "network namespace: %s",
				    names),
			  "'netlab down %s' removes them", labs[0]);
}

static struct error *down(const char *lab)
{
	_cleanup_client_ struct client *client = NULL;
	struct error *error = client_connect(&client, lab);

	if (!error)
		return stop(client);
	if (error->code != ENOENT)
		return error;
	return lab ? down_dead(lab, error) : name_dead(error);
}

static struct error *down_all_dead(void)
{
	_cleanup_owned_links_ struct owned_links links = {0};
	_cleanup_strv_ char **labs = NULL;
	size_t n;

	try(dead_links_list(NULL, &links));
	labs = dead_links_labs(&links);
	strv_foreach (lab, labs)
		try(remove_dead(*lab, &n));
	return NULL;
}

static int down_listed(char **labs)
{
	int status = EXIT_DONE;

	strv_foreach (lab, labs) {
		struct error *error = down(*lab);

		/* It went by itself in the meantime. */
		if (error && error->code == ENOENT)
			error_ignore(steal_ptr(error));
		else if (error)
			status = fail(error);
	}
	return status;
}

static int down_all(void)
{
	_cleanup_strv_ char **labs = NULL;
	struct error *error = rundir_list(&labs);
	int status = error ? fail(error) : down_listed(labs);

	return finish(down_all_dead()) ?: status;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	bool all = false;
	const struct option_spec specs[] = {
		{OPTION_FLAG, "all", 'a', NULL,
		 "every lab of yours, and what dead ones left here", &all},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc > 1 || (all && argc))
		return misuse(verb, "one LAB, or --all");
	return all ? down_all() : finish(down(argv[0]));
}

const struct verb verb_down = {
	.name = "down",
	.usage = "[LAB] [--all]",
	.summary = "End a lab: power its guests off and take its network away.",
	.details =
		"Of a lab whose supervisor was killed, what it left in this network "
		"namespace\n(netns: host) is removed. Exit status 1 also where a lab's "
		"capture\nisn't whole.",
	.run = run,
};
