// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "util/log.h"
#include "util/string.h"

static bool verbose;

static void log_to_stderr(enum log_level level, const char *line, void *userdata)
{
	(void)userdata;
	if (level == LOG_LEVEL_DEBUG && !verbose)
		return;
	if (level == LOG_LEVEL_INFO)
		return progress_show(line, 0, 0, NULL);
	progress_hide();
	fprintf(stderr, "netlab: %s%s\n", level == LOG_LEVEL_WARNING ? "warning: " : "",
		line);
	progress_unhide();
}

void logging_begin(void)
{
	log_set_handler(log_to_stderr, NULL);
}

bool is_verbose(void)
{
	return verbose;
}

int misuse(const struct verb *verb, const char *format, ...)
{
	_cleanup_free_ char *what = NULL;
	va_list args;

	va_start(args, format);
	what = xvasprintf(format, args);
	va_end(args);
	fprintf(stderr, "netlab %s: %s\nTry 'netlab %s --help'.\n", verb->name, what,
		verb->name);
	return EXIT_MISUSE;
}

int fail(struct error *error)
{
	_cleanup_error_ struct error *owned = error;
	_cleanup_free_ char *text = error_text(owned);

	progress_end();
	fprintf(stderr, "netlab: %s\n", text);
	return EXIT_FAILED;
}

int finish(struct error *error)
{
	return error ? fail(error) : EXIT_DONE;
}

static size_t count_specs(const struct option_spec *specs)
{
	size_t n = 0;

	while (specs[n].name)
		n++;
	return n;
}

static void help_line(char letter, const char *name, const char *argument, bool optional,
		      const char *help)
{
	_cleanup_free_ char *left = NULL;
	char brief[5] = "    ";

	if (letter)
		snprintf(brief, sizeof(brief), "-%c, ", letter);
	left = xasprintf("%s--%s%s%s%s", brief, name,
			 argument ? (optional ? "[=" : " ") : "", argument ?: "",
			 optional ? "]" : "");
	printf("  %-30s %s\n", left, help);
}

static void print_help(const struct verb *verb, const struct option_spec *specs)
{
	printf("Usage: netlab %s %s\n\n%s\n", verb->name, verb->usage, verb->summary);
	if (verb->details)
		printf("\n%s\n", verb->details);
	printf("\nOptions:\n");
	for (const struct option_spec *s = specs; s->name; s++)
		help_line(s->letter, s->name, s->argument, s->kind == OPTION_OPTIONAL,
			  s->help);
	help_line('v', "verbose", NULL, false, "say what is done");
	help_line('h', "help", NULL, false, "this text");
}

static void store(const struct option_spec *spec, const char *argument)
{
	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)spec->value = true;
		break;
	case OPTION_LIST:
		strv_push(spec->value, xstrdup(argument));
		break;
	case OPTION_STRING:
	case OPTION_OPTIONAL:
		*(const char **)spec->value = argument ?: "";
		break;
	}
}

static int getopt_argument(const struct option_spec *spec)
{
	switch (spec->kind) {
	case OPTION_FLAG:
		return no_argument;
	case OPTION_STRING:
	case OPTION_LIST:
		return required_argument;
	case OPTION_OPTIONAL:
		return optional_argument;
	}
	return no_argument;
}

/* The letters and names that getopt_long() wants; a long option's value is 256 + its index. */
static struct option *getopt_tables(const struct option_spec *specs, size_t n,
				    char **letters)
{
	struct option *names = xcalloc(n + 3, sizeof(*names));
	char *out = *letters = xcalloc(n * 3 + 4, 1);

	for (size_t i = 0; i < n; i++) {
		int argument = getopt_argument(&specs[i]);

		names[i] = (struct option){specs[i].name, argument, NULL, 256 + (int)i};
		if (!specs[i].letter)
			continue;
		*out++ = specs[i].letter;
		for (int colons = argument; colons > 0; colons--)
			*out++ = ':';
	}
	names[n] = (struct option){"verbose", no_argument, NULL, 'v'};
	names[n + 1] = (struct option){"help", no_argument, NULL, 'h'};
	strcpy(out, "vh");
	return names;
}

static const struct option_spec *spec_of(const struct option_spec *specs, int choice)
{
	if (choice >= 256)
		return &specs[choice - 256];
	for (const struct option_spec *s = specs; s->name; s++)
		if (s->letter == choice)
			return s;
	return NULL;
}

int options_parse(const struct verb *verb, const struct option_spec *specs, int *argc,
		  char ***argv)
{
	_cleanup_free_ char *letters = NULL;
	_cleanup_free_ struct option *names =
		getopt_tables(specs, count_specs(specs), &letters);
	int choice;

	optind = 0;
	while ((choice = getopt_long(*argc, *argv, letters, names, NULL)) != -1) {
		const struct option_spec *spec = spec_of(specs, choice);

		if (spec)
			store(spec, optarg);
		else if (choice == 'v')
			verbose = true;
		else if (choice == 'h')
			return print_help(verb, specs), EXIT_DONE;
		else
			return fprintf(stderr, "Try 'netlab %s --help'.\n", verb->name),
			       EXIT_MISUSE;
	}
	*argc -= optind;
	*argv += optind;
	return -1;
}
