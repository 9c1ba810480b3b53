// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/kernelcache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "image/entry.h"
#include "util/file.h"
#include "util/lines.h"
#include "util/paths.h"
#include "util/string.h"

#define NOTE_LIMIT (64u << 10)

char *kernelcache_directory(const char *name)
{
	_cleanup_free_ char *below = xasprintf("kernels/%s", name);

	return path_cache(below);
}

static struct error *read_note(const char *directory, json_t **note)
{
	_cleanup_free_ char *path = xasprintf("%s/note.json", directory), *text = NULL;
	json_error_t error;
	size_t size;

	try(file_read(path, NOTE_LIMIT, &text, &size));
	*note = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!*note || !json_is_object(*note))
		return error_new(EINVAL, "%s: no JSON object", path);
	return NULL;
}

static char *note_text(const json_t *note, const char *name)
{
	return xstrdup(json_string_value(json_object_get(note, name)));
}

static unsigned note_number(const json_t *note, const char *name)
{
	double value = json_number_value(json_object_get(note, name));

	return value > 0 && value < 1e9 ? (unsigned)value : 0;
}

static void take_note(struct kernel *kernel, const json_t *note)
{
	kernel->flavour = note_text(note, "flavour");
	kernel->version = note_text(note, "version");
	kernel->source = note_text(note, "source");
	kernel->tarball = note_text(note, "tarball");
	kernel->compiler = note_text(note, "compiler");
	kernel->date = note_text(note, "date");
	kernel->build_id = note_text(note, "build_id");
	kernel->key = note_text(note, "key");
	kernel->seconds = note_number(note, "seconds");
	kernel->compiled = note_number(note, "compiled");
}

static struct error *check_whole(const struct kernel *kernel)
{
	if (!kernel->flavour || !kernel->version || !kernel->key)
		return error_new(EINVAL, "%s: its note lacks something",
				 kernel->directory);
	if (!file_exists(kernel->vmlinux) || !file_exists(kernel->bzimage))
		return error_new(ENOENT, "%s: a kernel's file is missing",
				 kernel->directory);
	return NULL;
}

static char *existing(char *path)
{
	if (file_exists(path))
		return path;
	free(path);
	return NULL;
}

struct error *kernelcache_load(const char *name, struct kernel **out)
{
	_cleanup_kernel_ struct kernel *kernel = xcalloc(1, sizeof(*kernel));
	_cleanup_free_ char *config = NULL;
	_cleanup_json_ json_t *note = NULL;

	kernel->directory = kernelcache_directory(name);
	try(read_note(kernel->directory, &note));
	take_note(kernel, note);
	kernel->vmlinux = xasprintf("%s/vmlinux", kernel->directory);
	kernel->bzimage = xasprintf("%s/bzImage", kernel->directory);
	try(check_whole(kernel));
	config = xasprintf("%s/config", kernel->directory);
	kernel->lacks_pvh = entry_has_kasan(config);
	kernel->modules = existing(
		xasprintf("%s/lib/modules/%s", kernel->directory, kernel->version));
	kernel->build = existing(xasprintf("%s/build", kernel->directory));
	*out = steal_ptr(kernel);
	return NULL;
}

struct kernel *kernelcache_find(const char *key)
{
	struct kernel **kernels = NULL, *found = NULL;
	size_t n = 0;

	error_ignore(kernel_list(&kernels, &n));
	for (size_t i = 0; i < n; i++) {
		if (!found && streq(kernels[i]->key, key))
			found = steal_ptr(kernels[i]);
		kernel_free(kernels[i]);
	}
	free(kernels);
	return found;
}

static struct error *put_in_place(const char *part, const char *directory)
{
	if (renameat2(AT_FDCWD, part, AT_FDCWD, directory, RENAME_NOREPLACE) == 0)
		return NULL;
	if (errno == EEXIST &&
	    renameat2(AT_FDCWD, part, AT_FDCWD, directory, RENAME_EXCHANGE) == 0)
		return remove_tree(part);
	return error_errno(errno, "%s", directory);
}

/* A tree that became another version leaves an entry of the same key under another name. */
static struct error *remove_others(const char *name, const char *key)
{
	_cleanup_free_ char *directory = kernelcache_directory(name);
	struct kernel *old;

	for (;;) {
		_cleanup_kernel_ struct kernel *found = old = kernelcache_find(key);

		if (!found || streq(old->directory, directory))
			return NULL;
		try(remove_tree(old->directory));
	}
}

struct error *kernelcache_publish(const char *part, const char *name, const char *key)
{
	_cleanup_free_ char *directory = kernelcache_directory(name);

	try(remove_others(name, key));
	return put_in_place(part, directory);
}
