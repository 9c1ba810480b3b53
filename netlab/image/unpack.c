// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>

#include "util/file.h"
#include "util/string.h"

#define BLOCK_SIZE (1u << 18)

#define EXTRACT_FLAGS                                             \
	(ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS | \
	 ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

DEFINE_CLEANUP(struct archive *, archive_free);
#define _cleanup_archive_ _cleanup_(archive_freep)

static struct error *failure(const struct unpack *unpack, struct archive *archive)
{
	int code = archive_errno(archive);

	if (code == ENOSPC)
		return error_new(ENOSPC, "the disk is full: unpacking %s",
				 unpack->tarball);
	return error_new(code > 0 ? code : EINVAL, "%s: %s", unpack->tarball,
			 archive_error_string(archive) ?: "can't be unpacked");
}

static struct error *copy_content(const struct unpack *unpack, struct archive *in,
				  struct archive *out)
{
	const void *block;
	size_t size;
	la_int64_t offset;
	int status;

	while ((status = archive_read_data_block(in, &block, &size, &offset)) ==
	       ARCHIVE_OK)
		if (archive_write_data_block(out, block, size, offset) < ARCHIVE_OK)
			return failure(unpack, out);
	return status == ARCHIVE_EOF ? NULL : failure(unpack, in);
}

static struct error *unpack_entry(const struct unpack *unpack, struct archive *in,
				  struct archive *out, struct archive_entry *entry)
{
	bool wanted = true;

	try(unpack->entry(entry, archive_filter_bytes(in, -1), &wanted,
			  unpack->userdata));
	if (!wanted)
		return NULL;
	if (archive_write_header(out, entry) < ARCHIVE_OK)
		return failure(unpack, out);
	if (archive_entry_size(entry) > 0)
		try(copy_content(unpack, in, out));
	return archive_write_finish_entry(out) < ARCHIVE_OK ? failure(unpack, out) : NULL;
}

/* Into the working directory. */
static struct error *unpack_here(const struct unpack *unpack)
{
	_cleanup_archive_ struct archive *in = archive_read_new();
	_cleanup_archive_ struct archive *out = archive_write_disk_new();
	struct archive_entry *entry;
	int status;

	archive_read_support_format_tar(in);
	archive_read_support_filter_all(in);
	archive_write_disk_set_options(out, EXTRACT_FLAGS | unpack->flags);
	if (archive_read_open_filename(in, unpack->tarball, BLOCK_SIZE) != ARCHIVE_OK)
		return failure(unpack, in);
	while ((status = archive_read_next_header(in, &entry)) == ARCHIVE_OK ||
	       status == ARCHIVE_WARN)
		try(unpack_entry(unpack, in, out, entry));
	if (status != ARCHIVE_EOF)
		return failure(unpack, in);
	return archive_write_close(out) == ARCHIVE_OK ? NULL : failure(unpack, out);
}

static void return_to(int *directory)
{
	if (*directory >= 0 && fchdir(*directory) < 0)
		abort();
	close_fd(directory);
}

struct error *unpack_into(const struct unpack *unpack, const char *folder)
{
	_cleanup_(return_to) int before = -1;

	try(make_directories(folder, 0755));
	before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (before < 0 || chdir(folder) < 0)
		return error_errno(errno, "%s", folder);
	return unpack_here(unpack);
}
