// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/contents.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "util/file.h"
#include "util/string.h"

#define FILE_LIMIT (512u << 20)

DEFINE_CLEANUP(struct archive *, archive_free);
DEFINE_CLEANUP(struct archive_entry *, archive_entry_free);

void contents_deinit(struct contents *contents)
{
	for (size_t i = 0; i < contents->n; i++) {
		free(contents->contents[i].path);
		free(contents->contents[i].data);
	}
	free(contents->contents);
	*contents = (struct contents){0};
}

static struct content *add(struct contents *contents, const char *path, mode_t mode)
{
	struct content *content;

	grow(contents->contents, contents->n);
	content = &contents->contents[contents->n++];
	content->path = xstrdup(path);
	content->mode = mode;
	return content;
}

void contents_add_folder(struct contents *contents, const char *path, mode_t permissions)
{
	add(contents, path, S_IFDIR | permissions);
}

void contents_add_text(struct contents *contents, const char *path, const char *text)
{
	struct content *content = add(contents, path, S_IFREG | 0644);

	content->data = xstrdup(text);
	content->size = strlen(text);
}

void contents_add_link(struct contents *contents, const char *path, const char *target)
{
	struct content *content = add(contents, path, S_IFLNK | 0777);

	content->data = xstrdup(target);
	content->size = strlen(target);
}

void contents_add_device(struct contents *contents, const char *path, mode_t permissions,
			 unsigned major_number, unsigned minor_number)
{
	add(contents, path, S_IFCHR | permissions)->device =
		makedev(major_number, minor_number);
}

struct error *contents_add_file(struct contents *contents, const char *path,
				const char *file, mode_t permissions)
{
	struct content *content = add(contents, path, S_IFREG | permissions);

	return file_read(file, FILE_LIMIT, &content->data, &content->size);
}

struct error *contents_add_program(struct contents *contents, const char *path,
				   const char *file)
{
	return contents_add_file(contents, path, file, 0755);
}

char *contents_key(const struct contents *contents, char text[KEY_SIZE])
{
	struct key key;

	key_init(&key);
	for (size_t i = 0; i < contents->n; i++) {
		const struct content *content = &contents->contents[i];

		key_add_text(&key, content->path);
		key_add_number(&key, content->mode);
		key_add_number(&key, content->device);
		key_add(&key, content->data ?: "", content->size);
	}
	return key_finish(&key, text);
}

static struct archive_entry *entry_new(const struct content *content, size_t number)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, content->path);
	archive_entry_set_mode(entry, content->mode);
	archive_entry_set_ino64(entry, number);
	archive_entry_set_nlink(entry, S_ISDIR(content->mode) ? 2 : 1);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_rdev(entry, content->device);
	archive_entry_set_size(entry, S_ISREG(content->mode) ? content->size : 0);
	if (S_ISLNK(content->mode))
		archive_entry_set_symlink(entry, content->data);
	return entry;
}

static struct error *failure(struct archive *archive)
{
	return error_new(archive_errno(archive), "cpio archive: %s",
			 archive_error_string(archive) ?: "can't be written");
}

static struct error *write_one(struct archive *archive, const struct content *content,
			       size_t number)
{
	_cleanup_(archive_entry_freep) struct archive_entry *entry =
		entry_new(content, number);

	if (archive_write_header(archive, entry) != ARCHIVE_OK)
		return failure(archive);
	if (S_ISREG(content->mode) && content->size &&
	    archive_write_data(archive, content->data, content->size) !=
		    (la_ssize_t)content->size)
		return failure(archive);
	return NULL;
}

struct error *contents_write(const struct contents *contents, int fd)
{
	_cleanup_(archive_freep) struct archive *archive = archive_write_new();

	archive_write_set_format_cpio_newc(archive);
	archive_write_add_filter_none(archive);
	if (archive_write_open_fd(archive, fd) != ARCHIVE_OK)
		return failure(archive);
	for (size_t i = 0; i < contents->n; i++)
		try(write_one(archive, &contents->contents[i], i + 1));
	return archive_write_close(archive) == ARCHIVE_OK ? NULL : failure(archive);
}
