// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/string.h"

static void assert_printable(const char *said, size_t most, const char *expected)
{
	_cleanup_free_ char *text = printable(said, most);

	assert_string_equal(text, expected);
}

static void text_stays(void **state)
{
	(void)state;
	assert_printable("", 10, "");
	assert_printable("6.1.192-debug", 100, "6.1.192-debug");
	assert_printable("Grüße, 世界 😀", 100, "Grüße, 世界 😀");
}

static void controls_go(void **state)
{
	(void)state;
	assert_printable("a\x1b[2J\r\n\tb\x7f", 100, "a?[2J???b?");
	assert_printable("a\xc2\x9b"
			 "2J",
			 100, "a?2J");                            /* C1: CSI */
	assert_printable("a\u202eb\u2066c\u2028", 100, "a?b?c?"); /* bidi, line end */
}

static void broken_utf8_goes(void **state)
{
	(void)state;
	assert_printable("a\xff\x80z", 100, "a??z");
	assert_printable("\xc0\x9b", 100, "??");        /* overlong ESC */
	assert_printable("\xe2\x82", 100, "??");        /* cut short */
	assert_printable("\xed\xa0\x80", 100, "?");     /* a surrogate */
	assert_printable("\xf4\x90\x80\x80", 100, "?"); /* beyond Unicode */
}

static void long_text_is_cut_between_characters(void **state)
{
	(void)state;
	assert_printable("abcdef", 6, "abcdef");
	assert_printable("abcdef", 5, "abcde...");
	assert_printable("abcdü", 5, "abcd...");
	assert_printable("abc", 0, "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_stays),
		cmocka_unit_test(controls_go),
		cmocka_unit_test(broken_utf8_goes),
		cmocka_unit_test(long_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
