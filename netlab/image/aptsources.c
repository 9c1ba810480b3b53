// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/aptsources.h"

#include <errno.h>

#include "image/tool.h"
#include "util/string.h"

/* One line of apt-get indextargets, cut into its words; false where it has others. */
static bool split(char *line, char *words[3])
{
	for (size_t i = 0; i < 3; i++) {
		words[i] = strsep(&line, " ");
		if (!words[i] || !*words[i])
			return false;
	}
	return !line;
}

/* "bookworm", "bookworm-updates" and "bookworm-security" are, "bookworm-backports" is not. */
static bool is_of_suite(const char *release, const char *suite)
{
	const char *rest = string_after(release, suite);

	return rest && (!*rest || streq(rest, "-updates") || streq(rest, "-security"));
}

static void push_once(char ***lines, char *line)
{
	if (strv_contains(*lines, line))
		free(line);
	else
		strv_push(lines, line);
}

char **aptsources_choose(const char *suite, const char *targets)
{
	_cleanup_free_ char *copy = xstrdup(targets);
	_cleanup_free_ char *elsewhere = NULL;
	char *rest = copy, *line, *words[3], **lines = NULL;

	while ((line = strsep(&rest, "\n"))) {
		if (!split(line, words))
			continue;
		if (is_of_suite(words[1], suite))
			push_once(&lines, xasprintf("deb %s %s %s", words[0], words[1],
						    words[2]));
		else if (!elsewhere)
			elsewhere = xasprintf("deb %s %s %s", words[0], suite, words[2]);
	}
	if (!lines && elsewhere)
		strv_push(&lines, steal_ptr(elsewhere));
	return lines;
}

struct error *aptsources_find(const char *suite, char ***lines)
{
	/* --no-release-info: also those that were never downloaded. */
	char *argv[] = {"apt-get",
			"indextargets",
			"--no-release-info",
			"--format",
			"$(REPO_URI) $(RELEASE) $(COMPONENT)",
			"Created-By: Packages",
			NULL};
	_cleanup_free_ char *text = NULL;

	try(tool_output(argv, &text));
	*lines = aptsources_choose(suite, text);
	if (*lines)
		return NULL;
	return error_hint(error_new(ENOENT, "apt has no sources of packages"),
			  "name them in /etc/apt/sources.list, see sources.list(5)");
}
