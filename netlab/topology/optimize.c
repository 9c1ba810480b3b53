// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/optimize.h"

#include <errno.h>

#include "util/string.h"

#define NO_INLINING " -fno-inline-functions-called-once -fno-inline-small-functions"

#define NOT_THE_KERNEL \
	"arch/x86/boot% arch/x86/realmode% arch/x86/entry/vdso% arch/x86/purgatory%"

static const struct {
	const char *level, *flags;
} levels[] = {
	{"O1", "-O1" NO_INLINING},
	{"Og", "-Og" NO_INLINING},
	{"O2", "-O2"},
	{"Os", "-Os"},
};

static const char *find_flags(const char *level)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (streq(levels[i].level, level))
			return levels[i].flags;
	return NULL;
}

char *optimize_directory(const char *word)
{
	return xstrndup(word, strcspn(word, "="));
}

/* What goes into an expression of make's must not be one. */
static bool is_directory_name(const char *directory)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-./";

	return *directory && !directory[strspn(directory, allowed)] &&
	       *directory != '/' && !strstr(directory, "..") &&
	       !strstr(directory, "//") && directory[strlen(directory) - 1] != '/';
}

struct error *optimize_check(const char *word)
{
	_cleanup_free_ char *directory = optimize_directory(word);
	const char *equals = strchr(word, '=');

	if (!is_directory_name(directory))
		return error_new(EINVAL,
				 "'%s' is no directory of a kernel: that is one below "
				 "its tree, as net/ipv4, or . for all of it",
				 directory);
	if (!equals || !find_flags(equals + 1))
		return error_new(EINVAL, "%s: '%s' is no level: there is O1, Og, O2, Os",
				 directory, equals ? equals + 1 : "");
	return NULL;
}

/* What one word makes of @others, the expression of those before it. */
static char *put_before(const char *word, const char *others)
{
	_cleanup_free_ char *directory = optimize_directory(word);
	const char *flags = find_flags(strchr(word, '=') + 1);

	if (streq(directory, "."))
		return xasprintf("$(if $(filter %s,$(obj)),,%s)", NOT_THE_KERNEL, flags);
	return xasprintf("$(if $(filter %s %s/%%,$(obj)),%s,%s)", directory, directory,
			 flags, others);
}

char *optimize_flags(char *const *words)
{
	char *flags = NULL;

	strv_foreach (word, words) {
		_cleanup_free_ char *others = flags;

		flags = put_before(*word, others ?: "");
	}
	return flags;
}
