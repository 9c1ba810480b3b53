// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/source.h"

#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>

#include "image/interrupt.h"
#include "image/key.h"
#include "image/unpack.h"
#include "util/file.h"
#include "util/paths.h"
#include "util/string.h"

#define VERSION_LENGTH_MAX 16 /* what a file can be named after */
#define ENTRIES_A_REPORT   256

struct unpacking {
	const char *tarball;
	off_t size;
	const char *what;
	progress_fn progress;
	void *userdata;
	struct interrupt interrupt;
	unsigned long entries;
};

static void unpacking_deinit(struct unpacking *unpacking)
{
	interrupt_end(&unpacking->interrupt);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "linux-source-6.1.tar.xz": what stands before ".tar". */
static char *stem(const char *tarball)
{
	const char *name = base_name(tarball), *tar = strstr(name, ".tar");

	return xstrndup(name, tar ? (size_t)(tar - name) : strlen(name));
}

struct error *source_tarball(const char *version, char **tarball)
{
	static const char digits[] = "0123456789";
	const char *text = version ?: DEBIAN_SOURCE_VERSION;
	size_t major_length = strspn(text, digits), minor_length = 0;

	if (text[major_length] == '.')
		minor_length = strspn(text + major_length + 1, digits);
	if (!major_length || !minor_length || text[major_length + 1 + minor_length] ||
	    strlen(text) > VERSION_LENGTH_MAX)
		return error_new(EINVAL, "'%s' is no version of a kernel, as 6.1 is",
				 text);
	*tarball = xasprintf("/usr/src/linux-source-%s.tar.xz", text);
	return NULL;
}

struct error *source_directory(const char *tarball, char **directory)
{
	_cleanup_free_ char *name = stem(tarball), *below = NULL;
	char text[KEY_SIZE];
	struct key key;
	struct stat st;

	if (stat(tarball, &st) < 0)
		return error_hint(error_errno(errno, "%s", tarball), "apt-get install %s",
				  name);
	key_init(&key);
	key_add_text(&key, base_name(tarball));
	key_add_number(&key, st.st_size);
	key_add_number(&key, st.st_mtime);
	below = xasprintf("sources/%s-%.*s", name, KEY_SHORT, key_finish(&key, text));
	*directory = path_cache(below);
	return NULL;
}

/* All lies in one folder, whose name says nothing that ours doesn't. */
static const char *without_first_folder(const char *path)
{
	const char *slash = strchr(path, '/');

	return slash ? slash + strspn(slash, "/") : "";
}

static bool place_entry(struct archive_entry *entry)
{
	_cleanup_free_ char *path = xstrdup(archive_entry_pathname(entry));
	_cleanup_free_ char *link = xstrdup(archive_entry_hardlink(entry));
	mode_t type = archive_entry_filetype(entry);

	if (!path || !*without_first_folder(path))
		return false;
	if (!link && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
		return false;
	archive_entry_set_pathname(entry, without_first_folder(path));
	if (link)
		archive_entry_set_hardlink(entry, without_first_folder(link));
	return true;
}

/* Progress in kilobytes read of the compressed tarball. */
static struct error *take_entry(struct archive_entry *entry, uint64_t read, bool *wanted,
				void *userdata)
{
	struct unpacking *unpacking = userdata;

	*wanted = place_entry(entry);
	if (unpacking->entries++ % ENTRIES_A_REPORT != 0)
		return NULL;
	if (unpacking->progress)
		unpacking->progress(unpacking->what, read >> 10, unpacking->size >> 10,
				    unpacking->userdata);
	return interrupt_check(&unpacking->interrupt);
}

static struct error *unpack_and_publish(struct unpacking *unpacking,
					const char *directory)
{
	_cleanup_free_ char *part = xasprintf("%s.part", directory);
	const struct unpack unpack = {
		.tarball = unpacking->tarball,
		.entry = take_entry,
		.userdata = unpacking,
	};
	struct error *error;

	try(remove_tree(part));
	error = unpack_into(&unpack, part);
	if (!error && rename(part, directory) < 0)
		error = error_errno(errno, "%s", directory);
	if (error)
		error_ignore(remove_tree(part));
	return error;
}

struct error *source_unpack(const char *tarball, const char *directory,
			    progress_fn progress, void *userdata)
{
	_cleanup_free_ char *what = xasprintf("unpacking %s", base_name(tarball));
	_cleanup_(unpacking_deinit) struct unpacking unpacking = {
		.tarball = tarball,
		.what = what,
		.progress = progress,
		.userdata = userdata,
		.interrupt = INTERRUPT_INIT,
	};
	struct stat st;

	if (file_exists(directory))
		return NULL;
	if (stat(tarball, &st) < 0)
		return error_errno(errno, "%s", tarball);
	unpacking.size = st.st_size;
	try(interrupt_begin(&unpacking.interrupt));
	return unpack_and_publish(&unpacking, directory);
}
