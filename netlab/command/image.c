// SPDX-License-Identifier: GPL-2.0-or-later
/* netlab image build|list|path */
#include <jansson.h>
#include <stdio.h>

#include "command/command.h"
#include "image/images.h"
#include "image/initramfs.h"
#include "image/rootdisk.h"
#include "util/lines.h"
#include "util/log.h"
#include "util/string.h"

static struct error *build_initramfs(char **path)
{
	bool built = false;

	try(initramfs_build(path, &built));
	log_debug("%s", built ? "the image was written" : "the image was there");
	return NULL;
}

static struct error *build_disk(const struct disk_choice *disk, char **path)
{
	struct error *error = rootdisk_build(disk, progress_show, NULL, path);

	progress_end();
	return error;
}

/* What `build` and `path` do to each. */
struct action {
	struct error *(*initramfs)(char **path);
	struct error *(*disk)(const struct disk_choice *disk, char **path);
};

static struct error *add_disk(const struct action *action, const struct disk_choice *disk,
			      char ***paths)
{
	_cleanup_free_ char *path = NULL;

	try(action->disk(disk, &path));
	if (!strv_contains(*paths, path))
		strv_push(paths, steal_ptr(path));
	return NULL;
}

static struct error *add_default_disk(const struct action *action, char ***paths)
{
	_cleanup_(disk_choice_deinit) struct disk_choice disk;

	disk_choice_init(&disk);
	return add_disk(action, &disk, paths);
}

static struct error *add_initramfs(const struct action *action, char ***paths)
{
	char *path = NULL;

	try(action->initramfs(&path));
	strv_push(paths, path);
	return NULL;
}

/* The initramfs, and the disks of the topology's guests. */
static struct error *add_all_of(const struct action *action, const char *file,
				char ***paths)
{
	_cleanup_topology_ struct topology *topology = NULL;

	try(topology_load(file, &topology));
	try(add_initramfs(action, paths));
	for (size_t i = 0; i < topology->n_guests; i++) {
		const struct guest *guest = &topology->guests[i];

		if (guest->root == ROOT_DISK && !guest->disk.file)
			try(error_object(add_disk(action, &guest->disk, paths),
					 guest->name));
	}
	return NULL;
}

static int act(const struct action *action, const char *what)
{
	_cleanup_strv_ char **paths = NULL;
	struct error *error;

	if (!what)
		error = add_initramfs(action, &paths);
	else if (streq(what, "disk"))
		error = add_default_disk(action, &paths);
	else
		error = add_all_of(action, what, &paths);
	if (error)
		return fail(error);
	strv_foreach (path, paths)
		printf("%s\n", *path);
	return EXIT_DONE;
}

static int build(const char *what, bool json)
{
	(void)json;
	return act(&(struct action){build_initramfs, build_disk}, what);
}

static int show_path(const char *what, bool json)
{
	(void)json;
	return act(&(struct action){initramfs_find, rootdisk_find}, what);
}

static void print_json(const struct image *images, size_t n)
{
	_cleanup_json_ json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array,
				      json_pack("{s:s, s:s}", "path", images[i].path,
						"kind", image_kind_name(images[i].kind)));
	json_dumpf(array, stdout, JSON_INDENT(2));
	putchar('\n');
}

static int list(const char *what, bool json)
{
	struct image *images = NULL;
	size_t n = 0;
	struct error *error = images_list(&images, &n);

	(void)what;
	if (error)
		return fail(error);
	if (json)
		print_json(images, n);
	for (size_t i = 0; !json && i < n; i++)
		printf("%s\n", images[i].path);
	images_free(images, n);
	return EXIT_DONE;
}

static const struct {
	const char *name;
	int (*run)(const char *what, bool json);
	int words; /* at most, behind its name */
} actions[] = {
	{"build", build, 1},
	{"list", list, 0},
	{"path", show_path, 1},
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
	if (argc < 1)
		return misuse(verb, "build, list or path?");
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (!streq(argv[0], actions[i].name))
			continue;
		if (argc > 1 + actions[i].words)
			return misuse(verb, "unexpected '%s'",
				      argv[1 + actions[i].words]);
		return actions[i].run(argc > 1 ? argv[1] : NULL, json);
	}
	return misuse(verb, "'%s' is not build, list or path", argv[0]);
}

const struct verb verb_image = {
	.name = "image",
	.usage = "build|list|path [disk|TOPOLOGY] [--json]",
	.summary = "Write the guests' images, and tell where they are.",
	.details =
		"build  writes it, or finds it written; prints its path\n"
		"list   every image there is, newest first\n"
		"path   prints its path; fails where it is not written\n\n"
		"The image is an initramfs with netlab's init, its agent, epoll-echo "
		"and a\nbusybox shell; with 'disk', the disk with a Debian on it that "
		"'root: disk'\nmeans; of a TOPOLOGY, the initramfs and the disks of its "
		"guests. Images lie in\n$XDG_CACHE_HOME/netlab/images/ (~/.cache).",
	.run = run,
};
