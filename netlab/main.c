// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of verbs. */
#include <signal.h>
#include <stdio.h>

#include "command/command.h"
#include "config.h"
#include "util/string.h"

static const struct verb *const verbs[] = {
	&verb_up,     &verb_run,     &verb_down,    &verb_status, &verb_apply,
	&verb_check,  &verb_graph,   &verb_monitor, &verb_exec,   &verb_console,
	&verb_drive,  &verb_capture, &verb_gdb,     &verb_dump,   &verb_pause,
	&verb_resume, &verb_kernel,  &verb_image,   &verb_clean,  &verb_export,
	&verb_doctor, NULL,
};

static void print_help(FILE *out)
{
	fprintf(out, "Usage: netlab VERB ...\n\n"
		     "Single-step a packet through Linux: a lab network, a debuggable "
		     "kernel in "
		     "QEMU on it,\ntraffic into it, and a capture beside the gdb "
		     "session.\n\n");
	for (size_t i = 0; verbs[i]; i++)
		fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
	fprintf(out, "\n'netlab VERB --help' tells more; 'man netlab' all. A first lab:\n"
		     "  netlab run topologies/tcp-receive.yaml\n");
}

static int unknown_verb(const char *name)
{
	_cleanup_strv_ char **names = NULL, **near = NULL;

	if (*name == '-')
		return fprintf(stderr,
			       "netlab: '%s': options stand behind the verb\n"
			       "Try 'netlab --help'.\n",
			       name),
		       EXIT_MISUSE;
	for (size_t i = 0; verbs[i]; i++)
		strv_push(&names, xstrdup(verbs[i]->name));
	near = near_names(name, names, 1);
	fprintf(stderr, "netlab: no verb '%s'%s%s%s\nTry 'netlab --help'.\n", name,
		near ? "; did you mean '" : "", near ? near[0] : "", near ? "'?" : "");
	return EXIT_MISUSE;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	_cleanup_free_ char *speaker = xasprintf("netlab %s", verb->name);

	/* getopt_long()'s own complaints begin with it. */
	argv[0] = speaker;
	return verb->run(verb, argc, argv);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(2) */
	logging_begin();
	if (argc < 2)
		return print_help(stderr), EXIT_MISUSE;
	if (streq(name, "--help") || streq(name, "-h") || streq(name, "help"))
		return print_help(stdout), EXIT_DONE;
	if (streq(name, "--version"))
		return printf("netlab %s\n", NETLAB_VERSION), EXIT_DONE;
	for (size_t i = 0; verbs[i]; i++)
		if (streq(verbs[i]->name, name))
			return run_verb(verbs[i], argc - 1, argv + 1);
	return unknown_verb(name);
}
