// SPDX-License-Identifier: GPL-2.0-or-later
/* Root file systems: what a topology says of them, and where a disk's packages come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/aptsources.h"
#include "topology/topology.h"
#include "util/string.h"

static struct topology *parse(const char *keys)
{
	_cleanup_free_ char *text = xasprintf("guests: {g: {%s}}", keys);
	struct topology *topology = NULL;

	assert_null(topology_parse("/lab/t.yaml", text, strlen(text), &topology));
	return topology;
}

static void a_disk_without_keys(void **state)
{
	_cleanup_topology_ struct topology *t = parse("root: disk");
	const struct disk_choice *disk = &t->guests[0].disk;

	(void)state;
	assert_int_equal(t->guests[0].root, ROOT_DISK);
	assert_string_equal(disk->suite, "bookworm");
	assert_null(disk->packages);
	assert_null(disk->file);
	assert_int_equal(disk->size, 2ull << 30);
	assert_true(disk->writable && disk->overlay);
}

static void a_disk_with_all_its_keys(void **state)
{
	_cleanup_topology_ struct topology *t =
		parse("root: {disk: {suite: sid, packages: [gdb, g++], size: 1G, "
		      "writable: off, overlay: off}}");
	const struct disk_choice *disk = &t->guests[0].disk;

	(void)state;
	assert_int_equal(t->guests[0].root, ROOT_DISK);
	assert_string_equal(disk->suite, "sid");
	assert_int_equal(strv_length(disk->packages), 2);
	assert_string_equal(disk->packages[1], "g++");
	assert_int_equal(disk->size, 1ull << 30);
	assert_false(disk->writable || disk->overlay);
}

static void paths_are_the_file_s(void **state)
{
	_cleanup_topology_ struct topology *t =
		parse("root: {directory: r}, files: {/a//b/: c, /: /d}");
	const struct guest *guest = &t->guests[0];

	(void)state;
	assert_int_equal(guest->root, ROOT_DIRECTORY);
	assert_string_equal(guest->root_path, "/lab/r");
	assert_int_equal(guest->n_files, 2);
	assert_string_equal(guest->files[0].target, "/a/b");
	assert_string_equal(guest->files[0].source, "/lab/c");
	assert_string_equal(guest->files[1].target, "");
	assert_string_equal(guest->files[1].source, "/d");
}

static void a_disk_of_the_user_s(void **state)
{
	_cleanup_topology_ struct topology *t = parse("root: {disk: {file: d.img}}");

	(void)state;
	assert_string_equal(t->guests[0].disk.file, "/lab/d.img");
	assert_null(t->guests[0].disk.suite);
}

static void expect_flavour(const char *keys, const char *flavour)
{
	_cleanup_topology_ struct topology *t = parse(keys);

	assert_string_equal(t->guests[0].kernel.flavour, flavour);
}

/* One that is mounted wants more of a kernel than debug has. */
static void the_kernel_s_flavour(void **state)
{
	_cleanup_topology_ struct topology *files =
		parse("root: disk, kernel: {vmlinux: v}");

	(void)state;
	expect_flavour("root: busybox", "debug");
	expect_flavour("root: {initramfs: i}", "debug");
	expect_flavour("root: disk", "debug+roots");
	expect_flavour("root: host, kernel: O1", "O1+roots");
	expect_flavour("root: {directory: d}, kernel: O1+roots", "O1+roots");
	expect_flavour("root: host, kernel: lab", "lab");
	expect_flavour("root: disk, kernel: lab", "lab+roots");
	expect_flavour("root: disk, kernel: defconfig", "defconfig");
	assert_null(files->guests[0].kernel.flavour);
}

static void expect_sources(const char *suite, const char *targets, const char *expected)
{
	_cleanup_strv_ char **lines = aptsources_choose(suite, targets);
	_cleanup_free_ char *text = strv_join(lines, "\n");

	assert_string_equal(text, expected);
}

static void sources_of_a_suite(void **state)
{
	static const char targets[] = "http://one/d/ bookworm main\n"
				      "http://one/d/ bookworm main\n"
				      "http://one/d/ bookworm-updates main\n"
				      "http://one/d/ bookworm-backports main\n"
				      "http://two/s/ bookworm-security main\n"
				      "http://three/ nodistro main extra\n";

	(void)state;
	expect_sources("bookworm", targets,
		       "deb http://one/d/ bookworm main\n"
		       "deb http://one/d/ bookworm-updates main\n"
		       "deb http://two/s/ bookworm-security main");
	expect_sources("trixie", targets, "deb http://one/d/ trixie main");
	expect_sources("bookworm", "", "");
	expect_sources("bookworm", "nonsense\n\n  \n", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_without_keys),
		cmocka_unit_test(a_disk_with_all_its_keys),
		cmocka_unit_test(paths_are_the_file_s),
		cmocka_unit_test(a_disk_of_the_user_s),
		cmocka_unit_test(the_kernel_s_flavour),
		cmocka_unit_test(sources_of_a_suite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
