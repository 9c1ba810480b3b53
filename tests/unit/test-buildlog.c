// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/buildlog.h"
#include "util/string.h"

#define _cleanup_buildlog_ _cleanup_(buildlog_deinit)

static void take(struct buildlog *log, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buildlog_line(log, lines[i]);
}

static void counts_compiled_files(void **state)
{
	_cleanup_buildlog_ struct buildlog log = {0};
	static const char *const lines[] = {
		"  SYNC    include/config/auto.conf",
		"  HOSTCC  scripts/basic/fixdep",
		"  CC      init/main.o",
		"  AS      arch/x86/entry/entry_64.o",
		"  AR      init/built-in.a",
	};

	(void)state;
	take(&log, lines, ARRAY_SIZE(lines));
	assert_int_equal(log.compiled, 2);
	assert_int_equal(strv_length(log.files), 2);
	assert_string_equal(log.files[0], "init/main");
	assert_false(log.linking);
	buildlog_line(&log, "  LD      vmlinux.o");
	assert_true(log.linking);
	assert_null(log.errors);
}

/* The user changed one file; what packs the kernel follows from that. */
static void names_what_is_the_kernel_s(void **state)
{
	_cleanup_buildlog_ struct buildlog log = {0};
	static const char *const lines[] = {
		"  CC      scripts/mod/empty.o",
		"  CC [M]  drivers/net/dummy.o",
		"  CC      arch/x86/boot/compressed/misc.o",
		"  AS      .tmp_vmlinux.kallsyms1.o",
		"  CC      drivers/net/.tmp.o",
		"  CC      .vmlinux.export.o",
		"  CC      arch/x86/entry/vdso/vdso.s",
	};

	(void)state;
	take(&log, lines, ARRAY_SIZE(lines));
	assert_int_equal(log.compiled, 7);
	assert_int_equal(strv_length(log.files), 1);
	assert_string_equal(log.files[0], "drivers/net/dummy");
	for (size_t i = 0; i < 100; i++)
		buildlog_line(&log, "  CC      net/core/dev.o");
	assert_int_equal(strv_length(log.files), BUILDLOG_FILES_MAX);
	assert_int_equal(log.compiled, 107);
}

static void shows_the_compiler_s_words(void **state)
{
	_cleanup_buildlog_ struct buildlog log = {0};
	_cleanup_free_ char *errors = NULL;
	static const char *const lines[] = {
		"  CC      net/ipv4/tcp_input.o",
		"net/ipv4/tcp_input.c:42:9: error: 'skbb' undeclared",
		"   42 |  kfree_skb(skbb);",
		"  CC      net/ipv4/tcp_output.o",
		"      |            ^~~~",
		"make[3]: *** [scripts/Makefile.build:250: net/ipv4/tcp_input.o] Error 1",
	};

	(void)state;
	take(&log, lines, ARRAY_SIZE(lines));
	errors = buildlog_errors(&log);
	assert_string_equal(errors,
			    "net/ipv4/tcp_input.c:42:9: error: 'skbb' undeclared\n"
			    "   42 |  kfree_skb(skbb);\n"
			    "      |            ^~~~\n"
			    "make[3]: *** [scripts/Makefile.build:250: "
			    "net/ipv4/tcp_input.o] Error 1");
	assert_false(log.no_space);
}

static void is_bounded(void **state)
{
	_cleanup_buildlog_ struct buildlog log = {0};
	_cleanup_free_ char *errors = NULL, *line = xcalloc(100001, 1);

	(void)state;
	memset(line, 'x', 100000);
	memcpy(line, "error: ", strlen("error: "));
	for (int i = 0; i < 1000; i++)
		buildlog_line(&log, line);
	errors = buildlog_errors(&log);
	assert_true(strlen(errors) < 10000);
}

static void notices_a_full_disk(void **state)
{
	_cleanup_buildlog_ struct buildlog log = {0};

	(void)state;
	buildlog_line(&log,
		      "fs/namei.o: fatal error: error writing: No space left on device");
	assert_true(log.no_space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_compiled_files),
		cmocka_unit_test(names_what_is_the_kernel_s),
		cmocka_unit_test(shows_the_compiler_s_words),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(notices_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
