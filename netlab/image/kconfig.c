// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/kconfig.h"

#include <errno.h>

#include "util/string.h"

#define UNSET "n" /* what an option that is off counts as */

struct option {
	char *name;  /* "CONFIG_X" */
	char *value; /* as it stands behind "=" */
};

static void option_deinit(struct option *option)
{
	free(option->name);
	free(option->value);
}
#define _cleanup_option_ _cleanup_(option_deinit)

/* "# CONFIG_X is not set" */
static bool parse_unset(const char *line, size_t length, struct option *option)
{
	static const char before[] = "# ", behind[] = " is not set";
	size_t name_length;

	if (length < strlen("# CONFIG_ is not set") || !string_after(line, "# CONFIG_") ||
	    memcmp(line + length - strlen(behind), behind, strlen(behind)) != 0)
		return false;
	name_length = length - strlen(before) - strlen(behind);
	*option = (struct option){xstrndup(line + strlen(before), name_length),
				  xstrdup(UNSET)};
	return true;
}

/* "CONFIG_X=value" */
static bool parse_set(const char *line, size_t length, struct option *option)
{
	const char *equals = memchr(line, '=', length);

	if (!string_after(line, "CONFIG_") || !equals)
		return false;
	*option = (struct option){xstrndup(line, equals - line),
				  xstrndup(equals + 1, line + length - equals - 1)};
	return true;
}

static size_t trimmed_length(const char *line)
{
	size_t length = strcspn(line, "\n");

	while (length && strchr(" \t\r", line[length - 1]))
		length--;
	return length;
}

/* The next line of @text that says something of an option; false at the end. */
static bool next_option(const char **text, struct option *option)
{
	while (**text) {
		const char *line = *text;
		size_t length = trimmed_length(line);

		*text += strcspn(line, "\n");
		*text += **text == '\n';
		if (parse_unset(line, length, option) || parse_set(line, length, option))
			return true;
	}
	return false;
}

static int option_compare(const void *a, const void *b)
{
	return strcmp(((const struct option *)a)->name, ((const struct option *)b)->name);
}

struct options {
	struct option *options;
	size_t n;
};

static void options_deinit(struct options *options)
{
	for (size_t i = 0; i < options->n; i++)
		option_deinit(&options->options[i]);
	free(options->options);
}

static void options_read(struct options *options, const char *text)
{
	struct option option;

	while (next_option(&text, &option)) {
		grow(options->options, options->n);
		options->options[options->n++] = option;
	}
	if (options->n)
		qsort(options->options, options->n, sizeof(option), option_compare);
}

/* An option that the configuration doesn't mention can't be reached, and so is off. */
static const char *options_value(const struct options *options, const struct option *like)
{
	const struct option *found = NULL;

	if (options->n)
		found = bsearch(like, options->options, options->n, sizeof(*found),
				option_compare);
	return found ? found->value : UNSET;
}

static bool is_named(const char *fragment, const char *name)
{
	struct option option;

	while (next_option(&fragment, &option)) {
		_cleanup_option_ struct option owned = option;

		if (streq(owned.name, name))
			return true;
	}
	return false;
}

char **kconfig_refused(const char *fragment, const char *config)
{
	_cleanup_(options_deinit) struct options options = {0};
	char **refused = NULL;
	struct option wanted;

	options_read(&options, config);
	while (next_option(&fragment, &wanted)) {
		_cleanup_option_ struct option owned = wanted;
		const char *value = options_value(&options, &owned);

		if (!streq(value, owned.value) && !is_named(fragment, owned.name))
			strv_pushf(&refused, "%s=%s (it is %s)", owned.name, owned.value,
				   value);
	}
	return refused;
}

struct error *kconfig_check(const char *fragment, const char *config)
{
	_cleanup_strv_ char **refused = kconfig_refused(fragment, config);
	_cleanup_free_ char *list = NULL;

	if (!refused)
		return NULL;
	list = strv_join(refused, ", ");
	return error_hint(error_new(EINVAL, "the configuration did not take %s", list),
			  "something it depends on is off or missing in this kernel: "
			  "'netlab kernel config' says what");
}

bool kconfig_is_on(const char *config, const char *name)
{
	struct option option;

	while (next_option(&config, &option)) {
		_cleanup_option_ struct option owned = option;

		if (streq(owned.name, name))
			return !streq(owned.value, UNSET);
	}
	return false;
}

static void push_difference(char ***lines, const char *name, const char *from,
			    const char *to)
{
	if (!streq(from, to))
		strv_pushf(lines, "%s %s -> %s", name, from, to);
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **kconfig_diff(const char *from, const char *to)
{
	_cleanup_(options_deinit) struct options old = {0}, new = {0};
	char **lines = NULL;

	options_read(&old, from);
	options_read(&new, to);
	for (size_t i = 0; i < new.n; i++)
		push_difference(&lines, new.options[i].name,
				options_value(&old, &new.options[i]),
				new.options[i].value);
	for (size_t i = 0; i < old.n; i++)
		if (!bsearch(&old.options[i], new.options ?: old.options, new.n,
			     sizeof(*new.options), option_compare))
			push_difference(&lines, old.options[i].name, old.options[i].value,
					UNSET);
	if (lines)
		qsort(lines, strv_length(lines), sizeof(*lines), line_compare);
	return lines;
}
