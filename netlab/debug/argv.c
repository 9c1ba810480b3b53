// SPDX-License-Identifier: GPL-2.0-or-later
/* gdb's command line. Pure. */
#include "debug/debug.h"

#include "util/lines.h"
#include "util/paths.h"
#include "util/string.h"

static json_t *steps_to_json(const struct debug_options *options)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < options->n_steps; i++)
		json_array_append_new(steps,
				      json_pack("{s:s, s:i}", "at", options->steps[i].at,
						"times", (int)options->steps[i].times));
	return steps;
}

static void set_string(json_t *object, const char *key, const char *value)
{
	if (value)
		json_object_set_new(object, key, json_string(value));
}

/* Without null, true and false, JSON is Python. */
char *gdb_python_options(const struct debug_options *options)
{
	_cleanup_json_ json_t *object = json_object();

	set_string(object, "guest", options->guest);
	set_string(object, "source", options->source);
	if (options->modules)
		json_object_set_new(object, "modules", json_deep_copy(options->modules));
	if (options->editor)
		json_object_set_new(object, "editor", json_integer(1));
	if (options->n_steps)
		json_object_set_new(object, "steps", steps_to_json(options));
	if (json_object_set_new(object, options->core ? "core" : "socket",
				json_string(options->core ?: options->gdb_socket)) < 0)
		return NULL;
	return json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
}

static void push_command(char ***argv, const char *option, char *command)
{
	strv_push(argv, xstrdup(option));
	strv_push(argv, command);
}

static void push_batch(char ***argv)
{
	strv_push(argv, xstrdup("-nx"));
	strv_push(argv, xstrdup("-batch"));
	push_command(argv, "-iex", xstrdup("set auto-load no"));
}

static void push_interactive(char ***argv, const struct debug_options *options)
{
	if (options->kernel_directory)
		push_command(argv, "-iex",
			     xasprintf("add-auto-load-safe-path %s",
				       options->kernel_directory));
}

char **gdb_argv(const struct debug_options *options, char *const *arguments)
{
	_cleanup_free_ char *settings = gdb_python_options(options);
	char **argv = NULL;

	if (!settings)
		return NULL;
	strv_push(&argv, xstrdup("gdb"));
	strv_push(&argv, xstrdup("-q"));
	if (options->n_steps)
		push_batch(&argv);
	else
		push_interactive(&argv, options);
	push_command(&argv, "-iex", xasprintf("python netlab_options = %s", settings));
	strv_push(&argv, xstrdup(options->vmlinux));
	push_command(&argv, "-x", path_data("gdb/netlab.py"));
	strv_foreach (argument, arguments)
		strv_push(&argv, xstrdup(*argument));
	return argv;
}
