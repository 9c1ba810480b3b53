// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/levels.h"
#include "util/buffer.h"
#include "util/string.h"

/* @text after the filter, with "{LEVEL}" where a kernel message begins. */
static char *filtered(const char *text)
{
	_cleanup_buffer_ struct buffer all = {0};
	struct levels levels = {0};
	char out[LEVELS_OUT_MAX];

	for (; *text; text++) {
		enum level level;
		size_t n = levels_take(&levels, *text, out, &level);
		_cleanup_free_ char *mark = xasprintf("{%s}", level_name(level));

		if (level != LEVEL_NONE)
			buffer_append(&all, mark, strlen(mark));
		buffer_append(&all, out, n);
	}
	buffer_append(&all, out, levels_flush(&levels, out));
	buffer_append(&all, "", 1);
	return (char *)steal_ptr(all.data);
}

static void assert_filtered(const char *text, const char *expected)
{
	_cleanup_free_ char *result = filtered(text);

	assert_string_equal(result, expected);
}

static void levels_of_the_kernel(void **state)
{
	(void)state;
	assert_filtered("<6>[    0.1] one\n<3>[    0.2] two\n",
			"{info}[    0.1] one\n{err}[    0.2] two\n");
	assert_filtered("<12>[    0.3] of a program\n",
			"{warning}[    0.3] of a program\n");
	assert_filtered("prompt# <0>[    0.4] oops\n", "prompt# {emerg}[    0.4] oops\n");
	assert_filtered("<<6>[0.1] x", "<{info}[0.1] x");
}

static void what_only_looks_like_them(void **state)
{
	(void)state;
	assert_filtered("<html> <6> <1234>[ <>[ a<b <6", "<html> <6> <1234>[ <>[ a<b <6");
	assert_filtered("", "");
	assert_filtered("<", "<");
	assert_filtered("<6><6><<<6>", "<6><6><<<6>");
}

static void what_is_typed_is_seen_at_once(void **state)
{
	char out[LEVELS_OUT_MAX];
	struct levels levels = {0};
	enum level level;

	(void)state;
	assert_int_equal(levels_take(&levels, '<', out, &level), 0);
	assert_int_equal(levels_flush_typed(&levels, out), 0);
	assert_int_equal(levels_flush(&levels, out), 1);
	assert_int_equal(levels_take(&levels, '<', out, &level), 0);
	assert_int_equal(levels_flush_typed(&levels, out), 1);
	assert_int_equal(out[0], '<');
}

static void names_of_levels(void **state)
{
	enum level level;

	(void)state;
	assert_true(level_parse("warning", &level));
	assert_int_equal(level, LEVEL_WARNING);
	assert_true(level_parse("7", &level));
	assert_int_equal(level, LEVEL_DEBUG);
	assert_false(level_parse("8", &level));
	assert_false(level_parse("-", &level));
	assert_false(level_parse("", &level));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_of_the_kernel),
		cmocka_unit_test(what_only_looks_like_them),
		cmocka_unit_test(what_is_typed_is_seen_at_once),
		cmocka_unit_test(names_of_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
