// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/buildlog.h"

#include "util/string.h"

#define ERROR_LINES_MAX   24  /* shown to people; the log has all */
#define ERROR_LINE_LENGTH 240 /* bytes of one such line */
#define CONTEXT_LINES     3   /* beneath an error: the source line, the caret, a note */

void buildlog_deinit(struct buildlog *log)
{
	strv_free(log->files);
	strv_free(log->errors);
	*log = (struct buildlog){0};
}

static bool contains_any(const char *line, const char *const *words)
{
	for (; *words; words++)
		if (strstr(line, *words))
			return true;
	return false;
}

/* Compilers and linkers say the first four, make and kbuild the others. */
static bool is_error(const char *line)
{
	static const char *const words[] = {
		"error:", "Error: ",           "undefined reference",     "ld: ", "*** ",
		"ERROR:", "command not found", "No space left on device", NULL,
	};

	return contains_any(line, words);
}

static void keep(struct buildlog *log, const char *line)
{
	if (strv_length(log->errors) < ERROR_LINES_MAX)
		strv_push(&log->errors, xstrndup(line, ERROR_LINE_LENGTH));
}

/* What is compiled anew whenever the kernel is: its packing, and kbuild's own. */
static bool is_wrapping(const char *name)
{
	return *name == '.' || strstr(name, "/.") ||
	       string_after(name, "arch/x86/boot/") || string_after(name, "scripts/");
}

/* "  CC [M]  net/ipv4/tcp.o" */
static void compiled(struct buildlog *log, const char *words)
{
	const char *path = strrchr(words, ' ');
	const char *name = path ? path + 1 : words;
	size_t length = strlen(name);

	log->compiled++;
	if (length <= 2 || !streq(name + length - 2, ".o") || is_wrapping(name) ||
	    strv_length(log->files) >= BUILDLOG_FILES_MAX)
		return;
	strv_push(&log->files, xstrndup(name, length - 2));
}

static void count(struct buildlog *log, const char *line)
{
	const char *words = string_after(line, "  CC ") ?: string_after(line, "  AS ");

	if (words)
		compiled(log, words);
	if (string_after(line, "  LD ") && strstr(line, " vmlinux.o"))
		log->linking = true;
}

void buildlog_line(struct buildlog *log, const char *line)
{
	count(log, line);
	if (strstr(line, "No space left on device"))
		log->no_space = true;
	if (is_error(line)) {
		keep(log, line);
		log->more_lines = CONTEXT_LINES;
	} else if (log->more_lines) {
		/* kbuild's own lines go on in parallel and are no part of the error. */
		log->more_lines--;
		if (!string_after(line, "  ") || strchr(line, '|'))
			keep(log, line);
	}
}

char *buildlog_errors(const struct buildlog *log)
{
	return strv_join(log->errors, "\n");
}
