// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/module.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <sys/stat.h>

#include "image/contents.h"
#include "image/make.h"
#include "util/file.h"
#include "util/paths.h"
#include "util/string.h"

#define FILE_LIMIT (16u << 20)
#define FILES_MAX  4096

DEFINE_CLEANUP(FTS *, fts_close);

void module_build_deinit(struct module_build *build)
{
	free(build->directory);
	strv_free(build->files);
	*build = (struct module_build){0};
}

/* What an earlier build left in the folder is no source of the next one. */
static bool is_output(const char *name)
{
	static const char *const ends[] = {".o", ".ko", ".mod", ".mod.c", ".cmd"};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends_with(name, ends[i]))
			return true;
	return streq(name, "Module.symvers") || streq(name, "modules.order");
}

static struct error *read_entry(const FTSENT *entry, const char *source,
				struct contents *contents)
{
	const char *below = entry->fts_path + strlen(source) + 1;

	if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
		return error_errno(entry->fts_errno, "%s", entry->fts_path);
	if (entry->fts_info != FTS_F || is_output(entry->fts_name))
		return NULL;
	if (contents->n == FILES_MAX || entry->fts_statp->st_size > FILE_LIMIT)
		return error_new(EFBIG,
				 "%s: more than the %d files of %u MiB that a module's "
				 "source may have",
				 source, FILES_MAX, FILE_LIMIT >> 20);
	return contents_add_program(contents, below, entry->fts_path);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static struct error *read_source(const char *source, struct contents *contents)
{
	char *paths[] = {(char *)source, NULL};
	_cleanup_(fts_closep)
		FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;

	if (!tree)
		return error_errno(errno, "%s", source);
	while ((entry = fts_read(tree))) {
		if (entry->fts_level > 0 && *entry->fts_name == '.')
			fts_set(tree, entry, FTS_SKIP);
		else
			try(read_entry(entry, source, contents));
	}
	return NULL;
}

static struct error *check_source(const char *source)
{
	_cleanup_free_ char *kbuild = xasprintf("%s/Kbuild", source);
	_cleanup_free_ char *makefile = xasprintf("%s/Makefile", source);

	if (source[strcspn(source, " :=")])
		return error_new(EINVAL,
				 "%s: a module can't be built from a path with a space, "
				 "a colon or an equals sign",
				 source);
	if (file_exists(kbuild) || file_exists(makefile))
		return NULL;
	return error_hint(error_new(ENOENT, "%s has no Kbuild file", source),
			  "for poc.c it is the line 'obj-m := poc.o'");
}

static struct error *check_kernel(const struct kernel *kernel)
{
	if (!kernel->build)
		return error_hint(error_new(ENOENT,
					    "%s: no modules can be built against this "
					    "kernel",
					    kernel->directory),
				  "take the flavour modular, or one with it, as "
				  "O1+modular");
	if (!kernel->source || !file_exists(kernel->source))
		return error_hint(error_new(ENOENT, "%s: the kernel's source is gone",
					    kernel->source ?: kernel->build),
				  "run 'netlab kernel build %s'", kernel->flavour ?: "");
	return NULL;
}

static void make_key(const struct kernel *kernel, const char *source,
		     const struct contents *contents, char text[KEY_SIZE])
{
	char content_key[KEY_SIZE];
	struct key key;

	key_init(&key);
	key_add_text(&key, contents_key(contents, content_key));
	key_add_text(&key, source);
	key_add_text(&key, kernel->directory);
	key_add_text(&key, kernel->key);
	key_add_text(&key, kernel->build_id);
	key_finish(&key, text);
}

static struct error *write_files(const struct contents *contents, const char *part)
{
	for (size_t i = 0; i < contents->n; i++) {
		const struct content *content = &contents->contents[i];
		_cleanup_free_ char *path = xasprintf("%s/%s", part, content->path);
		_cleanup_free_ char *folder = xstrndup(path, strrchr(path, '/') - path);

		try(make_directories(folder, 0755));
		try(file_write(path, content->data, content->size));
	}
	return NULL;
}

/* The compiler speaks of the copy; people know the files in their own folder. */
static struct error *name_source(struct error *error, const char *part,
				 const char *source)
{
	_cleanup_free_ char *old = error->message;
	_cleanup_strv_ char **parts = NULL;
	const char *at = old, *found;

	for (; (found = strstr(at, part)); at = found + strlen(part))
		strv_push(&parts, xstrndup(at, found - at));
	strv_push(&parts, xstrdup(at));
	error->message = strv_join(parts, source);
	return error;
}

static struct error *run_make(const struct kernel *kernel, const char *part,
			      const char *source, const char *log, progress_fn progress,
			      void *userdata)
{
	_cleanup_free_ char *what =
		xasprintf("building the module %s", strrchr(source, '/') + 1);
	_cleanup_free_ char *folder = xasprintf("M=%s", part);
	_cleanup_free_ char *flags =
		xasprintf("KCFLAGS=-fdebug-prefix-map=%s=%s", part, source);
	char *targets[] = {folder, flags, "modules", NULL};
	struct error *error = make_run(&(struct make){.source = kernel->source,
						      .build = part,
						      .output = kernel->build,
						      .log = log,
						      .lock = -1,
						      .jobs = 2,
						      .what = what,
						      .progress = progress,
						      .userdata = userdata},
				       targets, NULL);

	return error ? name_source(error, part, source) : NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct error *find_modules(const char *directory, const char *source,
				  char ***files)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	struct dirent *file;

	if (!dir)
		return error_errno(errno, "%s", directory);
	while ((file = readdir(dir)))
		if (ends_with(file->d_name, ".ko"))
			strv_push(files, xstrdup(file->d_name));
	if (!*files)
		return error_hint(error_new(ENOENT, "%s made no module", source),
				  "its Kbuild file says which: 'obj-m := poc.o'");
	qsort(*files, strv_length(*files), sizeof(**files), by_text);
	return NULL;
}

static struct error *build_part(const struct kernel *kernel,
				const struct contents *contents, const char *part,
				const char *source, progress_fn progress, void *userdata)
{
	_cleanup_strv_ char **files = NULL;
	_cleanup_free_ char *log = xasprintf("%s.log", part);

	try(remove_tree(part));
	try(make_directories(part, 0755));
	try(write_files(contents, part));
	unlink(log);
	try(run_make(kernel, part, source, log, progress, userdata));
	try(find_modules(part, source, &files));
	unlink(log);
	return NULL;
}

static struct error *build_and_publish(const struct kernel *kernel,
				       const struct contents *contents,
				       const char *directory, const char *source,
				       progress_fn progress, void *userdata)
{
	_cleanup_free_ char *part = xasprintf("%s.part", directory);
	_cleanup_free_ char *lock_path = xasprintf("%s.lock", directory);
	_cleanup_close_ int lock = -1;
	struct error *error;

	try(lock_file_wait(lock_path, &lock));
	/* Whoever held the lock may have built it. */
	if (file_exists(directory))
		return NULL;
	try(make_check_programs());
	error = build_part(kernel, contents, part, source, progress, userdata);
	if (!error && rename(part, directory) < 0)
		error = error_errno(errno, "%s", directory);
	if (error)
		error_ignore(remove_tree(part));
	return error;
}

struct error *module_build(const struct kernel *kernel, const char *path,
			   progress_fn progress, void *userdata, struct module_build *out)
{
	_cleanup_(module_build_deinit) struct module_build build = {0};
	_cleanup_contents_ struct contents contents = {0};
	_cleanup_free_ char *source = realpath(path, NULL), *below = NULL;
	_cleanup_free_ char *folder = path_cache("modules");
	char key[KEY_SIZE];

	if (!source)
		return error_errno(errno, "%s", path);
	try(check_source(source));
	try(check_kernel(kernel));
	try(read_source(source, &contents));
	make_key(kernel, source, &contents, key);
	below = xasprintf("modules/%s-%.*s", strrchr(source, '/') + 1, 2 * KEY_SHORT,
			  key);
	build.directory = path_cache(below);
	try(make_directories(folder, 0755));
	if (!file_exists(build.directory))
		try(build_and_publish(kernel, &contents, build.directory, source,
				      progress, userdata));
	try(find_modules(build.directory, source, &build.files));
	*out = build;
	build = (struct module_build){0};
	return NULL;
}
