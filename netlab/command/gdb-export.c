// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/command.h"
#include "command/gdb.h"
#include "debug/editor.h"
#include "util/file.h"
#include "util/string.h"

static char *vscode_path(const char *guest)
{
	(void)guest;
	return xstrdup(".vscode/launch.json");
}

static char *eclipse_path(const char *guest)
{
	return xasprintf("%s.launch", guest);
}

static const struct {
	const char *name;
	editor_fn text;
	char *(*path)(const char *guest); /* where it looks, below its project's folder */
} editors[] = {
	{"vscode", editor_vscode, vscode_path},
	{"eclipse", editor_eclipse, eclipse_path},
};

static struct error *find_editor(const char *name, size_t *i)
{
	for (*i = 0; *i < ARRAY_SIZE(editors); ++*i)
		if (streq(editors[*i].name, name))
			return NULL;
	return error_new(EINVAL, "--export %s: it is one of vscode, eclipse", name);
}

static struct error *own_path(char **path)
{
	char text[4096];
	ssize_t n = readlink("/proc/self/exe", text, sizeof(text) - 1);

	if (n < 0)
		return error_errno(errno, "/proc/self/exe");
	*path = xstrndup(text, n);
	return NULL;
}

static struct error *make_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = slash && slash > path ? xstrndup(path, slash - path)
							    : xstrdup(".");

	return make_directories(folder, 0777);
}

/* What is there is the user's: comments and all, which no writer of JSON would keep. */
static struct error *write_new(const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;
	struct error *error;

	try(make_folder(path));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return error_hint(error_new(EEXIST, "%s: it is there already", path),
				  "'--output -' prints what to put into it");
	if (fd < 0)
		return error_errno(errno, "%s", path);
	error = error_object(write_all(fd, text, strlen(text)), path);
	if (error)
		unlink(path);
	return error;
}

struct error *gdb_export(const char *name, const struct debug_options *options,
			 const char *node, const char *output)
{
	struct editor editor = {.debug = options, .node = node};
	_cleanup_free_ char *netlab = NULL, *text = NULL, *path = NULL;
	size_t i;

	try(find_editor(name, &i));
	try(own_path(&netlab));
	editor.netlab = netlab;
	text = editors[i].text(&editor);
	if (!text)
		return error_new(EILSEQ, "a path of the kernel's is not UTF-8");
	if (output && streq(output, "-")) {
		printf("%s", text);
		return NULL;
	}
	path = output ? xstrdup(output) : editors[i].path(options->guest);
	try(write_new(path, text));
	printf("%s\n", path);
	return NULL;
}
