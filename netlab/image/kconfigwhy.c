// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/kconfigwhy.h"

#include <ctype.h>
#include <fts.h>

#include "image/kconfig.h"
#include "util/file.h"
#include "util/string.h"

#define FILE_LIMIT (4u << 20)

DEFINE_CLEANUP(FTS *, fts_close);

/* What the lines beneath "config X" say. */
struct entry {
	char **depends; /* expressions */
	char **off;     /* the options in them that are off */
	bool prompt;
};

static void entry_deinit(struct entry *entry)
{
	strv_free(entry->depends);
	strv_free(entry->off);
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* The lines beneath the option's own, which are indented; NULL: it isn't in the text. */
static const char *find_entry(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (; *text; text = next_line(text)) {
		const char *words = string_after(text, "config ")
					    ?: string_after(text, "menuconfig ");

		if (words && strncmp(words, name, length) == 0 &&
		    isspace((unsigned char)words[length]))
			return next_line(text);
	}
	return NULL;
}

static bool is_name_part(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void take_off(struct entry *entry, const char *expression, const char *config)
{
	for (const char *at = expression; *at;) {
		size_t length = 0;

		while (is_name_part(at[length]))
			length++;
		if (length > 1) {
			_cleanup_free_ char *option =
				xasprintf("CONFIG_%.*s", (int)length, at);

			if (!kconfig_is_on(config, option) &&
			    !strv_contains(entry->off, option))
				strv_push(&entry->off, steal_ptr(option));
		}
		at += length ?: 1;
	}
}

/* "	bool "Prompt"": a type with a text behind it; or "prompt". */
static bool is_prompt(const char *line)
{
	static const char *const words[] = {"bool ", "tristate ", "string ",
					    "int ",  "hex ",      "prompt "};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *rest = string_after(line, words[i]);

		if (rest && (*rest == '"' || *rest == '\''))
			return true;
	}
	return false;
}

static void take_line(struct entry *entry, const char *line, const char *config)
{
	const char *expression = string_after(line, "depends on ");
	_cleanup_free_ char *text = NULL;
	size_t length;

	entry->prompt |= is_prompt(line);
	if (!expression)
		return;
	length = strcspn(expression, "\n#");
	while (length && isspace((unsigned char)expression[length - 1]))
		length--;
	text = xstrndup(expression, length);
	take_off(entry, text, config);
	strv_push(&entry->depends, steal_ptr(text));
}

static void read_entry(struct entry *entry, const char *lines, const char *config)
{
	for (; *lines == '\t' || *lines == ' ' || *lines == '\n';
	     lines = next_line(lines)) {
		const char *line = lines + strspn(lines, " \t");

		if (string_after(line, "help\n"))
			return;
		take_line(entry, line, config);
	}
}

char *kconfig_why_in(const char *kconfig, const char *config, const char *name)
{
	const char *lines = find_entry(kconfig, string_after(name, "CONFIG_") ?: name);
	_cleanup_(entry_deinit) struct entry entry = {0};
	_cleanup_free_ char *depends = NULL, *off = NULL;

	if (!lines)
		return NULL;
	read_entry(&entry, lines, config);
	depends = strv_join(entry.depends, ", ");
	off = strv_join(entry.off, ", ");
	if (*off)
		return xasprintf("it depends on %s; off: %s", depends, off);
	if (!entry.prompt)
		return xstrdup("it can't be chosen: other options decide it");
	if (*depends)
		return xasprintf("it depends on %s, which is given: what encloses it, or "
				 "another option, decides",
				 depends);
	return xstrdup("what encloses it, or another option, decides");
}

static bool is_kconfig(const FTSENT *entry)
{
	return entry->fts_info == FTS_F && string_after(entry->fts_name, "Kconfig");
}

/* Other architectures' options of the same name are others. */
static bool is_foreign(const FTSENT *entry)
{
	static const char *const unwanted[] = {"Documentation", "scripts", "tools"};
	const FTSENT *above = entry->fts_parent;

	if (entry->fts_info != FTS_D)
		return false;
	if (above->fts_level == 1 && streq(above->fts_name, "arch"))
		return !streq(entry->fts_name, "x86");
	for (size_t i = 0; entry->fts_level == 1 && i < ARRAY_SIZE(unwanted); i++)
		if (streq(entry->fts_name, unwanted[i]))
			return true;
	return false;
}

static char *why_in_file(const char *path, const char *config, const char *name)
{
	_cleanup_free_ char *text = NULL;
	struct error *error = file_read(path, FILE_LIMIT, &text, NULL);

	error_ignore(error);
	return text ? kconfig_why_in(text, config, name) : NULL;
}

char *kconfig_why(const char *source, const char *config, const char *name)
{
	char *paths[] = {(char *)source, NULL}, *why = NULL;
	_cleanup_(fts_closep)
		FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	while (tree && !why && (entry = fts_read(tree))) {
		if (is_foreign(entry))
			fts_set(tree, entry, FTS_SKIP);
		else if (is_kconfig(entry))
			why = why_in_file(entry->fts_path, config, name);
	}
	return why ?: xstrdup("this kernel has no such option");
}
