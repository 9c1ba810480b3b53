// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/kernel.h"

#include <errno.h>
#include <sys/stat.h>

#include "image/bzimage.h"
#include "image/elf.h"
#include "image/entry.h"
#include "image/kernelcache.h"
#include "image/recipe.h"
#include "util/file.h"
#include "util/log.h"
#include "util/paths.h"
#include "util/string.h"

void kernel_free(struct kernel *kernel)
{
	if (!kernel)
		return;
	free(kernel->flavour);
	free(kernel->version);
	free(kernel->directory);
	free(kernel->vmlinux);
	free(kernel->bzimage);
	free(kernel->source);
	free(kernel->modules);
	free(kernel->build);
	free(kernel->tarball);
	free(kernel->compiler);
	free(kernel->date);
	free(kernel->build_id);
	free(kernel->key);
	strv_free(kernel->files);
	free(kernel);
}

static void push_option(char ***words, const char *option, const char *value)
{
	if (!value)
		return;
	strv_push(words, xstrdup(option));
	strv_push(words, xstrdup(value));
}

static struct error *not_built(const struct kernel_options *options)
{
	_cleanup_strv_ char **words = NULL;
	_cleanup_free_ char *command = NULL;
	const char *flavour = options->in_place ? FLAVOUR_IN_PLACE
			      : options->flavour ?: KERNEL_FLAVOUR_DEFAULT;
	struct error *error = error_new(ENOENT, "the %s kernel is not built", flavour);

	strv_push(&words, xstrdup("netlab"));
	strv_push(&words, xstrdup("kernel"));
	strv_push(&words, xstrdup("build"));
	push_option(&words, "--version", options->version);
	push_option(&words, "--source", options->source);
	strv_foreach (word, options->optimize)
		push_option(&words, "--optimize", *word);
	if (options->in_place)
		strv_push(&words, xstrdup("--in-place"));
	else if (!streq(flavour, KERNEL_FLAVOUR_DEFAULT))
		strv_push(&words, xstrdup(flavour));
	command = shell_quote(words);
	return error_hint(error, "run '%s'", command);
}

struct error *kernel_find(const struct kernel_options *options, struct kernel **kernel)
{
	_cleanup_recipe_ struct recipe *recipe = NULL;

	try(recipe_new(options, &recipe));
	*kernel = kernelcache_find(recipe->key);
	return *kernel ? NULL : not_built(options);
}

/* "2026-11-21T03:05:00Z" sorts as time does; no date counts as oldest. */
static int newest_first(const void *a, const void *b)
{
	const struct kernel *x = *(struct kernel *const *)a;
	const struct kernel *y = *(struct kernel *const *)b;
	int order = strcmp(y->date ?: "", x->date ?: "");

	return order ?: strcmp(x->directory, y->directory);
}

/* What is not whole is not there: a folder of a build that was ended, a stranger's file. */
static void list_one(const char *name, struct kernel ***kernels, size_t *n)
{
	_cleanup_error_ struct error *error = NULL;
	_cleanup_free_ char *why = NULL;
	struct kernel *kernel = NULL;

	if (*name == '.')
		return;
	error = kernelcache_load(name, &kernel);
	if (error) {
		why = error_text(error);
		return log_debug("not a kernel: %s", why);
	}
	grow(*kernels, *n);
	(*kernels)[(*n)++] = kernel;
}

struct error *kernel_list(struct kernel ***kernels, size_t *n)
{
	_cleanup_free_ char *folder = path_cache("kernels");
	_cleanup_closedir_ DIR *dir = opendir(folder);
	struct dirent *file;

	*kernels = NULL;
	*n = 0;
	if (!dir)
		return errno == ENOENT ? NULL : error_errno(errno, "%s", folder);
	while ((file = readdir(dir)))
		list_one(file->d_name, kernels, n);
	if (*n)
		qsort(*kernels, *n, sizeof(**kernels), newest_first);
	return NULL;
}

static struct error *real_path(const char *path, char **real)
{
	*real = realpath(path, NULL);
	return *real ? NULL : error_errno(errno, "%s", path);
}

static struct error *check_bzimage(const struct kernel *kernel)
{
	_cleanup_free_ char *build_id = NULL;

	try(bzimage_build_id(kernel->bzimage, &build_id));
	if (!build_id || !kernel->build_id || streq(build_id, kernel->build_id))
		return NULL;
	return error_hint(error_new(EINVAL,
				    "%s was made from another kernel than %s: its build "
				    "ID is %s, that one's %s",
				    kernel->bzimage, kernel->vmlinux, build_id,
				    kernel->build_id),
			  "give the two files of one build");
}

static struct error *take_modules(struct kernel *kernel, const char *modules)
{
	_cleanup_free_ char *index = NULL;

	try(real_path(modules, &kernel->modules));
	index = xasprintf("%s/modules.dep", kernel->modules);
	if (file_exists(index))
		return NULL;
	return error_hint(error_new(ENOENT, "%s has no modules.dep", kernel->modules),
			  "modules are in a folder lib/modules/VERSION, as 'make "
			  "modules_install' makes it");
}

/* Where vmlinux lies in the folder that it was made in, modules can be built against that. */
static void take_build_tree(struct kernel *kernel)
{
	_cleanup_free_ char *config =
		xasprintf("%s/include/generated/autoconf.h", kernel->directory);
	_cleanup_free_ char *kconfig = xasprintf("%s/Kconfig", kernel->directory);
	_cleanup_free_ char *link = xasprintf("%s/source", kernel->directory);

	if (!file_exists(config))
		return;
	kernel->build = xstrdup(kernel->directory);
	kernel->source = file_exists(kconfig) ? xstrdup(kernel->directory)
					      : realpath(link, NULL);
}

static bool has_section(const struct kernel *kernel, const char *name)
{
	bool has;

	error_ignore(elf_has_section(kernel->vmlinux, name, &has));
	return has;
}

char *kernel_warning(const struct kernel *kernel)
{
	if (!has_section(kernel, ".symtab"))
		return xasprintf("%s is stripped: gdb knows none of its functions",
				 kernel->vmlinux);
	if (!has_section(kernel, ".debug_info"))
		return xasprintf("%s has no debug information: gdb shows no source lines "
				 "(CONFIG_DEBUG_INFO_DWARF5=y)",
				 kernel->vmlinux);
	return NULL;
}

struct error *kernel_from_files(const char *vmlinux, const char *bzimage,
				const char *modules, struct kernel **out)
{
	_cleanup_kernel_ struct kernel *kernel = xcalloc(1, sizeof(*kernel));

	try(real_path(vmlinux, &kernel->vmlinux));
	if (bzimage)
		try(real_path(bzimage, &kernel->bzimage));
	try(elf_build_id(kernel->vmlinux, &kernel->build_id));
	kernel->directory = xstrndup(kernel->vmlinux,
				     strrchr(kernel->vmlinux, '/') - kernel->vmlinux);
	try(entry_judge(kernel));
	if (bzimage)
		try(check_bzimage(kernel));
	if (modules)
		try(take_modules(kernel, modules));
	take_build_tree(kernel);
	*out = steal_ptr(kernel);
	return NULL;
}
