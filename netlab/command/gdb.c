// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/command.h"
#include "command/gdb.h"
#include "command/node.h"
#include "debug/debug.h"
#include "util/file.h"
#include "util/log.h"
#include "util/process.h"
#include "util/string.h"

/*
 * What the keyboard sends to the terminal's processes is gdb's business: ^C stops the guest,
 * ^Z gdb. What ends other programs is passed on, so that gdb lets go of the guest.
 */
static void leave_signals_to_gdb(sigset_t *awaited)
{
	sigemptyset(awaited);
	sigaddset(awaited, SIGCHLD);
	sigaddset(awaited, SIGHUP);
	sigaddset(awaited, SIGTERM);
	sigprocmask(SIG_SETMASK, awaited, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
}

/* When gdb stops, so does netlab: the shell takes the terminal back, and fg wakes both. */
static bool has_ended(pid_t gdb, int *status)
{
	while (waitpid(gdb, status, WNOHANG | WUNTRACED) == gdb) {
		if (!WIFSTOPPED(*status))
			return true;
		raise(SIGSTOP);
		kill(gdb, SIGCONT);
	}
	return false;
}

static int wait_for_gdb(pid_t gdb, const sigset_t *awaited)
{
	int status = 0;

	while (!has_ended(gdb, &status)) {
		int number = sigwaitinfo(awaited, NULL);

		if (number == SIGHUP || number == SIGTERM)
			kill(gdb, number);
	}
	return status;
}

static int exit_status(int status)
{
	_cleanup_free_ char *how = process_status_text(status);

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_warning("gdb: %s", how);
	return 128 + WTERMSIG(status);
}

static struct error *explain(struct error *error)
{
	if (error && error->code == ENOENT)
		return error_hint(error, "install Debian's package gdb");
	return error;
}

static struct error *run_gdb(const struct debug_options *options, char **arguments,
			     int *status)
{
	_cleanup_strv_ char **argv = gdb_argv(options, arguments);
	_cleanup_close_ int lock = -1;
	struct process_options process = {
		.argv = argv,
		.input = STDIN_FILENO,
		.output = STDOUT_FILENO,
		.errors = STDERR_FILENO,
		.death_signal = SIGTERM, /* and gdb lets go of the guest */
	};
	sigset_t awaited;
	pid_t gdb;

	if (!argv)
		return error_new(EILSEQ, "a path of the kernel's is not UTF-8");
	if (!options->core)
		try(error_object(debug_lock(options->gdb_socket, &lock), options->guest));
	leave_signals_to_gdb(&awaited);
	try(explain(process_spawn(&process, &gdb)));
	*status = exit_status(wait_for_gdb(gdb, &awaited));
	return NULL;
}

/* What its lab says of a guest, borrowed from @lab, a new reference. */
static struct error *ask_lab(const struct node *node, json_t **lab,
			     struct debug_options *options)
{
	_cleanup_client_ struct client *client = NULL;
	const json_t *guest;

	try(client_connect(&client, node->lab));
	try(lab_status(client, lab));
	try(status_guest(*lab, node->name, &guest));
	if (!options->core && streq(status_text(guest, "state"), "gone"))
		return error_object(
			error_new(ESRCH, "QEMU has ended, there is nothing to debug"),
			node->name);
	options->guest = status_text(guest, "name");
	options->vmlinux = status_text(guest, "vmlinux");
	options->kernel_directory = status_text(guest, "kernel_directory");
	options->modules = json_object_get(guest, "modules");
	options->gdb_socket = status_text(guest, "gdb");
	return NULL;
}

static struct error *check_file(const char *path)
{
	return file_exists(path) ? NULL : error_errno(ENOENT, "%s", path);
}

/* A core whose guest may be long gone: only its kernel has to be there. */
static struct error *debug_core(const char *core, const char *vmlinux, char **arguments,
				int *status)
{
	_cleanup_free_ char *path = realpath(vmlinux, NULL), *copy = xstrdup(path);
	struct debug_options options = {.core = core, .vmlinux = vmlinux};

	if (!path)
		return error_errno(errno, "%s", vmlinux);
	options.kernel_directory = dirname(copy);
	return run_gdb(&options, arguments, status);
}

/* A lab that is gone needs not be started again for its core. */
static struct error *explain_core(const char *core, struct error *error)
{
	if (!error || !core)
		return error;
	free(steal_ptr(error->hint));
	return error_hint(error,
			  "where its lab has ended, --vmlinux FILE names the core's "
			  "kernel");
}

struct gdb_options {
	const char *core, *vmlinux, *port, *export, *output;
	bool stdio;
};

/* How many of the things are wanted that take the place of a gdb here. */
static int count_others(const struct gdb_options *options)
{
	return !!options->core + !!options->port + options->stdio + !!options->export;
}

static int misused(const struct verb *verb, const struct gdb_options *options,
		   char *const *words)
{
	bool has_guest = words[0] && *words[0] != '-';

	if (count_others(options) > 1)
		return misuse(verb, "--core, --port, --stdio, --export: one of them");
	if (options->vmlinux && !options->core)
		return misuse(verb, "--vmlinux is of --core");
	if (options->output && !options->export)
		return misuse(verb, "--output is of --export");
	if (options->core && !options->vmlinux && !has_guest)
		return misuse(verb,
			      "--core %s: of which kernel? Name the GUEST that it "
			      "is of, or --vmlinux FILE",
			      options->core);
	if (!options->core && !words[0])
		return misuse(verb, "a GUEST is wanted");
	if (words[1] && count_others(options) && !options->core)
		return misuse(verb, "no gdb is started that would take '%s'", words[1]);
	return -1;
}

static struct error *debug(const struct gdb_options *wish, char **words, int *status)
{
	struct debug_options options = {.core = wish->core, .editor = wish->export};
	_cleanup_node_ struct node node = {0};
	_cleanup_json_ json_t *lab = NULL;
	_cleanup_free_ char *whole = NULL;

	node_parse(words[0], &node);
	try(explain_core(wish->core, ask_lab(&node, &lab, &options)));
	whole = xasprintf("%s/%s", status_text(lab, "lab"), node.name);
	if (wish->export)
		return gdb_export(wish->export, &options, whole, wish->output);
	if (wish->stdio)
		return gdb_stdio(&options);
	if (wish->port)
		return gdb_port(&options, wish->port);
	return run_gdb(&options, words + 1, status);
}

static struct error *debug_any(const struct gdb_options *options, char **words,
			       int *status)
{
	if (options->core)
		try(check_file(options->core));
	*status = EXIT_DONE;
	return options->vmlinux
		       ? debug_core(options->core, options->vmlinux, words, status)
		       : debug(options, words, status);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct gdb_options options = {0};
	const struct option_spec specs[] = {
		{OPTION_STRING, "core", 0, "FILE", "open what 'netlab dump' wrote",
		 &options.core},
		{OPTION_STRING, "vmlinux", 0, "FILE",
		 "the core's kernel, where no GUEST tells", &options.vmlinux},
		{OPTION_STRING, "export", 0, "EDITOR",
		 "write a launch configuration: vscode, eclipse", &options.export},
		{OPTION_STRING, "output", 'o', "FILE",
		 "where that goes; '-': to standard output", &options.output},
		{OPTION_OPTIONAL, "port", 0, "PORT",
		 "let debuggers connect to 127.0.0.1 until ^C", &options.port},
		{OPTION_FLAG, "stdio", 0, NULL,
		 "be the other end of gdb's 'target remote |'", &options.stdio},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);
	struct error *error;

	if (status < 0)
		status = misused(verb, &options, argv);
	if (status >= 0)
		return status;
	error = debug_any(&options, argv, &status);
	return error ? fail(error) : status;
}

const struct verb verb_gdb = {
	.name = "gdb",
	.usage = "[LAB/]GUEST [-- GDB-ARGUMENT...]\n"
		 "       netlab gdb --core FILE [LAB/]GUEST|--vmlinux FILE "
		 "[-- GDB-ARGUMENT...]\n"
		 "       netlab gdb --export vscode|eclipse [-o FILE] [LAB/]GUEST\n"
		 "       netlab gdb --port[=PORT]|--stdio [LAB/]GUEST",
	.summary =
		"gdb on a guest's kernel, attached, with sources and the lx- commands.",
	.details = "The guest goes on when gdb ends, in whatever way. One debugger at a "
		   "time:\n"
		   "a second one fails at once. The exit status is gdb's (128 + N where\n"
		   "signal N ended it).",
	.run = run,
};
