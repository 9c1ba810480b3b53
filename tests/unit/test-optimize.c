// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "topology/optimize.h"
#include "util/file.h"
#include "util/process.h"
#include "util/string.h"

static void takes_directories_and_levels(void **state)
{
	static const char *const good[] = {".=O1", "net/ipv4=O1", "mm=O2",
					   "drivers/net/ethernet/intel=Og", "lib=Os"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_null(optimize_check(good[i]));
}

static void refuses_the_rest(void **state)
{
	static const char *const bad[] = {
		"",        "=O1",       "net",       "net=",         "net=O0",
		"net=-O1", "/net=O1",   "../net=O1", "net/=O1",      "net//core=O1",
		"a b=O1",  "$(obj)=O1", "net=O1=O2", "net/../mm=O1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_error_ struct error *error = optimize_check(bad[i]);

		assert_non_null(error);
	}
}

/* What make itself makes of the flags for the files of @directory. */
static void assert_flags(char *const *words, const char *directory, const char *expected)
{
	_cleanup_free_ char *flags = optimize_flags(words), *text = NULL, *told = NULL;
	_cleanup_free_ char *path = xasprintf("/tmp/test-optimize.%d", getpid());
	char *argv[] = {"make", "-s", "-f", path, NULL, NULL};
	int status;
	pid_t pid;

	text = xasprintf("obj := %s\nall:\n\t@test '$(strip $(FLAGS))' = '%s'\n",
			 directory, expected);
	assert_null(file_write(path, text, strlen(text)));
	told = xasprintf("FLAGS=%s", flags);
	argv[4] = told;
	assert_null(process_spawn(
		&(struct process_options){
			.argv = argv, .input = -1, .output = -1, .errors = -1},
		&pid));
	assert_null(process_wait(pid, &status));
	unlink(path);
	assert_int_equal(status, 0);
}

#define O1 "-O1 -fno-inline-functions-called-once -fno-inline-small-functions"

static void make_reads_them(void **state)
{
	char *one[] = {"net/ipv4=O1", NULL};
	char *all[] = {".=O1", "mm=O2", "net=Os", "net/core=Og", NULL};

	(void)state;
	assert_flags(one, "net/ipv4", O1);
	assert_flags(one, "net/ipv4/netfilter", O1);
	assert_flags(one, "net/ipv4x", "");
	assert_flags(one, "net", "");
	assert_flags(all, "kernel/sched", O1);
	assert_flags(all, "mm/kasan", "-O2");
	assert_flags(all, "net/ipv6", "-Os");
	assert_flags(all, "arch/x86/boot/compressed", "");
	assert_flags(all, "arch/x86/entry/vdso/vdso32", "");
	assert_flags(all, "arch/x86/entry", O1);
	assert_null(optimize_flags(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_directories_and_levels),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(make_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
