// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/string.h"

static void test_shell_quote(void **state)
{
	char *words[] = {"plain", "two words", "it's", "", "a=b,c:/d.e", "$HOME", NULL};
	_cleanup_free_ char *line = shell_quote(words);

	(void)state;
	assert_string_equal(line, "plain 'two words' 'it'\\''s' '' a=b,c:/d.e '$HOME'");
}

static void test_near_names(void **state)
{
	char *names[] = {"tcp_v4_rcv", "tcp_v6_rcv", "ep_poll_callback", "ip_rcv", NULL};
	_cleanup_strv_ char **typo = near_names("ep_pol_callback", names, 3);
	_cleanup_strv_ char **swapped = near_names("tcp_v4_rvc", names, 1);
	_cleanup_strv_ char **part = near_names("poll", names, 3);
	_cleanup_strv_ char **none = near_names("schedule", names, 3);

	(void)state;
	assert_int_equal(strv_length(typo), 1);
	assert_string_equal(typo[0], "ep_poll_callback");
	assert_string_equal(swapped[0], "tcp_v4_rcv");
	assert_string_equal(part[0], "ep_poll_callback");
	assert_null(none);
}

static void test_strv(void **state)
{
	_cleanup_strv_ char **strv = NULL, **copy = NULL;
	_cleanup_free_ char *joined = NULL;

	(void)state;
	strv_push(&strv, xstrdup("a"));
	strv_pushf(&strv, "%d", 7);
	copy = strv_copy(strv);
	joined = strv_join(copy, ", ");
	assert_string_equal(joined, "a, 7");
	assert_true(strv_contains(copy, "7"));
	assert_false(strv_contains(copy, "b"));
	assert_int_equal(strv_length(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shell_quote),
		cmocka_unit_test(test_near_names),
		cmocka_unit_test(test_strv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
