// SPDX-License-Identifier: GPL-2.0-or-later
/* netlab image build|list|path */
#include <jansson.h>
#include <stdio.h>

#include "command/command.h"
#include "image/initramfs.h"
#include "util/lines.h"
#include "util/log.h"
#include "util/string.h"

static int print_path(struct error *error, const char *path)
{
	if (error)
		return fail(error);
	printf("%s\n", path);
	return EXIT_DONE;
}

static int build(bool json)
{
	_cleanup_free_ char *path = NULL;
	bool built = false;
	struct error *error = initramfs_build(&path, &built);

	(void)json;
	if (!error)
		log_debug("%s", built ? "the image was written" : "the image was there");
	return print_path(error, path);
}

static int show_path(bool json)
{
	_cleanup_free_ char *path = NULL;
	struct error *error = initramfs_find(&path);

	(void)json;
	return print_path(error, path);
}

static void print_json(char *const *paths)
{
	_cleanup_json_ json_t *array = json_array();

	strv_foreach (s, paths)
		json_array_append_new(array, json_pack("{s:s}", "path", *s));
	json_dumpf(array, stdout, JSON_INDENT(2));
	putchar('\n');
}

static int list(bool json)
{
	_cleanup_strv_ char **paths = NULL;
	struct error *error = initramfs_list(&paths);

	if (error)
		return fail(error);
	if (json)
		return print_json(paths), EXIT_DONE;
	strv_foreach (s, paths)
		printf("%s\n", *s);
	return EXIT_DONE;
}

static const struct {
	const char *name;
	int (*run)(bool json);
} actions[] = {
	{"build", build},
	{"list", list},
	{"path", show_path},
};

static int run(const struct verb *verb, int argc, char **argv)
{
	bool json = false;
	const struct option_spec specs[] = {
		{OPTION_FLAG, "json", 0, NULL, "list for programs", &json},
		{0},
	};
	int status = options_parse(verb, specs, &argc, &argv);

	if (status >= 0)
		return status;
	if (argc != 1)
		return misuse(verb, "build, list or path?");
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (streq(argv[0], actions[i].name))
			return actions[i].run(json);
	return misuse(verb, "'%s' is not build, list or path", argv[0]);
}

const struct verb verb_image = {
	.name = "image",
	.usage = "build|list|path [--json]",
	.summary = "Write the guests' image, and tell where it is.",
	.details = "build  writes it, or finds it written; prints its path\n"
		   "list   every image there is, newest first\n"
		   "path   prints its path; fails where it is not written\n\n"
		   "The image is an initramfs with netlab's init, its agent, epoll-echo "
		   "and "
		   "a\nbusybox shell. Images lie in $XDG_CACHE_HOME/netlab/images/ "
		   "(~/.cache).",
	.run = run,
};
