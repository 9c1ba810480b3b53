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

char **fragment_flavours(void)
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
	_cleanup_strv_ char **known = fragment_flavours();
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

char **fragment_words(const char *text, const char *label)
{
	_cleanup_free_ char *begin = xasprintf("# %s:", label);
	char **words = NULL;

	while (*text) {
		const char *rest = string_after(text, begin);

		if (rest)
			push_words(&words, rest);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return words;
}

/* Comments wrap: the sentence goes on behind the next line's "# ". */
char *fragment_summary(const char *flavour, const char *text)
{
	_cleanup_free_ char *begin = xasprintf("\"%s\" flavour:", flavour);
	_cleanup_strv_ char **words = NULL;
	const char *at = strstr(text, begin);

	at = at ? at + strlen(begin) : "";
	for (;;) {
		size_t length;

		at += strspn(at, " \n#");
		length = strcspn(at, " \n");
		if (!length)
			break;
		strv_push(&words, xstrndup(at, length - (at[length - 1] == '.')));
		if (at[length - 1] == '.')
			break;
		at += length;
	}
	return strv_join(words, " ");
}

struct reading {
	struct buffer text;
	char **read; /* the flavours that are in it already: each counts once */
};

static void reading_deinit(struct reading *reading)
{
	buffer_deinit(&reading->text);
	strv_free(reading->read);
}

static struct error *read_onto(const char *flavour, unsigned depth,
			       struct reading *reading)
{
	_cleanup_free_ char *below = xasprintf("guest/kernel/%s.config", flavour);
	_cleanup_free_ char *path = path_data(below), *own = NULL;
	_cleanup_strv_ char **with = NULL;
	size_t size;

	try(find_flavour(flavour));
	if (strv_contains(reading->read, flavour))
		return NULL;
	if (depth == DEPTH_MAX)
		return error_new(ELOOP, "%s: too many flavours on flavours", path);
	try(file_read(path, FRAGMENT_LIMIT, &own, &size));
	with = fragment_words(own, "with");
	strv_foreach (other, with)
		try(error_object(read_onto(*other, depth + 1, reading), path));
	buffer_append(&reading->text, own, size);
	strv_push(&reading->read, xstrdup(flavour));
	return NULL;
}

struct error *fragment_read(const char *flavour, char **text)
{
	_cleanup_(reading_deinit) struct reading reading = {0};

	for (const char *at = flavour;; at++) {
		size_t length = strcspn(at, "+");
		_cleanup_free_ char *one = xstrndup(at, length);

		try(read_onto(one, 0, &reading));
		at += length;
		if (!*at)
			break;
	}
	*text = xstrndup((const char *)reading.text.data ?: "", reading.text.size);
	return NULL;
}
