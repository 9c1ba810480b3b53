// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/source.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "image/interrupt.h"
#include "image/key.h"
#include "util/file.h"
#include "util/paths.h"
#include "util/string.h"

#define VERSION_LENGTH_MAX 16 /* what a file can be named after */
#define BLOCK_SIZE         (1u << 18)
#define ENTRIES_A_REPORT   256

/* The tarball is hostile until it is unpacked: no way out of the folder, no devices' modes. */
#define EXTRACT_FLAGS                                             \
	(ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS | \
	 ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

DEFINE_CLEANUP(struct archive *, archive_free);
#define _cleanup_archive_ _cleanup_(archive_freep)

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

static struct error *archive_failure(const struct unpacking *unpacking,
				     struct archive *archive)
{
	int code = archive_errno(archive);

	if (code == ENOSPC)
		return error_new(ENOSPC, "the disk is full: unpacking %s",
				 unpacking->tarball);
	return error_new(code > 0 ? code : EINVAL, "%s: %s", unpacking->tarball,
			 archive_error_string(archive) ?: "can't be unpacked");
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

static struct error *copy_content(const struct unpacking *unpacking, struct archive *in,
				  struct archive *out)
{
	const void *block;
	size_t size;
	la_int64_t offset;
	int status;

	while ((status = archive_read_data_block(in, &block, &size, &offset)) ==
	       ARCHIVE_OK)
		if (archive_write_data_block(out, block, size, offset) < ARCHIVE_OK)
			return archive_failure(unpacking, out);
	return status == ARCHIVE_EOF ? NULL : archive_failure(unpacking, in);
}

static struct error *unpack_entry(const struct unpacking *unpacking, struct archive *in,
				  struct archive *out, struct archive_entry *entry)
{
	if (!place_entry(entry))
		return NULL;
	if (archive_write_header(out, entry) < ARCHIVE_OK)
		return archive_failure(unpacking, out);
	if (archive_entry_size(entry) > 0)
		try(copy_content(unpacking, in, out));
	if (archive_write_finish_entry(out) < ARCHIVE_OK)
		return archive_failure(unpacking, out);
	return NULL;
}

/* Progress in kilobytes read of the compressed tarball. */
static struct error *step(struct unpacking *unpacking, struct archive *in)
{
	if (unpacking->entries++ % ENTRIES_A_REPORT != 0)
		return NULL;
	if (unpacking->progress)
		unpacking->progress(unpacking->what, archive_filter_bytes(in, -1) >> 10,
				    unpacking->size >> 10, unpacking->userdata);
	return interrupt_check(&unpacking->interrupt);
}

/* Into the working directory. */
static struct error *unpack_here(struct unpacking *unpacking)
{
	_cleanup_archive_ struct archive *in = archive_read_new();
	_cleanup_archive_ struct archive *out = archive_write_disk_new();
	struct archive_entry *entry;
	int status;

	archive_read_support_format_tar(in);
	archive_read_support_filter_all(in);
	archive_write_disk_set_options(out, EXTRACT_FLAGS);
	if (archive_read_open_filename(in, unpacking->tarball, BLOCK_SIZE) != ARCHIVE_OK)
		return archive_failure(unpacking, in);
	while ((status = archive_read_next_header(in, &entry)) == ARCHIVE_OK ||
	       status == ARCHIVE_WARN) {
		try(step(unpacking, in));
		try(unpack_entry(unpacking, in, out, entry));
	}
	if (status != ARCHIVE_EOF)
		return archive_failure(unpacking, in);
	if (archive_write_close(out) != ARCHIVE_OK)
		return archive_failure(unpacking, out);
	return NULL;
}

static void return_to(int *directory)
{
	if (*directory >= 0 && fchdir(*directory) < 0)
		abort();
	close_fd(directory);
}

/*
 * libarchive is safe against links and absolute names only below the working directory: it
 * would take exception to a link in the way to the cache, too.
 */
static struct error *unpack_in(struct unpacking *unpacking, const char *directory)
{
	_cleanup_(return_to) int before = -1;

	try(make_directories(directory, 0755));
	before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (before < 0 || chdir(directory) < 0)
		return error_errno(errno, "%s", directory);
	return unpack_here(unpacking);
}

static struct error *unpack_and_publish(struct unpacking *unpacking,
					const char *directory)
{
	_cleanup_free_ char *part = xasprintf("%s.part", directory);
	struct error *error;

	try(remove_tree(part));
	error = unpack_in(unpacking, part);
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
