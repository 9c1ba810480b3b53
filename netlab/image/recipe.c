// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/recipe.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "image/fragment.h"
#include "image/make.h"
#include "image/source.h"
#include "topology/optimize.h"
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
	strv_free(recipe->base);
	strv_free(recipe->optimize);
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

static struct error *find_source(struct recipe *recipe,
				 const struct kernel_options *options)
{
	if (options->source)
		return find_tree(options->source, &recipe->source);
	try(source_tarball(options->version, &recipe->tarball));
	return source_directory(recipe->tarball, &recipe->source);
}

/* What every kernel hasn't got comes last, and only where it is: keys stay what they were. */
static void add_what_is_special(struct key *key, const struct recipe *recipe)
{
	strv_foreach (word, recipe->base)
		key_add_text(key, *word);
	strv_foreach (word, recipe->optimize)
		key_add_text(key, *word);
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
	add_what_is_special(&key, recipe);
	key_finish(&key, recipe->key);
	return NULL;
}

/* The tree of a package may not be unpacked yet. */
static struct error *check_directory(const struct recipe *recipe, const char *word)
{
	_cleanup_free_ char *directory = optimize_directory(word);
	_cleanup_free_ char *path = xasprintf("%s/%s", recipe->source, directory);

	if (!file_exists(recipe->source) || file_exists(path))
		return NULL;
	return error_new(ENOENT, "%s has no directory %s to optimize", recipe->source,
			 directory);
}

static struct error *read_flavour(struct recipe *recipe,
				  const struct kernel_options *options)
{
	if (options->in_place) {
		recipe->flavour = xstrdup(FLAVOUR_IN_PLACE);
	} else {
		recipe->flavour = xstrdup(options->flavour ?: KERNEL_FLAVOUR_DEFAULT);
		try(fragment_read(recipe->flavour, &recipe->fragment));
		recipe->base = fragment_words(recipe->fragment, "base");
		recipe->optimize = fragment_words(recipe->fragment, "optimize");
	}
	strv_foreach (word, options->optimize)
		strv_push(&recipe->optimize, xstrdup(*word));
	strv_foreach (word, recipe->optimize)
		try(optimize_check(*word));
	return NULL;
}

/* Makefile of Linux 6.1, outputmakefile: what it calls "not clean". */
static const char *find_trace(const struct recipe *recipe)
{
	static const char *const traces[] = {".config", "include/config",
					     "arch/x86/include/generated"};

	for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", recipe->source, traces[i]);

		if (file_exists(path))
			return traces[i];
	}
	return NULL;
}

static struct error *check_in_place(const struct recipe *recipe)
{
	_cleanup_free_ char *config = xasprintf("%s/.config", recipe->source);

	if (file_exists(config))
		return NULL;
	return error_hint(
		error_new(ENOENT, "%s is not configured: it has no .config",
			  recipe->source),
		"run 'make defconfig kvm_guest.config' or the like in it, or have "
		"a flavour built instead of building in place");
}

struct error *recipe_check_tree(const struct recipe *recipe)
{
	const char *trace;

	if (!recipe->fragment)
		return check_in_place(recipe);
	trace = recipe->tarball ? NULL : find_trace(recipe);
	if (!trace)
		return NULL;
	return error_hint(error_new(EEXIST,
				    "%s was configured in place (it has %s), so that no "
				    "flavour can be built from it",
				    recipe->source, trace),
			  "run 'make mrproper' in it, or build what is configured there: "
			  "--in-place, or in_place: true in a topology");
}

struct error *recipe_new(const struct kernel_options *options, struct recipe **out)
{
	_cleanup_recipe_ struct recipe *recipe = xcalloc(1, sizeof(*recipe));
	struct error *error;

	try(read_flavour(recipe, options));
	try(find_source(recipe, options));
	strv_foreach (word, recipe->optimize)
		try(check_directory(recipe, *word));
	error = compiler_version(&recipe->compiler);
	if (error)
		return error->code == ENOENT ? error_hint(error, "apt-get install gcc")
					     : error;
	try(make_key(recipe));
	*out = steal_ptr(recipe);
	return NULL;
}
