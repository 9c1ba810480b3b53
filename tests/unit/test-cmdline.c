// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/cmdline.h"
#include "util/string.h"

static void test_everything(void **state)
{
	struct address addresses[] = {{.family = AF_INET, .prefix = 24},
				      {.family = AF_INET6, .prefix = 64}};
	struct nic nic = {
		.model = "e1000",
		.mac = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
		.addresses = addresses,
		.n_addresses = 2,
		.settings.mtu = 1400,
	};
	char *words[] = {"sh", "-c", "echo a b", "", NULL};
	struct guest guest = {
		.name = "server",
		.memory = 256ull << 20,
		.nics = &nic,
		.n_nics = 1,
		.run = words,
		.kernel_arguments = "quiet",
	};
	_cleanup_free_ char *line = NULL;

	(void)state;
	inet_pton(AF_INET, "192.168.100.224", &addresses[0].v4);
	inet_pton(AF_INET6, "fd00:100::224", &addresses[1].v6);
	assert_null(cmdline_build(&guest, true, &line));
	assert_string_equal(
		line, "console=ttyS0 console_msg_format=syslog nokaslr no_timer_check "
		      "netlab.name=server "
		      "netlab.nic=52:54:00:12:34:56,mtu=1400,192.168.100.224/24,"
		      "fd00:100::224/64 quiet -- sh -c \"echo a b\" "
		      "\"\"");
}

static void test_root(void **state)
{
	struct guest guest = {.name = "outer", .root = ROOT_HOST};
	_cleanup_free_ char *line = NULL;

	(void)state;
	assert_null(cmdline_build(&guest, true, &line));
	assert_string_equal(
		line, "console=ttyS0 console_msg_format=syslog nokaslr no_timer_check "
		      "netlab.name=outer netlab.root=host");
}

static void test_on_panic(void **state)
{
	struct guest guest = {.name = "server", .on_panic = ON_PANIC_HALT};
	_cleanup_free_ char *line = NULL, *alone = NULL;

	(void)state;
	assert_null(cmdline_build(&guest, true, &line));
	assert_string_equal(
		line, "console=ttyS0 console_msg_format=syslog nokaslr no_timer_check "
		      "oops=panic panic=-1 netlab.name=server");
	assert_null(cmdline_build(&guest, false, &alone));
	assert_string_equal(alone,
			    "console=ttyS0 nokaslr no_timer_check netlab.name=server");
}

static void expect_root(const struct guest *guest, const char *words)
{
	_cleanup_free_ char *line = NULL;
	const char *rest;

	assert_null(cmdline_build(guest, false, &line));
	rest = string_after(line, "console=ttyS0 nokaslr no_timer_check netlab.name=a");
	assert_non_null(rest);
	assert_string_equal(rest, words);
}

static void test_other_roots(void **state)
{
	struct guest guest = {.name = "a", .root = ROOT_DISK, .disk.writable = true};

	(void)state;
	expect_root(&guest, " netlab.root=disk");
	guest.disk.writable = false;
	expect_root(&guest, " netlab.root=disk,ro");
	guest.root = ROOT_DIRECTORY;
	expect_root(&guest, " netlab.root=directory");
	guest.root = ROOT_INITRAMFS;
	expect_root(&guest, " rdinit=/netlab/init netlab.root=initramfs");
}

static void test_too_long(void **state)
{
	_cleanup_free_ char *long_word = xcalloc(CMDLINE_SIZE + 1, 1);
	char *words[] = {long_word, NULL};
	struct guest guest = {.name = "server", .run = words};
	_cleanup_error_ struct error *error = NULL;
	char *line = NULL;

	(void)state;
	memset(long_word, 'x', CMDLINE_SIZE);
	error = cmdline_build(&guest, true, &line);
	assert_non_null(error);
	assert_int_equal(error->code, E2BIG);
	assert_string_equal(error->object, "server");
	assert_null(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything), cmocka_unit_test(test_root),
		cmocka_unit_test(test_on_panic),   cmocka_unit_test(test_other_roots),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
