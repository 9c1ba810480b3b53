// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/lines.h"

static void feed(struct lines *lines, const char *text)
{
	lines_feed(lines, text, strlen(text));
}

static void expect_line(struct lines *lines, const char *wanted)
{
	char *line;

	assert_null(lines_next(lines, &line, NULL));
	if (wanted)
		assert_string_equal(line, wanted);
	else
		assert_null(line);
}

static void test_lines_in_pieces(void **state)
{
	_cleanup_(lines_deinit) struct lines lines;

	(void)state;
	lines_init(&lines, 100);
	expect_line(&lines, NULL);
	feed(&lines, "on");
	expect_line(&lines, NULL);
	feed(&lines, "e\r\ntwo\n\nthr");
	expect_line(&lines, "one");
	expect_line(&lines, "two");
	expect_line(&lines, "");
	expect_line(&lines, NULL);
	feed(&lines, "ee\n");
	expect_line(&lines, "three");
}

static void test_a_line_that_is_too_long(void **state)
{
	_cleanup_(lines_deinit) struct lines lines;
	struct error *error;
	char *line;

	(void)state;
	lines_init(&lines, 4);
	feed(&lines, "1234\n12345\nok\n");
	expect_line(&lines, "1234");
	error = lines_next(&lines, &line, NULL);
	assert_int_equal(error->code, EMSGSIZE);
	error_free(error);
	expect_line(&lines, "ok");
	feed(&lines, "no end of it");
	error = lines_next(&lines, &line, NULL);
	assert_int_equal(error->code, EMSGSIZE);
	error_free(error);
}

static void test_json_that_is_none(void **state)
{
	static const char *const bad[] = {"{\n", "[1]\n", "7\n", "{\"a\":1,\"a\":2}\n",
					  "{\"a\":\"\xff\"}\n"};
	_cleanup_(lines_deinit) struct lines lines;
	json_t *json;

	(void)state;
	lines_init(&lines, 100);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error *error;

		feed(&lines, bad[i]);
		error = lines_next_json(&lines, &json);
		assert_non_null(error);
		assert_null(json);
		error_free(error);
	}
	feed(&lines, "{\"a\": 1}\n");
	assert_null(lines_next_json(&lines, &json));
	assert_int_equal(json_integer_value(json_object_get(json, "a")), 1);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_in_pieces),
		cmocka_unit_test(test_a_line_that_is_too_long),
		cmocka_unit_test(test_json_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
