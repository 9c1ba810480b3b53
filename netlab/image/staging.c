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
	size_t n_attributes;
	struct buffer commands;
};

static void staging_deinit(struct staging *staging)
{
	buffer_deinit(&staging->commands);
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

static void add_command(struct staging *staging, const char *command)
{
	buffer_append(&staging->commands, command, strlen(command));
}

/* debugfs takes a word in double quotes, and commands a line each. */
static struct error *check_words(const struct staging *staging, const char *const words[])
{
	for (; *words; words++)
		if (strpbrk(*words, "\"\n"))
			return error_new(EINVAL,
					 "%s: a name with a quote or a newline in it",
					 staging->tarball);
	return NULL;
}

static void add_owner(struct staging *staging, struct archive_entry *entry)
{
	const char *path = path_of(entry);
	mode_t mode = archive_entry_mode(entry);
	_cleanup_free_ char *lines = NULL, *more = NULL;

	/* A file that isn't its owner's yet may have lost these. */
	more = mode & (S_ISUID | S_ISGID)
		       ? xasprintf("sif \"/%s\" mode 0%o\n", path, mode)
		       : xstrdup("");
	lines = xasprintf("sif \"/%s\" uid %lld\nsif \"/%s\" gid %lld\n%s", path,
			  (long long)archive_entry_uid(entry), path,
			  (long long)archive_entry_gid(entry), more);
	add_command(staging, lines);
}

/* As capabilities(7) are: few file systems and users can give them to the folder's files. */
static struct error *add_attributes(struct staging *staging, struct archive_entry *entry)
{
	const char *path = path_of(entry), *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		_cleanup_free_ char *file = xasprintf("%s.attribute%zu", staging->tarball,
						      staging->n_attributes++);
		_cleanup_free_ char *line =
			xasprintf("ea_set -f \"%s\" \"/%s\" \"%s\"\n", file, path, name);

		try(check_words(staging, (const char *[]){name, file, NULL}));
		try(file_write(file, value, size));
		add_command(staging, line);
	}
	return NULL;
}

static struct error *add_commands(struct staging *staging, struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry))
		return NULL;
	try(check_words(staging, (const char *[]){path_of(entry), NULL}));
	if (!staging->is_root)
		add_owner(staging, entry);
	return add_attributes(staging, entry);
}

static struct error *unpack_entry(struct staging *staging, struct archive *in,
				  struct archive *out, struct archive_entry *entry)
{
	if (!is_wanted(entry))
		return NULL;
	try(add_commands(staging, entry));
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
			     struct interrupt *interrupt, char **commands)
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
	buffer_append(&staging.commands, "", 1);
	*commands = (char *)steal_ptr(staging.commands.data);
	return NULL;
}
