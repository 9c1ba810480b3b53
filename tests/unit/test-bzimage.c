// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "image/bzimage.h"
#include "image/elf.h"
#include "util/buffer.h"
#include "util/file.h"
#include "util/string.h"

#define SELF   "/proc/self/exe"
#define HEADER 0x400 /* one boot sector, one of setup */
#define LIMIT  (64u << 20)

static char *path;

/* As the kernel's Makefile packs it: with four bytes behind it. */
static size_t pack(const char *data, size_t size, char *packed, size_t room)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t used = 0;

	archive_write_set_format_raw(archive);
	archive_write_add_filter_gzip(archive);
	assert_int_equal(archive_write_open_memory(archive, packed, room, &used), 0);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_pathname(entry, "vmlinux");
	assert_int_equal(archive_write_header(archive, entry), 0);
	assert_int_equal(archive_write_data(archive, data, size), size);
	archive_entry_free(entry);
	archive_write_free(archive);
	return used;
}

static void put(char *file, size_t offset, uint32_t value, size_t size)
{
	memcpy(file + offset, &value, size);
}

/* The bzImage of a "kernel": this program, or what @data has. */
static char *make_image(const char *data, size_t size, size_t *total)
{
	size_t room = size + (1u << 16), used;
	char *file = xcalloc(1, HEADER + room);

	used = pack(data, size, file + HEADER, room - 4);
	put(file, 0x1f1, 1, 1);
	memcpy(file + 0x202, "HdrS", 4);
	put(file, 0x206, 0x20f, 2);
	put(file, 0x248, 0, 4);
	put(file, 0x24c, used + 4, 4);
	*total = HEADER + used + 4;
	return file;
}

static void write_image(const char *file, size_t size)
{
	assert_null(file_write(path, file, size));
}

static void finds_the_id_of_what_is_packed(void **state)
{
	_cleanup_free_ char *data = NULL, *file = NULL, *id = NULL, *own = NULL;
	size_t size, total;

	(void)state;
	assert_null(file_read(SELF, LIMIT, &data, &size));
	file = make_image(data, size, &total);
	write_image(file, total);
	assert_null(bzimage_build_id(path, &id));
	assert_null(elf_build_id(SELF, &own));
	assert_non_null(own);
	assert_string_equal(id, own);
}

static void what_is_packed_may_be_anything(void **state)
{
	_cleanup_free_ char *file = NULL, *id = NULL;
	size_t total;

	(void)state;
	file = make_image("\177ELF no kernel", 13, &total);
	write_image(file, total);
	assert_null(bzimage_build_id(path, &id));
	assert_null(id);
	/* A packer that isn't known. */
	memset(file + HEADER, 'x', total - HEADER);
	write_image(file, total);
	assert_null(bzimage_build_id(path, &id));
	assert_null(id);
}

static void assert_refused(const char *words)
{
	_cleanup_free_ char *id = NULL;
	_cleanup_error_ struct error *error = bzimage_build_id(path, &id);

	assert_non_null(error);
	assert_non_null(strstr(error->message, words));
}

static void stranger_is_refused(void **state)
{
	_cleanup_free_ char *file = NULL;
	size_t total;

	(void)state;
	write_image("", 0);
	assert_refused("is no bzImage");
	file = make_image("x", 1, &total);
	write_image(file, 0x24f);
	assert_refused("is no bzImage");
	write_image(file, total - 1);
	assert_refused("cut off");
	put(file, 0x24c, UINT32_MAX, 4);
	write_image(file, total);
	assert_refused("cut off");
	put(file, 0x206, 0x207, 2);
	write_image(file, total);
	assert_refused("is no bzImage");
}

static int set_up(void **state)
{
	(void)state;
	path = xasprintf("/tmp/test-bzimage.%d", getpid());
	return 0;
}

static int take_down(void **state)
{
	(void)state;
	unlink(path);
	free(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_id_of_what_is_packed),
		cmocka_unit_test(what_is_packed_may_be_anything),
		cmocka_unit_test(stranger_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, take_down);
}
