// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/buildtree.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "image/busybox.h"
#include "util/file.h"
#include "util/process.h"
#include "util/string.h"

bool buildtree_has_modules(const char *config)
{
	static const char line[] = "CONFIG_MODULES=y\n";

	return string_after(config, line) || strstr(config, "\nCONFIG_MODULES=y\n");
}

DEFINE_CLEANUP(FTS *, fts_close);

/*
 * include/config/ has an empty file for each option, whose time tells make what to compile anew;
 * a module that is built from scratch asks for none of them.
 */
static bool is_wanted(const FTSENT *entry)
{
	static const char *const unwanted[] = {".o", ".a", ".d", ".cmd", ".py", ".so"};
	const char *dot = strrchr(entry->fts_name, '.');
	const char *config = strstr(entry->fts_path, "/include/config/");

	if (entry->fts_info != FTS_F)
		return false;
	if (config && !string_after(entry->fts_name, "auto.conf") &&
	    !streq(entry->fts_name, "kernel.release"))
		return false;
	for (size_t i = 0; dot && i < ARRAY_SIZE(unwanted); i++)
		if (streq(dot, unwanted[i]))
			return false;
	return true;
}

static struct error *copy_entry(const FTSENT *entry, size_t root_length, const char *to)
{
	_cleanup_free_ char *target =
		xasprintf("%s%s", to, entry->fts_path + root_length);

	if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
		return error_errno(entry->fts_errno, "%s", entry->fts_path);
	if (entry->fts_info == FTS_D)
		return make_directories(target, 0755);
	return is_wanted(entry) ? file_copy(entry->fts_path, target) : NULL;
}

/* A folder or file of @build; one that isn't there is none that this kernel has. */
static struct error *copy_below(const char *build, const char *below, const char *to)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", build, below);
	_cleanup_free_ char *target = xasprintf("%s/%s", to, below);
	char *paths[] = {path, NULL};
	_cleanup_(fts_closep) FTS *tree = NULL;
	FTSENT *entry;

	if (!file_exists(path))
		return NULL;
	*strrchr(target, '/') = '\0';
	try(make_directories(target, 0755));
	tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!tree)
		return error_errno(errno, "%s", path);
	while ((entry = fts_read(tree)))
		try(copy_entry(entry, strlen(build), to));
	return NULL;
}

struct error *buildtree_copy(const char *build, const char *to)
{
	static const char *const below[] = {
		".config", "Makefile",         "Module.symvers",        "include",
		"scripts", "arch/x86/include", "tools/objtool/objtool",
	};

	for (size_t i = 0; i < ARRAY_SIZE(below); i++)
		try(copy_below(build, below[i], to));
	return NULL;
}

static struct error *remove_links(const char *directory)
{
	static const char *const links[] = {"build", "source"};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", directory, links[i]);

		try(remove_tree(path));
	}
	return NULL;
}

struct error *buildtree_index(const char *root, const char *version)
{
	_cleanup_free_ char *busybox = NULL, *how = NULL;
	_cleanup_free_ char *directory = xasprintf("%s/lib/modules/%s", root, version);
	char *argv[] = {NULL, "depmod", "-b", (char *)root, (char *)version, NULL};
	int status;
	pid_t pid;

	try(remove_links(directory));
	try(busybox_find(&busybox));
	argv[0] = busybox;
	try(process_spawn(
		&(struct process_options){
			.argv = argv, .input = -1, .output = -1, .errors = -1},
		&pid));
	try(process_wait(pid, &status));
	how = process_status_text(status);
	return status == 0 ? NULL
			   : error_new(EINVAL, "%s: busybox depmod: %s", directory, how);
}
