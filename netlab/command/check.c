// SPDX-License-Identifier: GPL-2.0-or-later
/* netlab check: are these topology files in order? */
#include <stdint.h>
#include <stdio.h>

#include "command/command.h"
#include "topology/report.h"
#include "topology/text.h"
#include "util/lines.h"
#include "util/string.h"

/* What is wrong with a --set is at no place in the file. */
static json_t *report_to_json(const struct reports *reports, const struct report *report)
{
	json_t *json = json_pack("{s:i, s:i, s:s}", "line", (int)report->at.line,
				 "column", (int)report->at.column, "message",
				 report->message);
	_cleanup_free_ char *setting = NULL;

	if (!report->at.set)
		return json;
	setting = text_visible(reports->settings[report->at.set - 1], SIZE_MAX);
	json_object_update_new(json, json_pack("{s:i, s:i, s:s}", "line", 0, "column", 0,
					       "set", setting));
	return json;
}

static void show_json(const char *path, const struct reports *reports)
{
	_cleanup_free_ char *file = text_visible(path, SIZE_MAX); /* JSON is UTF-8 */
	json_t *errors = json_array();
	_cleanup_json_ json_t *json = NULL;
	_cleanup_free_ char *line = NULL;

	for (size_t i = 0; i < reports->n; i++)
		json_array_append_new(errors, report_to_json(reports, &reports->list[i]));
	json = json_pack("{s:s, s:b, s:o}", "file", file, "ok", reports->n == 0, "errors",
			 errors);
	line = json_line(json);
	fputs(line, stdout);
}

static void show_text(const char *path, const struct reports *reports)
{
	if (!reports->n)
		printf("%s: ok\n", path);
	for (size_t i = 0; i < reports->n; i++) {
		_cleanup_free_ char *text = report_text(reports, &reports->list[i]);

		fprintf(stderr, "%s\n", text);
	}
}

static bool check_one(const char *path, char *const *settings, bool as_json)
{
	_cleanup_reports_ struct reports reports = {.settings = settings};
	_cleanup_topology_ struct topology *topology = topology_check(path, &reports);

	if (as_json)
		show_json(path, &reports);
	else
		show_text(path, &reports);
	return topology != NULL;
}

static int run_check(const struct verb *verb, int argc, char **argv)
{
	_cleanup_strv_ char **settings = NULL;
	bool as_json = false, all_good = true;
	const struct option_spec options[] = {
		SET_OPTION(&settings),
		{OPTION_FLAG, "json", 0, NULL, "one JSON object for each file", &as_json},
		{.name = NULL},
	};
	int status = options_parse(verb, options, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc == 0)
		return misuse(verb, "which TOPOLOGY?");
	for (int i = 0; i < argc; i++)
		all_good &= check_one(argv[i], settings, as_json);
	return all_good ? EXIT_DONE : EXIT_FAILED;
}

const struct verb verb_check = {
	.name = "check",
	.usage = "TOPOLOGY... [--set PATH=VALUE]... [--json]",
	.summary = "Validate topology files, and touch nothing.",
	.details =
		"For a good file, 'FILE: ok' goes to stdout; for a bad one, all that is "
		"wrong with\nit to stderr, as FILE:LINE:COLUMN with the line. The exit "
		"status is 1 if any is\nbad. With --json, each file gives a line on "
		"stdout:\n{\"file\", \"ok\", \"errors\": [{\"line\", \"column\", "
		"\"message\"}]}.\nThe files are described in netlab-topology(5).",
	.run = run_check,
};
