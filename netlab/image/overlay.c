// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>

#include "image/contents.h"
#include "image/extras.h"
#include "image/given.h"
#include "image/initramfs.h"
#include "image/module.h"
#include "image/rootdisk.h"
#include "image/symbols.h"
#include "util/file.h"
#include "util/paths.h"
#include "util/string.h"

#define IMAGE_LIMIT (256u << 20)
#define FILES       OVERLAY_FOLDER "/files"

DEFINE_CLEANUP(FTS *, fts_close);

struct making {
	const struct guest_image_options *options;
	const struct guest *guest;
	const struct kernel *kernel;
	const char *libraries; /* where the kernel's modules go: the path of /lib */
	char *base;            /* the archive before ours */
	size_t base_size;
	struct contents contents;
	char **load;    /* lines of /modules/load */
	char **folders; /* that hold the files */
};

static void making_deinit(struct making *making)
{
	free(making->base);
	contents_deinit(&making->contents);
	strv_free(making->load);
	strv_free(making->folders);
}

void guest_image_deinit(struct guest_image *image)
{
	free(image->initrd);
	free(image->disk);
	strv_free(image->modules);
	*image = (struct guest_image){0};
}

static struct error *add_entry(struct contents *contents, const FTSENT *entry,
			       const char *below)
{
	if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
		return error_errno(entry->fts_errno, "%s", entry->fts_path);
	if (entry->fts_info == FTS_D)
		contents_add_folder(contents, below, 0755);
	else if (entry->fts_info == FTS_F)
		return contents_add_program(contents, below, entry->fts_path);
	return NULL;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static struct error *add_kernel_modules(struct making *making)
{
	const char *root = making->kernel->modules;
	_cleanup_free_ char *folder = xasprintf("%s/modules", making->libraries);
	char *paths[] = {(char *)root, NULL};
	_cleanup_(fts_closep)
		FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;

	if (!tree)
		return error_errno(errno, "%s", root);
	strv_push(&making->folders, xstrdup(root));
	contents_add_folder(&making->contents, making->libraries, 0755);
	contents_add_folder(&making->contents, folder, 0755);
	while ((entry = fts_read(tree))) {
		_cleanup_free_ char *below = xasprintf("%s%s%s", folder,
						       strrchr(root, '/'),
						       entry->fts_path + strlen(root));

		try(add_entry(&making->contents, entry, below));
	}
	return NULL;
}

/* "kernel/net/foo-bar.ko" is the module foo_bar, and either may be written. */
static bool is_file_of(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	const char *at = slash ? slash + 1 : path;

	for (; *name && (*name == *at || (strchr("-_", *name) && strchr("-_", *at)));
	     name++, at++)
		;
	return !*name && streq(at, ".ko");
}

static bool has_module(const struct making *making, const char *name)
{
	for (size_t i = 0; i < making->contents.n; i++) {
		const char *path = making->contents.contents[i].path;

		if (string_after(path, making->libraries) && is_file_of(path, name))
			return true;
	}
	return false;
}

static struct error *add_named(struct making *making, const struct module *module)
{
	if (!has_module(making, module->name))
		return error_hint(error_new(ENOENT, "the kernel %s has no module '%s'",
					    making->kernel->directory, module->name),
				  "it may be built in; a module of your own is a folder, "
				  "as ./%s",
				  module->name);
	if (module->load == MODULE_BOOT)
		strv_push(&making->load, xstrdup(module->name));
	return NULL;
}

static struct error *add_file(struct making *making, const char *directory,
			      const char *file, enum module_load load)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, file);
	_cleanup_free_ char *below = xasprintf("modules/%s", file);

	for (size_t i = 0; i < making->contents.n; i++)
		if (streq(making->contents.contents[i].path, below))
			return error_new(EEXIST, "two modules are named %s", file);
	if (load == MODULE_BOOT)
		strv_pushf(&making->load, "/%s", below);
	return contents_add_program(&making->contents, below, path);
}

static struct error *add_own(struct making *making, const struct module *module)
{
	_cleanup_(module_build_deinit) struct module_build build = {0};

	try(module_build(making->kernel, module->path, making->options->progress,
			 making->options->userdata, &build));
	strv_push(&making->folders, xstrdup(build.directory));
	strv_foreach (file, build.files)
		try(add_file(making, build.directory, *file, module->load));
	return NULL;
}

/* Behind the last line that the module added; where it added none, it isn't loaded at boot. */
static void add_parameters(struct making *making, const struct module *module,
			   size_t before)
{
	for (size_t i = before; i < strv_length(making->load); i++) {
		_cleanup_free_ char *line = making->load[i];
		_cleanup_free_ char *words = strv_join(module->parameters, " ");

		making->load[i] = xasprintf("%s%s%s", line, *words ? " " : "", words);
	}
}

static struct error *collect_modules(struct making *making)
{
	_cleanup_free_ char *lines = NULL, *text = NULL;

	if (!making->guest->n_modules && !making->kernel->modules)
		return NULL;
	if (making->kernel->modules)
		try(add_kernel_modules(making));
	contents_add_folder(&making->contents, "modules", 0755);
	for (size_t i = 0; i < making->guest->n_modules; i++) {
		const struct module *module = &making->guest->modules[i];
		size_t before = strv_length(making->load);

		try(module->path ? add_own(making, module) : add_named(making, module));
		add_parameters(making, module, before);
	}
	lines = strv_join(making->load, "\n");
	text = xasprintf("%s%s", lines, *lines ? "\n" : "");
	contents_add_text(&making->contents, "modules/load", text);
	return NULL;
}

static struct error *collect(struct making *making)
{
	bool is_given = making->guest->root == ROOT_INITRAMFS;

	making->libraries = is_given ? &FILES "/lib"[1] : "lib";
	if (is_given)
		try(initramfs_add_programs(&making->contents, &OVERLAY_FOLDER[1]));
	if (making->guest->n_files || (is_given && making->kernel->modules)) {
		contents_add_folder(&making->contents, &OVERLAY_FOLDER[1], 0755);
		contents_add_folder(&making->contents, &FILES[1], 0755);
	}
	try(collect_modules(making));
	return extras_add(&making->contents, making->guest, &FILES[1]);
}

static struct error *write_part(const struct making *making, const char *part)
{
	_cleanup_close_ int fd =
		open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_errno(errno, "%s", part);
	try(error_object(write_all(fd, making->base, making->base_size), part));
	return error_object(contents_write(&making->contents, fd), part);
}

static struct error *write_image(const struct making *making, const char *path)
{
	_cleanup_free_ char *part = xasprintf("%s.%d.part", path, getpid());
	struct error *error = write_part(making, part);

	if (!error && rename(part, path) < 0)
		error = error_errno(errno, "%s", path);
	if (error)
		unlink(part);
	return error;
}

static char *image_path(const struct making *making)
{
	char text[KEY_SIZE], content_key[KEY_SIZE];
	_cleanup_free_ char *below = NULL;
	struct key key;

	key_init(&key);
	key_add(&key, making->base, making->base_size);
	key_add_text(&key, contents_key(&making->contents, content_key));
	below = xasprintf("images/guest-%.*s.cpio", 2 * KEY_SHORT,
			  key_finish(&key, text));
	return path_cache(below);
}

/* It lies beside what is unpacked from it until the kernel gives it back. */
static struct error *check_memory(const struct guest *guest, const char *initrd)
{
	struct stat st;

	if (stat(initrd, &st) < 0)
		return error_errno(errno, "%s", initrd);
	if (2 * (uint64_t)st.st_size <= guest->memory)
		return NULL;
	return error_hint(error_new(ENOMEM,
				    "memory: %lluM are too little to unpack an initramfs "
				    "of %lld MiB",
				    (unsigned long long)(guest->memory >> 20),
				    (long long)st.st_size >> 20),
			  "give it more, or put less into it");
}

static struct error *read_base(struct making *making)
{
	const struct guest *guest = making->guest;

	if (guest->root == ROOT_INITRAMFS)
		return given_read(guest->root_path, &making->base, &making->base_size);
	return file_read(making->options->base, IMAGE_LIMIT, &making->base,
			 &making->base_size);
}

static struct error *make_initrd(struct making *making, struct guest_image *image)
{
	_cleanup_free_ char *path = NULL;

	try(collect(making));
	if (!making->contents.n) {
		image->initrd = xstrdup(making->options->base);
		return NULL;
	}
	try(read_base(making));
	path = image_path(making);
	if (!file_exists(path))
		try(write_image(making, path));
	try(check_memory(making->guest, path));
	image->initrd = steal_ptr(path);
	image->modules = steal_ptr(making->folders);
	return NULL;
}

static struct error *check_directory(const struct guest *guest)
{
	struct stat st;

	if (stat(guest->root_path, &st) < 0)
		return error_errno(errno, "root: %s", guest->root_path);
	if (!S_ISDIR(st.st_mode))
		return error_errno(ENOTDIR, "root: %s", guest->root_path);
	return NULL;
}

static struct error *make_root(const struct guest_image_options *options,
			       struct guest_image *image)
{
	switch (options->guest->root) {
	case ROOT_BUSYBOX:
	case ROOT_HOST:
	case ROOT_INITRAMFS:
		return NULL;
	case ROOT_DIRECTORY:
		return check_directory(options->guest);
	case ROOT_DISK:
		return rootdisk_get(options, image);
	}
	return NULL;
}

struct error *guest_image_make(const struct guest_image_options *options,
			       struct guest_image *image)
{
	_cleanup_(making_deinit) struct making making = {
		.options = options,
		.guest = options->guest,
		.kernel = options->kernel,
	};

	try(error_object(make_initrd(&making, image), options->guest->name));
	return error_object(make_root(options, image), options->guest->name);
}

static bool file_has_function(const char *path, const char *name)
{
	_cleanup_strv_ char **functions = NULL;

	error_ignore(symbols_functions(path, &functions));
	return strv_contains(functions, name);
}

static bool folder_has_function(const char *folder, const char *name)
{
	char *paths[] = {(char *)folder, NULL};
	_cleanup_(fts_closep)
		FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	while (tree && (entry = fts_read(tree))) {
		const char *dot = strrchr(entry->fts_name, '.');

		if (entry->fts_info == FTS_F && dot && streq(dot, ".ko") &&
		    file_has_function(entry->fts_path, name))
			return true;
	}
	return false;
}

bool guest_image_has_function(const struct guest_image *image, const char *name)
{
	strv_foreach (folder, image->modules)
		if (folder_has_function(*folder, name))
			return true;
	return false;
}
