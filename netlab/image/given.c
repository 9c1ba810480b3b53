// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/given.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>

#include "util/buffer.h"
#include "util/string.h"

#define ARCHIVE_LIMIT (1u << 30) /* uncompressed */
#define BLOCK_SIZE    (1u << 18)
#define ALIGNMENT     4 /* of an archive in an initramfs */

DEFINE_CLEANUP(struct archive *, archive_free);
#define _cleanup_archive_ _cleanup_(archive_freep)

static struct error *failure(struct archive *archive, const char *path)
{
	int code = archive_errno(archive);

	return error_new(code > 0 ? code : EINVAL, "%s: %s", path,
			 archive_error_string(archive) ?: "can't be read");
}

static struct error *read_all(struct archive *archive, const char *path,
			      struct buffer *content)
{
	_cleanup_free_ char *block = xcalloc(1, BLOCK_SIZE);
	la_ssize_t n;

	while ((n = archive_read_data(archive, block, BLOCK_SIZE)) > 0) {
		if (content->size + n > ARCHIVE_LIMIT)
			return error_new(EFBIG, "%s: more than %u MiB", path,
					 ARCHIVE_LIMIT >> 20);
		buffer_append(content, block, n);
	}
	return n < 0 ? failure(archive, path) : NULL;
}

static struct error *uncompress(const char *path, struct buffer *content)
{
	_cleanup_archive_ struct archive *archive = archive_read_new();
	struct archive_entry *entry;

	archive_read_support_format_raw(archive);
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_lzma(archive);
	archive_read_support_filter_lz4(archive);
	archive_read_support_filter_zstd(archive);
	if (archive_read_open_filename(archive, path, BLOCK_SIZE) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return failure(archive, path);
	return read_all(archive, path, content);
}

/* A FIFO would never end. */
static struct error *check_regular(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_errno(errno, "%s", path);
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return error_new(EINVAL, "%s: no cpio archive", path);
	return NULL;
}

static bool is_newc(const struct buffer *content)
{
	return content->size > 6 && (memcmp(content->data, "070701", 6) == 0 ||
				     memcmp(content->data, "070702", 6) == 0);
}

struct error *given_read(const char *path, char **data, size_t *size)
{
	_cleanup_buffer_ struct buffer content = {0};

	try(check_regular(path));
	try(uncompress(path, &content));
	if (!is_newc(&content))
		return error_hint(error_new(EINVAL,
					    "%s: no cpio archive in the format "
					    "newc",
					    path),
				  "cpio --create --format=newc writes one");
	buffer_append(&content, "\0\0\0", -content.size % ALIGNMENT);
	*size = content.size;
	*data = (char *)steal_ptr(content.data);
	return NULL;
}
