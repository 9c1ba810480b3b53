// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/fragment.h"

#include <errno.h>

#include "util/buffer.h"
#include "util/file.h"
#include "util/paths.h"
#include "util/string.h"

#define FRAGMENT_LIMIT (1u << 20)
#define DEPTH_MAX      8 /* of flavours on flavours */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **flavours(void)
{
	_cleanup_free_ char *folder = path_data("guest/kernel");
	_cleanup_closedir_ DIR *dir = opendir(folder);
	struct dirent *file;
	char **names = NULL;

	while (dir && (file = readdir(dir))) {
		const char *dot = strstr(file->d_name, ".config");

		if (dot && dot > file->d_name && streq(dot, ".config"))
			strv_push(&names, xstrndup(file->d_name, dot - file->d_name));
	}
	if (names)
		qsort(names, strv_length(names), sizeof(*names), by_name);
	return names;
}

/* The name is part of paths: it must be one of those there are, not just a file that opens. */
static struct error *find_flavour(const char *name)
{
	_cleanup_strv_ char **known = flavours();
	_cleanup_free_ char *list = strv_join(known, ", ");

	if (strv_contains(known, name))
		return NULL;
	return error_hint(error_new(ENOENT, "no kernel flavour '%s'", name),
			  "there is %s",
			  *list ? list : "none: is netlab installed whole?");
}

static void push_words(char ***words, const char *line)
{
	static const char blanks[] = " \t\r";

	while (*(line += strspn(line, blanks)) && *line != '\n') {
		size_t length = strcspn(line, " \t\r\n");

		strv_push(words, xstrndup(line, length));
		line += length;
	}
}

char **fragment_with(const char *text)
{
	char **names = NULL;

	while (*text) {
		const char *words = string_after(text, "# with:");

		if (words)
			push_words(&names, words);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return names;
}

static struct error *read_onto(const char *flavour, unsigned depth, struct buffer *text)
{
	_cleanup_free_ char *below = xasprintf("guest/kernel/%s.config", flavour);
	_cleanup_free_ char *path = path_data(below), *own = NULL;
	_cleanup_strv_ char **with = NULL;
	size_t size;

	try(find_flavour(flavour));
	if (depth == DEPTH_MAX)
		return error_new(ELOOP, "%s: too many flavours on flavours", path);
	try(file_read(path, FRAGMENT_LIMIT, &own, &size));
	with = fragment_with(own);
	strv_foreach (other, with)
		try(error_object(read_onto(*other, depth + 1, text), path));
	buffer_append(text, own, size);
	return NULL;
}

struct error *fragment_read(const char *flavour, char **text)
{
	_cleanup_buffer_ struct buffer whole = {0};

	try(read_onto(flavour, 0, &whole));
	*text = xstrndup((const char *)whole.data ?: "", whole.size);
	return NULL;
}
