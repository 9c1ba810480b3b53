// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/bzimage.h"

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>

#include "image/elf.h"
#include "util/buffer.h"
#include "util/file.h"
#include "util/string.h"

#define FILE_LIMIT     (256u << 20)
#define UNPACKED_LIMIT (1u << 30) /* a bomb is not a kernel */
#define BLOCK_SIZE     (1u << 18)

/* Offsets in the file, from the table in boot.rst. */
#define SETUP_SECTS    0x1f1
#define HEADER         0x202
#define VERSION        0x206
#define PAYLOAD_OFFSET 0x248 /* behind the real-mode part */
#define PAYLOAD_LENGTH 0x24c
#define HEADER_END     0x250
#define SECTOR         512
#define PROTOCOL_MIN   0x0208

DEFINE_CLEANUP(struct archive *, archive_free);

static uint32_t number(const char *data, size_t offset, size_t size)
{
	uint32_t value = 0;

	memcpy(&value, data + offset, size);
	return le32toh(value);
}

static struct error *find_payload(const char *path, const char *data, size_t size,
				  const char **payload, size_t *length)
{
	size_t begin;

	if (size < HEADER_END || memcmp(data + HEADER, "HdrS", 4) != 0 ||
	    number(data, VERSION, 2) < PROTOCOL_MIN)
		return error_new(ENOEXEC, "%s is no bzImage", path);
	begin = (number(data, SETUP_SECTS, 1) + 1) * SECTOR +
		(size_t)number(data, PAYLOAD_OFFSET, 4);
	*length = number(data, PAYLOAD_LENGTH, 4);
	if (begin > size || *length > size - begin)
		return error_new(ENOEXEC, "%s: a bzImage that is cut off", path);
	*payload = data + begin;
	return NULL;
}

/* As far as it can be read: behind the packed kernel stand four bytes that are its size. */
static void unpack(const char *payload, size_t length, struct buffer *unpacked)
{
	_cleanup_(archive_freep) struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	la_ssize_t n;

	archive_read_support_format_raw(archive);
	archive_read_support_filter_all(archive);
	if (archive_read_open_memory(archive, payload, length) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return;
	do {
		size_t before = unpacked->size;

		n = archive_read_data(archive, buffer_reserve(unpacked, BLOCK_SIZE),
				      BLOCK_SIZE);
		unpacked->size = before + (n > 0 ? n : 0);
	} while (n > 0 && unpacked->size < UNPACKED_LIMIT);
}

struct error *bzimage_build_id(const char *path, char **build_id)
{
	_cleanup_buffer_ struct buffer unpacked = {0};
	_cleanup_free_ char *data = NULL;
	const char *payload;
	size_t size, length;

	try(file_read(path, FILE_LIMIT, &data, &size));
	try(find_payload(path, data, size, &payload, &length));
	unpack(payload, length, &unpacked);
	*build_id = elf_build_id_in(unpacked.data, unpacked.size);
	return NULL;
}
