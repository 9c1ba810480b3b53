// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys, busybox's names, and the cpio archive as libarchive and its own bytes show it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "image/busybox.h"
#include "image/contents.h"
#include "util/file.h"
#include "util/string.h"

DEFINE_CLEANUP(struct archive *, archive_free);

static void must(struct error *error)
{
	_cleanup_error_ struct error *owned = error;

	if (owned)
		fail_msg("%s", owned->message);
}

static void fill(struct contents *contents)
{
	contents_add_folder(contents, "dev", 0755);
	contents_add_device(contents, "dev/console", 0600, 5, 1);
	contents_add_text(contents, "etc-passwd", "root::0:0::/:/bin/sh\n");
	contents_add_link(contents, "sh", "busybox");
	must(contents_add_program(contents, "init", "/proc/self/exe"));
}

/* Returns a descriptor at the archive's beginning. */
static int written(const struct contents *contents)
{
	int fd = memfd_create("cpio", MFD_CLOEXEC);

	assert_true(fd >= 0);
	must(contents_write(contents, fd));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static struct archive_entry *next(struct archive *archive, const char *path)
{
	struct archive_entry *entry;

	assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(entry), path);
	assert_int_equal(archive_entry_uid(entry), 0);
	assert_int_equal(archive_entry_gid(entry), 0);
	assert_int_equal(archive_entry_mtime(entry), 0);
	return entry;
}

static void archive_holds_what_was_given(void **state)
{
	_cleanup_contents_ struct contents contents = {0};
	_cleanup_(archive_freep) struct archive *archive = archive_read_new();
	_cleanup_close_ int fd = -1;
	struct archive_entry *entry;
	char text[32] = "";

	(void)state;
	fill(&contents);
	fd = written(&contents);
	archive_read_support_format_cpio(archive);
	assert_int_equal(archive_read_open_fd(archive, fd, 4096), ARCHIVE_OK);
	entry = next(archive, "dev");
	assert_int_equal(archive_entry_mode(entry), S_IFDIR | 0755);
	entry = next(archive, "dev/console");
	assert_int_equal(archive_entry_mode(entry), S_IFCHR | 0600);
	assert_int_equal(archive_entry_rdevmajor(entry), 5);
	assert_int_equal(archive_entry_rdevminor(entry), 1);
	next(archive, "etc-passwd");
	assert_int_equal(archive_read_data(archive, text, sizeof(text)), 21);
	assert_string_equal(text, "root::0:0::/:/bin/sh\n");
	entry = next(archive, "sh");
	assert_string_equal(archive_entry_symlink(entry), "busybox");
	entry = next(archive, "init");
	assert_int_equal(archive_entry_mode(entry), S_IFREG | 0755);
	assert_true(archive_entry_size(entry) > 4096);
}

static char *bytes(const struct contents *contents, size_t *size)
{
	_cleanup_close_ int fd = written(contents);
	struct stat st;
	char *data;

	assert_int_equal(fstat(fd, &st), 0);
	*size = st.st_size;
	data = xcalloc(st.st_size, 1);
	assert_int_equal(read(fd, data, st.st_size), st.st_size);
	return data;
}

static void same_contents_same_bytes(void **state)
{
	_cleanup_contents_ struct contents a = {0}, b = {0};
	_cleanup_free_ char *x = NULL, *y = NULL;
	char key_a[KEY_SIZE], key_b[KEY_SIZE];
	size_t n, m;

	(void)state;
	fill(&a);
	fill(&b);
	x = bytes(&a, &n);
	y = bytes(&b, &m);
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
	assert_memory_equal(x, "070701", 6); /* cpio(5): newc, without checksums */
	assert_string_equal(contents_key(&a, key_a), contents_key(&b, key_b));
	contents_add_link(&b, "cat", "busybox");
	assert_string_not_equal(key_a, contents_key(&b, key_b));
}

static void key_tells_the_pieces_apart(void **state)
{
	char one[KEY_SIZE], two[KEY_SIZE];
	struct key key;

	(void)state;
	key_init(&key);
	key_add_text(&key, "ab");
	key_add_text(&key, "c");
	key_finish(&key, one);
	key_init(&key);
	key_add_text(&key, "a");
	key_add_text(&key, "bc");
	assert_string_not_equal(one, key_finish(&key, two));
	assert_int_equal(strlen(one), 64);
}

/* By sha256sum, of the size in eight bytes, little endian, and "abc". */
static void key_is_sha256(void **state)
{
	char text[KEY_SIZE];
	struct key key;

	(void)state;
	key_init(&key);
	key_add_text(&key, "abc");
	assert_string_equal(
		key_finish(&key, text),
		"ce91dc5eec0139adf091900d225971d6ad246a845bad791b5693a9d0d55dd391");
}

static void applets_are_read(void **state)
{
	static const char program[] = "\x7f"
				      "ELF…\0usage\0[\0[[\0acpid\0ash\0zcat\0/proc/self";
	_cleanup_strv_ char **names = busybox_applets(program, sizeof(program));

	(void)state;
	assert_int_equal(strv_length(names), 5);
	assert_string_equal(names[0], "[");
	assert_string_equal(names[4], "zcat");
}

static void a_stranger_has_no_applets(void **state)
{
	static const char unsorted[] = "\0[\0[[\0cat\0ash\0";
	static const char cut[] = {'\0', '[', '\0', '[', '[', '\0', 'c', 'a', 't'};
	_cleanup_strv_ char **until_disorder =
		busybox_applets(unsorted, sizeof(unsorted));
	_cleanup_strv_ char **until_end = busybox_applets(cut, sizeof(cut));

	(void)state;
	assert_null(busybox_applets("", 0));
	assert_null(busybox_applets("hello", 5));
	assert_int_equal(strv_length(until_disorder), 3);
	assert_int_equal(strv_length(until_end), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archive_holds_what_was_given),
		cmocka_unit_test(same_contents_same_bytes),
		cmocka_unit_test(key_tells_the_pieces_apart),
		cmocka_unit_test(key_is_sha256),
		cmocka_unit_test(applets_are_read),
		cmocka_unit_test(a_stranger_has_no_applets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
