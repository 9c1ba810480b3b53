// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/staging.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "util/buffer.h"
#include "util/file.h"
#include "util/string.h"

#define BLOCK_SIZE (1u << 18)

/* The archive is hostile until it is unpacked: no way out of the folder. */
#define EXTRACT_FLAGS                                                                    \
	(ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_NODOTDOT | \
	 ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

DEFINE_CLEANUP(struct archive *, archive_free);
#define _cleanup_archive_ _cleanup_(archive_freep)

struct staging {
	const char *tarball;
	struct interrupt *interrupt;
	bool is_root; /* so that the folder's files can have their owners */
	struct buffer owners;
};

static void staging_deinit(struct staging *staging)
{
	buffer_deinit(&staging->owners);
}

static struct error *failure(const struct staging *staging, struct archive *archive)
{
	int code = archive_errno(archive);

	if (code == ENOSPC)
		return error_new(ENOSPC, "the disk is full: unpacking %s",
				 staging->tarball);
	return error_new(code > 0 ? code : EINVAL, "%s: %s", staging->tarball,
			 archive_error_string(archive) ?: "can't be unpacked");
}

static struct error *copy_content(const struct staging *staging, struct archive *in,
				  struct archive *out)
{
	const void *block;
	size_t size;
	la_int64_t offset;
	int status;

	while ((status = archive_read_data_block(in, &block, &size, &offset)) ==
	       ARCHIVE_OK)
		if (archive_write_data_block(out, block, size, offset) < ARCHIVE_OK)
			return failure(staging, out);
	return status == ARCHIVE_EOF ? NULL : failure(staging, in);
}

/* Without "./"; the root folder itself is ".". */
static const char *path_of(struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);

	while (path && path[0] == '.' && path[1] == '/')
		path += 2 + strspn(path + 2, "/");
	return path && *path ? path : ".";
}

/* devtmpfs covers /dev, and only root makes devices. */
static bool is_wanted(struct archive_entry *entry)
{
	const char *device = string_after(path_of(entry), "dev/");
	mode_t type = archive_entry_filetype(entry);

	return (!device || !*device) && type != AE_IFCHR && type != AE_IFBLK;
}

/* debugfs takes a path in double quotes, and commands a line each. */
static struct error *add_owner(struct staging *staging, struct archive_entry *entry)
{
	const char *path = path_of(entry);
	mode_t mode = archive_entry_mode(entry);
	_cleanup_free_ char *lines = NULL, *more = NULL;

	if (archive_entry_hardlink(entry))
		return NULL;
	if (strpbrk(path, "\"\n"))
		return error_new(EINVAL, "%s: a name with a quote or a newline in it",
				 staging->tarball);
	/* A file that isn't its owner's yet may have lost these. */
	more = mode & (S_ISUID | S_ISGID)
		       ? xasprintf("sif \"/%s\" mode 0%o\n", path, mode)
		       : xstrdup("");
	lines = xasprintf("sif \"/%s\" uid %lld\nsif \"/%s\" gid %lld\n%s", path,
			  (long long)archive_entry_uid(entry), path,
			  (long long)archive_entry_gid(entry), more);
	buffer_append(&staging->owners, lines, strlen(lines));
	return NULL;
}

static struct error *unpack_entry(struct staging *staging, struct archive *in,
				  struct archive *out, struct archive_entry *entry)
{
	if (!is_wanted(entry))
		return NULL;
	if (!staging->is_root)
		try(add_owner(staging, entry));
	if (archive_write_header(out, entry) < ARCHIVE_OK)
		return failure(staging, out);
	if (archive_entry_size(entry) > 0)
		try(copy_content(staging, in, out));
	if (archive_write_finish_entry(out) < ARCHIVE_OK)
		return failure(staging, out);
	return interrupt_check(staging->interrupt);
}

/* Into the working directory. */
static struct error *unpack_here(struct staging *staging)
{
	_cleanup_archive_ struct archive *in = archive_read_new();
	_cleanup_archive_ struct archive *out = archive_write_disk_new();
	struct archive_entry *entry;
	int status;

	archive_read_support_format_tar(in);
	archive_write_disk_set_options(
		out, EXTRACT_FLAGS | (staging->is_root ? ARCHIVE_EXTRACT_OWNER : 0));
	if (archive_read_open_filename(in, staging->tarball, BLOCK_SIZE) != ARCHIVE_OK)
		return failure(staging, in);
	while ((status = archive_read_next_header(in, &entry)) == ARCHIVE_OK ||
	       status == ARCHIVE_WARN)
		try(unpack_entry(staging, in, out, entry));
	if (status != ARCHIVE_EOF)
		return failure(staging, in);
	return archive_write_close(out) == ARCHIVE_OK ? NULL : failure(staging, out);
}

static void return_to(int *directory)
{
	if (*directory >= 0 && fchdir(*directory) < 0)
		abort();
	close_fd(directory);
}

struct error *staging_unpack(const char *tarball, const char *folder,
			     struct interrupt *interrupt, char **owners)
{
	_cleanup_(staging_deinit) struct staging staging = {
		.tarball = tarball,
		.interrupt = interrupt,
		.is_root = geteuid() == 0,
	};
	/* libarchive is safe against links only below the working directory. */
	_cleanup_(return_to) int before = -1;

	try(make_directories(folder, 0755));
	before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (before < 0 || chdir(folder) < 0)
		return error_errno(errno, "%s", folder);
	try(unpack_here(&staging));
	if (!staging.is_root) {
		buffer_append(&staging.owners, "", 1);
		*owners = (char *)steal_ptr(staging.owners.data);
	}
	return NULL;
}
