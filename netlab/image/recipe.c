// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/recipe.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "image/fragment.h"
#include "image/make.h"
#include "image/source.h"
#include "util/file.h"
#include "util/string.h"

/* Of what build.c puts into an entry, and how: a change makes all old entries strangers. */
#define FORMAT 1

void recipe_free(struct recipe *recipe)
{
	if (!recipe)
		return;
	free(recipe->flavour);
	free(recipe->fragment);
	free(recipe->source);
	free(recipe->tarball);
	free(recipe->compiler);
	free(recipe);
}

static struct error *find_tree(const char *path, char **tree)
{
	static const char *const files[] = {"Makefile", "Kconfig", "arch/x86/Kconfig"};

	*tree = realpath(path, NULL);
	if (!*tree)
		return error_errno(errno, "%s", path);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *file = xasprintf("%s/%s", *tree, files[i]);

		if (!file_exists(file))
			return error_new(ENOENT, "%s is no kernel source: it has no %s",
					 *tree, files[i]);
	}
	/* kbuild separates its words at spaces and colons. */
	if ((*tree)[strcspn(*tree, " :")])
		return error_new(EINVAL,
				 "%s: a kernel can't be built from a path with a "
				 "space or a colon",
				 *tree);
	return NULL;
}

static struct error *find_source(struct recipe *recipe, const char *tree)
{
	if (tree)
		return find_tree(tree, &recipe->source);
	recipe->tarball = xstrdup(DEBIAN_SOURCE_TARBALL);
	return source_directory(recipe->tarball, &recipe->source);
}

static struct error *make_key(struct recipe *recipe)
{
	struct stat st = {0};
	struct key key;

	if (recipe->tarball && stat(recipe->tarball, &st) < 0)
		return error_errno(errno, "%s", recipe->tarball);
	key_init(&key);
	key_add_number(&key, FORMAT);
	key_add_text(&key, recipe->tarball ?: recipe->source);
	key_add_number(&key, st.st_size);
	key_add_number(&key, st.st_mtime);
	key_add_text(&key, recipe->flavour);
	key_add_text(&key, recipe->fragment);
	key_add_text(&key, recipe->compiler);
	key_finish(&key, recipe->key);
	return NULL;
}

struct error *recipe_new(const struct kernel_options *options, struct recipe **out)
{
	_cleanup_recipe_ struct recipe *recipe = xcalloc(1, sizeof(*recipe));
	struct error *error;

	recipe->flavour = xstrdup(options->flavour ?: KERNEL_FLAVOUR_DEFAULT);
	try(fragment_read(recipe->flavour, &recipe->fragment));
	try(find_source(recipe, options->source));
	error = compiler_version(&recipe->compiler);
	if (error)
		return error->code == ENOENT ? error_hint(error, "apt-get install gcc")
					     : error;
	try(make_key(recipe));
	*out = steal_ptr(recipe);
	return NULL;
}
