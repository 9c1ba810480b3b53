// SPDX-License-Identifier: GPL-2.0-or-later
/* This very program is the ELF file that is looked into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "image/elf.h"
#include "image/kernel.h"
#include "image/symbols.h"
#include "util/string.h"

#define SELF "/proc/self/exe"

/* A compiler's clone: the name in the symbol table has a dot, gdb's has none. */
int receive_clone(int x) __asm__("receive_something.constprop.0");

__attribute__((noinline)) int receive_clone(int x)
{
	return x + 1;
}

int receive_segment_queue(int x);

__attribute__((noinline)) int receive_segment_queue(int x)
{
	return x * 3;
}

static inline __attribute__((always_inline)) int only_inlined_here(int x)
{
	return x * x;
}

static volatile int number = 7;

static void functions_are_sorted_and_unique(void **state)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_error_ struct error *error = symbols_functions(SELF, &names);

	(void)state;
	assert_null(error);
	assert_true(strv_contains(names, "main"));
	assert_true(strv_contains(names, "receive_segment_queue"));
	assert_true(strv_contains(names, "receive_something"));
	assert_false(strv_contains(names, "receive_something.constprop.0"));
	for (size_t i = 1; names[i]; i++)
		assert_true(strcmp(names[i - 1], names[i]) < 0);
}

static void functions_that_are_there(void **state)
{
	static const char *const names[] = {"main", "receive_segment_queue",
					    "receive_something", "only_inlined_here"};

	(void)state;
	assert_int_equal(only_inlined_here(number), 49);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_error_ struct error *error =
			symbols_check_function(SELF, names[i]);

		if (error)
			fail_msg("%s: %s", names[i], error->message);
	}
}

static void a_missing_one_has_near_names(void **state)
{
	_cleanup_error_ struct error *near =
		symbols_check_function(SELF, "recieve_segment_queue");
	_cleanup_error_ struct error *far = symbols_check_function(SELF, "xyzzy_qwertz");

	(void)state;
	assert_non_null(near);
	assert_int_equal(near->code, ENOENT);
	assert_non_null(strstr(near->message, "'recieve_segment_queue'"));
	assert_non_null(strstr(near->hint, "receive_segment_queue"));
	assert_non_null(far);
	assert_null(far->hint);
}

static void symbols_of_any_kind(void **state)
{
	bool has;

	(void)state;
	assert_null(elf_has_symbol(SELF, "number", &has));
	assert_true(has);
	assert_null(elf_has_symbol(SELF, "receive_something.constprop.0", &has));
	assert_true(has);
	assert_null(elf_has_symbol(SELF, "receive_something", &has));
	assert_false(has);
}

static void other_files_are_refused(void **state)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_error_ struct error *text = symbols_functions("/etc/passwd", &names);
	_cleanup_error_ struct error *none = symbols_functions("/no/such/file", &names);
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_error_ struct error *program =
		kernel_from_files(SELF, NULL, NULL, &kernel);
	_cleanup_error_ struct error *dynamic = elf_check_static(SELF);

	(void)state;
	assert_int_equal(text->code, ENOEXEC);
	assert_int_equal(none->code, ENOENT);
	assert_non_null(strstr(program->message, "PVH"));
	assert_non_null(dynamic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_sorted_and_unique),
		cmocka_unit_test(functions_that_are_there),
		cmocka_unit_test(a_missing_one_has_near_names),
		cmocka_unit_test(symbols_of_any_kind),
		cmocka_unit_test(other_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
