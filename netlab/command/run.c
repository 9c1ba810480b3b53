// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/debugger.h"
#include "command/drive.h"
#include "command/node.h"
#include "command/start.h"
#include "traffic/traffic.h"
#include "util/process.h"
#include "util/string.h"

static struct error *drive_step(struct client *client, const struct drive_spec *spec)
{
	_cleanup_json_ json_t *result = NULL;
	_cleanup_free_ char *text = NULL;

	try(error_prefix(drive_perform(client, spec, &result), "%s to %s:%u",
			 drive_kind_name(spec->kind), spec->to.guest, spec->to.port));
	text = traffic_result_text(result);
	printf("%s", text);
	fflush(stdout);
	if (json_is_true(json_object_get(result, "ok")))
		return NULL;
	return error_new(EIO, "%s to %s:%u: what the topology expects did not happen",
			 drive_kind_name(spec->kind), spec->to.guest, spec->to.port);
}

/* The breakpoints hold before the first packet is sent. */
static struct error *attempt_steps(const struct start *start, struct client *client)
{
	_cleanup_(debuggers_freep) struct debuggers *debuggers = NULL;

	try(debuggers_start(&debuggers, client, start->topology));
	for (size_t i = 0; i < start->topology->n_drives; i++)
		try(drive_step(client, &start->topology->drives[i]));
	return debuggers_wait(debuggers);
}

/* A guest that was halted at its panic holds the lab, and a step would wait for ever. */
static struct error *perform_steps(const struct start *start, struct client *client)
{
	struct error *error;

	client_heed_panics(client, true);
	error = attempt_steps(start, client);
	client_heed_panics(client, false);
	return error;
}

/* --- a guest that panicked ------------------------------------------------------------------ */

/* on_panic: halt is for people who look: where there is one, the lab stays for gdb. */
static bool is_left_to_gdb(const struct client *client)
{
	return client_knows_of_panic(client) && isatty(STDIN_FILENO);
}

static void stay_for_gdb(struct client *client)
{
	const bool never = false;

	fprintf(stderr, "netlab: the lab stays up for gdb; ^C ends it\n");
	error_ignore(client_wait(client, &never, 0));
}

/* --- COMMAND, in place of the topology's steps --------------------------------------------- */

struct command {
	bool ended;
	int status;
};

static int on_command_ended(sd_event_source *source, const siginfo_t *info,
			    void *userdata)
{
	struct command *command = userdata;

	(void)source;
	command->ended = true;
	command->status = info->si_code == CLD_EXITED ? info->si_status
						      : 128 + info->si_status;
	return 0;
}

static char **command_argv(const char *lab, char **words)
{
	char **argv = NULL;

	strv_push(&argv, xstrdup("/proc/self/exe"));
	strv_push(&argv, xstrdup("exec"));
	strv_pushf(&argv, "%s/" NODE_HOST, lab);
	strv_push(&argv, xstrdup("--"));
	strv_foreach (word, words)
		strv_push(&argv, xstrdup(*word));
	return argv;
}

static struct error *perform_command(struct client *client, char **words, int *status)
{
	_cleanup_strv_ char **argv = command_argv(client_lab(client), words);
	_cleanup_(sd_event_source_disable_unrefp) sd_event_source *source = NULL;
	struct process_options options = {
		.argv = argv,
		.input = STDIN_FILENO,
		.output = STDOUT_FILENO,
		.errors = STDERR_FILENO,
	};
	struct command command = {0};
	struct error *error;
	pid_t pid;

	try(process_spawn(&options, &pid));
	if (sd_event_add_child(client_event(client), &source, pid, WEXITED,
			       on_command_ended, &command) < 0)
		error = error_new(EIO, "event loop");
	else
		error = client_wait(client, &command.ended, 0);
	if (!command.ended)
		process_kill(pid);
	*status = command.status;
	return error;
}

/* ------------------------------------------------------------------------------------------ */

static void print_files(const struct start *start)
{
	const char *output = start->options.output, *name = start->options.name;

	if (start->topology->capture)
		printf("capture: %s/%s.pcapng\n", output, name);
	for (size_t i = 0; i < start->topology->n_guests; i++)
		printf("console of %s: %s/%s.console\n", start->topology->guests[i].name,
		       output, start->topology->guests[i].name);
}

static struct error *run_lab(struct start *start, const char *path, char **words,
			     int *status)
{
	_cleanup_client_ struct client *client = NULL;
	struct error *error, *end;

	try(start_prepare(start, path));
	try(start_lab(start, &client));
	if (words[0])
		error = perform_command(client, words, status);
	else
		error = perform_steps(start, client);
	if (error && error->code != ECANCELED && is_left_to_gdb(client)) {
		*status = fail(steal_ptr(error));
		stay_for_gdb(client);
	}
	end = client_stop_lab(client);
	print_files(start);
	if (error)
		error_free(end);
	return error ?: end;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(start_deinit) struct start start = {0};
	const struct option_spec specs[] = {START_OPTIONS(&start), {0}};
	int status = options_parse(verb, specs, &argc, &argv);
	struct error *error;

	if (status >= 0)
		return status;
	if (argc < 1)
		return misuse(verb, "a TOPOLOGY is wanted");
	status = EXIT_DONE;
	error = run_lab(&start, argv[0], argv + 1, &status);
	return error ? fail(error) : status;
}

const struct verb verb_run = {
	.name = "run",
	.usage = START_USAGE " [-- COMMAND...]",
	.summary =
		"Start a lab, carry out its drive and debug steps (or COMMAND), end it.",
	.details =
		"COMMAND runs on the lab's host side; its exit status is netlab's. Exit "
		"status 1\nwhere a step failed, or a guest was halted at its kernel's "
		"panic.",
	.run = run,
};
